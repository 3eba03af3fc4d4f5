"""The table of speeds is written from what was measured, and what became slower is shown."""

import importlib
import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
pytest.importorskip("griffe", reason="needs the extra `docs`")
sys.path[:0] = [str(ROOT / "docs"), str(ROOT / "benchmarks")]


benchmark: Any = importlib.import_module("speed")
speeds: Any = importlib.import_module("speeds")
Row = benchmark.Row
ROWS = [
    Row("folds", "plain loop", "folds/s", 10.0, "plain loop", 1.0, 8.0, 1.0),
    Row("folds", "batched", "folds/s", 40.0, "plain loop", 4.0, 16.0, 2.0),
    Row("folds", "ray, 2 at once", "folds/s", 20.0, "plain loop", 2.0),
    Row("memory", "local", "MiB", 500.0, "local", 1.0),
]
BEFORE = {row.key: vars(row) for row in ROWS}


def test_the_page_shows_every_row(tmp_path, monkeypatch):
    machine = {"processor": "A", "cores": 2, "load_at_start": 0.1, "rounds": 3}
    machine |= dict.fromkeys(("python", "torch", "numpy", "opencv"), "1.0")
    (tmp_path / "speed.json").write_text(json.dumps({"full": {"machine": machine, "rows": BEFORE}}))
    monkeypatch.setattr(speeds, "FIGURES", tmp_path / "speed.json")
    page = speeds.speed_page()
    assert "| batched | 40 | 4.00 | 16 | 2.00 |" in page and "| ray, 2 at once | 20 | 2.00 |  |  |" in page
    assert "| local | 500 | 1.00 |" in page and "A, 2 cores, load 0.1" in page


def test_goals_are_compared_with_what_was_reached():
    rows = [
        vars(Row("STSTNet, 8 folds", name, "folds/s", value, "", 0.0, own))
        for name, value, own in (("plain PyTorch loop", 10.0, 8.0), ("processes", 20.0, 8.0), ("batched", 50.0, 40.0))
    ]
    rows += [
        vars(Row("STSTNet, seeds at once", name, "folds/s", value, "", 0.0, value))
        for name, value in (("one seed", 10.0), ("five seeds", 12.5))
    ]
    rows.append(vars(Row("442 clips of 768 values, SVM, 68 folds", "batched", "folds/s", 85.0, "", 0.0, 136.0)))
    page = speeds.goal_table(rows)
    assert "| at least 4 times | 5 times | 5 times | yes |" in page
    assert "| at least 4 times | 2.5 times | 5 times | no |" in page
    assert "| less than 3 times | 4 times | 4 times | no: the weights of the seeds" in page
    assert "| less than 1 s | 0.8 s | 0.5 s | yes |" in page and "ResNet10" not in page
    assert speeds.goal_table([]) == ""


def test_the_figures_of_the_documents_have_the_parts_that_are_measured():
    """Those that `make bench` compares with."""
    table = json.loads(speeds.FIGURES.read_text())["short"]
    rows = " ".join(table["rows"])
    assert all(word in rows for word in ("STSTNet", "ResNet10", "Bayes", "SVM", "clips", "memory", "video", "ray"))
    assert table["machine"]["cores"] >= 1 and all(row["value"] > 0 for row in table["rows"].values())


@pytest.mark.parametrize(
    ("row", "change", "slower"),
    [
        (1, {"processor_ratio": 1.4}, False),
        (1, {"processor_ratio": 1.3}, True),
        (1, {"value": 4.0, "ratio": 0.4}, False),  # other work on the machine, not of its own
        (2, {"ratio": 1.3}, True),
        (3, {"value": 740.0}, False),
        (3, {"value": 760.0}, True),
        (0, {"value": 1.0}, False),  # another machine
    ],
)
def test_a_third_less_is_a_regression(row, change, slower):
    assert bool(benchmark.regressions([replace(ROWS[row], **change)], BEFORE)) == slower
