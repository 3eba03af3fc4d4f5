"""A small run of the command line, its data and its results; for tests that disturb it."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from microexpr.datasets import DATASETS
from tests.conftest import NETWORK

NAME = "long.toml"


def command(*arguments: str, **environment: str) -> subprocess.Popen:
    """Start microexpr as a user does; a new session, so that a signal can be sent to all of its processes."""
    return subprocess.Popen(
        [sys.executable, "-m", "microexpr", *arguments],
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


@pytest.fixture(scope="session")
def recipe_and_data(tmp_path_factory):
    """A folder with a recipe of a few seconds and its data, and the files of an undisturbed run: six folds."""
    base = tmp_path_factory.mktemp("recipe_and_data")
    DATASETS.get("megc2019").make_synthetic(base / "megc2019", subjects=2, image_scale=0.25)
    (base / NAME).write_text(NETWORK.replace("epochs = 6", "epochs = 90, checkpoint_seconds = 0.1"))
    return base, run(base, "whole", "local")


def start(base: Path, name: str, on: str, *more: str, **environment: str) -> subprocess.Popen:
    arguments = ("run", str(base / NAME), "--out", str(base / name), "--allow-subset", "--executor", on, *more)
    variables = {"MICROEXPR_DATA": str(base), "MICROEXPR_CACHE": str(base / "cache"), **environment}
    return command(*arguments, **variables)


def run(base: Path, name: str, on: str, *more: str, **environment: str) -> dict[str, bytes]:
    process = start(base, name, on, *more, **environment)
    _, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    return folds(base / name)


def folds(folder: Path) -> dict[str, bytes]:
    """The files of the folds of a run."""
    return {p.name: p.read_bytes() for p in (folder / "folds").glob("*.csv")}


def message(process: subprocess.Popen, code: int) -> str:
    """The one line with which a command ends, and nothing else but its progress."""
    _, err = process.communicate(timeout=280)
    lines = [line for line in err.splitlines() if line.startswith("microexpr: ")]
    assert process.returncode == code and "Traceback" not in err and len(lines) == 1, err
    return lines[0]


def interrupt(process: subprocess.Popen) -> None:
    """Press Ctrl-C: a terminal sends the signal to every process."""
    os.killpg(process.pid, signal.SIGINT)


def happens(event: Callable[[], bool], seconds: float = 60) -> bool:
    """Whether it is so before the time is up."""
    end = time.monotonic() + seconds
    while not (so := event()) and time.monotonic() < end:
        time.sleep(0.05)
    return so
