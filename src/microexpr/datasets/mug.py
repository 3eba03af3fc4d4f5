"""MUG: posed emotions at 19 frames per second; clips of 50 to 160 frames that begin and end with the neutral face."""

from __future__ import annotations

from pathlib import Path

from ..core.clip import Clip
from ..core.errors import MissingDataError
from ..synthetic import Timing
from . import _macro as macro
from ._records import DatasetInfo, DatasetIssue
from .base import DATASETS, Dataset
from .synthetic.clips import ClipSpec, RecordingSpec

SUBJECTS, TAKES = 86, 2
LONG, SHORT, LONG_CLIPS = 60, 54, 488
"""Frames of a long and a short synthetic clip, and how many clips are long: see `clip_specs`."""


@DATASETS.register("mug")
class Mug(Dataset):
    """`subjects3/001/session0/anger/take000/img_0000.jpg`; the first folder and that of the session may be absent.

    A take is a clip. None of its frames is annotated; as it begins and ends with the neutral face, its apex is taken to
    be its middle frame. Beside the six emotions there may be `neutral`.

    86 subjects were recorded, and the data of 52 of them are distributed. So no published number of subjects or clips
    holds for every copy, and `check` counts none. Peng et al. 2018 write of 1032 clips of 86 subjects: 12 each, which
    is each of six emotions twice.
    """

    info = DatasetInfo(
        title="MUG",
        citation="Aifanti, Papachristou, Delopoulos 2010, The MUG Facial Expression Database, WIAMIS",
        access="license agreement with the Aristotle University of Thessaloniki",
        fps=19,
        source="Aifanti et al. 2010",
    )

    def read(self) -> tuple[list[Clip], list[DatasetIssue]]:
        """Each take; there is no sheet."""
        clips: list[Clip] = []
        issues: list[DatasetIssue] = []
        for subject in self._subject_folders():
            sessions = [f for f in macro.subfolders(subject) if f.name.lower().startswith("session")]
            for top in (subject, *sessions):
                for folder in macro.subfolders(top):
                    emotion = macro.emotion_of(folder.name)
                    if emotion is not None:
                        clips += self._takes(subject, folder, emotion)
                    elif folder not in sessions:
                        path = str(folder.relative_to(self.root))
                        issues.append(DatasetIssue(self.name, "folder", path, "is not named after an emotion"))
        return clips, issues

    def _takes(self, subject_folder: Path, folder: Path, emotion: str) -> list[Clip]:
        subject, clips = f"mug/{subject_folder.name}", []
        for take in macro.subfolders(folder) or [folder]:
            name = "-".join(take.relative_to(subject_folder).parts)
            labels = {"emotion": emotion}
            clips.append(macro.sequence_clip(f"{subject}/{name}", subject, take, self.info.fps, labels, apex=0.5))
        return clips

    def _subject_folders(self) -> list[Path]:
        for top in (self.root / "subjects3", self.root):
            if found := [p for p in macro.subfolders(top) if p.name.isdecimal()] if top.is_dir() else []:
                return found
        raise MissingDataError(f"'{self.root}' has no folder of a subject; looked for e.g. 001, subjects3/001")

    @classmethod
    def write_synthetic(cls, root: Path, subjects: int | None, image_scale: float, seed: int) -> None:
        """86 subjects, 12 clips each, of images of 896x896; of fewer subjects, one take of 12 frames an emotion."""
        recording = RecordingSpec("mug", 19, (896, 896), image_scale, framing="wide", first_number=0, kind="macro")
        for spec, timing in clip_specs(subjects, seed):
            folder = root / "subjects3" / spec.subject / "session0" / spec.name
            recording.write_frames(spec, folder, "img_{:04d}.jpg", timing)


def clip_specs(subjects: int | None, seed: int) -> list[tuple[ClipSpec, Timing]]:
    """The clips of a synthetic copy and their timing.

    The lengths are such that a sixth of the frames of each clip, limited to 6 to 10 frames, makes the 8228 images of
    five emotions of Peng et al. 2018: 488 clips of 60 frames and 372 of 54; clips of fear have 54.
    """
    names = [f"{i:03d}" for i in range(1, SUBJECTS + 1)][:subjects]
    takes = TAKES if subjects is None else 1
    specs, n_of_five_emotions = [], 0
    for subject in names:
        for emotion in macro.BASIC_EMOTIONS:
            for take in range(takes):
                is_long = emotion != "fear" and n_of_five_emotions < LONG_CLIPS
                n_of_five_emotions += emotion != "fear"
                frames = LONG if is_long else SHORT
                if subjects is not None:
                    frames = 12
                spec = macro.posed_clip_spec("mug", subject, f"{emotion}/take{take:03d}", emotion, seed)
                specs.append((spec, Timing(0, frames // 2, frames - 1, frames, 19)))
    return specs
