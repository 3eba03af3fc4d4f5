"""microexpr: recognize facial micro-expressions and evaluate recognizers without leaks between subjects.

Clips come from a data set, a chain of steps prepares them, a recognizer is trained on them, a protocol says which
clips are for training and which for testing, a run stores every prediction, and a report computes scores from it. A
spotter finds the clips in a long video. The command `microexpr --help` does the same from a terminal.

Find and classify the facial movements in a video:

    >>> import microexpr as mx
    >>> analysis = mx.analyze_video("talk.mp4")
    >>> analysis.to_dataframe()

Evaluate a recipe, and report its scores beside the published ones:

    >>> run = mx.run_recipe("megc2019-svm", "runs/first")
    >>> print(mx.make_report(run).to_markdown())

Read a data set, or write a synthetic copy of one, which needs no license:

    >>> clips = mx.open_dataset("casme2", "/data/casme2").clips()
    >>> copy = mx.synthesize("casme2", "synthetic/casme2", subjects=3)

Use a trained model, on a video, a folder of frames or an image:

    >>> model = mx.load_model("model.safetensors")
    >>> model("apex.png")  # {class: probability}

One more data set, step, feature, network, recognizer, transform, spotter, metric, protocol, executor or format is a
class or record in a file of its own, registered in `DATASETS`, `STEPS`, `FEATURES`, `NETWORKS`, `RECOGNIZERS`,
`TRANSFORMS`, `SPOTTERS`, `METRICS`, `PROTOCOLS`, `EXECUTORS`, `REPORT_FORMATS` or `EVENT_FORMATS`. The functions
`check_*` test whether a class of yours does what the package expects of it.

`import microexpr` is fast: an object is imported when it is first used. All errors that a user can do something about
are `MicroexprError`.
"""

from __future__ import annotations

import importlib
import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .analysis import EVENT_FORMATS, Analysis, analyze_video, analyze_videos
    from .analysis.coded_dataset import collect_clips, find_coded_films
    from .analysis.coded_files import read_event_file
    from .analysis.injection import inject_movements, make_movement
    from .core.clip import Clip, Interval, Sample
    from .core.errors import MicroexprError
    from .core.executors import EXECUTORS
    from .core.registry import load_plugin
    from .datasets import DATASETS, Dataset, check_dataset, open_dataset, synthesize
    from .experiments.audit import Audit, audit_recipe
    from .experiments.base import TASKS
    from .experiments.run_folder import Run
    from .experiments.runs import Runs, find_runs, open_run, run_recipe
    from .experiments.testing import test_model
    from .features import FEATURES, check_feature
    from .metrics import METRICS
    from .networks import NETWORKS, check_network
    from .preprocessing import STEPS, Chain, Step
    from .protocols import PROTOCOLS, Protocol
    from .recipes import RECIPE_KINDS, Recipe, load_recipe
    from .recognizers import RECOGNIZERS, Recognizer, SklearnRecognizer, check_recognizer
    from .recognizers.model import Model, load_model
    from .recognizers.transforms import TRANSFORMS, Transform, check_transform
    from .reports import REPORT_FORMATS, Report, make_report, score_logs
    from .reports.audit import make_audit_report
    from .reports.audit_folds import audit_folds
    from .reports.comparison import Comparison, compare_runs
    from .spotting import SPOTTERS, Spotter, check_spotter

__version__ = "0.1.0"

__all__ = [
    "DATASETS",
    "EVENT_FORMATS",
    "EXECUTORS",
    "FEATURES",
    "METRICS",
    "NETWORKS",
    "PROTOCOLS",
    "RECIPE_KINDS",
    "RECOGNIZERS",
    "REPORT_FORMATS",
    "SPOTTERS",
    "STEPS",
    "TASKS",
    "TRANSFORMS",
    "Analysis",
    "Audit",
    "Chain",
    "Clip",
    "Comparison",
    "Dataset",
    "Interval",
    "MicroexprError",
    "Model",
    "Protocol",
    "Recipe",
    "Recognizer",
    "Report",
    "Run",
    "Runs",
    "Sample",
    "SklearnRecognizer",
    "Spotter",
    "Step",
    "Transform",
    "__version__",
    "analyze_video",
    "analyze_videos",
    "audit_folds",
    "audit_recipe",
    "check_dataset",
    "check_feature",
    "check_network",
    "check_recognizer",
    "check_spotter",
    "check_transform",
    "collect_clips",
    "compare_runs",
    "find_coded_films",
    "find_runs",
    "inject_movements",
    "load_model",
    "load_plugin",
    "load_recipe",
    "make_audit_report",
    "make_movement",
    "make_report",
    "open_dataset",
    "open_run",
    "read_event_file",
    "run_recipe",
    "score_logs",
    "synthesize",
    "test_model",
]

_MODULES = {
    "analysis": ("EVENT_FORMATS", "Analysis", "analyze_video", "analyze_videos"),
    "analysis.coded_dataset": ("collect_clips", "find_coded_films"),
    "analysis.coded_files": ("read_event_file",),
    "analysis.injection": ("inject_movements", "make_movement"),
    "core.clip": ("Clip", "Interval", "Sample"),
    "core.errors": ("MicroexprError",),
    "core.executors": ("EXECUTORS",),
    "core.registry": ("load_plugin",),
    "datasets": ("DATASETS", "Dataset", "check_dataset", "open_dataset", "synthesize"),
    "experiments.audit": ("Audit", "audit_recipe"),
    "experiments.base": ("TASKS",),
    "experiments.run_folder": ("Run",),
    "experiments.runs": ("Runs", "find_runs", "open_run", "run_recipe"),
    "experiments.testing": ("test_model",),
    "features": ("FEATURES", "check_feature"),
    "metrics": ("METRICS",),
    "networks": ("NETWORKS", "check_network"),
    "preprocessing": ("STEPS", "Chain", "Step"),
    "protocols": ("PROTOCOLS", "Protocol"),
    "recipes": ("RECIPE_KINDS", "Recipe", "load_recipe"),
    "recognizers": ("RECOGNIZERS", "Recognizer", "SklearnRecognizer", "check_recognizer"),
    "recognizers.model": ("Model", "load_model"),
    "recognizers.transforms": ("TRANSFORMS", "Transform", "check_transform"),
    "reports": ("REPORT_FORMATS", "Report", "make_report", "score_logs"),
    "reports.audit": ("make_audit_report",),
    "reports.audit_folds": ("audit_folds",),
    "reports.comparison": ("Comparison", "compare_runs"),
    "spotting": ("SPOTTERS", "Spotter", "check_spotter"),
}
"""Public names by module; a module is imported when one of its names is first used (PEP 562)."""

_MODULE_OF = {name: module for module, names in _MODULES.items() for name in names}

# OpenCV reads both when it is first imported. The first is `imaging.images.MAX_PIXELS`: without it a file whose header
# promises a huge image makes OpenCV ask for 3 GB. The second keeps OpenCV from printing lines of its own on an error.
os.environ.setdefault("OPENCV_IO_MAX_IMAGE_PIXELS", str(2**27))
os.environ.setdefault("OPENCV_LOG_LEVEL", "OFF")


if not TYPE_CHECKING:  # a type checker that sees this function accepts every name

    def __getattr__(name: str) -> Any:
        if name not in _MODULE_OF:
            raise AttributeError(f"module 'microexpr' has no attribute '{name}'")
        return getattr(importlib.import_module(f".{_MODULE_OF[name]}", __name__), name)


def __dir__() -> list[str]:
    return __all__
