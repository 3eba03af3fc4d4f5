"""Action units that a sheet writes in a way that cannot be read, or marks as uncertain."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..core.action_units import parse_action_units
from ..core.clip import Clip
from ..core.errors import UsageError
from ._corrections import CORRECTIONS
from ._records import DatasetIssue

FIELDS = ("action_units", "held_action_units")
"""Labels of a clip that are action units."""


def unclear_action_units(clips: Sequence[Clip]) -> Iterator[DatasetIssue]:
    """An issue for each clip whose action units cannot be read, a note for each with an uncertain one (`13?`)."""
    for clip in clips:
        for field in FIELDS:
            text = clip.labels.get(field, "")
            try:
                parse_action_units(text)
            except UsageError as error:
                reason = f"cannot be read: {error}; a {CORRECTIONS} beside the release corrects it"
                yield DatasetIssue(clip.id, field, text, reason)
                continue
            if "?" in text:
                reason = "the sheet marks an action unit as uncertain; it counts as shown"
                yield DatasetIssue(clip.id, field, text, reason, note=True)
