"""What checks for leaks try: a fold of a recipe, made small, its samples made anew, its recognizer trained briefly."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...core.clip import Clip, Sample
from ...core.progress import ProgressCallback
from ...preprocessing import Chain
from ...protocols import Example
from ...recognizers import RECOGNIZERS, Recognizer
from ..data import StageData
from ..run_folder import fold_seed
from ..stages import drop_faceless
from .opened_files import opened_below

MAX_TRAIN, MAX_TEST = 60, 8
"""Numbers of training and test clips of the trial."""

MAX_EPOCHS = 3
"""Epochs of a network in the trial: what leaks shows after any number of them."""


@dataclass(frozen=True)
class Trial:
    """One fold of a recipe, made small.

    Attributes:
        data: clips, protocol, chain and recognizer of the recipe's last stage.
        fold: name of the fold.
        train: training examples.
        test: test examples; checks use their clips, no check hands their labels on.
        samples: samples of all of them, made anew by this process in the order training, test.
        opened: files of the data sets that preparing a sample, training or predicting opened beside the clip's own:
            what opened them -> path.
        recognizer: trained on the training samples.
    """

    data: StageData
    fold: str
    train: tuple[Example, ...]
    test: tuple[Example, ...]
    samples: dict[str, Sample]
    opened: dict[str, str]
    recognizer: Recognizer

    @property
    def chain(self) -> Chain:
        """A new chain of the recipe's steps."""
        return Chain.build(self.data.stage.chain)

    @property
    def test_samples(self) -> list[Sample]:
        """The samples of the test clips."""
        return [self.samples[example.clip.id] for example in self.test]

    @property
    def train_samples(self) -> tuple[list[Sample], list[str]]:
        """Samples and labels of the training clips in which a face was found."""
        return drop_faceless([self.samples[e.clip.id] for e in self.train], [e.label for e in self.train])

    def blind(self, clip: Clip) -> Clip:
        """A clip as the protocol shows it to a chain."""
        return clip.blind(self.data.protocol.reveal)

    def settings(self, fold: str) -> tuple[dict[str, Any], dict[str, Any]]:
        """Table and further arguments of the recognizer, trained for a few epochs only.

        Args:
            fold: the name that the recognizer is told of its fold; the seed stays that of the trial.
        """
        table = dict(self.data.stage.recognizer)
        if "epochs" in (given := RECOGNIZERS.build(table).get_params()):
            table["epochs"] = min(MAX_EPOCHS, given["epochs"])
        seed = fold_seed(0, self.fold)
        return table, {"classes": self.data.protocol.classes, "seed": seed, "fold": fold, "folder": None}

    def fitted(self, fold: str) -> Recognizer:
        """A recognizer that is trained in this process on the training samples, and told this name of its fold."""
        table, arguments = self.settings(fold)
        return RECOGNIZERS.build(table, **arguments).fit(*self.train_samples)


def make_trial(data: StageData, roots: Sequence[Path], progress: ProgressCallback) -> Trial:
    """Make the trial of a recipe's last stage: the fold with the most test clips, at most 8, and 60 training clips.

    Args:
        data: of the last stage.
        roots: folders of its data sets.
        progress: called as clips are prepared.
    """
    fold = max(data.folds, key=lambda fold: (min(len(fold.test), MAX_TEST), fold.name))
    train, test = _spread(fold.train, MAX_TRAIN), _spread(fold.test, MAX_TEST)
    folders = [str(root.absolute()) for root in roots]
    trial = Trial(data, fold.name, train, test, {}, {}, None)  # type: ignore[arg-type]  # completed below
    chain, clips = trial.chain, [example.clip for example in (*train, *test)]
    for done, clip in enumerate(clips):
        progress("looking for leaks: preparing clips", done, len(clips))
        with opened_below(
            folders, allowed=[clip.source, *(path for step in chain.steps for path in step.files(clip))]
        ) as opened:
            trial.samples[clip.id] = chain(trial.blind(clip))
        _note(trial, f"preparing '{clip.id}'", opened)
    progress("looking for leaks: preparing clips", len(clips), len(clips))
    with opened_below(folders, allowed=[]) as opened:
        recognizer = trial.fitted(fold.name)
    _note(trial, "training", opened)
    with opened_below(folders, allowed=[]) as opened:
        recognizer.predict(trial.test_samples)
    _note(trial, "predicting", opened)
    return dataclasses.replace(trial, recognizer=recognizer)


def _note(trial: Trial, what: str, opened: Sequence[str]) -> None:
    """Note the first file that something opened, if there is one."""
    if opened:
        trial.opened[what] = opened[0]


def _spread(examples: Sequence[Example], count: int) -> tuple[Example, ...]:
    """At most so many examples, of every class in turn, and of as many subjects as there are."""
    by_class: dict[str, list[Example]] = {}
    for example in examples:
        by_class.setdefault(example.label, []).append(example)
    chosen: list[Example] = []
    while len(chosen) < min(count, len(examples)):
        for own in by_class.values():
            if own and len(chosen) < count:
                people = {example.clip.subject for example in chosen}
                chosen.append(own.pop(next((i for i, e in enumerate(own) if e.clip.subject not in people), 0)))
    return tuple(sorted(chosen, key=lambda example: example.clip.id))
