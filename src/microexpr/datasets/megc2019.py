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

from ..core.clip import Clip
from ..imaging.images import IMAGE_SUFFIXES, write_image
from . import _sheets as sheets
from .base import DATASETS, Dataset, DatasetInfo, DatasetIssue
from .smic import clip_name, person_id
from .synthetic import clips as casting

COLUMNS = ("dataset", "sub|subject", "filename_o|filename|filename_e", "label|class")
"""One copy of the list has no header, but these columns in this order."""

LISTS = ("combined_3_class2_for_optical_flow.csv", "combined_3class_gt.csv")
FLOWS = ("STSNet_whole_norm_u_v_os", "norm_u_v_os")
FACES = ("combined_datasets_whole",)
WORDS = ("negative", "positive", "surprise")
FPS = {"casme2": 200.0, "samm": 200.0, "smic": 100.0}
PERSONS = {"casme2": r"sub\d+", "samm": r"\d+", "smic": r"s\d+"}
PARTS = {
    "casme2": {f"casme2/sub{i:02d}": n for i, n in enumerate(casting.CASME2_MEGC2019, 1) if n},
    "samm": {f"samm/{person}": n for person, n in casting.SAMM_MEGC2019.items()},
    "smic": {f"smic/s{i:02d}": n for i, n in casting.SMIC_PEOPLE.items()},
}


class _Composite(Dataset):
    """What users of STSTNet, HTNet and CausalNet hold: a list in csv and one picture a clip.

    A clip keeps the data set that it comes from, and has the same id as with the reader of that release: answers on
    this flow and on one's own can be compared clip by clip. Its `emotion` is the list's class.
    """

    apex: ClassVar[int | None] = None

    info = DatasetInfo(
        title="MEGC 2019 composite, precomputed flow",
        citation="Liong et al. 2019, STSTNet, FG (release of the flow pictures)",
        access="with the licenses of CASME II, SAMM and SMIC, from users of the STSTNet release",
        fps=200,
        clips=442,
        subjects=68,
        counts={"emotion": {"negative": 250, "positive": 109, "surprise": 83}},
        per_subject={person: n for subjects in PARTS.values() for person, n in subjects.items()},
        source="See et al. 2019, MEGC 2019",
    )

    def read(self) -> tuple[list[Clip], list[DatasetIssue]]:
        """The list, and the picture of each line."""
        path = sheets.find(self.root, LISTS, "list of clips")
        clips: list[Clip] = []
        faults: list[DatasetIssue] = []
        pictures = self._pictures()
        for row in sheets.read_rows(path, COLUMNS, bare=tuple(FPS)):
            dataset, where = row["dataset"].lower(), f"{path.name}, line {row[sheets.LINE]}"
            if dataset not in FPS:
                faults.append(DatasetIssue(where, "dataset", row["dataset"], f"must be one of {', '.join(FPS)}"))
                continue
            if row["label"] not in ("0", "1", "2"):
                faults.append(DatasetIssue(where, "label", row["label"], "must be 0, 1 or 2"))
                continue
            if not any(map(str.isdecimal, row["sub"])):
                faults.append(DatasetIssue(where, "sub", row["sub"], "is not a person"))
                continue
            person, name = _ids(dataset, row["sub"], row["filename_o"])
            names = (f"{person}_{name}".lower(), Path(row.get("imagename", "")).stem.lower())
            found = next((pictures[one] for one in names if one in pictures), None)
            source = found or self.root / self._folders()[0] / f"{person}_{name}"
            labels, subject = {"emotion": WORDS[int(row["label"])]}, f"{dataset}/{person}"
            clips.append(
                Clip(f"{subject}/{name}", dataset, subject, source, FPS[dataset], apex=self.apex, labels=labels)
            )
        return clips, faults

    def compare_with_published(self, clips: Sequence[Clip]) -> list[DatasetIssue]:
        """A part that is wholly absent is one line, not one for each of its people."""
        absent = [part for part in PARTS if not any(clip.dataset == part for clip in clips)]
        lines = [
            DatasetIssue(
                self.name, part, "0 clips", f"the release has {sum(PARTS[part].values())} of {len(PARTS[part])} people"
            )
            for part in absent
        ]
        rest = super().compare_with_published(clips)
        return lines + [f for f in rest if not any(f.field.startswith(f"clips of {part}/") for part in absent)]

    @classmethod
    @abstractmethod
    def _folders(cls) -> tuple[str, ...]:
        """Names of the picture folder."""

    def _pictures(self) -> dict[str, Path]:
        """`<person>_<clip>`, spelled as in our ids, to file; and each file by its own name.

        The release writes a space before `.png`, and SMIC's clips in two ways.
        """
        folder = sheets.find(self.root, self._folders(), "picture folder")
        found: dict[str, Path] = {}
        for path in sorted(folder.iterdir()):
            if path.suffix.lower() not in IMAGE_SUFFIXES:
                continue
            stem = path.stem.strip().lower()
            person, _, name = stem.partition("_")
            dataset = next((d for d, pattern in PERSONS.items() if re.fullmatch(pattern, person)), "")
            found[stem] = path
            if dataset and name:
                found["_".join(_ids(dataset, person, name)).lower()] = path
        return found


def _ids(dataset: str, person: str, name: str) -> tuple[str, str]:
    """Person and clip as the readers of the releases name them; lists and files spell SMIC's in two ways."""
    if dataset == "smic":
        return person_id(person), clip_name(name)
    number = sheets.person(person)
    return (f"sub{number:02d}" if dataset == "casme2" else f"{number:03d}"), name


@DATASETS.register("megc2019")
class Megc2019(_Composite):
    """The flow pictures, 28x28: R = u, G = v, B = optical strain, each stretched to 0..255 picture by picture.

    The stretching loses where zero is and how large the motion was. The synthetic copy does the same.
    """

    @classmethod
    def _folders(cls) -> tuple[str, ...]:
        return FLOWS

    @classmethod
    def write_synthetic(cls, root: Path, subjects: int | None, image_scale: float, seed: int) -> None:
        """Farneback flow of synthetic faces; `people` of each of the three parts."""
        _write_list(root, subjects, image_scale, seed, faces=False)


@DATASETS.register("megc2019_faces")
class Megc2019Faces(_Composite):
    """The apex frames' face crops of the same clips, 224x224, where a user has them."""

    apex = 0  # the only frame of its picture
    info = replace(_Composite.info, title="MEGC 2019 composite, precomputed apex faces")

    @classmethod
    def _folders(cls) -> tuple[str, ...]:
        return FACES

    @classmethod
    def write_synthetic(cls, root: Path, subjects: int | None, image_scale: float, seed: int) -> None:
        """Apex frames of synthetic faces; `people` of each of the three parts."""
        _write_list(root, subjects, image_scale, seed, faces=True)


def _write_list(root: Path, subjects: int | None, image_scale: float, seed: int, faces: bool) -> None:
    lines = ["dataset,sub,filename_o,label,apex,imagename,sub_filename"]
    for dataset, role in _roles(subjects, seed):
        performance = casting.RecordingSpec(dataset, FPS[dataset], (224, 224), image_scale).render(role)
        label = casting.three_class(role.emotion)
        person, name = _ids(dataset, role.person, role.name)
        picture = f"{person}_{role.name}.jpg"  # SMIC's own spelling, s1_ne_01, stands here only
        lines.append(f"{dataset},{person},{name},{WORDS.index(label)},,{picture},")
        timing = performance.timing
        apex = performance.frame(timing.apex)
        if faces:
            write_image(root / FACES[0] / picture, apex)
        else:
            write_image(root / FLOWS[0] / f"{person}_{name} .png", _flow_picture(performance.frame(timing.onset), apex))
    (root / LISTS[0]).write_text("\n".join(lines) + "\n", encoding="utf-8")


def _roles(subjects: int | None, seed: int) -> list[tuple[str, casting.ClipSpec]]:
    """The clips of the list: no others, no sadness and fear of CASME II, no Other of SAMM, nor the two left out."""
    gone = {("sub04", "EP12_01f"), ("sub05", "EP09_05f")}
    words = {"happiness", "surprise", "disgust", "repression"}
    first = [r for r in casting.casme2(subjects, seed) if r.emotion in words and (r.person, r.name) not in gone]
    second = [r for r in casting.samm(subjects, seed) if r.emotion != "Other"]
    third = casting.smic(subjects, seed)
    parts = (("casme2", first), ("samm", second), ("smic", third))
    return [(dataset, role) for dataset, roles in parts for role in roles]


def _flow_picture(onset: np.ndarray, apex: np.ndarray) -> np.ndarray:
    """(28, 28, 3) uint8: u, v and strain of the flow, each stretched to 0..255."""
    before, after = (cv2.cvtColor(p, cv2.COLOR_RGB2GRAY) for p in (onset, apex))
    flow = cv2.calcOpticalFlowFarneback(before, after, None, 0.5, 3, 15, 3, 5, 1.2, 0)
    (du_dy, du_dx), (dv_dy, dv_dx) = np.gradient(flow[..., 0]), np.gradient(flow[..., 1])
    strain = np.sqrt(du_dx**2 + dv_dy**2 + (du_dy + dv_dx) ** 2 / 2)
    small = cv2.resize(np.dstack([flow, strain]), (28, 28), interpolation=cv2.INTER_AREA)
    low, high = small.min(axis=(0, 1)), small.max(axis=(0, 1))
    return np.round(255 * (small - low) / np.maximum(high - low, 1e-9)).astype(np.uint8)
