"""A prediction does not depend on which other clips are predicted with it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .base import LEAK_CHECKS, TOLERANCE, Finding, LeakCheck, largest_difference
from .trial import Trial


@LEAK_CHECKS.register("batch-independence")
@dataclass(frozen=True)
class BatchIndependence(LeakCheck):
    """Test clips are predicted together, one by one, in reverse order, and beside training clips."""

    question = "predicts a clip alike alone and beside others"
    catches = "batch statistics of the test fold, values stretched or scaled by the test clips"

    def look(self, trial: Trial) -> Finding:
        """Predict the test clips in several ways."""
        recognizer, test, train = trial.recognizer, trial.test_samples, trial.train_samples[0]
        if len(test) + len(train) < 2:
            return Finding("not tried", "there is a single clip")
        together = recognizer.predict_proba(test)
        ways = {
            "one by one": np.concatenate([recognizer.predict_proba([sample]) for sample in test]),
            "in reverse order": recognizer.predict_proba(test[::-1])[::-1],
            "beside training clips": recognizer.predict_proba([*test, *train])[: len(test)],
        }
        for how, probabilities in ways.items():
            if (difference := largest_difference(together, probabilities)) > TOLERANCE:
                return Finding(
                    "leak",
                    f"the probabilities of {len(test)} test clips differ by up to {difference:.2g} when they are "
                    f"predicted {how}: what is computed of a test clip uses others; take statistics "
                    "from training clips, and set networks to evaluation",
                )
        return Finding("passed", f"{len(test)} test clips: alone, in reverse order and beside {len(train)} other clips")
