"""Recognizers: `fit(samples, labels)`, then `predict_proba(samples)`. Each kind of recognizer is a file."""

from .base import RECOGNIZERS, Recognizer
from .checks import check_recognizer
from .sklearn import SklearnRecognizer

__all__ = ["RECOGNIZERS", "Recognizer", "SklearnRecognizer", "check_recognizer"]
