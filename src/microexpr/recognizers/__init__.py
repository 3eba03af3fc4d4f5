"""What learns: `fit(samples, labels, groups)`, then `predict_proba(samples)`."""

from .base import RECOGNIZERS, Recognizer
from .contract import check_recognizer

__all__ = ["RECOGNIZERS", "Recognizer", "check_recognizer"]
