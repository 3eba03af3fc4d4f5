"""The records of a data set: what is published of it, a correction of an annotation, an issue that a check found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class DatasetInfo:
    """What the publication of a release states; `Dataset.check` compares a folder with it.

    Attributes:
        title: full name of the release.
        citation: the paper.
        access: how to get it.
        fps: frames per second; 0 for still images, or where it varies.
        clips: number of clips; 0 where none is published.
        subjects: number of subjects; 0 where none is published.
        counts: label field -> label -> number of clips, e.g. `{"emotion": {"happiness": 32}}`.
        per_subject: subject -> number of clips.
        events: of long videos: `kind` or another label of their intervals -> label -> number of intervals.
        source: where these numbers were read.
        more_labels: label fields of its sheet whose counts are not published, e.g. `action_units`.
        stills: whether every clip is one image, which has no onset, apex and offset.
        megc_number: number of the data set in the logs of the spotting challenges (MEGC); 0 where it has none.
    """

    title: str
    citation: str
    access: str
    fps: float
    clips: int = 0
    subjects: int = 0
    counts: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    per_subject: Mapping[str, int] = field(default_factory=dict)
    events: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    source: str = ""
    more_labels: tuple[str, ...] = ()
    stills: bool = False
    megc_number: int = 0


@dataclass(frozen=True)
class Correction:
    """A known annotation error: the value that is expected in the release, and the value that replaces it.

    Attributes:
        clip: id of the clip.
        field: a time or a label of the clip; `NAME.offset` is a time of its interval of that name.
        expected: the wrong value; any other value is an issue, because it comes from another version of the release.
        value: the right value; empty for an unknown time.
        reason: why, and who found it.
    """

    clip: str
    field: str
    expected: str
    value: str
    reason: str


@dataclass(frozen=True)
class DatasetIssue:
    """One thing that is wrong with a folder, or that its user should know.

    Attributes:
        clip: id of the clip, or the file or data set where no clip is concerned.
        field: which label, time, column or count.
        value: its value.
        reason: what is wrong with it.
        note: whether nothing is wrong: files that the reader passes over.
    """

    clip: str
    field: str
    value: str
    reason: str
    note: bool = False

    def __str__(self) -> str:
        return printable(f"{self.clip}: {self.field} = {self.value}: {self.reason}")


def printable(text: str) -> str:
    """A text of a sheet for a terminal: line breaks, escape sequences and other control characters are escaped."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)
