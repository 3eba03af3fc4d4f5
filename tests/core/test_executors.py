"""All executors give equal results; jobs of dead workers are tried again or reported."""

import csv
import os
import pickle
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from microexpr.core.errors import ExecutorError, UsageError
from microexpr.core.executors import Done, Failed, SharedFunction, Work, executor
from microexpr.core.executors.processes import Processes
from microexpr.core.executors.ray import Ray
from microexpr.core.files import CHECKPOINT
from microexpr.experiments.options import RunOptions
from microexpr.experiments.recognition_run import RecognitionRun
from tests.command_runs import folds, happens, message, run, start


def square(job: int, shared: int) -> int:
    return job * job + shared


def fragile(job: int, shared: Path) -> int:
    """Job 1 kills its process the first time, job 2 always; job 3 raises."""
    mark = shared / "died-once"
    if job == 2 or (job == 1 and not mark.exists()):
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    if job == 3:
        raise ValueError("job 3 is broken")
    return job


def crowded(job: int, shared: Path) -> int:
    """Job 0 always dies, as soon as job 1 runs beside it; job 1 ends well, if it is left to."""
    if job == 0:
        time.sleep(0.2)
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(0.4)
    return job


def outcomes(runner, function, jobs, shared):
    return dict(runner.run(function, jobs, shared))


def squares(jobs, shared):
    """At most two at once fit into the memory; job 5 fails, and does not fit at all where `shared` is 1."""
    if len(jobs) > 2 or (shared == 1 and jobs == [5]):
        raise MemoryError("full")
    return (Failed("five") if job == 5 else Done(job * job) for job in jobs)


def test_batched_runs_chunks_and_halves_them_when_the_memory_is_full():
    jobs = [1, 2, 3, 4, 5, 6, 7]
    done = {i: Done(job * job) for i, job in enumerate(jobs) if job != 5}
    for workers in (None, 3, 1):
        found = outcomes(executor("batched", workers), SharedFunction(square, squares), jobs, 0)
        assert found == {**done, 4: Failed("five")}
    found = outcomes(executor("batched", 1), SharedFunction(square, squares), jobs, 1)
    assert found == {**done, 4: Failed("the memory is not enough for this job alone (full)")}


def test_batched_runs_other_functions_one_by_one():
    assert outcomes(executor("batched"), square, [1, 2], 10) == {0: Done(11), 1: Done(14)}


@pytest.mark.parametrize("name", ["local", "processes"])
def test_every_job_has_an_outcome(name):
    found = outcomes(executor(name, 2 if name == "processes" else None), square, [1, 2, 3], 10)
    assert found == {0: Done(11), 1: Done(14), 2: Done(19)}


def test_a_job_whose_worker_died_is_tried_again(tmp_path):
    found = outcomes(Processes(2), fragile, [0, 1, 2, 3, 4, 5], tmp_path)
    assert [found[i] for i in (0, 1, 4, 5)] == [Done(0), Done(1), Done(4), Done(5)]
    assert isinstance(found[2], Failed) and "died 2 times" in found[2].reason
    assert found[3].reason == "ValueError: job 3 is broken" and "Traceback" in found[3].details


def test_a_job_does_not_fail_because_another_worker_died(tmp_path):
    found = outcomes(Processes(2), crowded, [0, 1], tmp_path)
    assert isinstance(found[0], Failed) and found[1] == Done(1)


def test_process_per_fold_starts_a_process_for_each_job():
    found = outcomes(Processes(1, process_per_fold=True), process_id, [1, 2, 3], None)
    assert len({outcome.value for outcome in found.values()}) == 3


def process_id(job: int, shared: None) -> int:
    return os.getpid()


def sleeping(job: int, shared: Path) -> None:
    (shared / f"{os.getpid()}.pid").touch()
    time.sleep(600)


def test_workers_end_with_a_killed_parent(tmp_path):
    text = "from tests.core.test_executors import *; outcomes(Processes(2), sleeping, [0, 1], Path({!r}))"
    parent = subprocess.Popen([sys.executable, "-c", text.format(str(tmp_path))])
    assert happens(lambda: len(list(tmp_path.glob("*.pid"))) == 2)
    parent.kill()
    parent.wait()
    assert happens(lambda: not any(runs(path.stem) for path in tmp_path.glob("*.pid")))


def runs(process: str) -> bool:
    line = Path("/proc", process, "cmdline")
    return line.exists() and line.read_bytes() != b""  # empty once it has ended and nobody has asked how


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        (("proceses",), UsageError, "did you mean 'processes'"),
        (("local", 0), UsageError, "workers = 0"),
        (("local", 2), UsageError, "--workers does not go with --executor local"),
        (("local", None, "1.2.3.4:1"), UsageError, "goes with --executor ray"),
    ],
)
def test_wrong_arguments_are_errors(arguments, error, text):
    with pytest.raises(error, match=text):
        executor(*arguments)


def test_processes_give_the_same_files(recipe_and_data):
    base, whole = recipe_and_data
    assert run(base, "processes", "processes", "--workers", "2") == whole


def test_all_folds_at_once_predict_the_same(recipe_and_data):
    """Compiled steps round in another order than torch's, which Adam enlarges where gradients are nearly 0."""
    base, whole = recipe_and_data
    found = run(base, "batched", "batched")
    assert found.keys() == whole.keys()
    for name, content in whole.items():
        one, many = (list(csv.DictReader(text.decode().splitlines())) for text in (content, found[name]))
        assert [row["predicted"] for row in many] == [row["predicted"] for row in one]
        for a, b in zip(one, many, strict=True):
            columns = [column for column in a if column.startswith("p_")]
            assert [float(b[c]) for c in columns] == pytest.approx([float(a[c]) for c in columns], abs=0.05)


def test_ray_gives_the_same_files(recipe_and_data):
    pytest.importorskip("ray")
    base, whole = recipe_and_data
    assert run(base, "ray", "ray", "--workers", "2") == whole


def overfed(job: int, shared: Path) -> int:
    """Job 0 dies as long as job 1 runs beside it, job 2 always; each leaves a mark."""
    if job == 1:
        assert happens(lambda: len(list(shared.glob("0-*"))) == 2)
        (shared / "ended").touch()
    elif job == 2 or not (shared / "ended").exists():
        (shared / f"{job}-{os.getpid()}").touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return job


def test_a_job_whose_ray_worker_dies_beside_others_is_tried_alone(tmp_path):
    pytest.importorskip("ray")
    found = outcomes(executor("ray", 2), overfed, [0, 1, 2], tmp_path)
    assert [found[0], found[1]] == [Done(0), Done(1)] and isinstance(found[2], Failed)
    assert found[2].reason == "its Ray worker died 3 times, at last alone (out of memory?)"
    assert [len(list(tmp_path.glob(f"{job}-*"))) for job in (0, 2)] == [2, 3]


def test_ray_refuses_more_workers_than_cores(recipe_and_data):
    pytest.importorskip("ray")
    process = start(recipe_and_data[0], "too-much", "ray", "--workers", "5000")
    assert "--workers 5000: this machine has" in message(process, 1)


NODES = [{"CPU": 4.0, "GPU": 2.0}, {"CPU": 8.0}, {"GPU": 8.0}]


@pytest.mark.parametrize(
    ("workers", "gpus", "text"),
    [
        (12, 0, ""),
        (13, 0, "--workers 13: the Ray cluster has 12 cores"),
        (None, 2, ""),
        (None, 3, "--gpus 3: no machine of the Ray cluster has more than 2 GPUs"),
        (4, 0.25, ""),
        (4, 1, "--workers 4: the Ray cluster runs 2 jobs of --gpus 1 at once"),
    ],
)
def test_ray_compares_what_is_asked_for_with_its_machines(workers, gpus, text):
    """GPUs of a machine without a core for jobs do not count: no job would ever run there."""
    lacking = Ray(workers, gpus=gpus)._lacking(NODES)
    assert text in lacking and bool(lacking) == bool(text)


@pytest.mark.parametrize("gpus", [-1, 1.5, float("nan"), float("inf")])
def test_a_number_of_gpus_that_no_job_can_have_is_an_error(gpus):
    with pytest.raises(UsageError, match="a part of one GPU"):
        executor("ray", gpus=gpus)


def test_torchrun_starts_no_run(monkeypatch):
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "none")
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(UsageError, match="torchrun divides the work of `microexpr pretrain` only"):
        RunOptions().build_executor()


class Pickled:
    """Data that count how often they are sent."""

    def __init__(self, file: Path, images: np.ndarray) -> None:
        self.file, self.images = file, images

    def __getstate__(self) -> dict:
        with self.file.open("a") as file:
            file.write("sent\n")
        return self.__dict__


def writes(job: int, shared: Pickled) -> tuple[bool, float]:
    return shared.images.flags.writeable, float(shared.images[job].sum())


def test_ray_holds_data_once_and_its_workers_read_the_same_memory(tmp_path):
    pytest.importorskip("ray")
    images = np.arange(20 * 64 * 64, dtype=np.float32).reshape(20, 64, 64)
    found = outcomes(executor("ray", 2), writes, range(20), Pickled(tmp_path / "sent", images))
    assert [found[i].value for i in range(20)] == [(False, float(images[i].sum())) for i in range(20)]
    assert (tmp_path / "sent").read_text() == "sent\n"


def test_a_worker_of_another_version_is_refused(monkeypatch):
    content = pickle.dumps(Work(square, 1))
    assert pickle.loads(content).attempt(3) == Done(10)
    monkeypatch.setattr("microexpr.core.executors.base.__version__", "0.0.1")
    with pytest.raises(ExecutorError, match=r"microexpr 0\.0\.1, the command .*: install the same on both"):
        pickle.loads(content)


def test_a_killed_run_continues_with_equal_results(recipe_and_data):
    """Killed before the first fold, in the middle of a fold, and after some of them."""
    base, whole = recipe_and_data
    folder = base / "killed"
    moments = (
        lambda: (folder / "run.json").is_file(),
        lambda: any(folder.glob(f"training/*/{CHECKPOINT}")),
        lambda: len(folds(folder)) >= 3,
    )
    for moment in moments:
        assert not moment()
        process = start(base, "killed", "local")
        assert happens(moment, 200)
        process.send_signal(signal.SIGKILL)
        process.communicate()
    assert run(base, "killed", "local") == whole
    assert RecognitionRun.open(folder).complete


def test_a_missing_ray_is_an_error(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(ExecutorError, match=r"pip install 'microexpr\[ray\]'"):
        outcomes(executor("ray"), square, [1], 0)
