"""The contract of a data set, as a check that anyone may call on their own class."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from ..core.clip import Clip
from ..core.files import SYNTHETIC_MARK
from ..protocols import PROTOCOLS, Protocol
from .base import Dataset


def check_dataset(
    cls: type[Dataset], folder: Path | str, whole: bool = True, protocols: Iterable[Protocol] | None = None
) -> None:
    """Check that a data set keeps its contract, on synthetic copies of it.

    * Clips: ids are unique, sorted and begin with the subject, which begins with the data set's name; every clip has a
      label or an interval, and its source exists; there are two subjects at least, and two labels unless
      the intervals of the release are of one kind.
    * Copies: reading one twice gives equal clips; equal arguments and seeds give equal copies; `Dataset.check` finds
      nothing in a copy but that it is synthetic, and the published numbers that a copy of two subjects cannot have; no
      file of it is passed over (an annotation file that `read` opens itself is noted with `note_read`).
    * `info`: its numbers add up, and agree with the copy: subjects, labels, frames per second. With `whole`, a copy of
      all subjects has every published number.
    * Protocols that name the data set: its clips have their label field, and every label and subject that they name.

    Args:
        cls: the class.
        folder: an empty folder to work in.
        whole: also write a copy of all subjects; False for a release of many clips, whose copy takes long.
        protocols: checked if they name the data set; the registered ones by default.

    Raises:
        AssertionError: it does not; the message has a line for each issue.
    """
    folder = Path(folder)
    copy = cls.make_synthetic(folder / "first", subjects=2, image_scale=0.2)
    clips = copy.clips()
    issues = [
        *_clip_issues(cls, clips),
        *_copy_issues(copy, clips, folder),
        *_sum_issues(cls),
        *_info_issues(cls, clips),
    ]
    if whole and (cls.info.clips or cls.info.counts):
        found = cls.make_synthetic(folder / "whole", image_scale=0.2).check()
        issues += [f"the whole copy: {issue}" for issue in found if SYNTHETIC_MARK not in issue.reason]
    for protocol in [p for _, p in PROTOCOLS] if protocols is None else protocols:
        if cls.name in protocol.datasets:
            issues += [f"protocol '{protocol.name}': {issue}" for issue in _protocol_issues(cls, clips, protocol)]
    if issues:
        raise AssertionError("\n".join(f"{cls.name}: {issue}" for issue in dict.fromkeys(issues)))


def _clip_issues(cls: type[Dataset], clips: Sequence[Clip]) -> Iterator[str]:
    """What is wrong with the clips of a copy of two subjects."""
    ids = [clip.id for clip in clips]
    if not ids:
        yield "there is no clip"
    if len(set(ids)) < len(ids):
        yield "ids are not unique"
    if ids != sorted(ids):
        yield "clips() is not sorted by id"
    for clip in clips:
        if not clip.id.startswith(f"{clip.subject}/"):
            yield f"{clip.id} does not begin with its subject, {clip.subject}"
        if not any(clip.labels.values()) and not clip.intervals:
            yield f"{clip.id} has no label"
        if not clip.source.exists():
            yield f"{clip.id}: {clip.source} is not there"
    if len({clip.subject for clip in clips}) < 2:
        yield "a copy of two subjects has fewer"
    labels = {label for clip in clips for label in clip.labels.items()}
    intervals = [interval for clip in clips for interval in clip.intervals]
    labels |= {("kind", interval.kind) for interval in intervals}
    labels |= {label for interval in intervals for label in interval.labels.items() if label[0] != "name"}
    one_kind = len(cls.info.events.get("kind", {})) == 1  # e.g. blinks: there is nothing to tell apart
    if len(labels) < 2 and not one_kind:
        yield f"all clips of the copy have the same label, {min(labels, default='none')}"


def _copy_issues(copy: Dataset, clips: Sequence[Clip], folder: Path) -> Iterator[str]:
    """What is wrong with a copy of two subjects beside its clips."""
    cls = type(copy)
    if cls(copy.root).clips() != clips:
        yield "reading twice gives different clips"
    if copy.fingerprint() != copy.fingerprint():
        yield "the fingerprint changes without a change"
    if cls.make_synthetic(folder / "second", subjects=2, image_scale=0.2).fingerprint() != copy.fingerprint():
        yield "two copies with the same seed differ"
    found = copy.check()
    if not any(SYNTHETIC_MARK in issue.reason for issue in found):
        yield "check() does not report that the copy is synthetic"
    for issue in found:
        if issue.note:
            yield f"check() names a file of a copy as unused ({issue}); if `read` uses it, call note_read on it there"
        elif issue.clip != cls.name:  # issues of the data set as a whole are published numbers
            yield f"check() finds an issue in a copy: {issue}"


def _sum_issues(cls: type[Dataset]) -> Iterator[str]:
    """Published numbers that contradict each other."""
    info = cls.info
    for field, counts in info.counts.items():
        total = sum(counts.values())
        if info.clips and total != info.clips:
            yield f"info.counts of '{field}' add up to {total} of {info.clips} clips"
    total = sum(info.per_subject.values())
    if info.per_subject and info.clips and total != info.clips:
        yield f"info.per_subject adds up to {total} of {info.clips} clips"
    if info.per_subject and info.subjects and len(info.per_subject) != info.subjects:
        yield f"info.per_subject names {len(info.per_subject)} of {info.subjects} subjects"


def _info_issues(cls: type[Dataset], clips: Sequence[Clip]) -> Iterator[str]:
    """Published facts that the clips of a copy of two subjects contradict."""
    info = cls.info
    for fps in sorted({clip.fps for clip in clips}):
        if info.fps and fps != info.fps:
            yield f"info.fps is {info.fps:g}, but clips have {fps:g} frames per second"
    for field, counts in info.counts.items():
        labels = {clip.labels.get(field, "") for clip in clips}
        if labels == {""}:
            yield f"no clip has the label '{field}' of info.counts"
        elif unknown := sorted(labels - {""} - counts.keys()):
            yield f"clips have the {field} {', '.join(unknown)}, which info.counts does not name"
    if info.per_subject and (unknown := sorted({clip.subject for clip in clips} - info.per_subject.keys())):
        yield f"info.per_subject does not name the subjects {', '.join(unknown)}"
    intervals = [interval for clip in clips for interval in clip.intervals]
    for field, counts in info.events.items():
        labels = {interval.kind if field == "kind" else interval.labels.get(field, "") for interval in intervals}
        if not labels - {""}:
            yield f"no interval has the label '{field}' of info.events"
        elif unknown := sorted(labels - {""} - counts.keys()):
            yield f"intervals have the {field} {', '.join(unknown)}, which info.events does not name"


def _protocol_issues(cls: type[Dataset], clips: Sequence[Clip], protocol: Protocol) -> Iterator[str]:
    """What a protocol names that the release does not have."""
    info, name = cls.info, cls.name
    found = {clip.labels[protocol.label] for clip in clips if protocol.label in clip.labels}
    labels = {*info.counts.get(protocol.label, {}), *found} - {""}
    if not labels:
        fields = sorted({*info.counts, *(field for clip in clips for field in clip.labels)})
        yield f"no clip has the label '{protocol.label}' (there are {', '.join(fields) or 'none'})"
        return
    if protocol.multilabel:  # a small copy need not show every action unit
        if not any(protocol.label_of(clip) for clip in clips):
            yield f"no clip has a {protocol.label} that can be read"
        return
    label_map = protocol.label_map.get(name)
    published = protocol.counts.get(name)
    if label_map is None:
        label_map = {label: label for label in protocol.classes if published is None or published.get(label)}
        unknown = sorted(label_map.keys() - labels)
    else:  # a class of the task may stand for itself: clips of another release may be translated already
        unknown = sorted(label for label, task in label_map.items() if label not in labels and label != task)
    if unknown:
        yield f"no clip has the {protocol.label} {', '.join(unknown)} (there are {', '.join(sorted(labels))})"
    counts = info.counts.get(protocol.label)
    if counts and published and name not in protocol.frames_per_clip:
        yield from _count_issues(name, protocol, counts, label_map)
    if info.per_subject:
        named = {subject for subject in protocol.test_subjects if subject.startswith(f"{name}/")}
        if unknown := sorted(named - info.per_subject.keys()):
            yield f"the release has no subject {', '.join(unknown)}"


def _count_issues(
    name: str, protocol: Protocol, counts: Mapping[str, int], label_map: Mapping[str, str]
) -> Iterator[str]:
    """Classes of which a protocol counts more clips than the release has, or fewer by more than it excludes."""
    excluded = sum(clip_id.startswith(f"{name}/") for clip_id in protocol.exclude)
    for task_class, n in protocol.counts[name].items():
        here = sum(counts.get(label, 0) for label, to in label_map.items() if to == task_class)
        if not n <= here <= n + excluded:
            yield f"it counts {n} clips of {task_class}; by info.counts there are {here}, less {excluded} excluded"
