"""4DME: 267 micro-expressions at 60 frames per second, some of two emotions at once; its gray videos."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from ..core.action_units import parse_action_units
from ..core.clip import Clip
from ..core.errors import UsageError
from . import _sheets as sheets
from ._corrections import CORRECTIONS, write_corrections
from ._known_rows import MEB, WrongRow, wrong_row_issues
from ._records import Correction, DatasetInfo, DatasetIssue
from .base import DATASETS, Dataset
from .synthetic.action_units import deal_action_units
from .synthetic.clips import ClipSpec, Labels, RecordingSpec, assign_labels, clip_spec, split_evenly, subsample_counts

SHEETS = ("4DME_Labelling_Micro_release v1.xlsx", "4DME_Labelling_Micro_release_v1.xlsx")
DRAFTS = "4DME_Labelling_Micro*.xlsx"
IMAGE_FOLDERS = ("gray_micro", "gray_micro_crop")
COLUMNS = ("sub_ID|sub_ID'", "fold_name|fold_name'|video_number'", "Emotion", "Onset", "Apex", "Offset", "AUs")
EMOTIONS = ("Positive", "Negative", "Surprise", "Repression", "Others")
"""The five emotions, in the order of their columns; a clip of two has both words, joined by a plus in this order."""

CLIPS = 267
SUBJECTS = 41

SWAPPED = (144, 145)
"""Rows of the release, counted from 0, that have each other's cells from the column AUs on."""

WRONG_ROWS_OF_DRAFT = (
    WrongRow(26, "apex", "2490"),
    WrongRow(124, "action_units", "L7"),
    WrongRow(171, "action_units", "R2+45"),
    WrongRow(263, "emotion", "Positive+Surprise"),
)
"""Rows that are wrong in the sheet before its release, whose column names end in an apostrophe.

The action units of rows 124 and 171 are `AU4(k)+L7` and `AUR2+12(k)+45`, less those that are held.
"""

LABELS: dict[Labels, int] = {
    ("Positive", "I"): 34,
    ("Negative", "III"): 86,
    ("Negative", "IV"): 3,
    ("Negative", "V"): 10,
    ("Negative", "VII"): 28,
    ("Surprise", "II"): 30,
    ("Repression", "VII"): 6,
    ("Positive+Surprise", "I"): 13,
    ("Negative+Surprise", "VI"): 8,
    ("Surprise+Repression", "VII"): 3,
    ("Positive+Repression", "I"): 8,
    ("Negative+Repression", "VII"): 7,
    ("Others", "VII"): 31,
}
"""Clips of a synthetic copy by emotion, and by the objective class whose action units they show.

The release has no objective classes; how emotions are divided among them is our choice.
"""

POSITIVES = {1: 46, 2: 54, 4: 102, 5: 8, 6: 25, 7: 89, 9: 1, 10: 2, 12: 53, 14: 4, 15: 6, 17: 11}
"""Action unit -> clips that show it, of those that CD6ME counts (Varanka et al. 2022)."""

COLUMN_UNITS = (1, 2, 4, 5, 6, 7, 9, 10, 12, 14, 15, 17, 20, 23, 24, 25, 26, 45)
"""Action units that have a column in the sheet of a synthetic copy."""

_HELD = "(k)"


def _emotion_counts() -> dict[str, int]:
    counts = Counter[str]()
    for (emotion, _), n in LABELS.items():
        counts[emotion] += n
    return dict(counts)


@DATASETS.register("fourdme")
class FourDme(Dataset):
    """`gray_micro/S13/S13_1st_001_01_1/2471.jpg`: folders of people and clips, named as in the sheet.

    The sheet has a text of action units, and beside it a column for each action unit and each emotion. An action unit
    with `(k)` is held throughout the clip: it is no movement, so it is not among the `action_units` of a clip but in
    its label `held_action_units`. Emotions are `Positive` or `Positive+Surprise`, in the order of `EMOTIONS`.

    Rows 144 and 145 have each other's action units. `check` names them, and every row whose texts and columns
    contradict each other, until a `corrections.csv` changes the labels of the clip. The sheet before the release has
    names of columns that end in an apostrophe, and wrong rows of its own (`WRONG_ROWS_OF_DRAFT`).

    Not known to us are the names of the image files (their numbers are taken for the frame numbers of the sheet) and
    how many people have clips; the 41 of a synthetic copy and the size of its images are our choice.
    """

    read_needs_images = False
    info = DatasetInfo(
        title="4DME, gray videos of micro-expressions",
        citation="Li et al. 2022, 4DME: A Spontaneous 4D Micro-Expression Dataset with Multimodalities, IEEE TAC 14(4)",
        access="license agreement with the University of Oulu",
        fps=60,
        clips=CLIPS,
        counts={"emotion": _emotion_counts()},
        source="as papers quote Li et al. 2022, clips of one and of two emotions; not compared with the sheet",
        more_labels=("action_units", "held_action_units"),
    )

    def read(self) -> tuple[list[Clip], list[DatasetIssue]]:
        """The rows of the sheet; rows below the table that name no clip are left out."""
        clips, issues, _ = self._read_rows()
        return clips, issues

    def compare_with_published(self, clips: Sequence[Clip]) -> list[DatasetIssue]:
        """An issue for every published number that these clips do not have, and for every row that seems wrong.

        A row is named as long as the labels of its clip are those of the sheet.
        """
        written, _, rows = self._read_rows()
        labels = {clip.id: clip.labels for clip in clips}
        issues = super().compare_with_published(clips)
        for clip, row in zip(written, rows, strict=True):
            if labels.get(clip.id) == clip.labels:
                issues += _contradictions(clip, row)
        if len(written) == CLIPS:
            issues += _swapped_issues(written, labels)
        if any(name.endswith("'") for row in rows[:1] for name in row):
            sheet = [clip.id for clip in written]
            issues += wrong_row_issues(WRONG_ROWS_OF_DRAFT, sheet, clips, CLIPS, MEB)
        return issues

    def _read_rows(self) -> tuple[list[Clip], list[DatasetIssue], list[sheets.SheetRow]]:
        """The clips, issues, and the row of each clip."""
        drafts = sorted(path.name for path in self.root.glob(DRAFTS) if not path.name.startswith("~"))
        path = sheets.find_path(self.root, [*SHEETS, *drafts], "sheet")
        images = sheets.first_folder(self.root, IMAGE_FOLDERS)
        clips: list[Clip] = []
        issues: list[DatasetIssue] = []
        rows = []
        for row in sheets.read_rows(path, COLUMNS):
            subject, name = row["sub_ID"], row["fold_name"]
            if not (subject and name):
                if row["Onset"]:
                    empty = "fold_name" if subject else "sub_ID"
                    issues.append(DatasetIssue(f"{path.name}, row {row[sheets.LINE]}", empty, "", "is empty"))
                continue
            clip_id = f"fourdme/{subject}/{name}"
            times, time_issues = sheets.parse_times(
                clip_id, row, ("Onset", "Apex", "Offset"), needed=("onset", "offset")
            )
            issues += time_issues
            moving, held = split_held(row["AUs"])
            labels = {"emotion": _emotion(row["Emotion"]), "action_units": moving}
            labels |= {"held_action_units": held} if held else {}
            source = images / subject / name
            clips.append(Clip(clip_id, "fourdme", f"fourdme/{subject}", source, self.info.fps, *times, labels))
            rows.append(row)
        return clips, issues, rows

    @classmethod
    def write_synthetic(cls, root: Path, subjects: int | None, image_scale: float, seed: int) -> None:
        """The sheet and gray images, 240x200.

        Every tenth clip holds action unit 4, 7 or 12 where it does not move it. In a whole copy rows 144 and 145 have
        each other's action units as in the release, and a `corrections.csv` corrects them.
        """
        recording = RecordingSpec(
            "fourdme", fps=60, size=(240, 200), image_scale=image_scale, gray=True, first_number=1000
        )
        specs = clip_specs(subjects, seed)
        shown = [_shown(spec, number) for number, spec in enumerate(specs)]
        a, b = SWAPPED
        if subjects is None and specs[a].action_units != specs[b].action_units:
            shown[a], shown[b] = shown[b], shown[a]
            write_corrections(root, [_swap_correction(a, specs[a], specs[b]), _swap_correction(b, specs[b], specs[a])])
        rows = []
        for spec, right in zip(specs, shown, strict=True):
            folder = root / IMAGE_FOLDERS[0] / spec.subject / spec.name
            times = recording.write_frames(spec, folder, "{}.jpg")
            rows.append((spec.subject, spec.name, spec.emotion, *times, *right))
        names = (name.split("|")[0] for name in COLUMNS)
        units = (f"AU{number}" for number in COLUMN_UNITS)
        sheets.write_rows(root / SHEETS[0], (*names, *units, "eye blink", *EMOTIONS, "Total"), rows)


def split_held(text: str) -> tuple[str, str]:
    """(action units that move, action units that are held) of a text such as `AU4(k)+L7`: `("L7", "4")`."""
    parts = [part.strip() for part in text.split("+") if part.strip()]
    plain = [re.sub(r"^AU\s*", "", part, flags=re.IGNORECASE) for part in parts]
    held = [part for part in plain if part.lower().endswith(_HELD)]
    return "+".join(p for p in plain if p not in held), "+".join(p[: -len(_HELD)].strip() for p in held)


def _emotion(text: str) -> str:
    """An emotion as `EMOTIONS` writes it, several in its order; a word that it does not have stays as it is."""
    words = [part.strip().capitalize() for part in text.split("+")]
    return "+".join(sorted(words, key=lambda word: (word not in EMOTIONS, [*EMOTIONS, word].index(word))))


def _contradictions(clip: Clip, row: Mapping[str, str]) -> Iterator[DatasetIssue]:
    """What the texts of a row and its other columns say differently."""
    plain = {name.rstrip("'").strip(): cell for name, cell in row.items()}
    emotion = clip.labels["emotion"]
    units = "+".join(filter(None, (clip.labels["action_units"], clip.labels.get("held_action_units"))))
    if all(name in plain for name in EMOTIONS):
        marked = "+".join(name for name in EMOTIONS if plain[name] not in ("", "0"))
        if marked != emotion:
            yield DatasetIssue(clip.id, "emotion", emotion, f"the columns of emotions say {marked or 'none'}")
    try:
        named = {number for number, _ in parse_action_units(units)}
    except UsageError:  # `check` names it
        return
    columns = {int(name[2:]): cell for name, cell in plain.items() if re.fullmatch(r"AU\d+", name)}
    marked_units = {number for number, cell in columns.items() if cell not in ("", "0")}
    if columns and marked_units != named & columns.keys():
        found = "+".join(map(str, sorted(marked_units))) or "none"
        yield DatasetIssue(clip.id, "action_units", row["AUs"], f"the columns of action units say {found}")
    length = plain.get("Length", "")
    if length and clip.onset is not None and clip.offset is not None and length != str(clip.offset - clip.onset + 1):
        yield DatasetIssue(clip.id, "Length", length, f"onset and offset are {clip.offset - clip.onset + 1} frames")


def _swapped_issues(written: Sequence[Clip], labels: Mapping[str, Mapping[str, str]]) -> Iterator[DatasetIssue]:
    """An issue for each of the swapped rows whose clip still has the action units of the other."""
    for row, other_row in (SWAPPED, SWAPPED[::-1]):
        clip = written[row]
        own, other = clip.labels["action_units"], written[other_row].labels["action_units"]
        if own != other and labels.get(clip.id, {}).get("action_units") == own:
            line = f"{clip.id},action_units,{own},{other},{MEB}"
            reason = f"row {row} has those of row {other_row} ({MEB}); a line of {CORRECTIONS}: {line}"
            yield DatasetIssue(clip.id, "action_units", own, reason)


def _shown(spec: ClipSpec, number: int) -> tuple[object, ...]:
    """The cells of a clip from the column AUs on; every tenth clip holds action unit 4, 7 or 12."""
    units = [unit for unit, _ in spec.units]
    held = [unit for unit in (4, 7, 12) if number % 10 == 0 and unit not in units][:1]
    text = "+".join([*(f"{unit}{_HELD}" for unit in held), spec.action_units])
    flags = [int(word in spec.emotion.split("+")) for word in EMOTIONS]
    columns = [int(unit in (*units, *held)) for unit in COLUMN_UNITS]
    return (f"AU{text}", *columns, 0, *flags, sum(flags))


def _swap_correction(row: int, spec: ClipSpec, other: ClipSpec) -> Correction:
    clip_id, reason = f"fourdme/{spec.subject}/{spec.name}", f"row {row}: {MEB}"
    return Correction(clip_id, "action_units", other.action_units, spec.action_units, reason)


def clip_specs(subjects: int | None, seed: int) -> list[ClipSpec]:
    """The clips of a synthetic copy; a whole one has the published counts of emotions and action units.

    Its 267 clips are dealt to 41 people as evenly as can be.
    """
    names = [f"S{i:02d}" for i in range(1, SUBJECTS + 1)][:subjects]
    counts = dict(zip(names, split_evenly(CLIPS, SUBJECTS), strict=False))
    labels = subsample_counts(LABELS, sum(counts.values()))
    specs, used = [], Counter[str]()
    for subject, own in assign_labels(labels, counts, seed):
        used[subject] += 1
        specs.append(clip_spec("fourdme", subject, f"{subject}_1st_{used[subject]:03d}_01_1", own, seed))
    return deal_action_units(specs, LABELS, POSITIVES, seed)
