"""Who may see what: which clips take part, what they are called, how they are split, what is revealed of a test clip.

A protocol is a value. The published ones stand beside this file with the counts that their papers give; a clip list
that does not meet them is refused unless a subset is asked for.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from ..core.clip import TIMES, Clip
from ..core.errors import ProtocolError, RecipeError, UnknownNameError
from ..core.registry import RecordRegistry, validate_settings
from ..metrics import METRICS

Split = Literal["loso", "leave-one-dataset-out", "fixed-subjects", "subject-holdout-10", "random-images-leaky"]

LEAKING: Split = "random-images-leaky"
"""The split that has pictures of the same person, even of the same clip, on both sides."""


@dataclass(frozen=True)
class Example:
    """A clip and what it is called in the task. Truth stays on this side: recognizers see `clip.blind(...)`."""

    clip: Clip
    label: str


@dataclass(frozen=True)
class Fold:
    """One training set and the test set it is judged on.

    Args:
        leaking: people may stand on both sides: only for a split whose name and report say so.

    Raises:
        ProtocolError: a person stands on both sides.
    """

    name: str
    train: tuple[Example, ...]
    test: tuple[Example, ...]
    leaking: bool = False

    def __post_init__(self) -> None:
        both = self.subjects("train") & self.subjects("test")
        if both and not self.leaking:
            raise ProtocolError(f"fold '{self.name}': '{min(both)}' would be trained on and tested on")
        for side in ("train", "test"):
            if not getattr(self, side):
                raise ProtocolError(f"fold '{self.name}' has no clip to {side} on")

    def subjects(self, side: Literal["train", "test"]) -> set[str]:
        """The people of one side."""
        return {example.clip.subject for example in getattr(self, side)}


@dataclass(frozen=True)
class Protocol:
    """The rules of one evaluation.

    Attributes:
        name, title, source: what it is called, what it is, where it was published.
        datasets: which releases take part.
        label: which of a clip's labels is judged, e.g. `emotion` or `objective`.
        classes: the task's words in fixed order; a class without a clip stays in every score.
        label_map: data set -> release's word -> task's word; a word that is not named takes no part. A data set that is
            not named keeps its own words.
        frames_per_clip: data set -> (least, most): each clip stands for single frames of it, those nearest to its apex:
            a sixth of its frames, but at least and at most so many. A data set that is not named keeps whole clips.
        split: `loso` (each person is the test set once), `leave-one-dataset-out` (each data set is the test set once),
            `fixed-subjects` (the `test_subjects` are the test set), `subject-holdout-10` (a tenth of each data set's
            subjects, drawn once by their names) or `random-images-leaky` (a tenth of all images, whoever they show: it
            leaks).
        test_subjects: for `fixed-subjects`.
        reveal: which times of a clip may be used (`onset`, `apex`, `offset`); the others are hidden.
        exclude: clip id -> why it takes no part.
        counts: data set -> class -> published number of clips.
        clip_totals: data set -> published number of clips, where no paper gives it class by class.
        subjects: data set -> published number of people.
        average: `pooled` scores all predictions together; `folds` is the mean of the folds' scores.
        primary_metrics: the metrics that a paper with this protocol reports first.
    """

    name: str
    title: str
    datasets: tuple[str, ...]
    label: str
    classes: tuple[str, ...]
    label_map: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    frames_per_clip: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    split: Split = "loso"
    test_subjects: tuple[str, ...] = ()
    reveal: tuple[str, ...] = TIMES
    exclude: Mapping[str, str] = field(default_factory=dict)
    counts: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    clip_totals: Mapping[str, int] = field(default_factory=dict)
    subjects: Mapping[str, int] = field(default_factory=dict)
    average: Literal["pooled", "folds"] = "pooled"
    primary_metrics: tuple[str, ...] = ("macro_f1", "unweighted_average_recall")
    source: str = ""

    def __post_init__(self) -> None:
        if len(set(self.classes)) < 2 or len(set(self.classes)) != len(self.classes):
            raise RecipeError(f"protocol '{self.name}': classes = {list(self.classes)}: two or more, each once")
        for word in {task for words in self.label_map.values() for task in words.values()} - set(self.classes):
            raise RecipeError(f"protocol '{self.name}': words lead to '{word}', which is not one of its classes")
        for name in self.reveal:
            if name not in TIMES:
                raise UnknownNameError("time to reveal", name, TIMES)
        for name in self.primary_metrics:
            METRICS.get(name)

    @property
    def leaks(self) -> bool:
        """Whether people stand on both sides of its split."""
        return self.split == LEAKING

    def select(self, clips: Iterable[Clip]) -> list[Example]:
        """The clips (or single frames of them) that take part, with their truth, sorted by id.

        Raises:
            ProtocolError: none does.
        """
        every = sorted(clips, key=lambda clip: clip.id)
        chosen = [(clip, self._task_word(clip)) for clip in every if clip.id not in self.exclude]
        examples = [
            Example(one, word)
            for clip, word in chosen
            if word is not None
            for one in select_frames(clip, self.frames_per_clip.get(clip.dataset))
        ]
        if not examples:
            raise ProtocolError(f"protocol '{self.name}': none of {len(every)} clips has an '{self.label}' it judges")
        return examples

    def _task_word(self, clip: Clip) -> str | None:
        if clip.dataset not in self.datasets:
            return None
        word = clip.labels.get(self.label, "")
        words = self.label_map.get(clip.dataset)
        return words.get(word) if words is not None else (word if word in self.classes else None)

    def count_mismatches(self, examples: Sequence[Example]) -> list[str]:
        """Every difference to the published counts, a line each; empty when all are met."""
        lines = []
        for dataset in self.datasets:
            here = [e for e in examples if e.clip.dataset == dataset]
            published = self.counts.get(dataset)
            people = len({e.clip.subject for e in here})
            if published and not here:
                lines.append(f"{dataset} is missing: 0 of {sum(published.values())} clips")
                continue
            have = Counter(e.label for e in here)
            for word in self.classes if published else ():
                if have[word] != published.get(word, 0):  # type: ignore[union-attr]
                    lines.append(f"{dataset} {word}: {have[word]} of {published.get(word, 0)} clips")  # type: ignore[union-attr]
            if dataset in self.clip_totals and len(here) != self.clip_totals[dataset]:
                lines.append(f"{dataset}: {len(here)} of {self.clip_totals[dataset]} clips")
            if dataset in self.subjects and people != self.subjects[dataset]:
                lines.append(f"{dataset}: {people} of {self.subjects[dataset]} people")
        return lines

    def folds(self, examples: Sequence[Example]) -> list[Fold]:
        """The folds in a fixed order; each person of the test side is absent from the training side.

        Raises:
            ProtocolError: fewer than two people (or data sets), or no fixed test person is there.
        """
        if self.split == "leave-one-dataset-out":
            folds = self._leave_out(examples, lambda e: e.clip.dataset)
            return [dataclasses.replace(fold, name=self._direction(fold)) for fold in folds]
        if self.split == "loso":
            return self._leave_out(examples, lambda e: e.clip.subject)
        tested = self._tested(examples)
        sides: tuple[list[Example], list[Example]] = ([], [])
        for example in examples:
            sides[(example.clip.id if self.leaks else example.clip.subject) in tested].append(example)
        if not sides[1]:
            raise ProtocolError(
                f"protocol '{self.name}': no test person ({', '.join(self.test_subjects)}) has a clip here"
            )
        return [Fold(self.split, tuple(sides[0]), tuple(sides[1]), self.leaks)]

    def _tested(self, examples: Sequence[Example]) -> set[str]:
        """The test people; with the leaking split the test pictures."""
        if self.split == "fixed-subjects":
            return set(self.test_subjects)
        groups: dict[str, set[str]] = {}
        for e in examples:
            dataset, one = ("", e.clip.id) if self.leaks else (e.clip.dataset, e.clip.subject)
            groups.setdefault(dataset, set()).add(one)
        return {one for names in groups.values() for one in sorted(names, key=_hash)[: max(1, round(len(names) / 10))]}

    def _leave_out(self, examples: Sequence[Example], group: Any) -> list[Fold]:
        groups = sorted({group(e) for e in examples})
        if len(groups) < 2:
            raise ProtocolError(f"protocol '{self.name}' ({self.split}) needs two groups or more; here: {groups}")
        return [
            Fold(g, tuple(e for e in examples if group(e) != g), tuple(e for e in examples if group(e) == g))
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


def select_frames(clip: Clip, pictures: tuple[int, int] | None) -> list[Clip]:
    """The frames of a clip that stand for it, each as a clip of one frame; the clip itself where none are asked for.

    Args:
        clip: with onset, apex and offset.
        pictures: (least, most), see `Protocol.pictures`.

    Raises:
        ProtocolError: a time is unknown.
    """
    if pictures is None:
        return [clip]
    if clip.onset is None or clip.apex is None or clip.offset is None:
        raise ProtocolError(f"clip '{clip.id}' has no onset, apex or offset to choose its frames by")
    apex, numbers = clip.apex, range(clip.onset, clip.offset + 1)
    least, most = pictures
    nearest = sorted(numbers, key=lambda n: (abs(n - apex), -n))[: min(max(least, len(numbers) // 6), most)]
    return [
        dataclasses.replace(clip, id=f"{clip.id}/{n}", onset=n, apex=n, offset=n, intervals=()) for n in sorted(nearest)
    ]


def _hash(name: str) -> str:
    """A drawing that comes out the same everywhere."""
    return hashlib.sha256(name.encode()).hexdigest()
