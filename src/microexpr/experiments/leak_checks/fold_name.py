"""What is learned does not depend on who is tested."""

from __future__ import annotations

from dataclasses import dataclass

from ...core.errors import MicroexprError
from .base import LEAK_CHECKS, TOLERANCE, Finding, LeakCheck, largest_difference
from .trial import Trial

OTHER = "another-person"


@LEAK_CHECKS.register("fold-name")
@dataclass(frozen=True)
class FoldName(LeakCheck):
    """The same training clips are learned from once more, under another name of the fold."""

    question = "learns alike whoever is tested"
    catches = "epochs, thresholds or weights that were chosen for each test subject"

    def look(self, trial: Trial) -> Finding:
        """Train again under another name."""
        try:
            other = trial.fitted(OTHER)
        except MicroexprError as error:
            return Finding(
                "leak",
                f"it cannot learn without the name of the test subject ({error}): what it takes for that subject was "
                "chosen beforehand, so check who chose it and on which clips",
            )
        probabilities = (one.predict_proba(trial.test_samples) for one in (trial.recognizer, other))
        if (difference := largest_difference(*probabilities)) > TOLERANCE:
            return Finding(
                "leak",
                f"with the fold named '{OTHER}' instead of '{trial.fold}' the probabilities differ by up to "
                f"{difference:.2g}, from the same clips and seed: use the name of the fold in messages only",
            )
        return Finding("passed", f"'{trial.fold}' and '{OTHER}' give the same probabilities")
