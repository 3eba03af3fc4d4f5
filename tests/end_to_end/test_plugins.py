"""One more of each kind is one class or record in a user's file: the package itself is never changed."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from microexpr.imaging.images import write_image
from microexpr.synthetic.long_video import random_video

ROOT = Path(__file__).parents[2]

PLUGIN = '''
"""One of each: a data set, and everything that an evaluation of it can use."""

from dataclasses import dataclass

import numpy as np
from torch import nn

from microexpr.core.clip import Clip
from microexpr.core.events import EVENT_FORMATS, EventFormat
from microexpr.core.executors import EXECUTORS
from microexpr.core.executors.local import Local
from microexpr.datasets import DATASETS, Dataset, DatasetInfo
from microexpr.features import FEATURES, Feature
from microexpr.imaging.images import write_image
from microexpr.metrics import METRICS, Metric, confusion_matrix
from microexpr.networks import NETWORKS, Architecture
from microexpr.preprocessing import STEPS, Step
from microexpr.protocols import PROTOCOLS, Protocol
from microexpr.recognizers import RECOGNIZERS
from microexpr.recognizers.majority import Majority
from microexpr.reports import REPORT_FORMATS, ReportFormat
from microexpr.spotting import SPOTTERS, Detection, Span, Spotter


@DATASETS.register("my-dataset")
class MyDataset(Dataset):
    """Gray squares: dark ones and bright ones."""

    info = DatasetInfo("my data set", "nobody 2026", "made here", 25, clips=6, subjects=3, source="this file")

    def read(self):
        """Read one clip for each image."""
        return [
            Clip(f"my-dataset/{p.stem}", "my-dataset", f"my-dataset/{p.stem[0]}", p, 25, labels={"tone": p.stem[1:]})
            for p in sorted(self.root.glob("*.png"))
        ], []

    @classmethod
    def write_synthetic(cls, root, subjects, image_scale, seed):
        """Write two squares for each subject."""
        for subject in "abc"[:subjects]:
            for tone, value in (("dark", 40), ("bright", 200)):
                write_image(root / f"{subject}{tone}.png", np.full((24, 24, 3), value, np.uint8))


@STEPS.register("my-step")
@dataclass(frozen=True)
class MyStep(Step):
    """Invert gray levels.

    Args:
        top: The brightest gray level.
    """

    top: int = 255

    def __call__(self, sample):
        return sample.with_array("image", self.top - sample.array("image"))


@FEATURES.register("my-feature")
@dataclass(frozen=True)
class MyFeature(Feature):
    """The mean of each channel."""

    reads = "image"
    length = 3

    def compute(self, array):
        """Average over rows and columns."""
        return array.mean(axis=(0, 1))


@NETWORKS.register("my-network")
@dataclass(frozen=True)
class MyNetwork(Architecture):
    """One linear layer."""

    def build(self, shape, classes):
        """Build the module."""
        return nn.Sequential(nn.Flatten(), nn.Linear(int(np.prod(shape)), classes))


@RECOGNIZERS.register("my-recognizer")
@dataclass
class MyRecognizer(Majority):
    """The majority class again."""


@SPOTTERS.register("my-spotter")
@dataclass(frozen=True)
class MySpotter(Spotter):
    """Report the middle of every track."""

    def detect(self, track, grid):
        """Find one movement."""
        middle = len(grid) // 2
        return Detection(np.ones(len(grid)), (Span(middle - 2, middle, middle + 2, 1.0),))


def error_rate(y_true, y_pred, classes):
    """Wrong clips / clips, 0 to 1."""
    return 1 - confusion_matrix(y_true, y_pred, classes).trace() / len(y_true)


METRICS.add("my-metric", Metric("my-metric", "my error rate", error_rate, higher_is_better=False))
PROTOCOLS.add("my-protocol", Protocol("my-protocol", "dark or bright", ("my-dataset",), "tone", ("dark", "bright")))
EVENT_FORMATS.add(
    "my-events", EventFormat("my-events", ".mine", "Mine", lambda analysis, folder: b"%d" % len(analysis.events))
)
REPORT_FORMATS.add("my-report", ReportFormat(".my", "my report", lambda report: f"my report of {report.title}"))


@EXECUTORS.register("my-executor")
@dataclass(frozen=True)
class MyExecutor(Local):
    """Run jobs here."""
'''

RECIPE = """
title = "all of mine"
[[stages]]
name = "micro"
data = ["my-dataset"]
protocol = "my-protocol"
chain = [{ name = "load-image" }, { name = "my-step" }, { name = "descriptor", feature = { name = "my-feature" } }]
recognizer = { name = "my-recognizer" }
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with the plug-in and a recipe that uses it."""
    path = tmp_path_factory.mktemp("plugin")
    (path / "mine.py").write_text(PLUGIN)
    (path / "mine.toml").write_text(RECIPE)
    return path


def microexpr(folder, *arguments):
    """Run the command line with the plug-in; return what it printed."""
    environment = {**os.environ, "MICROEXPR_CACHE": str(folder / "cache"), "COLUMNS": "200"}
    command = [sys.executable, "-m", "microexpr", *map(str, arguments), "--plugin", "mine.py"]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_data_set_of_a_plugin_is_listed_synthesized_and_checked(folder):
    assert "my data set" in microexpr(folder, "datasets")
    microexpr(folder, "synthesize", "my-dataset", "copy", "--subjects", "2")
    assert len(list((folder / "copy").glob("*.png"))) == 4


def test_a_run_uses_the_data_set_step_feature_protocol_recognizer_and_executor_of_a_plugin(folder):
    printed = microexpr(folder, "run", "mine.toml", "--data", "synthetic", "--executor", "my-executor", "--out", "run")
    assert "my error rate" in printed
    report = json.loads(microexpr(folder, "report", "run", "--json"))
    assert (report["protocol"], report["n"], report["subjects"]) == ("my-protocol", 6, 3)
    assert report["metrics"]["my-metric"] == pytest.approx(0.5)
    assert microexpr(folder, "report", "run", "--format", "my-report").startswith("my report of all of mine")


def test_a_network_of_a_plugin_is_trained(folder):
    network = 'recognizer = { name = "network", network = { name = "my-network" }, epochs = 1 }'
    recipe = RECIPE.replace('recognizer = { name = "my-recognizer" }', network)
    recipe = recipe.replace(', { name = "descriptor", feature = { name = "my-feature" } }', "")
    (folder / "network.toml").write_text(recipe)
    assert "dark or bright" in microexpr(folder, "run", "network.toml", "--data", "synthetic", "--out", "network")


def test_a_spotter_and_an_event_format_of_a_plugin_come_out_of_an_analysis(folder):
    video = random_video(3, seconds=2, fps=30)
    for i in range(len(video)):
        write_image(folder / "film" / f"{i:04d}.jpg", np.ascontiguousarray(video.frame(i, (240, 320))))
    microexpr(folder, "analyze", "film", "--fps", "30", "--set", "spotter.name=my-spotter", "--model", "none")
    assert (folder / "events" / "film" / "events.mine").read_bytes() == b"1"


def test_the_reference_lists_what_a_plugin_registers(folder):
    code = (
        "import sys; sys.path.insert(0, 'docs'); from pathlib import Path; import reference\n"
        "from microexpr.core.registry import load_plugin\n"
        "load_plugin(Path(sys.argv[1]))\n"
        "print('\\n'.join(reference.all_pages().values()))\n"
    )
    command = [sys.executable, "-c", code, str(folder / "mine.py")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    kinds = ("dataset", "step", "feature", "network", "recognizer", "spotter", "metric", "protocol", "executor")
    for name in (*(f"my-{kind}" for kind in kinds), "my-events", "my-report"):
        assert f"`{name}`" in done.stdout, f"{name} is not in the reference"
