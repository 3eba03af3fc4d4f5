"""What several jobs hold is sent once."""

import pickle
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from microexpr.core.executors.local import Local
from microexpr.core.progress import no_progress
from microexpr.experiments.runner import Job, run_all


@dataclass(frozen=True, kw_only=True)
class Weighted(Job):
    """A job with weights, as those of the folds of a seed."""

    weights: Mapping[str, np.ndarray]


def total(job: Weighted, shared: float) -> float:
    return float(job.weights["w"].sum()) + shared


def test_weights_of_several_seeds_are_not_part_of_their_jobs():
    first, second, alone = ({"w": np.full(1000, value)} for value in (1.0, 2.0, 3.0))
    given = [first, first, second, second, alone]
    jobs = [Weighted(units=(str(i),), weights=weights) for i, weights in enumerate(given)]
    sizes: list[int] = []

    class Measured(Local):
        def run(self, function, jobs, shared):
            sizes.extend(len(pickle.dumps(job)) for job in jobs)
            yield from super().run(function, jobs, shared)

    done = list(run_all(jobs, total, 0.5, Measured(), no_progress, "jobs", len(jobs)))
    assert [outcome.value for _, outcome in done] == [1000.5, 1000.5, 2000.5, 2000.5, 3000.5]
    assert all(a is b for (a, _), b in zip(done, jobs, strict=True))
    assert max(sizes[:4]) < 1000 < sizes[4]
