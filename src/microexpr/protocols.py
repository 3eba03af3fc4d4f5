"""Who may see what: which clips take part, what they are called, how they are split, what is revealed of a test clip.

A protocol is a value. The published ones stand below with the counts that their papers give; a clip list that does not
meet them is refused unless a subset is asked for.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from .clip import TIMES, Clip
from .errors import ProtocolError, RecipeError, UnknownNameError
from .metrics import METRICS
from .registry import checked

Split = Literal["loso", "holdout-dataset", "fixed"]


@dataclass(frozen=True)
class Example:
    """A clip and what it is called in the task. Truth stays on this side: recognizers see `clip.blind(...)`."""

    clip: Clip
    truth: str


@dataclass(frozen=True)
class Fold:
    """One training set and the test set it is judged on.

    Raises:
        ProtocolError: a person stands on both sides.
    """

    name: str
    train: tuple[Example, ...]
    test: tuple[Example, ...]

    def __post_init__(self) -> None:
        both = self.people("train") & self.people("test")
        if both:
            raise ProtocolError(f"fold '{self.name}': '{min(both)}' would be trained on and tested on")
        for side in ("train", "test"):
            if not getattr(self, side):
                raise ProtocolError(f"fold '{self.name}' has no clip to {side} on")

    def people(self, side: Literal["train", "test"]) -> set[str]:
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
        words: data set -> release's word -> task's word; a word that is not named takes no part. A data set that is
            not named keeps its own words.
        split: `loso` (each person is the test set once), `holdout-dataset` (each data set is the test set once) or
            `fixed` (the `test_people` are the test set).
        test_people: for `fixed`.
        reveal: which times of a clip may be used (`onset`, `apex`, `offset`); the others are hidden.
        exclude: clip id -> why it takes no part.
        counts: data set -> class -> published number of clips.
        people: data set -> published number of people.
        average: `pooled` scores all predictions together; `folds` is the mean of the folds' scores.
        headline: the metrics that a paper with this protocol reports first.
    """

    name: str
    title: str
    datasets: tuple[str, ...]
    label: str
    classes: tuple[str, ...]
    words: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    split: Split = "loso"
    test_people: tuple[str, ...] = ()
    reveal: tuple[str, ...] = TIMES
    exclude: Mapping[str, str] = field(default_factory=dict)
    counts: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    people: Mapping[str, int] = field(default_factory=dict)
    average: Literal["pooled", "folds"] = "pooled"
    headline: tuple[str, ...] = ("macro_f1", "unweighted_average_recall")
    source: str = ""

    def __post_init__(self) -> None:
        if len(set(self.classes)) < 2 or len(set(self.classes)) != len(self.classes):
            raise RecipeError(f"protocol '{self.name}': classes = {list(self.classes)}: two or more, each once")
        for word in {task for words in self.words.values() for task in words.values()} - set(self.classes):
            raise RecipeError(f"protocol '{self.name}': words lead to '{word}', which is not one of its classes")
        for name in self.reveal:
            if name not in TIMES:
                raise UnknownNameError("time to reveal", name, TIMES)
        for name in self.headline:
            if name not in METRICS:
                raise UnknownNameError("metric", name, METRICS)

    def select(self, clips: Iterable[Clip]) -> list[Example]:
        """The clips that take part, with their truth, sorted by id.

        Raises:
            ProtocolError: none does.
        """
        every = sorted(clips, key=lambda clip: clip.id)
        chosen = [(clip, self._task_word(clip)) for clip in every if clip.id not in self.exclude]
        examples = [Example(clip, word) for clip, word in chosen if word is not None]
        if not examples:
            raise ProtocolError(f"protocol '{self.name}': none of {len(every)} clips has an '{self.label}' it judges")
        return examples

    def _task_word(self, clip: Clip) -> str | None:
        if clip.dataset not in self.datasets:
            return None
        word = clip.labels.get(self.label, "")
        words = self.words.get(clip.dataset)
        return words.get(word) if words is not None else (word if word in self.classes else None)

    def shortfall(self, examples: Sequence[Example]) -> list[str]:
        """Every difference to the published counts, a line each; empty when all are met."""
        lines = []
        for dataset in self.datasets:
            here = [e for e in examples if e.clip.dataset == dataset]
            published = self.counts.get(dataset)
            people = len({e.clip.subject for e in here})
            if published and not here:
                lines.append(f"{dataset} is missing: 0 of {sum(published.values())} clips")
                continue
            have = Counter(e.truth for e in here)
            for word in self.classes if published else ():
                if have[word] != published.get(word, 0):  # type: ignore[union-attr]
                    lines.append(f"{dataset} {word}: {have[word]} of {published.get(word, 0)} clips")  # type: ignore[union-attr]
            if dataset in self.people and people != self.people[dataset]:
                lines.append(f"{dataset}: {people} of {self.people[dataset]} people")
        return lines

    def folds(self, examples: Sequence[Example]) -> list[Fold]:
        """The folds in a fixed order; each person of the test side is absent from the training side.

        Raises:
            ProtocolError: fewer than two people (or data sets), or no fixed test person is there.
        """
        if self.split == "holdout-dataset":
            folds = self._leave_out(examples, lambda e: e.clip.dataset)
            return [dataclasses.replace(fold, name=self._direction(fold)) for fold in folds]
        if self.split == "loso":
            return self._leave_out(examples, lambda e: e.clip.subject)
        train = tuple(e for e in examples if e.clip.subject not in self.test_people)
        test = tuple(e for e in examples if e.clip.subject in self.test_people)
        if not test:
            raise ProtocolError(
                f"protocol '{self.name}': no test person ({', '.join(self.test_people)}) has a clip here"
            )
        return [Fold("fixed", train, test)]

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


def protocol(given: str | Mapping[str, Any]) -> Protocol:
    """A published protocol by name, or one of your own from a table of `Protocol`'s fields.

    Raises:
        UnknownNameError: no such protocol.
        RecipeError: a wrong key or type in the table.
    """
    if isinstance(given, str):
        if given not in PROTOCOLS:
            raise UnknownNameError("protocol", given, PROTOCOLS)
        return PROTOCOLS[given]
    needed = [f.name for f in dataclasses.fields(Protocol) if f.default is f.default_factory is dataclasses.MISSING]
    if absent := [name for name in needed if name not in given]:
        raise RecipeError(f"the table 'protocol' lacks '{absent[0]}'; it needs {', '.join(needed)}")
    return checked(Protocol, given, f"protocol '{given['name']}'")


# ---------------------------------------------------------------------------------------------------------------------
# MEGC 2018: objective classes I to V of CASME II and SAMM (Davison, Merghani and Yap 2018; Yap et al. 2018)

_I_TO_V = ("I", "II", "III", "IV", "V")
_MEGC2018 = {
    "casme2": {"I": 25, "II": 15, "III": 99, "IV": 26, "V": 20},
    "samm": {"I": 24, "II": 13, "III": 20, "IV": 8, "V": 3},
}
_MEGC2018_PEOPLE = {"casme2": 26, "samm": 21}


def _megc2018(name: str, title: str, datasets: tuple[str, ...], **rest: Any) -> Protocol:
    return Protocol(
        name=name,
        title=title,
        datasets=datasets,
        label="objective",
        classes=_I_TO_V,
        counts={d: _MEGC2018[d] for d in datasets},
        people={d: _MEGC2018_PEOPLE[d] for d in datasets},
        source="Yap, See, Hong, Wang: Facial Micro-Expressions Grand Challenge 2018; counts: Peng et al. 2018, Table I",
        **rest,
    )


# ---------------------------------------------------------------------------------------------------------------------
# MEGC 2019: three classes of SMIC, CASME II and SAMM (See, Yap, Li, Hong, Wang 2019)

_MEGC2019_CLASSES = ("negative", "positive", "surprise")
_OWN = {word: word for word in _MEGC2019_CLASSES}  # the precomputed release and SMIC use the task's words themselves
_MEGC2019_WORDS = {
    "casme2": {
        **_OWN,
        "happiness": "positive",
        "surprise": "surprise",
        "disgust": "negative",
        "repression": "negative",
    },
    "samm": {
        **_OWN,
        "Happiness": "positive",
        "Surprise": "surprise",
        **dict.fromkeys(("Anger", "Contempt", "Disgust", "Fear", "Sadness"), "negative"),
    },
    "smic": _OWN,
}

# ---------------------------------------------------------------------------------------------------------------------
# CASME II by emotion (sheet of 8 May 2014: 255 clips)

_CASME2 = {
    "happiness": 32,
    "disgust": 63,
    "repression": 27,
    "surprise": 25,
    "sadness": 7,
    "fear": 2,
    "others": 99,
}
_LAST_SIX = tuple(f"casme2/sub{n}" for n in range(21, 27))


def _casme2(name: str, title: str, words: Sequence[str], people: int | None = None, source: str = "") -> list[Protocol]:
    """The same classes twice: leave one subject out, and 20 people against the last six.

    Devanaboyina 2021 does not say which six people were tested; the last six are our choice, made once.
    """
    common: dict[str, Any] = {
        "datasets": ("casme2",),
        "label": "emotion",
        "classes": tuple(words),
        "counts": {"casme2": {word: _CASME2[word] for word in words}},
        "people": {"casme2": people} if people else {},
        "headline": ("weighted_average_recall", "macro_f1"),
        "source": source or "Yan et al. 2014 (CASME II); sheet of 8 May 2014",
    }
    return [
        Protocol(name=name, title=f"CASME II, {title}, leave one subject out", **common),
        Protocol(
            name=f"{name}-fixed",
            title=f"CASME II, {title}, trained on 20 people, tested on the last six",
            split="fixed",
            test_people=_LAST_SIX,
            **common,
        ),
    ]


_DEVANABOYINA = "Devanaboyina 2021"
PROTOCOLS: dict[str, Protocol] = {
    one.name: one
    for one in (
        _megc2018(
            "megc2018-hde",
            "MEGC 2018, holdout-database evaluation: trained on one release, tested on the other, both ways",
            ("casme2", "samm"),
            split="holdout-dataset",
            average="folds",
            headline=("weighted_average_recall", "unweighted_average_recall"),
        ),
        _megc2018(
            "megc2018-cde",
            "MEGC 2018, composite-database evaluation: leave one of 47 people out",
            ("casme2", "samm"),
            headline=("macro_f1", "weighted_f1"),
        ),
        _megc2018(
            "megc2018-casme2",
            "CASME II, objective classes I to V, leave one subject out",
            ("casme2",),
            headline=("weighted_average_recall", "macro_f1"),
        ),
        _megc2018(
            "megc2018-samm",
            "SAMM, objective classes I to V, leave one subject out",
            ("samm",),
            headline=("weighted_average_recall", "macro_f1"),
        ),
        Protocol(
            name="megc2019-cde",
            title="MEGC 2019, composite-database evaluation: three classes, leave one of 68 people out",
            datasets=("casme2", "samm", "smic"),
            label="emotion",
            classes=_MEGC2019_CLASSES,
            words=_MEGC2019_WORDS,
            exclude={
                "casme2/sub04/EP12_01f": "not in the challenge's list (its apex is unknown in the sheet)",
                "casme2/sub05/EP09_05f": "not in the challenge's list",
            },
            counts={
                "casme2": {"negative": 88, "positive": 32, "surprise": 25},
                "samm": {"negative": 92, "positive": 26, "surprise": 15},
                "smic": {"negative": 70, "positive": 51, "surprise": 43},
            },
            people={"casme2": 24, "samm": 28, "smic": 16},
            source="See, Yap, Li, Hong, Wang: MEGC 2019, the Second Facial Micro-Expressions Grand Challenge",
        ),
        *_casme2("casme2-7", "seven emotions", tuple(_CASME2), 26),
        *_casme2("casme2-5", "five emotions", ("happiness", "disgust", "repression", "surprise", "others")),
        *_casme2(
            "casme2-5a",
            "the five emotions of method 6",
            ("happiness", "surprise", "repression", "sadness", "disgust"),
            source=f"{_DEVANABOYINA}, method 6",
        ),
        *_casme2(
            "casme2-5b",
            "the five emotions of method 5, second run",
            ("happiness", "surprise", "repression", "sadness", "fear"),
            source=f"{_DEVANABOYINA}, method 5",
        ),
        *_casme2(
            "casme2-3",
            "three emotions",
            ("happiness", "surprise", "repression"),
            people=20,
            source=f"{_DEVANABOYINA}, method 5",
        ),
    )
}
