"""Nothing is read of a data set but the clip that is asked about."""

from __future__ import annotations

from dataclasses import dataclass

from .base import LEAK_CHECKS, Finding, LeakCheck
from .trial import Trial


@LEAK_CHECKS.register("files")
@dataclass(frozen=True)
class OpenedFiles(LeakCheck):
    """While a clip is prepared its own images may be opened; while a recognizer learns or predicts, nothing."""

    question = "reads nothing of the data set but the clip itself"
    catches = "labels, apex frames or statistics taken from the sheet or from other clips' files"

    def look(self, trial: Trial) -> Finding:
        """Look at the files that were opened."""
        if trial.opened:
            when, path = next(iter(trial.opened.items()))
            more = f", and {len(trial.opened) - 1} more" if len(trial.opened) > 1 else ""
            return Finding(
                "leak",
                f"{when} opened '{path}'{more}: a step gets what the protocol reveals of a clip, and a "
                "recognizer the labels of its training clips; take them from there",
            )
        return Finding("passed", f"preparing {len(trial.samples)} clips, training and predicting opened no other file")
