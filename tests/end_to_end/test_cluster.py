"""A cluster that is real: Ray nodes as processes of their own, one of which is killed in the middle of a run."""

import importlib
import os
import time
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from microexpr.analysis import AnalysisOptions, analyze_videos
from microexpr.core.errors import ExecutorError
from microexpr.core.executors import Done, executor
from microexpr.core.progress import no_progress
from microexpr.datasets import DATASETS
from microexpr.experiments.data import load_data, prepare_samples
from microexpr.experiments.options import RunOptions
from microexpr.imaging.video import write_video
from microexpr.preprocessing import SampleCache
from tests.command_runs import folds, happens, start
from tests.hostile import film

pytest.importorskip("ray")


@pytest.fixture(scope="module")
def cluster():
    """A head with one core; a test adds machines. A machine that is gone is noticed after two seconds, not after 15."""
    from ray.cluster_utils import Cluster

    quick = {"health_check_initial_delay_ms": 0, "health_check_period_ms": 1000, "health_check_failure_threshold": 2}
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("RAY_USAGE_STATS_ENABLED", "0")
        patched.setenv("RAY_AUTH_MODE", "disabled")  # else each process decides by whether this user has a token
        with suppress(AttributeError):
            importlib.import_module("ray._raylet").Config.initialize("")  # what this process has read before
        head = {"num_cpus": 1, "num_gpus": 0, "object_store_memory": 100 << 20, "_system_config": quick}
        cluster = Cluster(initialize_head=True, head_node_args=head)
        yield cluster
        cluster.shutdown()


def test_a_killed_machine_changes_no_result(cluster, recipe_and_data):
    """Its folds begin again on the other one."""
    base, whole = recipe_and_data
    node = cluster.add_node(num_cpus=2, num_gpus=0, object_store_memory=100 << 20)
    process = start(base, "cluster", "ray", "--address", cluster.address, "--workers", "3")
    training = base / "cluster" / "training"  # of a fold on the core of the head, and of two on the other machine
    assert happens(lambda: training.is_dir() and len(list(training.iterdir())) >= 3, 200)
    assert len(folds(base / "cluster")) < len(whole)
    cluster.remove_node(node, allow_graceful=False)
    _, err = process.communicate(timeout=280)
    assert process.returncode == 0 and "Traceback" not in err, err
    assert folds(base / "cluster") == whole and not list((base / "cluster" / "folds").glob("*.error"))


def together(job: int, shared: Path) -> tuple[int, str]:
    """How many jobs run when two have begun, and which GPUs this one sees."""
    running = shared / f"running-{job}"
    running.touch()
    (shared / f"begun-{job}").touch()
    happens(lambda: len(list(shared.glob("begun-*"))) >= 2)
    count = len(list(shared.glob("running-*")))
    time.sleep(0.5)
    running.unlink()
    return count, os.environ.get("CUDA_VISIBLE_DEVICES", "none")


def test_jobs_share_a_gpu(cluster, tmp_path):
    """Ray counts GPUs by what a machine says it has."""
    node = cluster.add_node(num_cpus=4, num_gpus=1, object_store_memory=100 << 20)
    try:
        found = dict(executor("ray", address=cluster.address, gpus=0.5).run(together, range(4), tmp_path))
        assert all(isinstance(outcome, Done) for outcome in found.values()), found
        assert max(outcome.value[0] for outcome in found.values()) == 2
        assert {outcome.value[1] for outcome in found.values()} == {"0"}
        with pytest.raises(ExecutorError, match="--gpus 2: no machine of the Ray cluster has more than 1 GPUs"):
            executor("ray", address=cluster.address, gpus=2).check()
    finally:
        cluster.remove_node(node)


def test_clips_are_prepared_on_a_cluster(cluster, recipe, tmp_path, monkeypatch):
    """Its machines see the files of this one."""
    DATASETS.get("megc2019").make_synthetic(tmp_path / "megc2019", subjects=3, image_scale=0.25)
    made, here = {}, []
    real = SampleCache._make
    monkeypatch.setattr(SampleCache, "_make", lambda *given: here.append(given[2].id) or real(*given))
    for name, where in {"local": {}, "cluster": {"executor": "ray", "address": cluster.address}}.items():
        options = RunOptions(roots={"megc2019": tmp_path / "megc2019"}, allow_subset=True, **where)
        monkeypatch.setenv("MICROEXPR_CACHE", str(tmp_path / name))
        (data,) = load_data(recipe, options, no_progress)
        samples = prepare_samples(data, data.examples, options, no_progress)
        made[name] = {clip_id: sample.array("image") for clip_id, sample in samples.items()}
    assert len(here) == len(made["local"]) >= 16  # all of the first, none of the second
    assert made["local"].keys() == made["cluster"].keys()
    assert all(np.array_equal(image, made["cluster"][clip_id]) for clip_id, image in made["local"].items())


def test_films_are_analyzed_on_a_cluster(cluster, tmp_path, monkeypatch):
    """Given by names that hold in this folder only."""
    monkeypatch.chdir(tmp_path)
    for name, frames in (("a.mp4", 20), ("b.mp4", 9)):
        write_video(tmp_path / name, film(frames), 25)
    where = executor("ray", address=cluster.address)
    results = analyze_videos(["a.mp4", "b.mp4", "c.mp4"], "out", AnalysisOptions(model="none"), executor=where)
    assert [result.analysis and result.analysis.recording.frames for result in results] == [20, 9, None]
    assert "c.mp4' is not there" in results[2].error and (tmp_path / "out" / "a.mp4" / "report.html").is_file()
