"""What every data set promises, as a check that anyone may call on their own class."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ..core.clip import Clip
from .base import SYNTHETIC, Dataset


def check_dataset(cls: type[Dataset], folder: Path) -> None:
    """Raise `AssertionError` with a helpful text unless a data set keeps its promises, tried on its own fake.

    Ids are unique, sorted and begin with the data set's name; every clip has a label and a source that is there; there
    are two people and two labels at least; reading twice gives the same, and so does a second fake with the same seed;
    `check` names the synthetic mark and numbers that are not the published ones, because people are few, and no more.

    Args:
        cls: the class.
        folder: an empty place to work in.
    """
    made = cls.make_synthetic(folder / "first", subjects=2, image_scale=0.2)
    clips = made.clips()
    _check_clips(cls.name, clips)
    assert cls(made.root).clips() == clips, f"{cls.name}: reading twice gives different clips"
    assert made.fingerprint() == made.fingerprint(), f"{cls.name}: the fingerprint changes without a change"
    again = cls.make_synthetic(folder / "second", subjects=2, image_scale=0.2)
    assert again.fingerprint() == made.fingerprint(), f"{cls.name}: two fakes with the same seed differ"
    faults = made.check()
    assert any(SYNTHETIC in str(fault) for fault in faults), (
        f"{cls.name}: check() does not say that the copy is synthetic"
    )
    for fault in faults:
        assert fault.clip == cls.name, f"{cls.name}: check() finds more than synthetic counts in its own fake: {fault}"


def _check_clips(name: str, clips: Sequence[Clip]) -> None:
    ids = [clip.id for clip in clips]
    assert len(set(ids)) == len(ids) > 0, f"{name}: ids are not unique, or there is no clip"
    assert ids == sorted(ids), f"{name}: clips() is not sorted by id"
    for clip in clips:
        assert clip.id.startswith(f"{clip.subject}/"), f"{clip.id} does not begin with its subject, {clip.subject}"
        assert any(clip.labels.values()) or clip.intervals, f"{clip.id} has no label"
        assert clip.source.exists(), f"{clip.id}: {clip.source} is not there"
    assert len({clip.subject for clip in clips}) >= 2, f"{name}: a fake of two people has fewer"
    words = {word for clip in clips for word in clip.labels.items()}
    words |= {("kind", one.kind) for clip in clips for one in clip.intervals}
    assert len(words) >= 2, f"{name}: all clips of the fake have the same label, {min(words, default='none')}"
