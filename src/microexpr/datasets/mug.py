"""MUG: posed emotions at 19 frames a second; clips of 50 to 160 frames that begin and end with the neutral face."""

from __future__ import annotations

from pathlib import Path

from ..core.clip import Clip
from ..core.errors import MissingDataError
from ..synthetic import Timing
from . import _macro as macro
from .base import DATASETS, Dataset, DatasetInfo, DatasetIssue
from .synthetic import clips as casting

PEOPLE, TAKES = 86, 2
LONG, SHORT, LONG_CLIPS = 60, 54, 488
"""Frames of a synthetic clip, and how many of the five emotions without fear are long: see `cast`."""


@DATASETS.register("mug")
class Mug(Dataset):
    """`subjects3/001/session0/anger/take000/img_0000.jpg`; the first folder and that of the session may be absent.

    A take is a clip. No frame of it is annotated: it begins and ends with the neutral face, so that its apex is taken
    to be its middle frame. Beside the six emotions there may be `neutral`.

    86 people were filmed, and the data of 52 of them are given out, so that no number of people or clips is published
    that a copy must have, and `check` counts none. Peng et al. 2018 speak of 1032 clips of 86 people: 12 each, which
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
        faults: list[DatasetIssue] = []
        for person in self._people():
            sessions = [folder for folder in macro.folders(person) if folder.name.lower().startswith("session")]
            for top in (person, *sessions):
                for folder in macro.folders(top):
                    emotion = macro.emotion_of(folder.name)
                    if emotion is None and folder not in sessions:
                        where = str(folder.relative_to(self.root))
                        faults.append(DatasetIssue(self.name, "folder", where, "is not named after an emotion"))
                    elif emotion is not None:
                        clips += self._takes(person, folder, emotion)
        return clips, faults

    def _takes(self, person: Path, folder: Path, emotion: str) -> list[Clip]:
        subject, clips = f"mug/{person.name}", []
        for take in macro.folders(folder) or [folder]:
            name = "-".join(take.relative_to(person).parts)
            labels = {"emotion": emotion}
            clips.append(macro.sequence(f"{subject}/{name}", subject, take, self.info.fps, labels, apex=0.5))
        return clips

    def _people(self) -> list[Path]:
        for top in (self.root / "subjects3", self.root):
            if found := [p for p in macro.folders(top) if p.name.isdecimal()] if top.is_dir() else []:
                return found
        raise MissingDataError(f"'{self.root}' has no folder of a person; looked for e.g. 001, subjects3/001")

    @classmethod
    def write_synthetic(cls, root: Path, subjects: int | None, image_scale: float, seed: int) -> None:
        """86 people, 12 clips each, of pictures of 896x896; with few people, one take of 12 frames an emotion."""
        shooting = casting.RecordingSpec("mug", 19, (896, 896), image_scale, framing="wide", first=0, kind="macro")
        for role, timing in clip_specs(subjects, seed):
            folder = root / "subjects3" / role.person / "session0" / role.name
            shooting.write_frames(role, folder, "img_{:04d}.jpg", timing)


def clip_specs(subjects: int | None, seed: int) -> list[tuple[casting.ClipSpec, Timing]]:
    """The roles of MUG and when each happens.

    The lengths are such that a sixth of each clip's frames, at least 6 and at most 10, makes the 8228 pictures of five
    emotions of Peng et al. 2018: 488 clips of 60 frames and 372 of 54; clips of fear have 54.
    """
    names = [f"{i:03d}" for i in range(1, PEOPLE + 1)][:subjects]
    takes, made, judged = TAKES if subjects is None else 1, [], 0
    for person in names:
        for word in macro.SIX:
            for take in range(takes):
                long = word != "fear" and judged < LONG_CLIPS
                judged += word != "fear"
                n = 12 if subjects is not None else LONG if long else SHORT
                role = macro.role("mug", person, f"{word}/take{take:03d}", word, seed)
                made.append((role, Timing(0, n // 2, n - 1, n, 19)))
    return made
