"""One person who is written in several ways in a sheet is one subject: the unit of every split."""

from __future__ import annotations

import dataclasses
import re
import unicodedata
from collections.abc import Sequence

from ..core.clip import Clip
from ._records import DatasetIssue


def join_subjects(clips: Sequence[Clip]) -> tuple[list[Clip], list[DatasetIssue]]:
    """Give each person the way in which the first of its clips writes it.

    Args:
        clips: of a data set, in the order of its sheet.

    Returns:
        The clips, and an issue for each other way in which a person is written.
    """
    first: dict[str, str] = {}
    issues: dict[str, DatasetIssue] = {}
    joined = []
    for clip in clips:
        person = clip.subject.removeprefix(f"{clip.dataset}/")
        known = first.setdefault(f"{clip.dataset}/{_key(person)}", person)
        if person != known:
            reason = f"is taken for the person '{known}', who is written in another way; write both alike"
            issues.setdefault(clip.subject, DatasetIssue(clip.id, "subject", person, reason))
            subject = f"{clip.dataset}/{known}"
            name = clip.id.removeprefix(f"{clip.subject}/")
            clip = dataclasses.replace(clip, id=f"{subject}/{name}", subject=subject)
        joined.append(clip)
    return joined, list(issues.values())


def _key(person: str) -> str:
    """What two ways of writing one person share: letters whatever their case and encoding, numbers by their value.

    `s01`, `S1` and `S01 ` are one person, and so are `1` and `1.0`, which spreadsheets write.
    """
    text = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", person).casefold())
    text = re.sub(r"^(\d+)\.0+$", r"\1", " ".join(text.split()))
    return re.sub(r"\d+", lambda number: str(int(number[0])), text)
