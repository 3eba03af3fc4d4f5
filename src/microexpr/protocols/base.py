"""Protocols: which clips take part, their classes, how they are split, and what is revealed of a test clip.

A protocol is a value, registered in `PROTOCOLS`. The published ones are in `published.py`, with the counts that their
papers give; data that differ from the counts are refused unless a run allows a subset.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any, Literal

from ..core.action_units import ACTION_UNITS, format_action_units, parse_action_units
from ..core.clip import TIMES, Clip
from ..core.errors import ProtocolError, RecipeError, UnknownNameError, UsageError
from ..core.group_folds import assign_folds
from ..core.registry import RecordRegistry, validate_settings
from ..metrics import METRICS, UNIT_METRICS

Split = Literal[
    "loso",
    "k-fold",
    "leave-one-dataset-out",
    "fixed-subjects",
    "subject-holdout-10",
    "random-images-leaky",
    "leave-one-video-out-leaky",
    "zero-shot",
    "test-only",
]

LEAKING_IMAGES: Split = "random-images-leaky"
"""The split that has images of the same subject, even of the same clip, on both sides."""

LEAKING_VIDEOS: Split = "leave-one-video-out-leaky"
"""The split that has other clips of the test clip's subject in every training set."""

LEAKING: tuple[Split, ...] = (LEAKING_IMAGES, LEAKING_VIDEOS)
"""The splits that have the same subject on both sides."""

ZERO_SHOT: Split = "zero-shot"
"""The split that tests on every clip and trains on none."""

TEST_ONLY: Split = "test-only"
"""The split that tests on every clip a model that was trained before, on whatever clips."""


@dataclass(frozen=True)
class Example:
    """A clip and its label: its class, or its action units (`4+L10`) where a protocol is multilabel.

    The label stays in this process: recognizers get `clip.blind(...)`.
    """

    clip: Clip
    label: str


@dataclass(frozen=True)
class Fold:
    """A training set and a test set.

    Attributes:
        name: Name of the fold; its seed is made from it.
        train: Training examples.
        test: Test examples.
        leaking: Subjects may be on both sides; only for a split whose name and report say so.
        zero_shot: Nobody is trained on in this run.

    Raises:
        ProtocolError: a subject is on both sides, or a side is empty that must not be.
    """

    name: str
    train: tuple[Example, ...]
    test: tuple[Example, ...]
    leaking: bool = False
    zero_shot: bool = False

    def __post_init__(self) -> None:
        both = self.subjects("train") & self.subjects("test")
        if both and not self.leaking:
            raise ProtocolError(f"fold '{self.name}': '{min(both)}' would be trained on and tested on")
        for side in ("train", "test"):
            if not getattr(self, side) and not (side == "train" and self.zero_shot):
                raise ProtocolError(f"fold '{self.name}' has no clip to {side} on")

    def subjects(self, side: Literal["train", "test"]) -> set[str]:
        """The subjects of one side."""
        return {example.clip.subject for example in getattr(self, side)}


@dataclass(frozen=True)
class Protocol:
    """How recognizers are evaluated: clips, classes, split, and what is revealed of a test clip.

    Attributes:
        name: Name of the protocol.
        title: The protocol in one line.
        datasets: Names of the data sets that take part.
        label: Name of the clips' label that is the class, e.g. `emotion` or `objective`.
        classes: The classes in fixed order; a class without a clip stays in every score.
        label_map: Data set -> label of the release -> class; a label that is not named takes no part. A data set that
            is not named uses its own labels as classes.
        frames_per_clip: Data set -> (minimum, maximum): each clip stands for single frames of it, those nearest to its
            apex: a sixth of its frames, within these limits. A data set that is not named keeps whole clips.
        split: `loso` (each subject is the test set once), `k-fold` (the subjects are dealt into `k` folds of about as
            many clips, each of which is the test set once; nothing is drawn), `leave-one-dataset-out` (each data set is
            the test set once), `fixed-subjects` (the `test_subjects` are the test set), `subject-holdout-10` (a tenth
            of each data set's subjects, drawn once by their names), `random-images-leaky` (a tenth of all images of any
            subject, so that subjects are on both sides), `leave-one-video-out-leaky` (each clip is the test set once,
            and the other clips of its subject are trained on), `zero-shot` (every clip is tested, and none is trained
            on) or `test-only` (every clip is tested with a model that was trained before).
        k: Number of folds of `k-fold`; with fewer subjects, each is a fold.
        test_subjects: Subjects of the test set, for `fixed-subjects`; `dfme_test_a/*` stands for all of a data set.
        reveal: Which times of a clip may be used (`onset`, `apex`, `offset`); the others are hidden.
        exclude: Clip id -> why it takes no part.
        clips_of: Name of a protocol; only clips that it selects take part. Empty for no such limit.
        multilabel: A clip has any number of the classes at once. They are numbers of action units, and the clip's label
            is text as sheets write it, e.g. `4+L10`; a clip without such text takes no part.
        threshold: Probability, 0 to 1, from which on a class of a multilabel protocol is predicted.
        min_positives: Means of a multilabel protocol are over the classes with at least this many clips.
        undefined_as_chance: Whether a score that is not defined, as the AUC of a class that no clip of a data set has,
            counts as chance in means of a multilabel protocol; otherwise the class is left out of the mean.
        counts: Data set -> class -> published number of clips.
        clip_totals: Data set -> published number of clips, where no paper gives it class by class.
        subjects: Data set -> published number of subjects.
        average: `pooled` computes scores of all predictions together; `folds` averages the scores of the folds.
        primary_metrics: The metrics that papers with this protocol report first.
        source: Where the protocol and its counts were published.
    """

    name: str
    title: str
    datasets: tuple[str, ...]
    label: str
    classes: tuple[str, ...]
    label_map: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    frames_per_clip: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    split: Split = "loso"
    k: int = 10
    test_subjects: tuple[str, ...] = ()
    reveal: tuple[str, ...] = TIMES
    exclude: Mapping[str, str] = field(default_factory=dict)
    clips_of: str = ""
    multilabel: bool = False
    threshold: float = 0.5
    min_positives: int = 5
    undefined_as_chance: bool = False
    counts: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    clip_totals: Mapping[str, int] = field(default_factory=dict)
    subjects: Mapping[str, int] = field(default_factory=dict)
    average: Literal["pooled", "folds"] = "pooled"
    primary_metrics: tuple[str, ...] = ("macro_f1", "unweighted_average_recall")
    source: str = ""

    def __post_init__(self) -> None:
        if len(set(self.classes)) < 2 or len(set(self.classes)) != len(self.classes):
            raise RecipeError(f"protocol '{self.name}': classes = {list(self.classes)}: two or more, each once")
        for label in {name for labels in self.label_map.values() for name in labels.values()} - set(self.classes):
            raise RecipeError(f"protocol '{self.name}': label_map leads to '{label}', which is not one of its classes")
        for name in self.reveal:
            if name not in TIMES:
                raise UnknownNameError("time to reveal", name, TIMES)
        for name in self.primary_metrics:
            (UNIT_METRICS if self.multilabel else METRICS).get(name)
        units = {str(number) for number in ACTION_UNITS}
        if self.multilabel and (wrong := sorted(set(self.classes) - units)):
            raise RecipeError(
                f"protocol '{self.name}': classes = '{wrong[0]}': a multilabel protocol has action units, of "
                f"{', '.join(map(str, ACTION_UNITS))}"
            )
        if self.k < 2:
            raise RecipeError(f"protocol '{self.name}': k = {self.k}: k-fold needs 2 folds or more")
        if self.split == LEAKING_VIDEOS and self.frames_per_clip:
            raise RecipeError(
                f"protocol '{self.name}': split = '{self.split}' leaves whole clips out; omit frames_per_clip"
            )
        if not 0 <= self.threshold <= 1 or self.min_positives < 1:
            raise RecipeError(
                f"protocol '{self.name}': threshold = {self.threshold}, min_positives = {self.min_positives}: give a "
                "probability, and a number of clips that is 1 or more"
            )

    @property
    def leaks(self) -> bool:
        """Whether subjects are on both sides of its split."""
        return self.split in LEAKING

    @property
    def zero_shot(self) -> bool:
        """Whether no clip of anybody is trained on, before or now."""
        return self.split == ZERO_SHOT

    @property
    def without_training(self) -> bool:
        """Whether no clip is trained on in a run."""
        return self.split in (ZERO_SHOT, TEST_ONLY)

    def select(self, clips: Iterable[Clip]) -> list[Example]:
        """Select the clips (or single frames of them) that take part, with their labels, sorted by id.

        Raises:
            ProtocolError: no clip takes part.
        """
        every = sorted(clips, key=lambda clip: clip.id)
        chosen = [(clip, self.label_of(clip)) for clip in every if self._may_take_part(clip)]
        examples = [
            Example(frame, label)
            for clip, label in chosen
            if label is not None
            for frame in select_frames(clip, self.frames_per_clip.get(clip.dataset))
        ]
        if not examples:
            what = "with action units that can be read" if self.multilabel else "among its classes"
            raise ProtocolError(f"protocol '{self.name}': none of {len(every)} clips has an '{self.label}' {what}")
        return examples

    def labels_of(self, label: str) -> tuple[str, ...]:
        """The classes that a label stands for: itself, or the numbers of the action units in it, each once."""
        if not self.multilabel:
            return (label,)
        return tuple(dict.fromkeys(str(number) for number, _ in parse_action_units(label)))

    def unlabeled(self, clips: Iterable[Clip]) -> list[str]:
        """What a multilabel protocol leaves out: a line for each data set with clips whose action units are unknown."""
        if not self.multilabel:
            return []
        groups: dict[str, list[Clip]] = {}
        for clip in clips:
            groups.setdefault(clip.dataset, []).append(clip)
        lines = []
        for dataset, own in sorted(groups.items()):
            unknown = [clip for clip in own if _action_units(clip.labels.get(self.label, "")) is None]
            if unknown:
                lines.append(
                    f"{dataset}: {len(unknown)} of {len(own)} clips have no '{self.label}' that can be read, e.g. "
                    f"'{unknown[0].id}' ('{unknown[0].labels.get(self.label, '')}'); they take no part"
                )
        return lines

    def _may_take_part(self, clip: Clip) -> bool:
        if self.clips_of:
            other = PROTOCOLS.get(self.clips_of)
            if not other._may_take_part(clip) or other.label_of(clip) is None:
                return False
        return clip.dataset in self.datasets and clip.id not in self.exclude

    def label_of(self, clip: Clip) -> str | None:
        """The class (or action units) of a clip by its label; None where it takes no part."""
        label = clip.labels.get(self.label, "")
        if self.multilabel:
            return _action_units(label)
        if clip.dataset in self.label_map:
            return self.label_map[clip.dataset].get(label)
        return label if label in self.classes else None

    def count_mismatches(self, examples: Sequence[Example]) -> list[str]:
        """Differences to the published counts, a line each; empty when there are none."""
        lines = []
        for dataset in self.datasets:
            here = [e for e in examples if e.clip.dataset == dataset]
            published = self.counts.get(dataset)
            total = self.clip_totals.get(dataset, sum((published or {}).values()))
            subjects = len({e.clip.subject for e in here})
            if published and not here:
                lines.append(f"{dataset} is missing: 0 of {total} clips")
                continue
            have = Counter(label for e in here for label in self.labels_of(e.label))
            if published:
                for label in self.classes:
                    expected = published.get(label, 0)
                    if have[label] != expected:
                        lines.append(f"{dataset} {label}: {have[label]} of {expected} clips")
            if dataset in self.clip_totals and len(here) != self.clip_totals[dataset]:
                lines.append(f"{dataset}: {len(here)} of {self.clip_totals[dataset]} clips")
            if dataset in self.subjects and subjects != self.subjects[dataset]:
                lines.append(f"{dataset}: {subjects} of {self.subjects[dataset]} subjects")
        return lines

    def folds(self, examples: Sequence[Example]) -> list[Fold]:
        """Split the examples into folds, in a fixed order; no subject is in a training set and its test set.

        The splits of `LEAKING` are the exceptions, which their names say.

        Raises:
            ProtocolError: fewer than two subjects (or data sets), or no fixed test subject has a clip.
        """
        if self.split == "leave-one-dataset-out":
            folds = self._leave_out(examples, lambda e: e.clip.dataset)
            return [dataclasses.replace(fold, name=self._direction(fold)) for fold in folds]
        if self.without_training:
            return [Fold(self.split, (), tuple(examples), zero_shot=True)]
        if self.split == "k-fold":
            fold_of = self._fold_of(examples)
            return self._leave_out(examples, lambda e: fold_of[e.clip.subject])
        if self.split == "loso":
            return self._leave_out(examples, lambda e: e.clip.subject)
        if self.split == LEAKING_VIDEOS:
            return self._leave_out(examples, lambda e: e.clip.id)
        tested = self._tested(examples)
        sides: tuple[list[Example], list[Example]] = ([], [])
        for example in examples:
            sides[(example.clip.id if self.leaks else example.clip.subject) in tested].append(example)
        if not sides[1]:
            raise ProtocolError(
                f"protocol '{self.name}': no test subject ({', '.join(self.test_subjects)}) has a clip here"
            )
        return [Fold(self.split, tuple(sides[0]), tuple(sides[1]), self.leaks)]

    def _fold_of(self, examples: Sequence[Example]) -> dict[str, str]:
        """Subject -> name of its fold."""
        subjects = [example.clip.subject for example in examples]
        width = len(str(self.k))
        folds = assign_folds(subjects, self.k).tolist()
        return {name: f"fold-{fold + 1:0{width}d}" for name, fold in zip(subjects, folds, strict=True)}

    def _tested(self, examples: Sequence[Example]) -> set[str]:
        """The test subjects; with the leaking split the test images."""
        if self.split == "fixed-subjects":
            subjects = {e.clip.subject for e in examples}
            return {subject for subject in subjects if any(fnmatchcase(subject, p) for p in self.test_subjects)}
        groups: dict[str, set[str]] = {}
        for e in examples:
            dataset, unit = ("", e.clip.id) if self.leaks else (e.clip.dataset, e.clip.subject)
            groups.setdefault(dataset, set()).add(unit)
        tested: set[str] = set()
        for names in groups.values():
            tested.update(sorted(names, key=_hash)[: max(1, round(len(names) / 10))])
        return tested

    def _leave_out(self, examples: Sequence[Example], group: Any) -> list[Fold]:
        groups = sorted({group(e) for e in examples})
        if len(groups) < 2:
            raise ProtocolError(f"protocol '{self.name}' ({self.split}) needs two groups or more; here: {groups}")
        return [
            Fold(
                g,
                tuple(e for e in examples if group(e) != g),
                tuple(e for e in examples if group(e) == g),
                leaking=self.leaks,
            )
            for g in groups
        ]

    @staticmethod
    def _direction(fold: Fold) -> str:
        sides = ["+".join(sorted({e.clip.dataset for e in side})) for side in (fold.train, fold.test)]
        return "-to-".join(sides)


PROTOCOLS: RecordRegistry[Protocol] = RecordRegistry("protocol", "microexpr.protocols")
"""Name -> protocol: the published ones, and those of plug-ins (`PROTOCOLS.add(protocol.name, protocol)`)."""


def load_protocol(given: str | Mapping[str, Any]) -> Protocol:
    """Load a registered protocol by name, or one of your own from a table of `Protocol`'s fields.

    Args:
        given: A name (see `PROTOCOLS`), or field -> value.

    Raises:
        UnknownNameError: no such protocol.
        RecipeError: a wrong key or type in the table.
    """
    if isinstance(given, str):
        return PROTOCOLS.get(given)
    needed = [f.name for f in dataclasses.fields(Protocol) if f.default is f.default_factory is dataclasses.MISSING]
    if absent := [name for name in needed if name not in given]:
        raise RecipeError(f"the table 'protocol' lacks '{absent[0]}'; it needs {', '.join(needed)}")
    return validate_settings(Protocol, given, f"protocol '{given['name']}'")


def select_frames(clip: Clip, limits: tuple[int, int] | None) -> list[Clip]:
    """The frames of a clip that represent it, each as a clip of one frame; the clip itself without limits.

    Args:
        clip: A clip with onset, apex and offset.
        limits: (minimum, maximum) number of frames, see `Protocol.frames_per_clip`.

    Raises:
        ProtocolError: a time is unknown.
    """
    if limits is None:
        return [clip]
    if clip.onset is None or clip.apex is None or clip.offset is None:
        raise ProtocolError(f"clip '{clip.id}' has no onset, apex or offset to choose its frames by")
    apex, numbers = clip.apex, range(clip.onset, clip.offset + 1)
    minimum, maximum = limits
    nearest = sorted(numbers, key=lambda n: (abs(n - apex), -n))[: min(max(minimum, len(numbers) // 6), maximum)]
    return [
        dataclasses.replace(clip, id=f"{clip.id}/{n}", onset=n, apex=n, offset=n, intervals=()) for n in sorted(nearest)
    ]


def _action_units(text: str) -> str | None:
    """The action units of a text, written as the sheet of CASME II does; None where there are none to read."""
    try:
        return format_action_units(parse_action_units(text)) or None
    except UsageError:
        return None


def _hash(name: str) -> str:
    """A hash by which names are sorted in an order that looks random and is the same on every machine."""
    return hashlib.sha256(name.encode()).hexdigest()
