"""CK+: 593 posed sequences of 123 people from the neutral face to the peak; 327 of them have an emotion."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np

from ..core.clip import Clip
from ..core.errors import MissingDataError
from ..imaging.video import frame_number
from ..synthetic import Timing
from . import _macro as macro
from . import _sheets as sheets
from .base import DATASETS, Dataset, DatasetInfo, DatasetIssue
from .synthetic import clips as casting

IMAGES, EMOTIONS, FACS = "cohn-kanade-images", "Emotion", "FACS"
WORDS = ("neutral", "anger", "contempt", "disgust", "fear", "happiness", "sadness", "surprise")
"""The emotion of each code, 0 to 7."""

COUNTS = {"anger": 45, "contempt": 18, "disgust": 59, "fear": 25, "happiness": 69, "sadness": 28, "surprise": 83}
CLIPS, PEOPLE, LABELLED_PEOPLE = 593, 123, 118


@DATASETS.register("ckplus")
class CkPlus(Dataset):
    """`cohn-kanade-images/S005/001/S005_001_00000001.png`, and beside it `Emotion/` and, if it is there, `FACS/`.

    The folders may also be as their archives unpack: `extended-cohn-kanade-images/cohn-kanade-images`,
    `Emotion_labels/Emotion`, `FACS_labels/FACS`; the root may hold the folders of the people itself.

    A sequence is a clip: its onset is the first frame; its apex the frame that the label files are named after, which
    is the last one (so says the release's ReadMe), and its offset the last. A sequence without an emotion file has the
    emotion "". `action_units` are those of `FACS/`, e.g. `1+2+5`, without their strengths.
    """

    info = DatasetInfo(
        title="CK+",
        citation="Lucey et al. 2010, The Extended Cohn-Kanade Dataset (CK+), CVPR Workshops",
        access="license agreement with the University of Pittsburgh",
        fps=30,
        clips=CLIPS,
        subjects=PEOPLE,
        counts={"emotion": {**COUNTS, "": CLIPS - sum(COUNTS.values())}},
        source="Lucey et al. 2010 and the release's ReadMe",
    )

    def read(self) -> tuple[list[Clip], list[DatasetIssue]]:
        """Every sequence that has pictures or an emotion file."""
        top = self._images()
        emotions = sheets.find(self.root, (EMOTIONS, f"Emotion_labels/{EMOTIONS}", "Emotion_labels"), "emotion labels")
        units = next((p for n in (FACS, f"FACS_labels/{FACS}", "FACS_labels") if (p := self.root / n).is_dir()), None)
        clips: list[Clip] = []
        faults: list[DatasetIssue] = []
        filmed = {Path(person.name, one.name) for person in _people(top) for one in macro.folders(person)}
        named = {path.parent.relative_to(emotions) for path in emotions.glob("[Ss]*/*/[!.]*.txt")}
        for where in sorted(filmed | named):
            subject, clip = f"ckplus/{where.parts[0]}", f"ckplus/{where.as_posix()}"
            codes, peak, wrong = _codes(clip, "emotion", emotions / where)
            labels = {"emotion": WORDS[codes[0]] if codes else ""}
            if units:
                numbers, also, more = _codes(clip, "action_units", units / where)
                labels["action_units"] = "+".join(map(str, numbers))
                peak, wrong = also if peak is None else peak, [*wrong, *more]
            faults += wrong
            made = macro.sequence(clip, subject, top / where, self.info.fps, labels)
            clips.append(made if peak is None else dataclasses.replace(made, apex=peak))
        return clips, faults

    def _images(self) -> Path:
        places = (IMAGES, f"extended-{IMAGES}/{IMAGES}", f"extended-{IMAGES}")
        if found := [self.root / name for name in places if (self.root / name).is_dir()]:
            return found[0]
        if _people(self.root):
            return self.root
        raise MissingDataError(f"'{self.root}' has no folder of pictures; looked for {', '.join(places)}, S001 to S999")

    @classmethod
    def write_synthetic(cls, root: Path, subjects: int | None, image_scale: float, seed: int) -> None:
        """Gray pictures of 640x490, sequences of 10 to 14 frames (the release: 10 to 60), emotions, action units.

        With few people, each shows every emotion once, and one expression without a name.
        """
        shooting = casting.RecordingSpec("ckplus", 30, (490, 640), image_scale, gray=True, framing="wide", kind="macro")
        for role, timing in clip_specs(subjects, seed):
            where, name = Path(role.person, role.name), f"{role.person}_{role.name}_"
            shooting.write_frames(role, root / IMAGES / where, name + "{:08d}.png", timing)
            units = "".join(f"   {unit:.7e}   0.0000000e+00\n" for unit, _ in role.units)
            _write(root / FACS / where / f"{name}{timing.frames:08d}_facs.txt", units)
            if role.emotion:
                code = f"   {WORDS.index(role.emotion):.7e}\n"
                _write(root / EMOTIONS / where / f"{name}{timing.frames:08d}_emotion.txt", code)


def clip_specs(subjects: int | None, seed: int) -> list[tuple[casting.ClipSpec, Timing]]:
    """The roles of CK+ and how long each lasts; how the release's emotions fall to its people is dealt."""
    names = [f"S{5 * i:03d}" for i in range(1, PEOPLE + 1)][:subjects]
    hands = {name: [*COUNTS, ""] for name in names}
    if subjects is None:
        named = _shared(sum(COUNTS.values()), names[:LABELLED_PEOPLE])
        counts = {(word, ""): n for word, n in COUNTS.items()}
        hands = {name: [] for name in names}
        for person, (word, _) in casting.assign_labels(counts, named, seed):
            hands[person].append(word)
        for person, n in _shared(CLIPS - sum(COUNTS.values()), names[::-1]).items():
            hands[person] += [""] * n
    roles = [macro.role("ckplus", p, f"{i:03d}", w, seed) for p in names for i, w in enumerate(hands[p], 1)]
    lengths = [int(np.random.default_rng([role.seed, 1]).integers(10, 15)) for role in roles]
    return [(role, Timing(0, n - 1, n - 1, n, 30)) for role, n in zip(roles, lengths, strict=True)]


def _shared(n: int, names: list[str]) -> dict[str, int]:
    """n things among people: everyone gets as many, the first ones one more."""
    each, more = divmod(n, len(names))
    return {name: each + (i < more) for i, name in enumerate(names)}


def _people(top: Path) -> list[Path]:
    return [path for path in macro.folders(top) if path.name[:1] in "Ss" and path.name[1:].isdecimal()]


def _codes(clip: str, field: str, folder: Path) -> tuple[list[int], int | None, list[DatasetIssue]]:
    """The first number of each line of the folder's text file, the frame that it is named after, and what is wrong.

    Where there is no file, all three are empty: most people have sequences without an emotion.
    """
    files = sorted(p for p in folder.glob("*.txt") if not p.name.startswith(".")) if folder.is_dir() else []
    if not files:
        return [], None, []
    if len(files) > 1:
        return (
            [],
            None,
            [DatasetIssue(clip, field, ", ".join(p.name for p in files), "a sequence has one such file at most")],
        )
    text = files[0].read_text(encoding="utf-8", errors="replace")
    codes = [_whole(line.split()[0]) for line in text.splitlines() if line.strip()]
    good = [code for code in codes if code is not None]
    wrong, value = "", " ".join(text.split()) or "nothing"
    if len(good) < len(codes):
        wrong = "holds something else than whole numbers"
    elif field == "emotion" and (len(good) != 1 or good[0] >= len(WORDS)):
        wrong = f"is not one code from 0 to {len(WORDS) - 1}"
    if wrong:
        return [], None, [DatasetIssue(clip, field, value, f"{wrong}; see '{files[0]}'")]
    return good, frame_number(files[0].name), []


def _whole(text: str) -> int | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return int(value) if value.is_integer() and value >= 0 else None


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
