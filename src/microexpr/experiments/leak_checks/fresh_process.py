"""The same is prepared and learned by a process that has never seen another clip."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ...core.clip import Clip, Sample
from ...core.executors import Failed, executor
from ...core.progress import no_progress
from ...preprocessing import Chain
from ...recognizers import RECOGNIZERS
from ..runner import Job, run_all
from .base import LEAK_CHECKS, TOLERANCE, Finding, LeakCheck, largest_difference
from .trial import Trial


@dataclass(frozen=True, kw_only=True)
class Alone(Job):
    """Training clips to learn from, and then a clip to prepare: nothing else is seen by the process before.

    Attributes:
        table: table of the recognizer.
        arguments: its further arguments.
        train: samples of the training clips, and their labels.
        test: samples that are predicted when all is learned.
        chain: settings of the chain.
        clip: the clip to prepare, blinded.
    """

    table: dict[str, Any]
    arguments: dict[str, Any]
    train: tuple[tuple[Sample, ...], tuple[str, ...]]
    test: tuple[Sample, ...]
    chain: list[dict[str, Any]]
    clip: Clip

    def run(self) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        """Learn, predict, and prepare: (test clips, classes) probabilities, and the arrays of the clip."""
        recognizer = RECOGNIZERS.build(self.table, **self.arguments).fit(*self.train)
        return recognizer.predict_proba(self.test), dict(Chain.build(self.chain)(self.clip).arrays)


@LEAK_CHECKS.register("fresh-process")
@dataclass(frozen=True)
class FreshProcess(LeakCheck):
    """The training clips are learned from, and a clip is prepared, in a new process; the results are those of here.

    Here, every clip was prepared before, those of the test subject too: what a plug-in remembers of them shows.
    """

    question = "prepares and learns alike without having seen other clips"
    catches = "a scaler, a selection or a resampling fitted on all clips; values stretched by all clips"

    def look(self, trial: Trial) -> Finding:
        """Train and prepare in a new process."""
        samples, labels = trial.train_samples
        table, arguments = trial.settings(trial.fold)
        clip = trial.test[-1].clip
        job = Alone(
            units=("alone",),
            table=table,
            arguments=arguments,
            train=(tuple(samples), tuple(labels)),
            test=tuple(trial.test_samples),
            chain=trial.chain.settings,
            clip=trial.blind(clip),
        )
        where = executor("processes", workers=1)
        outcome = next(outcome for _, outcome in run_all([job], _run, None, where, no_progress, "processes", 1))
        if isinstance(outcome, Failed):
            return Finding("leak", f"it fails in a process that has seen no other clip: {outcome.reason}")
        probabilities, arrays = outcome.value
        here = trial.recognizer.predict_proba(trial.test_samples)
        if (difference := largest_difference(here, probabilities)) > TOLERANCE:
            return Finding(
                "leak",
                f"the probabilities differ by up to {difference:.2g} when the recognizer learns in a process that has "
                "seen its training clips only: it uses what is remembered of other clips",
            )
        for name, array in trial.samples[clip.id].arrays.items():
            if (difference := largest_difference(array, arrays[name])) > TOLERANCE:
                return Finding(
                    "leak",
                    f"'{name}' of '{clip.id}' differs by {difference:.2g} of its largest value when no other clip was "
                    "prepared before: a step remembers other clips; fit what is fitted in the recognizer",
                )
        return Finding("passed", f"{len(samples)} clips learned from, and one prepared, in a process of its own")


def _run(job: Alone, _: object) -> Any:
    return job.run()
