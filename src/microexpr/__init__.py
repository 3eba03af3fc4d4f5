"""microexpr: recognize facial micro-expressions, from clips to a score one can publish.

Clips come from a dataset, a chain prepares them, a recognizer learns them in stages, a protocol says who may see what,
a run keeps every prediction, a report reads them.
"""

from __future__ import annotations

import importlib
import os
from typing import Any

__version__ = "0.1.0"

# `imaging.images.MAX_PIXELS`. OpenCV reads it once, when it is first loaded; without it a header that promises too much
# would ask for 3 GB.
os.environ.setdefault("OPENCV_IO_MAX_IMAGE_PIXELS", str(2**27))

os.environ.setdefault("OPENCV_LOG_LEVEL", "OFF")  # a broken picture is one line of ours, not three of its

# name -> module; looked up when first used, so that `import microexpr` loads nothing heavy
_PUBLIC = {
    "Clip": "core.clip",
    "Interval": "core.clip",
    "Sample": "core.clip",
    "Chain": "preprocessing",
    "Step": "preprocessing",
    "DATASETS": "datasets",
    "Dataset": "datasets",
    "check_dataset": "datasets",
    "open_dataset": "datasets",
    "MicroexprError": "core.errors",
    "Protocol": "protocols",
    "RECOGNIZERS": "recognizers",
    "Recognizer": "recognizers",
    "check_recognizer": "recognizers",
    "RecognitionRecipe": "recipes",
    "RecognitionRun": "experiments.recognition",
}

__all__ = ["__version__", *sorted(_PUBLIC)]


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module 'microexpr' has no attribute '{name}'")
    return getattr(importlib.import_module(f".{_PUBLIC[name]}", __name__), name)


def __dir__() -> list[str]:
    return __all__
