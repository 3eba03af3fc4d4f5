"""A choice among recognizers that is made on training people alone (nested cross-validation)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from pydantic import Field

from ..core.clip import Sample
from ..core.errors import RecipeError
from ..core.group_folds import assign_folds
from ..metrics import METRICS
from .base import RECOGNIZERS, Recognizer, Settings, State

CHOSEN, SCORES, PART = "chosen", "inner_scores", "recognizer/"
"""Names in `state`: position of the chosen candidate, score of each, and the begin of those that it learned."""


@RECOGNIZERS.register("nested")
@dataclass
class Nested(Recognizer):
    """Choose among recognizers by what they say of training people who were left out, then train the best on all.

    The training people are dealt into parts. Each candidate is trained without each part and predicts it; the score is
    that of all these predictions together, and of equal ones the first candidate wins. Nothing of a test person takes
    part: in a leave-one-subject-out run the choice is made anew in every fold (Varma and Simon 2006).

    Args:
        candidates: table of each recognizer among which is chosen: `name`, settings.
        inner_folds: parts of the training people, which are left out in turn; as many as people where these are fewer.
        metric: name of the metric of recognition that decides.
    """

    candidates: tuple[Settings, ...] = ({"name": "svm"}, {"name": "kernel-ridge"})
    inner_folds: Annotated[int, Field(ge=2)] = 5
    metric: str = "macro_f1"

    def __post_init__(self) -> None:
        if not self.candidates:
            raise RecipeError(f"recognizer '{self.name}': candidates = []: name at least one recognizer")
        for number in range(len(self.candidates)):
            self._new(number)  # a misspelled setting is found before any work is done
        METRICS.get(self.metric)

    def _new(self, number: int, part: str = "") -> Recognizer:
        """A candidate; one that leaves a part out writes no files."""
        fold, folder = (f"{self.fold}, without {part}", None) if part else (self.fold, self.folder)
        table = self.candidates[number]
        return RECOGNIZERS.build(table, classes=self.classes, seed=self.seed, fold=fold, folder=folder)

    def _fit(self, samples: Sequence[Sample], targets: np.ndarray, groups: Sequence[str], init: State | None) -> None:
        labels = [self.classes[target] for target in targets]
        self.scores_ = self._inner_scores(samples, labels, groups, init)
        best = self.scores_ if METRICS.get(self.metric).higher_is_better else -self.scores_
        self.chosen_ = int(np.argmax(best))
        self.recognizer_ = self._new(self.chosen_).fit(samples, labels, groups, init, self.on_progress_)
        self.history_ = self.recognizer_.history_

    def _inner_scores(
        self, samples: Sequence[Sample], labels: Sequence[str], groups: Sequence[str], init: State | None
    ) -> np.ndarray:
        """(candidates,) score of each on training people who were left out."""
        if len(set(groups)) < 2:
            raise RecipeError(
                f"recognizer '{self.name}' leaves training people out in turn, and the training clips are of "
                f"{len(set(groups))}; train on two or more people"
            )
        folds = assign_folds(groups, self.inner_folds)
        scores = []
        for number in range(len(self.candidates)):
            predicted = [""] * len(samples)
            for part in np.unique(folds):
                kept, held = np.flatnonzero(folds != part).tolist(), np.flatnonzero(folds == part).tolist()
                own = self._new(number, f"part {part}")
                own.fit([samples[i] for i in kept], [labels[i] for i in kept], [groups[i] for i in kept], init)
                for i, label in zip(held, own.predict([samples[i] for i in held]), strict=True):
                    predicted[i] = label
            scores.append(METRICS.get(self.metric).function(labels, predicted, self.classes))
        return np.array(scores, np.float64)

    def _predict_proba(self, samples: Sequence[Sample]) -> np.ndarray:
        return self.recognizer_.predict_proba(samples)

    def _predict(self, samples: Sequence[Sample]) -> np.ndarray:
        return np.array([self.classes.index(label) for label in self.recognizer_.predict(samples)])

    def state(self) -> State:
        """Return which candidate was chosen, the scores of all, and what the chosen one learned."""
        own = {f"{PART}{name}": array for name, array in self.recognizer_.state().items()}
        return {CHOSEN: np.array(self.chosen_), SCORES: self.scores_, **own}

    def _restore(self, state: State) -> None:
        self.chosen_, self.scores_ = int(state[CHOSEN]), np.asarray(state[SCORES])
        own = {name.removeprefix(PART): array for name, array in state.items() if name.startswith(PART)}
        self.recognizer_ = self._new(self.chosen_)._take_back(own)
