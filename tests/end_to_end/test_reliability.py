"""What a run meets in practice: a full disk, a cache it cannot write, a second run, Ctrl-C, a clock that jumps.

Nothing is lost, nothing is wrong, and the user reads one message.
"""

import os
import random
import shutil
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from microexpr.experiments.recognition_run import RecognitionRun
from tests.command_runs import NAME, folds, happens, interrupt, message, run, start

MOUNT = ("unshare", "--mount", "--map-root-user")
"""A file system of one's own that no other process sees, and that is gone with the process; needs no rights."""


def mounts() -> bool:
    line = [*MOUNT, "mount", "-t", "tmpfs", "none", "/mnt"]
    return shutil.which("unshare") is not None and subprocess.run(line, capture_output=True).returncode == 0


needs_mounts = pytest.mark.skipif(not mounts(), reason="this system lets no user mount a file system")


def shell(base: Path, script: str, **variables: str) -> subprocess.CompletedProcess:
    """Run a script with file systems of its own; `$RUN` is the command of a run, without --out."""
    line = f"{sys.executable} -m microexpr run {base / NAME} --allow-subset"
    own = {"MICROEXPR_DATA": str(base), "MICROEXPR_CACHE": str(base / "cache"), "RUN": line, **variables}
    return subprocess.run(
        [*MOUNT, "sh", "-c", script], env={**os.environ, **own}, capture_output=True, text=True, timeout=300
    )


def one_message(done: subprocess.CompletedProcess) -> str:
    lines = [line for line in done.stderr.splitlines() if line.startswith("microexpr: ")]
    assert "Traceback" not in done.stderr and len(lines) == 1, done.stderr
    return lines[0]


@needs_mounts
@pytest.mark.parametrize("on", ["local", "processes"])
def test_a_run_on_a_full_disk_continues_when_there_is_room(recipe_and_data, tmp_path, on):
    base, whole = recipe_and_data
    script = f"""
        mount -t tmpfs -o size=400k none {tmp_path} || exit 99
        $RUN --out {tmp_path}/run --executor {on} --workers 2
        test $? = 1 || exit 98
        cp -r {tmp_path}/run/folds {base}/full-{on}
        mount -o remount,size=50m {tmp_path}
        $RUN --out {tmp_path}/run --executor {on} --workers 2 2>/dev/null || exit 97
        cp -r {tmp_path}/run {base}/room-{on}
    """
    done = shell(base, script if on == "processes" else script.replace(" --workers 2", ""))
    assert done.returncode == 0, (done.returncode, done.stderr)
    assert "cannot be written: the disk is full; make room on it" in one_message(done)
    early = {path.name: path.read_bytes() for path in (base / f"full-{on}").glob("*.csv")}
    assert len(early) < len(whole) and early.items() <= whole.items()
    assert folds(base / f"room-{on}") == whole and RecognitionRun.open(base / f"room-{on}").failed() == {}
    assert not list((base / f"room-{on}").rglob("*.tmp"))


@needs_mounts
def test_a_cache_that_cannot_be_written_is_enough_when_it_is_full(recipe_and_data, tmp_path):
    base, whole = recipe_and_data
    script = f"mount --bind -o ro {base}/cache {base}/cache; touch {base}/cache/x && exit 99; $RUN --out {tmp_path}/run"
    done = shell(base, script)
    assert done.returncode == 0, done.stderr
    assert folds(tmp_path / "run") == whole


@needs_mounts
@pytest.mark.parametrize("on", ["local", "processes"])
def test_an_empty_cache_that_cannot_be_written_is_one_message(recipe_and_data, tmp_path, on):
    base, _ = recipe_and_data
    (tmp_path / "cache").mkdir()
    script = f"mount -t tmpfs -o ro none {tmp_path}/cache; $RUN --out {tmp_path}/run --executor {on}"
    done = shell(base, script, MICROEXPR_CACHE=str(tmp_path / "cache"))
    text = one_message(done)
    assert done.returncode == 1 and str(tmp_path / "cache") in text and "Read-only file system" in text
    assert not folds(tmp_path / "run")


def test_a_second_run_in_a_folder_is_refused(recipe_and_data):
    base, whole = recipe_and_data
    first = start(base, "twice", "local")
    assert happens((base / "twice" / "folds").is_dir)
    text = message(start(base, "twice", "local"), 1)
    assert f"twice' is being written by process {first.pid} on " in text and "choose another --out" in text
    _, err = first.communicate(timeout=280)
    assert first.returncode == 0, err
    assert folds(base / "twice") == whole and not (base / "twice" / "lock.tmp").exists()


def test_two_runs_fill_one_cache(recipe_and_data):
    base, whole = recipe_and_data
    cache = str(base / "new-cache")
    both = [start(base, name, on, MICROEXPR_CACHE=cache) for name, on in (("a", "local"), ("b", "processes"))]
    for process in both:
        _, err = process.communicate(timeout=280)
        assert process.returncode == 0, err
    assert folds(base / "a") == folds(base / "b") == whole
    made, before = ({p.name for p in Path(folder).rglob("*.npz")} for folder in (cache, base / "cache"))
    assert made == before and len(made) >= 16 and not list(Path(cache).rglob("*.tmp"))


@pytest.mark.parametrize("on", ["local", "processes", "ray"])
def test_ctrl_c_is_one_message_and_the_run_continues(recipe_and_data, on):
    base, whole = recipe_and_data
    if on == "ray":
        pytest.importorskip("ray")
    more = () if on == "local" else ("--workers", "2")
    process = start(base, f"stopped-{on}", on, *more)
    assert happens(lambda: folds(base / f"stopped-{on}"), 200)
    interrupt(process)
    assert "interrupted; the same command continues from here" in message(process, 130)
    early = folds(base / f"stopped-{on}")  # the rest is not waited for
    assert early and early.items() < whole.items() and not (base / f"stopped-{on}" / "lock.tmp").exists()
    assert happens(lambda: not alive(process.pid))
    assert run(base, f"stopped-{on}", on, *more) == whole


def alive(session: int) -> bool:
    """Whether a process of a session is left."""
    for line in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            state, _, _, of = line.read_text().rpartition(")")[2].split()[:4]
            if int(of) == session and state != "Z":
                return True
    return False


JUMPING = """
import random, time
real, real_ns, draw = time.time, time.time_ns, random.Random(0)
time.time = lambda: real() + draw.choice((-1e8, -3600, 0, 3600, 1e8))
time.time_ns = lambda: real_ns() + draw.choice((-10**17, 0, 10**17))
"""


def test_a_clock_that_jumps_changes_nothing(recipe_and_data, tmp_path):
    """While it runs, and between a stop and the next start: files are of 1980 or of 2038."""
    base, whole = recipe_and_data
    (tmp_path / "sitecustomize.py").write_text(JUMPING)
    path = os.pathsep.join([str(tmp_path), *sys.path])
    cache = str(tmp_path / "cache")
    process = start(base, "jumps", "local", PYTHONPATH=path, MICROEXPR_CACHE=cache)
    assert happens(lambda: folds(base / "jumps"), 200)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    draw = random.Random(0)
    for file in (*(base / "jumps").rglob("*"), *Path(cache).rglob("*")):
        then = draw.choice((315532800, 2145916800))
        os.utime(file, (then, then))
    assert run(base, "jumps", "local", PYTHONPATH=path, MICROEXPR_CACHE=cache) == whole


HUNGRY = """
import os, resource
from dataclasses import dataclass
from microexpr.recognizers.base import RECOGNIZERS
from microexpr.recognizers.svm import SVM

@RECOGNIZERS.register("hungry")
@dataclass
class Hungry(SVM):
    def _fit(self, *args):
        if self.fold.endswith("s01") and os.environ.get("LIMIT"):
            used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
            resource.setrlimit(resource.RLIMIT_AS, (used + (64 << 20), -1))
            try:
                bytearray(1 << 30)
            finally:
                resource.setrlimit(resource.RLIMIT_AS, (-1, -1))
        super()._fit(*args)
"""


@pytest.mark.parametrize("on", ["processes", "ray"])
def test_a_worker_out_of_memory_costs_its_own_fold_only(recipe_and_data, tmp_path, on):
    if on == "ray":
        pytest.importorskip("ray")
    base, _ = recipe_and_data
    (tmp_path / "hungry.py").write_text(HUNGRY)
    text = (base / NAME).read_text()
    (tmp_path / NAME).write_text(text[: text.index("recognizer =")] + 'recognizer = { name = "hungry" }\n')
    more = ("--plugin", str(tmp_path / "hungry.py"), "--workers", "2")
    own = {"MICROEXPR_DATA": str(base), "MICROEXPR_CACHE": str(base / "cache")}
    ended = message(start(tmp_path, "run", on, *more, LIMIT="1", **own), 1)
    assert "MemoryError: no memory is left; with fewer --workers each has more" in ended
    failed = RecognitionRun.open(tmp_path / "run").failed()
    early = folds(tmp_path / "run")
    assert failed and len(early) + len(failed) == 6 and f"{len(failed)} of 6 folds failed" in ended
    again, whole = run(tmp_path, "run", on, *more, **own), run(tmp_path, "whole", "local", *more[:2], **own)
    assert again == whole and early.items() <= whole.items()


def test_workers_that_ray_kills_when_the_memory_is_full_lose_no_fold(recipe_and_data):
    """Ray looks ten times a second, and takes a memory of which a hundredth is used for full."""
    pytest.importorskip("ray")
    base, whole = recipe_and_data
    full = {"RAY_memory_usage_threshold": "0.01", "RAY_memory_monitor_refresh_ms": "100"}
    stopped = start(base, "ray-full", "local")
    assert happens(lambda: folds(base / "ray-full"), 200)
    interrupt(stopped)
    stopped.communicate()
    early = folds(base / "ray-full")
    text = message(start(base, "ray-full", "ray", "--workers", "2", **full), 1)
    failed = RecognitionRun.open(base / "ray-full").failed()
    assert f"{len(failed)} of 6 folds failed" in text and "ran out of memory, at last alone" in text
    assert (
        early and early.items() <= folds(base / "ray-full").items() and len(folds(base / "ray-full")) + len(failed) == 6
    )
    assert run(base, "ray-full", "ray", "--workers", "2") == whole
