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

MAX_CLIPS = 3


@dataclass(frozen=True, kw_only=True)
class Preparation(Job):
    """A clip to prepare alone."""

    chain: list[dict[str, Any]]
    clip: Clip


@dataclass(frozen=True, kw_only=True)
class Learning(Job):
    """Training clips to learn from alone, and test clips that are seen only afterwards."""

    table: dict[str, Any]
    arguments: dict[str, Any]
    train: tuple[tuple[Sample, ...], tuple[str, ...]]
    test: tuple[Sample, ...]


@LEAK_CHECKS.register("fresh-process")
@dataclass(frozen=True)
class FreshProcess(LeakCheck):
    """A few clips are prepared, and the training clips learned from, in new processes; the results are those of here.

    Here, every clip was prepared before, those of the test subject too: what a plug-in remembers of them shows.
    """

    question = "prepares and learns alike without having seen other clips"
    catches = "a scaler, a selection or a resampling fitted on all clips; values stretched by all clips"

    def look(self, trial: Trial) -> Finding:
        """Prepare and train in new processes."""
        clips = [example.clip for example in (trial.test[-1:] + trial.train[-MAX_CLIPS + 1 :])]
        jobs: list[Job] = [
            Preparation(units=(clip.id,), chain=trial.chain.settings, clip=trial.blind(clip)) for clip in clips
        ]
        samples, labels = trial.train_samples
        table, arguments = trial.settings(trial.fold)
        train = tuple(samples), tuple(labels)
        test = tuple(trial.test_samples)
        jobs.append(Learning(units=("training",), table=table, arguments=arguments, train=train, test=test))
        where = executor("processes", workers=1, process_per_fold=True)
        for job, outcome in run_all(jobs, _do, None, where, no_progress, "processes", len(jobs)):
            if isinstance(outcome, Failed):
                what = (
                    f"'{job.units[0]}' cannot be prepared" if isinstance(job, Preparation) else "it cannot be trained"
                )
                return Finding("leak", f"{what} by a process that has seen no other clip: {outcome.reason}")
            found = _compare(trial, job, outcome.value)
            if found is not None:
                return found
        return Finding(
            "passed", f"{len(clips)} clips prepared and {len(samples)} learned from in processes of their own"
        )


def _do(job: Job, _: object) -> Any:
    if isinstance(job, Preparation):
        return dict(Chain.build(job.chain)(job.clip).arrays)
    assert isinstance(job, Learning)
    return RECOGNIZERS.build(job.table, **job.arguments).fit(*job.train).predict_proba(job.test)


def _compare(trial: Trial, job: Job, found: Any) -> Finding | None:
    if isinstance(job, Preparation):
        for name, array in trial.samples[job.clip.id].arrays.items():
            if (difference := largest_difference(array, found[name])) > TOLERANCE:
                return Finding(
                    "leak",
                    f"'{name}' of '{job.clip.id}' differs by {difference:.2g} of its largest value when no other clip "
                    "was prepared before: a step remembers other clips; fit what is fitted in the recognizer",
                )
        return None
    here = trial.recognizer.predict_proba(trial.test_samples)
    if (difference := largest_difference(here, np.asarray(found))) > TOLERANCE:
        return Finding(
            "leak",
            f"the probabilities differ by up to {difference:.2g} when the recognizer learns in a process that has seen "
            "its training clips only: it uses what is remembered of other clips",
        )
    return None
