"""The precomputed release of MEGC 2019's composite: onset-to-apex flow of 442 clips of CASME II, SAMM and SMIC."""

from __future__ import annotations

import re
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import cv2
import numpy as np

from ..core.classes import COARSE_CLASSES
from ..core.clip import Clip
from ..imaging.images import IMAGE_SUFFIXES, write_image
from ..imaging.optical_flow import optical_flow, strain
from ..synthetic import SyntheticClip
from ..synthetic.motion import FaceFrame
from ..synthetic.motion.encoding import stretch
from . import _sheets as sheets
from . import casme2, samm, smic
from ._passed_over import note_read
from ._records import DatasetInfo, DatasetIssue
from .base import DATASETS, Dataset
from .synthetic.clips import ClipSpec, RecordingSpec, three_class

COLUMNS = ("dataset", "sub|subject", "filename_o|filename|filename_e", "label|class")
"""One copy of the list has no header, but these columns in this order."""

LISTS = ("combined_3_class2_for_optical_flow.csv", "combined_3class_gt.csv")
ACTION_UNITS = "action_units*.csv"
"""Optional files with the columns clip, action_units, which a user takes from the sheets of CASME II and SAMM."""
FLOWS = ("STSNet_whole_norm_u_v_os", "norm_u_v_os")
SECOND_FLOW = "second_flow_norm_u_v_os"
"""Folder of another estimate of the same motion, in another frame, where a user has one; see the step `second-flow`."""

FACES = ("combined_datasets_whole",)

FPS = {"casme2": 200.0, "samm": 200.0, "smic": 100.0}
SUBJECT_PATTERNS = {"casme2": r"sub\d+", "samm": r"\d+", "smic": r"s\d+"}
PARTS = {
    "casme2": {f"casme2/sub{i:02d}": n for i, n in enumerate(casme2.MEGC2019_CLIPS_PER_SUBJECT, 1) if n},
    "samm": {f"samm/{subject}": n for subject, n in samm.MEGC2019_CLIPS_PER_SUBJECT.items()},
    "smic": {f"smic/s{i:02d}": n for i, n in smic.HS_CLIPS_PER_SUBJECT.items()},
}
"""Release -> subject -> number of clips."""

_SIDE = 112
SYNTHETIC_FLOWS = {
    FLOWS[0]: (FaceFrame.megc2019(_SIDE), "farneback"),
    SECOND_FLOW: (FaceFrame.place((54.5, 44.0), (49.0, 40.0), (_SIDE, _SIDE)), "dis"),
}
"""Folder of a synthetic copy -> frame of the faces, and estimator of the flow; the second frame shows more around."""


class _Composite(Dataset):
    """The release that users of STSTNet, HTNet and CausalNet have: a list in csv, and one image of each clip.

    A clip has the data set and the id that the reader of its release gives it, so that predictions on this flow and on
    flow of one's own can be compared clip by clip. Its `emotion` is the class in the list. Its `action_units` are those
    of files `action_units*.csv` beside the list (columns clip, action_units; the clip by its id here), where there are
    any; lines of clips that the list does not have are passed over.
    """

    apex: ClassVar[int | None] = None

    info = DatasetInfo(
        title="MEGC 2019 composite, precomputed flow",
        citation="Liong et al. 2019, STSTNet, FG (release of the flow images)",
        access="with the licenses of CASME II, SAMM and SMIC, from users of the STSTNet release",
        fps=0,
        clips=442,
        subjects=68,
        counts={"emotion": {"negative": 250, "positive": 109, "surprise": 83}},
        per_subject={subject: n for part in PARTS.values() for subject, n in part.items()},
        source="See et al. 2019, MEGC 2019",
    )

    def read(self) -> tuple[list[Clip], list[DatasetIssue]]:
        """The lines of the list, and the image of each."""
        path = sheets.find_path(self.root, LISTS, "list of clips")
        note_read(self.root / SECOND_FLOW)  # a step reads it
        clips: list[Clip] = []
        issues: list[DatasetIssue] = []
        images, units = self._images(), self._action_units(issues)
        for row in sheets.read_rows(path, COLUMNS, bare=tuple(FPS)):
            dataset, where = row["dataset"].lower(), f"{path.name}, line {row[sheets.LINE]}"
            if dataset not in FPS:
                issues.append(DatasetIssue(where, "dataset", row["dataset"], f"must be one of {', '.join(FPS)}"))
                continue
            if row["label"] not in ("0", "1", "2"):
                issues.append(DatasetIssue(where, "label", row["label"], "must be 0, 1 or 2"))
                continue
            if not any(map(str.isdecimal, row["sub"])):
                issues.append(DatasetIssue(where, "sub", row["sub"], "is not a subject"))
                continue
            subject, name = _ids(dataset, row["sub"], row["filename_o"])
            stems = (f"{subject}_{name}".lower(), Path(row.get("imagename", "")).stem.lower())
            found = next((images[stem] for stem in stems if stem in images), None)
            source = found or self.root / self._folders()[0] / f"{subject}_{name}"
            labels, subject_id = {"emotion": COARSE_CLASSES[int(row["label"])]}, f"{dataset}/{subject}"
            clip_id = f"{subject_id}/{name}"
            if clip_id in units:
                labels["action_units"] = units[clip_id][1]
            clips.append(Clip(clip_id, dataset, subject_id, source, FPS[dataset], apex=self.apex, labels=labels))
        if clips and units and not units.keys() & {clip.id for clip in clips}:
            clip_id, (where, _) = next(iter(units.items()))
            reason = f"neither this nor any other line names a clip of the list, e.g. '{clips[0].id}'"
            issues.append(DatasetIssue(where, "clip", clip_id, reason))
        return clips, issues

    def compare_with_published(self, clips: Sequence[Clip]) -> list[DatasetIssue]:
        """As for any data set, but a part that is missing as a whole is one issue, not one for each subject."""
        absent = [part for part in PARTS if not any(clip.dataset == part for clip in clips)]
        issues = [
            DatasetIssue(
                self.name,
                part,
                "0 clips",
                f"the release has {sum(PARTS[part].values())} of {len(PARTS[part])} subjects",
            )
            for part in absent
        ]
        others = super().compare_with_published(clips)
        return issues + [i for i in others if not any(i.field.startswith(f"clips of {part}/") for part in absent)]

    @classmethod
    @abstractmethod
    def _folders(cls) -> tuple[str, ...]:
        """Names of the folder of images."""

    def _action_units(self, issues: list[DatasetIssue]) -> dict[str, tuple[str, str]]:
        """Clip id -> (file and line, action units), of the files beside the list; two that differ are an issue."""
        found: dict[str, tuple[str, str]] = {}
        for path in sorted(self.root.glob(ACTION_UNITS)):
            for row in sheets.read_rows(path, ("clip", "action_units")):
                where = f"{path.name}, line {row[sheets.LINE]}"
                first, units = found.setdefault(row["clip"], (where, row["action_units"]))
                if units != row["action_units"]:
                    reason = f"the clip has others in {first} ('{units}')"
                    issues.append(DatasetIssue(where, row["clip"], row["action_units"], reason))
        return found

    def _images(self) -> dict[str, Path]:
        """File of each image, by `<subject>_<clip>` spelled as in our ids, and by its own name.

        The release writes a space before `.png`, and spells the clips of SMIC in two ways.
        """
        folder = sheets.find_path(self.root, self._folders(), "folder of images")
        found: dict[str, Path] = {}
        for path in sorted(folder.iterdir()):
            if path.suffix.lower() not in IMAGE_SUFFIXES:
                continue
            stem = path.stem.strip().lower()
            subject, _, name = stem.partition("_")
            dataset = next((d for d, pattern in SUBJECT_PATTERNS.items() if re.fullmatch(pattern, subject)), "")
            found[stem] = path
            if dataset and name:
                found["_".join(_ids(dataset, subject, name)).lower()] = path
        return found


def _ids(dataset: str, subject: str, name: str) -> tuple[str, str]:
    """Subject and clip as the readers of the releases name them; lists and files spell those of SMIC in two ways."""
    if dataset == "smic":
        return smic.subject_id(subject), smic.clip_name(name)
    number = sheets.subject_number(subject)
    return (f"sub{number:02d}" if dataset == "casme2" else f"{number:03d}"), name


@DATASETS.register("megc2019")
class Megc2019(_Composite):
    """The flow images, 28x28: R = u, G = v, B = optical strain, each stretched to 0..255 image by image.

    The stretching loses where zero is and how large the motion was. The synthetic copy does the same.
    """

    @classmethod
    def _folders(cls) -> tuple[str, ...]:
        return FLOWS

    @classmethod
    def write_synthetic(cls, root: Path, subjects: int | None, image_scale: float, seed: int) -> None:
        """Two flows of synthetic faces that lie as in the release, with `subjects` of each of the three releases."""
        _write_list(root, subjects, image_scale, seed, faces=False)


@DATASETS.register("megc2019_faces")
class Megc2019Faces(_Composite):
    """The apex frames' face crops of the same clips, 224x224, where a user has them."""

    apex = 0  # the only frame
    info = replace(_Composite.info, title="MEGC 2019 composite, precomputed apex faces")

    @classmethod
    def _folders(cls) -> tuple[str, ...]:
        return FACES

    @classmethod
    def write_synthetic(cls, root: Path, subjects: int | None, image_scale: float, seed: int) -> None:
        """Apex frames of synthetic faces, with `subjects` of each of the three releases."""
        _write_list(root, subjects, image_scale, seed, faces=True)


def _write_list(root: Path, subjects: int | None, image_scale: float, seed: int, faces: bool) -> None:
    lines = ["dataset,sub,filename_o,label,apex,imagename,sub_filename"]
    units = ["clip,action_units"]
    for dataset, spec in _clip_specs(subjects, seed):
        clip = RecordingSpec(dataset, FPS[dataset], (224, 224), image_scale).render(spec)
        label = COARSE_CLASSES.index(three_class(spec.emotion))
        subject, name = _ids(dataset, spec.subject, spec.name)
        image_name = f"{subject}_{spec.name}.jpg"  # the only place with the spelling s1_ne_01 of SMIC's own folders
        lines.append(f"{dataset},{subject},{name},{label},,{image_name},")
        if dataset != "smic":  # whose release has no action units
            units.append(f"{dataset}/{subject}/{name},{spec.action_units}")
        if faces:
            write_image(root / FACES[0] / image_name, clip.frame(clip.timing.apex))
            continue
        for folder, (frame, estimator) in SYNTHETIC_FLOWS.items():
            write_image(root / folder / f"{subject}_{name} .png", _flow_image(clip, frame, estimator))
    (root / LISTS[0]).write_text("\n".join(lines) + "\n", encoding="utf-8")
    (root / "action_units.csv").write_text("\n".join(units) + "\n", encoding="utf-8")


def _clip_specs(subjects: int | None, seed: int) -> list[tuple[str, ClipSpec]]:
    """(data set, clip) of the list: it has neither other emotions nor the two clips of CASME II that it leaves out."""
    left_out = {(subject, name) for subject, (name, _) in casme2.NOT_IN_MEGC2019.items()}
    emotions = {"happiness", "surprise", "disgust", "repression"}
    parts = {
        "casme2": [
            s
            for s in casme2.clip_specs(subjects, seed)
            if s.emotion in emotions and (s.subject, s.name) not in left_out
        ],
        "samm": [s for s in samm.clip_specs(subjects, seed) if s.emotion != "Other"],
        "smic": smic.clip_specs(subjects, seed),
    }
    return [(dataset, spec) for dataset, specs in parts.items() for spec in specs]


def _flow_image(clip: SyntheticClip, frame: FaceFrame, estimator: str) -> np.ndarray:
    """(28, 28, 3) uint8: u, v and strain of the flow in a frame, each stretched to 0..255."""
    matrix = frame.map_from(clip.landmarks(clip.timing.onset))
    onset, apex = (
        cv2.warpAffine(clip.frame(i), matrix, frame.size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
        for i in (clip.timing.onset, clip.timing.apex)
    )
    flow = optical_flow(onset, apex, estimator)
    images = np.dstack([flow, strain(flow).astype(np.float32)])
    return stretch(cv2.resize(images, (28, 28), interpolation=cv2.INTER_AREA)[None])[0]
