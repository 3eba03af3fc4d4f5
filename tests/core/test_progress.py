"""Progress callbacks and what is shown of them."""

import re

import numpy as np

from microexpr.core.progress import no_progress, peak_memory, show_progress


def test_without_a_terminal_quick_work_prints_its_begin_and_its_end(capsys, monkeypatch):
    monkeypatch.setattr("microexpr.core.progress.monotonic", lambda: 7.0)
    with show_progress(name="m1") as progress:
        for done in range(21):
            progress("folds", done, 20)
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 2 and lines[0] == "m1: folds: 0 of 20"
    assert re.fullmatch(r"m1: folds: 20 of 20 \(peak memory \d+\.\d GiB\)", lines[-1])


def test_without_a_terminal_long_work_prints_a_line_for_each_tenth(capsys, monkeypatch):
    seconds = iter(range(0, 100_000, 11))
    monkeypatch.setattr("microexpr.core.progress.monotonic", lambda: float(next(seconds)))
    with show_progress() as progress:
        for done in range(0, 20_001, 16):
            progress("faces", done, 20_000)
    assert len(capsys.readouterr().err.splitlines()) == 11


def test_false_shows_nothing_and_a_callback_is_itself(capsys):
    with show_progress(False) as progress:
        progress("folds", 1, 2)
    assert progress is no_progress and capsys.readouterr().err == ""
    calls = []
    with show_progress(lambda *call: calls.append(call)) as progress:
        progress("folds", 1, 2)
    assert calls == [("folds", 1, 2)]


def test_work_of_unknown_length_gets_one_line(capsys):
    with show_progress() as progress:
        progress("frames", 0, 0)
        progress("frames", 7, 0)
    assert capsys.readouterr().err == "frames: 0 so far\n"


def test_the_peak_memory_is_at_least_what_an_array_needs():
    held = np.ones(64 << 17)  # 64 MiB
    assert peak_memory() > held.nbytes
