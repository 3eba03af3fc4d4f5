"""A process for each fold (Devanaboyina 2021, method 7): no fold changes the state of the next."""

import os
import signal
from pathlib import Path

import pytest

from microexpr.core.errors import RunError, UsageError
from microexpr.core.executors import Done, Failed, executor

# Each new process imports this file: what is heavy is imported where it is needed.

LEFT_BEHIND: list[bytearray] = []

PROTOCOL = """{ name = "two", title = "two subjects", datasets = ["casme2"], label = "emotion", \
classes = ["negative", "positive", "surprise"] }"""

DYING = """
import os, signal
from dataclasses import dataclass
from microexpr.recognizers.base import RECOGNIZERS
from microexpr.recognizers.majority import Majority

@RECOGNIZERS.register("dying")
@dataclass
class Dying(Majority):
    def _fit(self, *args):
        if self.fold.endswith("sub01"):
            os.kill(os.getpid(), signal.SIGKILL)
        super()._fit(*args)
"""


def surroundings() -> dict[str, object]:
    """What a job can see of the jobs before it."""
    import torch

    return {
        "process": os.getpid(),
        "global": len(LEFT_BEHIND),
        "environment": os.environ.get("LEFT_BEHIND"),
        "cwd": str(Path.cwd()),
        "threads": torch.get_num_threads(),
        "default": str(torch.get_default_dtype()),
        "memory": int(Path("/proc/self/statm").read_text().split()[1]) * 4 // 1024,
    }


def messy(job: int, shared: Path) -> dict[str, object]:
    """Look around, then leave 200 MiB and five changes behind; job 1 dies instead."""
    if job == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    import torch

    found = surroundings()
    LEFT_BEHIND.append(bytearray(b"x" * (200 << 20)))
    os.environ["LEFT_BEHIND"] = str(job)
    os.chdir(shared)
    torch.set_num_threads(2)
    torch.set_default_dtype(torch.float64)
    return found


def seen(fresh: bool, jobs: list[int], shared: Path) -> dict[int, Done | Failed]:
    return dict(executor("processes", 1, process_per_fold=fresh).run(messy, jobs, shared))


def test_jobs_in_new_processes_do_not_change_each_other(tmp_path):
    found = seen(True, [0, 1, 2], tmp_path)
    assert isinstance(found[1], Failed) and "died" in found[1].reason
    first, last = found[0].value, found[2].value
    assert first.pop("process") != last.pop("process")
    assert abs(first.pop("memory") - last.pop("memory")) < 100  # MiB
    assert first == last
    assert first["global"] == 0 and first["cwd"] == str(Path.cwd()) and first["default"] == "torch.float32"


def test_jobs_in_one_process_change_each_other(tmp_path):
    """The control of the test above."""
    first, second = (outcome.value for outcome in seen(False, [0, 2], tmp_path).values())
    assert first["process"] == second["process"] and second["memory"] - first["memory"] > 100
    for name in ("global", "environment", "cwd", "threads", "default"):
        assert first[name] != second[name], name


@pytest.fixture
def dying(tmp_path):
    from microexpr.core.registry import load_plugin, loaded_plugins
    from microexpr.recipes import parse_recipe
    from microexpr.recognizers import RECOGNIZERS
    from tests.conftest import RECIPE

    (tmp_path / "dying.py").write_text(DYING)
    load_plugin(tmp_path / "dying.py")
    yield parse_recipe(
        "dying",
        RECIPE.replace('name = "svm", C = 10.0', 'name = "dying"').replace('"megc2019-cde"', PROTOCOL),
    )
    loaded_plugins.clear()
    del RECOGNIZERS._entries["dying"]


def test_a_fold_whose_process_dies_is_reported_and_the_others_are_saved(dying, tmp_path):
    from microexpr.datasets import DATASETS
    from microexpr.experiments.options import RunOptions
    from microexpr.experiments.recognition_folds import evaluate

    DATASETS.get("megc2019").make_synthetic(tmp_path / "megc2019", subjects=2, image_scale=0.25)
    roots = {"megc2019": tmp_path / "megc2019"}
    options = RunOptions(allow_subset=True, executor="processes", workers=1, process_per_fold=True, roots=roots)
    with pytest.raises(RunError, match=r"1 of 2 folds failed, the others are saved.*died 2 times"):
        evaluate(dying, tmp_path / "run", options)
    assert len(list((tmp_path / "run" / "folds").glob("*.csv"))) == 1


@pytest.mark.parametrize("on", ["local", "ray"])
def test_a_process_per_fold_needs_the_executor_processes(on):
    with pytest.raises(UsageError, match=f"does not go with --executor {on}; it goes with --executor processes"):
        executor(on, process_per_fold=True)
