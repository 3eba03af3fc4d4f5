"""CD6ME: synthetic copies have its counts, and the trivial recognizer its published scores."""

from collections.abc import Iterator
from pathlib import Path

import pytest

import microexpr as mx
from microexpr.core.clip import Clip
from microexpr.datasets import DATASETS
from microexpr.experiments.run_folder import Run
from microexpr.protocols import PROTOCOLS
from microexpr.protocols.cd6me import CLIPS, UNITS

COPIES = {name: "casme2_updated" if name == "casme2" else name for name in CLIPS}
"""Data set of CD6ME -> the data set that reads it."""


@pytest.fixture(scope="module")
def cache(tmp_path_factory) -> Iterator[Path]:
    """An empty cache, in which the synthetic copies are made once."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("cache")
        patch.setenv("MICROEXPR_CACHE", str(folder))
        yield folder


@pytest.fixture(scope="module")
def run(cache, tmp_path_factory) -> Run:
    """The trivial recipe on whole synthetic copies, of which it needs the sheets alone."""
    pytest.importorskip("torch", reason="runs load torch")
    folder = tmp_path_factory.mktemp("runs") / "run"
    return mx.run_recipe("cd6me-always-present", folder, synthetic=True, progress=False)


@pytest.fixture(scope="module")
def clips(run, cache) -> list[Clip]:
    """The clips of the copies."""
    folders = {name: next((cache / "synthetic").glob(f"{name}-v*")) for name in COPIES.values()}
    return [clip for name, folder in folders.items() for clip in DATASETS.get(name)(folder).annotated_clips()]


def test_copies_have_the_counts_of_every_unit(clips):
    rules = PROTOCOLS.get("cd6me")
    examples = rules.select(clips)
    assert len(examples) == 2031 and rules.count_mismatches(examples) == []
    folds = rules.folds(examples)
    assert [len(fold.test) for fold in folds] == [n for _, n in sorted(CLIPS.items())]
    assert {len(fold.subjects("train") & fold.subjects("test")) for fold in folds} == {0}


@pytest.mark.parametrize("name", [name for name in COPIES if f"cd6me-{name}" in PROTOCOLS.names()])
def test_copies_have_the_counts_of_a_data_set_alone(clips, name):
    rules = PROTOCOLS.get(f"cd6me-{name}")
    examples = rules.select(clips)
    assert rules.count_mismatches(examples) == [] and set(rules.classes) < set(UNITS)
    assert len(rules.folds(examples)) == len({example.clip.subject for example in examples})


def test_every_unit_on_every_clip_has_the_published_scores(run, cache):
    """The golden numbers follow from the counts alone: the sheets of whole synthetic copies are enough."""
    report = mx.make_report(run)
    [record] = report.data
    assert record["n"] == 2031 and record["subset"] == [] and record["left_out"] == []
    assert record["metrics"]["f1"] == pytest.approx(0.1777, abs=5e-5)
    assert record["mean_of_datasets"]["metrics"]["f1"] == pytest.approx(0.1780, abs=5e-5)
    assert record["mean_of_datasets"]["metrics"]["auc"] == 0.5  # also where a data set lacks a unit
    means = next(table for table in report.tables if table.title.startswith("2031 clips"))
    f1 = next(row for row in means.rows if row[0] == "mean F1")
    assert (f1[1], f1[4]) == (".1777", ".1780")
    own, trivial, *methods = next(table for table in report.tables if "data set, beside" in table.title).rows
    assert own[1:] == trivial[1:] and next(row for row in methods if row[0] == "always present (meb)")[1] == ".178"
    assert not list(cache.rglob("*.jpg"))
