"""Selection of features by a genetic algorithm.

Patel, Hong, Zhao: Selective Deep Features for Micro-Expression Recognition, ICPR 2016, search for features of networks
in this way. The algorithm: Holland, Adaptation in Natural and Artificial Systems, 1975.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from pydantic import Field

from ...core.errors import RecipeError
from ...core.group_folds import assign_folds
from ..kernel_ridge import leave_groups_out
from ._selection import Selection
from .base import TRANSFORMS, Training

Rate = Annotated[float, Field(ge=0, le=1)]


@TRANSFORMS.register("genetic-selection")
@dataclass
class GeneticSelection(Selection):
    """Keeps the features that a genetic algorithm chooses among those of the training clips.

    An individual is a set of features. Its fitness is the accuracy of ridge regression on the classes (1 for the own, 0
    for the others) for training subjects who are left out, in closed form; of two with the same accuracy, the one with
    fewer features is fitter. Parents are the fitter of two that are drawn; a child takes each feature from either
    parent; the fittest individual of a generation lives on. Features are brought to mean 0 and standard deviation 1.

    Patel et al. 2016 was at hand as an abstract only: these operators and all numbers here are our choices.

    Args:
        population: number of individuals.
        generations: number of generations after the first.
        crossover: probability that a child has two parents; it is a copy of one of them otherwise.
        mutation: expected number of features of a child that are changed.
        density: probability of a feature in the first generation.
        folds: parts of the training subjects that are left out in turn; with fewer subjects, each is left out.
        penalty: penalty of large coefficients, above 0, as a fraction of the mean squared length of the training
            clips' selected features.
    """

    population: Annotated[int, Field(ge=2)] = 40
    generations: Annotated[int, Field(ge=0)] = 30
    crossover: Rate = 0.8
    mutation: Annotated[float, Field(ge=0)] = 2.0
    density: Annotated[float, Field(gt=0, le=1)] = 0.5
    folds: Annotated[int, Field(ge=2)] = 5
    penalty: Annotated[float, Field(gt=0)] = 0.1

    def _fit(self, training: Training) -> None:
        values = training.matrix().astype(np.float64)
        deviation = values.std(axis=0)
        varying = np.flatnonzero(deviation > 0)  # a value that is the same in all clips carries no information
        if len(varying) == 0:
            raise RecipeError(f"transform '{self.name}': '{self.array}' is the same in all training clips")
        scaled = (values[:, varying] - values[:, varying].mean(axis=0)) / deviation[varying]
        self.length_ = values.shape[1]
        fitness = Fitness(scaled, training.targets, assign_folds(training.groups, self.folds), self.penalty)
        chosen = self._search(fitness, len(varying), np.random.default_rng(training.seed))
        self.chosen_ = varying[chosen]

    def _search(self, fitness: Fitness, length: int, rng: np.random.Generator) -> np.ndarray:
        """(length,) bool: the fittest set of features of the last generation."""
        alive = rng.random((self.population, length)) < self.density
        alive[np.arange(self.population), rng.integers(length, size=self.population)] = True  # none is empty
        scores = [fitness(individual) for individual in alive]
        self.fitness_ = [max(scores)[0]]
        for _ in range(self.generations):
            best = max(range(self.population), key=lambda i: scores[i])
            children = [self._child(alive, scores, rng) for _ in range(self.population - 1)]
            scores = [scores[best], *(fitness(child) for child in children)]
            alive = np.stack([alive[best], *children])
            self.fitness_.append(max(scores)[0])
        return alive[max(range(self.population), key=lambda i: scores[i])]

    def _child(self, alive: np.ndarray, scores: list[tuple[float, int]], rng: np.random.Generator) -> np.ndarray:
        length = alive.shape[1]
        parents = [alive[max(rng.integers(len(alive), size=2), key=lambda i: scores[i])] for _ in range(2)]
        from_second = (rng.random(length) < 0.5) & (rng.random() < self.crossover)
        child = np.where(from_second, parents[1], parents[0])
        child ^= rng.random(length) < self.mutation / length
        if not child.any():
            child[rng.integers(length)] = True
        return child


class Fitness:
    """How well sets of features tell the classes of subjects who are left out.

    Args:
        values: (n, length) features of training clips, of mean 0.
        targets: (n,) classes.
        folds: (n,) part of the subject of each clip.
        penalty: as the setting of `genetic-selection`.
    """

    def __init__(self, values: np.ndarray, targets: np.ndarray, folds: np.ndarray, penalty: float) -> None:
        self.values, self.penalty = values, penalty
        present, self.targets = np.unique(targets, return_inverse=True)
        self.wanted = np.eye(len(present))[self.targets] - 1 / len(present)
        self.groups = (
            [str(fold) for fold in folds] if len(np.unique(folds)) > 1 else [str(i) for i in range(len(folds))]
        )

    def __call__(self, chosen: np.ndarray) -> tuple[float, int]:
        """(accuracy for subjects who are left out, minus the number of features) of a set, (length,) bool."""
        selected = self.values[:, chosen]
        gram = selected @ selected.T + 1e-9
        penalties = np.full(len(gram), max(self.penalty * float(np.trace(gram)) / len(gram), 1e-9))
        scores = leave_groups_out(gram, self.wanted, penalties, self.groups)
        return float((scores.argmax(axis=1) == self.targets).mean()), -int(chosen.sum())
