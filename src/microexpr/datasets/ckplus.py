"""CK+: 593 posed sequences of 123 subjects from the neutral face to the peak; 327 of them have an emotion."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from ..core.clip import Clip
from ..core.errors import AnnotationError, MissingDataError
from ..imaging.frames import frame_number
from ..synthetic import Timing
from . import _macro as macro
from . import _sheets as sheets
from ._passed_over import note_read
from ._records import DatasetInfo, DatasetIssue
from .base import DATASETS, Dataset
from .synthetic.clips import ClipSpec, RecordingSpec, assign_labels, split_evenly

IMAGES, EMOTION_FOLDER, FACS, LANDMARKS = "cohn-kanade-images", "Emotion", "FACS", "Landmarks"
EMOTIONS = ("neutral", "anger", "contempt", "disgust", "fear", "happiness", "sadness", "surprise")
"""The emotion of each code, 0 to 7."""

COUNTS = {"anger": 45, "contempt": 18, "disgust": 59, "fear": 25, "happiness": 69, "sadness": 28, "surprise": 83}
CLIPS, SUBJECTS, LABELED_SUBJECTS = 593, 123, 118


@DATASETS.register("ckplus")
class CkPlus(Dataset):
    """`cohn-kanade-images/S005/001/S005_001_00000001.png`, and beside it `Emotion/` and, if they are there, `FACS/` and
    `Landmarks/`.

    The folders may also be as their archives unpack: `extended-cohn-kanade-images/cohn-kanade-images`,
    `Emotion_labels/Emotion`, `FACS_labels/FACS`, `Landmarks/Landmarks`; the root may hold the folders of the subjects
    itself. `Landmarks/S005/001/S005_001_00000001_landmarks.txt` has 68 lines `x y` of one frame, which the release's
    authors found by an active appearance model.

    A sequence is a clip. Its onset is the first frame and its offset the last; its apex is the frame that the label
    files are named after, which is the last one by the release's ReadMe. A sequence without an emotion file has the
    emotion "". `action_units` are those of `FACS/`, e.g. `1+2+5`, without their intensities.
    """

    info = DatasetInfo(
        title="CK+",
        citation="Lucey et al. 2010, The Extended Cohn-Kanade Dataset (CK+), CVPR Workshops",
        access="license agreement with the University of Pittsburgh",
        fps=30,
        clips=CLIPS,
        subjects=SUBJECTS,
        counts={"emotion": {**COUNTS, "": CLIPS - sum(COUNTS.values())}},
        source="Lucey et al. 2010 and the release's ReadMe",
    )

    def read(self) -> tuple[list[Clip], list[DatasetIssue]]:
        """Every sequence that has images or an emotion file."""
        top = self._images()
        folders = (EMOTION_FOLDER, f"Emotion_labels/{EMOTION_FOLDER}", "Emotion_labels")
        emotions = sheets.find_path(self.root, folders, "emotion labels")
        if marks := self._landmarks_folder():
            note_read(marks)
        facs_folders = [self.root / name for name in (FACS, f"FACS_labels/{FACS}", "FACS_labels")]
        units = next((folder for folder in facs_folders if folder.is_dir()), None)
        clips: list[Clip] = []
        issues: list[DatasetIssue] = []
        recorded = {Path(s.name, sequence.name) for s in _subject_folders(top) for sequence in macro.subfolders(s)}
        labeled = {path.parent.relative_to(emotions) for path in emotions.glob("[Ss]*/*/[!.]*.txt")}
        for path in sorted(recorded | labeled):
            subject, clip_id = f"ckplus/{path.parts[0]}", f"ckplus/{path.as_posix()}"
            codes, peak, code_issues = _codes(clip_id, "emotion", emotions / path)
            issues += code_issues
            labels = {"emotion": EMOTIONS[codes[0]] if codes else ""}
            if units:
                numbers, facs_peak, facs_issues = _codes(clip_id, "action_units", units / path)
                issues += facs_issues
                labels["action_units"] = "+".join(map(str, numbers))
                peak = facs_peak if peak is None else peak
            clip = macro.sequence_clip(clip_id, subject, top / path, self.info.fps, labels)
            clips.append(clip if peak is None else dataclasses.replace(clip, apex=peak))
        return clips, issues

    def landmarks(self, clip: Clip) -> Mapping[int, np.ndarray]:
        """The points in `Landmarks/` of each frame that has them; empty without that folder."""
        top = self._landmarks_folder()
        folder = top / Path(*clip.id.split("/")[1:]) if top else None
        if folder is None or not folder.is_dir():
            return {}
        found = {}
        for path in sorted(folder.glob("*_landmarks.txt")):
            number = frame_number(path.name)
            if number is not None and not path.name.startswith("."):
                found[number] = _points(path)
        return found

    def _landmarks_folder(self) -> Path | None:
        folders = (self.root / LANDMARKS / LANDMARKS, self.root / LANDMARKS)
        return next((folder for folder in folders if folder.is_dir()), None)

    def _images(self) -> Path:
        names = (IMAGES, f"extended-{IMAGES}/{IMAGES}", f"extended-{IMAGES}")
        if found := [self.root / name for name in names if (self.root / name).is_dir()]:
            return found[0]
        if _subject_folders(self.root):
            return self.root
        raise MissingDataError(f"'{self.root}' has no folder of images; looked for {', '.join(names)}, S001 to S999")

    @classmethod
    def write_synthetic(cls, root: Path, subjects: int | None, image_scale: float, seed: int) -> None:
        """Gray images of 640x490 in sequences of 10 to 14 frames (the release: 10 to 60), emotions, units, landmarks.

        With few subjects, each shows every emotion once, and one expression without a name.
        """
        recording = RecordingSpec("ckplus", 30, (490, 640), image_scale, gray=True, framing="wide", kind="macro")
        for spec, timing in clip_specs(subjects, seed):
            folder, name = Path(spec.subject, spec.name), f"{spec.subject}_{spec.name}_"
            clip = recording.render(spec, timing)
            recording.write_rendered(clip, root / IMAGES / folder, name + "{:08d}.png")
            for i in range(timing.frames):
                lines = "".join(f"   {x:.7e}   {y:.7e}\n" for x, y in clip.landmarks(i))
                _write(root / LANDMARKS / folder / f"{name}{i + 1:08d}_landmarks.txt", lines)
            units = "".join(f"   {unit:.7e}   0.0000000e+00\n" for unit, _ in spec.units)
            _write(root / FACS / folder / f"{name}{timing.frames:08d}_facs.txt", units)
            if spec.emotion:
                code = f"   {EMOTIONS.index(spec.emotion):.7e}\n"
                _write(root / EMOTION_FOLDER / folder / f"{name}{timing.frames:08d}_emotion.txt", code)


def clip_specs(subjects: int | None, seed: int) -> list[tuple[ClipSpec, Timing]]:
    """The clips of a synthetic copy and their timing.

    Which subject shows which emotion is drawn; the counts of emotions, subjects and labeled subjects are the published
    ones.
    """
    names = [f"S{5 * i:03d}" for i in range(1, SUBJECTS + 1)][:subjects]
    emotions = {name: [*COUNTS, ""] for name in names}
    if subjects is None:
        labeled = dict(zip(names[:LABELED_SUBJECTS], split_evenly(sum(COUNTS.values()), LABELED_SUBJECTS), strict=True))
        counts = {(emotion, ""): n for emotion, n in COUNTS.items()}
        emotions = {name: [] for name in names}
        for subject, (emotion, _) in assign_labels(counts, labeled, seed):
            emotions[subject].append(emotion)
        unlabeled = split_evenly(CLIPS - sum(COUNTS.values()), SUBJECTS)
        for subject, n in zip(reversed(names), unlabeled, strict=True):
            emotions[subject] += [""] * n
    specs = [
        macro.posed_clip_spec("ckplus", subject, f"{i:03d}", emotion, seed)
        for subject in names
        for i, emotion in enumerate(emotions[subject], 1)
    ]
    lengths = [int(np.random.default_rng([spec.seed, 1]).integers(10, 15)) for spec in specs]
    return [(spec, Timing(0, n - 1, n - 1, n, 30)) for spec, n in zip(specs, lengths, strict=True)]


def _subject_folders(top: Path) -> list[Path]:
    return [path for path in macro.subfolders(top) if path.name[:1] in "Ss" and path.name[1:].isdecimal()]


def _codes(clip_id: str, field: str, folder: Path) -> tuple[list[int], int | None, list[DatasetIssue]]:
    """The first number of each line of the folder's text file, the frame that it is named after, and issues.

    Without a file all three are empty: most subjects have sequences without an emotion.
    """
    files = sorted(p for p in folder.glob("*.txt") if not p.name.startswith(".")) if folder.is_dir() else []
    if not files:
        return [], None, []
    note_read(files[0])
    if len(files) > 1:
        names = ", ".join(p.name for p in files)
        return [], None, [DatasetIssue(clip_id, field, names, "a sequence has one such file at most")]
    text = files[0].read_text(encoding="utf-8", errors="replace")
    numbers = [_whole(line.split()[0]) for line in text.splitlines() if line.strip()]
    codes = [number for number in numbers if number is not None]
    reason = ""
    if len(codes) < len(numbers):
        reason = "holds something else than whole numbers"
    elif field == "emotion" and (len(codes) != 1 or codes[0] >= len(EMOTIONS)):
        reason = f"is not one code from 0 to {len(EMOTIONS) - 1}"
    if reason:
        value = " ".join(text.split()) or "nothing"
        return [], None, [DatasetIssue(clip_id, field, value, f"{reason}; see '{files[0]}'")]
    return codes, frame_number(files[0].name), []


def _points(path: Path) -> np.ndarray:
    """(68, 2) x and y of a file of landmarks.

    Raises:
        AnnotationError: it holds something else.
    """
    rows = [line.split() for line in path.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()]
    try:
        points = np.array(rows, float)
    except ValueError:
        points = np.empty(0)
    if points.shape != (68, 2) or not np.isfinite(points).all():
        raise AnnotationError(f"'{path}' does not hold 68 lines of two numbers (x and y of a landmark)")
    return points


def _whole(text: str) -> int | None:
    """A number such as `3.0000000e+00` as an integer; None if it is not a whole number from 0."""
    try:
        value = float(text)
    except ValueError:
        return None
    return int(value) if value.is_integer() and value >= 0 else None


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
