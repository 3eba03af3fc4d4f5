"""Counts of spotting against published ones, logs of the challenges, spot-then-recognize."""

import pytest

from microexpr import metrics as m
from microexpr.core.clip import Interval
from microexpr.core.errors import DataError, UsageError
from microexpr.metrics import megc_log
from microexpr.metrics.intervals import match_intervals
from microexpr.metrics.spot_then_recognize import (
    analysis_classes,
    coarse_class,
    match_as_strs_code,
    spot_then_recognize,
)
from microexpr.metrics.spotting import evaluate_spotting
from microexpr.reports.published import published_spotting

LOG = "2\n15_0101 127 140 120 138 TP\n15_0101 - - 201 210 FP\n15_0102 57 64 - - FN\n"


def spans(*pairs_of, kind="micro"):
    return [Interval(first, last, kind=kind) for first, last in pairs_of]


@pytest.mark.parametrize("data", ["casme_sq", "samm_lv"])
def test_published_counts_have_the_published_scores(data):
    for row in [row for row in published_spotting(data) if row.counts]:
        both = [sum(counts) for counts in zip(*row.counts.values(), strict=True)]
        for name, counts in {**row.counts, "all": both}.items():
            assert round(m.f1_of_counts(*counts), 4) == getattr(row, name)


def test_the_baseline_has_the_releases_counts():
    for data, micro, macro in (("casme_sq", 57, 300), ("samm_lv", 159, 343)):
        (row,) = (row for row in published_spotting(data) if row.method == "MDMD")
        assert [row.counts[kind][0] + row.counts[kind][2] for kind in ("micro", "macro")] == [micro, macro]


@pytest.mark.parametrize(("hits", "alarms", "misses", "f1"), [(21, 5014, 36, 0.0082), (109, 1414, 191, 0.1196)])
def test_intervals_that_reproduce_the_baselines_counts(hits, alarms, misses, f1):
    true = {"v": spans(*((100 * i, 100 * i + 9) for i in range(hits + misses)))}
    found = {"v": spans(*((100 * i + 2, 100 * i + 9) for i in range(hits)))}
    found["w"] = spans(*((20 * i, 20 * i + 9) for i in range(alarms)))
    report = evaluate_spotting(true, found, {"v": 60}, {"v": 30})
    score = report.by_kind["micro"]
    assert (score.tp, score.fp, score.fn) == (hits, alarms, misses) and round(score.f1, 4) == f1
    assert report.onset_error_ms == pytest.approx(2 / 30 * 1000) and report.false_alarms_per_minute == alarms


@pytest.mark.parametrize("gap", [1, 2, 3, 40])
def test_disjoint_intervals_do_not_overlap(gap):
    """The baseline's public code adds one frame to an empty intersection: a near miss got credit."""
    assert m.overlap((10, 20), (20 + gap, 40)) == 0
    assert m.overlap((10, 20), (20, 40)) == pytest.approx(1 / 31)


def test_adjacent_frames_do_not_match():
    """With the frame added, two intervals of one frame each would overlap by one of one."""
    assert m.interval_f1({"v": [(5, 5)]}, {"v": [(6, 6)]}).tp == 0


def test_matching_is_one_to_one():
    true, found = spans((0, 9), (10, 19)), spans((0, 9), (1, 9), (2, 9), (10, 19))
    assert match_intervals(true, found) == [(true[0], found[0]), (true[1], found[3])]
    report = evaluate_spotting({"v": true}, {"v": found}, {"v": 60}, {"v": 30})
    assert (report.any_kind.tp, report.any_kind.fp, report.any_kind.fn) == (2, 2, 0)


def test_an_interval_of_the_wrong_kind_is_a_miss_and_a_false_alarm():
    report = evaluate_spotting({"v": spans((0, 9))}, {"v": spans((0, 9), kind="macro")}, {"v": 60}, {"v": 30})
    assert [(s.tp, s.fp, s.fn) for s in report.by_kind.values()] == [(0, 0, 1), (0, 1, 0), (0, 1, 1)]
    assert report.any_kind.tp == 1


def test_published_rows_have_sources():
    rows = [row for data in ("casme_sq", "samm_lv") for row in published_spotting(data)]
    assert all(row.source and (row.micro or row.macro or row.all or row.strs) for row in rows)
    assert {row.method for row in rows if row.leaky} == {"SOFTNet"}
    assert published_spotting("jaffe") == ()


def test_a_written_log_can_be_read():
    lines = megc_log.read(LOG)
    assert megc_log.write(lines) == LOG
    assert megc_log.score(lines)[2] == m.SpottingScore(1, 1, 1)
    true, found = megc_log.intervals(lines, "micro")
    assert megc_log.make_entries(2, true, found) == [lines[0], lines[1], lines[2]]


def test_counts_of_a_log_are_those_of_the_metric():
    true = {"a": spans((10, 20), (50, 60)), "b": spans((0, 9))}
    found = {"a": spans((10, 20), (12, 19), (55, 75)), "c": spans((1, 2))}
    lines = megc_log.make_entries(1, true, found)
    assert megc_log.score(lines)[1] == m.SpottingScore(1, 3, 2) and megc_log.find_problems(lines) == []
    assert megc_log.read(megc_log.write(lines)) == lines


@pytest.mark.parametrize(
    "text",
    [
        LOG.replace("\n", "\r\n"),
        "\ufeff" + LOG.replace(" ", "\t"),
        "2,,,,,\nVideo_ID,GT_onset,GT_offset,Predicted_onset,Predicted_offset,Result\n"
        "15_0101,127.0,140.0,120,138,tp\n15_0101,,,201,210,FP\n\n15_0102,57,64,-,-,FN",
    ],
)
def test_logs_in_formats_of_submissions_are_read(text):
    assert megc_log.read(text) == megc_log.read(LOG)


ENTRY_OF_2021 = (
    "\ns15/15_0102* 699 707 __ __ FN\ns25/25_0101* 113 127 108 132 TP\ns25/25_0101* __ __ -8 16 FP\n"
    "S25/25_0101* __ __ -8 16 FP"
)


def test_a_log_that_begins_with_an_empty_line_and_has_no_number():
    entries = megc_log.read(ENTRY_OF_2021)
    assert [(e.dataset, e.true, e.found, e.result, e.line) for e in entries[:3]] == [
        (megc_log.UNNUMBERED, (699, 707), None, "FN", 2),
        (megc_log.UNNUMBERED, (113, 127), (108, 132), "TP", 3),
        (megc_log.UNNUMBERED, None, (-8, 16), "FP", 4),
    ]
    assert megc_log.score(entries)[megc_log.UNNUMBERED] == m.SpottingScore(1, 2, 1)  # the last row is one too often
    assert megc_log.score_as_challenge(entries) == megc_log.score_one_to_one(entries) == m.SpottingScore(1, 1, 1)
    assert megc_log.read(megc_log.write(entries)) == entries


def test_a_log_as_csv_with_an_index():
    text = "video,gt_on,gt_off,pr_on,pr_off,result,index\n15_0101,127,140,120,138,TP,0\n15_0101,,,201,210,FP,1\n"
    assert [e.line for e in megc_log.read(text)] == [2, 3]
    assert megc_log.score(megc_log.read(text))[megc_log.UNNUMBERED] == m.SpottingScore(1, 1, 0)


def test_counts_of_a_log_as_the_challenge_and_one_to_one():
    """A find of two labels, two finds of one label, a pair that hardly overlaps; nothing is paired across rows."""
    entries = megc_log.read(
        "2\nv 0 9 0 19 TP\nv 10 19 0 19 TP\nv 40 49 40 49 TP\nv 40 49 41 49 TP\nv 60 69 68 90 TP\n"
        "v 80 89 - - FN\nV - - 80 89 FP\n"
    )
    assert megc_log.score(entries)[2] == m.SpottingScore(5, 1, 1)
    assert megc_log.score_as_challenge(entries) == m.SpottingScore(4, 1, 1)  # 5 finds, 5 labels, 4 of them found
    assert megc_log.score_one_to_one(entries) == m.SpottingScore(2, 3, 3)


def test_a_log_of_both_data_sets():
    lines = megc_log.read("1\n006_1 5 9 - - FN\n" + LOG)
    assert list(megc_log.score(lines)) == [1, 2]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("15_0101 1 2 - - FN\n2\nv 1 2 - - FN", "line 1: '15_0101.*stands above the number of its data set"),
        ("", "'log' holds no row; write video, two true, two found frames"),
        ("2\n", "holds no row"),
        ("2\nv 1 9999999999 - - FN", "line 2.*'1 9999999999' are not two frame numbers"),
        ("2\nv 1 2 - - FN\nv a b c d e", "line 3.*'a b' are not two frame numbers"),
        ("2\nv 1 2 - - FN 1 2", "line 2.*has 8 cells"),
        ("2\nv 1 x - - FN\nv 1 2 - - FN\nv 9 2 - - FN\nv 1", r"line 2.*\(2 more lines are wrong: 4, 5\)"),
        ("2\nv 1 2 - - FN\nv 1 2 3 FN", "line 3.*has 5 cells"),
        ("2\nv 1 x - - FN", "line 2.*'1 x' are not two frame numbers"),
        ("2\nv 1 - - - FN", "line 2.*'1 -' are not"),
        ("2\nv -1 -1 3 4 FP", "line 2.*is a TP by its intervals, not 'FP'; correct one of them"),
        ("2\nv 9 2 - - FN", "line 2.*ends before it begins"),
        ("2\nv - - - - FN", "line 2.*neither"),
        ("2\nv 1 2 - - TP", "line 2.*is a FN by its intervals"),
        ("2\nv 1 2 3 4 XX", "line 2.*is a TP"),
    ],
)
def test_a_malformed_line_is_named_by_its_number(text, message):
    with pytest.raises(DataError, match=message):
        megc_log.read(text)


def test_problems_of_a_log_are_listed():
    lines = megc_log.read("2\nv 1 10 8 20 TP\nv 1 10 - - FN\n")
    problems = megc_log.find_problems(lines)
    assert "overlap by 0.15" in problems[0] and "true interval 1 10 counts twice" in problems[1]


@pytest.mark.parametrize(
    "make",
    [lambda: megc_log.make_entries(0, {}, {}), lambda: megc_log.make_entries(2, {"a b": []}, {})],
)
def test_entries_that_a_log_cannot_hold_are_errors(make):
    with pytest.raises(UsageError):
        make()


def test_spot_then_recognize():
    true = {"v": spans((0, 9), (20, 29), (40, 49), (60, 69))}
    found = {"v": spans((0, 9), (20, 29), (40, 49))}
    report = evaluate_spotting(true, found, {"v": 60}, {"v": 30})
    both = spot_then_recognize(report.by_kind["micro"], ["Anger", "happiness", "others"], ["negative", "", "surprise"])
    assert both.spotting_f1 == pytest.approx(6 / 7) and (both.scored, both.left_out) == (2, 1)
    assert both.analysis_f1 == pytest.approx(1 / 3)  # one of three classes right
    assert both.strs == pytest.approx(6 / 7 / 3)


def test_predictions_must_be_coarse_classes():
    assert [coarse_class(w) for w in ("Disgust", "positive", "Surprise", "Other")] == [
        "negative",
        "positive",
        "surprise",
        None,
    ]
    report = evaluate_spotting({}, {}, {}, {}).by_kind["micro"]
    assert spot_then_recognize(report, [], []).strs == 0
    with pytest.raises(UsageError, match="'III' is neither"):
        spot_then_recognize(report, ["anger"], ["III"])
    with pytest.raises(UsageError, match="1 true positives but 0"):
        spot_then_recognize(report, ["anger"], [])


# Published counts whose scores follow from them: spotting 159/85/85 of 244 labels, F1 of analysis .5927.
def test_strs_of_published_counts():
    spotting = m.SpottingScore(159, 85, 85)
    assert round(spotting.f1, 4) == 0.6516 and round(m.strs(spotting.f1, 0.5927), 4) == 0.3862


def test_the_f1_of_analysis_is_that_of_macro_precision_and_macro_recall():
    """Of 6 negative, 3 positive and 1 surprise, 4, 3 and 0 are right; the mean of the classes' F1 is another number."""
    true = ["anger"] * 6 + ["happiness"] * 3 + ["surprise"]
    pred = ["negative"] * 4 + ["positive"] * 2 + ["positive"] * 3 + ["negative"]
    both = spot_then_recognize(m.SpottingScore(10, 0, 0), true, pred)
    precision, recall = (4 / 5 + 3 / 5 + 0) / 3, (4 / 6 + 3 / 3 + 0) / 3
    assert both.macro_precision == pytest.approx(precision) and both.macro_recall == pytest.approx(recall)
    assert both.strs == both.analysis_f1 == pytest.approx(2 * precision * recall / (precision + recall))
    assert both.mean_class_f1 == pytest.approx((8 / 11 + 6 / 8 + 0) / 3)


def emotional(*rows):
    """(video, onset, offset, emotion) of each interval, by video."""
    videos = {}
    for video, onset, offset, emotion in rows:
        videos.setdefault(video, []).append(Interval(onset, offset, labels={"emotion": emotion}))
    return videos


def test_strs_of_the_example_of_the_challenges_code():
    """Its documentation prints 0.2: 3 of 5 are found, one of them with the right emotion of three."""
    found = emotional(
        ("1/EP02_01f", 10, 70, "happiness"),
        ("1/EP03_02", 100, 170, "others"),
        ("1/EP04_02", 0, 70, "others"),
        ("2/EP01_11f", 20, 90, "happiness"),
        ("2/EP02_04f", 70, 140, "happiness"),
    )
    true = emotional(
        ("1/EP02_01f", 45, 85, "happiness"),
        ("1/EP03_02", 130, 160, "others"),
        ("1/EP04_02", 20, 75, "others"),
        ("2/EP01_11f", 45, 95, "repression"),
        ("2/EP02_04f", 30, 140, "repression"),
    )
    counts, pairs = match_as_strs_code(true, found)
    assert counts == m.SpottingScore(3, 2, 2)
    labels, predicted = ([interval.labels["emotion"] for interval in side] for side in zip(*pairs, strict=True))
    classes = analysis_classes(["happiness", "others", "repression"], predicted)
    assert classes == ("happiness", "others", "repression")
    both = spot_then_recognize(counts, labels, predicted, classes=classes)
    assert both.strs == pytest.approx(0.2) and both.macro_precision == both.macro_recall == pytest.approx(1 / 3)


def test_the_challenges_code_leaves_out_what_one_to_one_counts():
    true = emotional(("1/a", 0, 9, ""), ("1/a", 10, 19, ""), ("2/a", 0, 9, ""))
    found = emotional(("1/a", 0, 19, ""), ("1/a", 0, 9, ""), ("1/b", 0, 9, ""))
    counts, pairs = match_as_strs_code(true, found)
    assert counts == m.SpottingScore(2, 1, 0) and len(pairs) == 2  # a find of two labels; no 1/b; nobody of subject 2
    own = m.interval_f1({v: [(i.onset, i.offset) for i in own] for v, own in true.items()}, {"1/a": [(0, 19), (0, 9)]})
    assert own == m.SpottingScore(2, 0, 1)


@pytest.mark.parametrize(
    ("true", "found", "challenge", "one_to_one"),
    [
        ([(0, 9), (10, 19)], [(0, 19), (50, 60)], (2, 0, 0), (1, 1, 1)),  # a find that is true for two labels
        ([(0, 9)], [(0, 9), (1, 9)], (1, 1, 0), (1, 1, 0)),  # two finds of one label
        ([(0, 9), (10, 19)], [(0, 19)], (2, 0, 0), (1, 0, 1)),  # never fewer false positives than none
        ([], [(0, 9)], (0, 1, 0), (0, 1, 0)),  # a video without labels counts its false alarms
    ],
)
def test_counts_of_the_challenge_beside_one_to_one(true, found, challenge, one_to_one):
    assert m.challenge_counts({"v": true}, {"v": found}) == m.SpottingScore(*challenge)
    assert m.interval_f1({"v": true}, {"v": found}) == m.SpottingScore(*one_to_one)


def test_published_counts_of_the_challenge_from_intervals():
    """CAS(ME)^2 of the baseline of 2020: 6558 finds, 357 labels, 130 found by 125 finds; its FP is 6558 - 130."""
    true = {"v": [(100 * i, 100 * i + 9) for i in range(352)] + [(100 * i + 10, 100 * i + 19) for i in range(5)]}
    found = {"v": [(100 * i, 100 * i + (19 if i < 5 else 9)) for i in range(125)]}
    found["w"] = [(20 * i, 20 * i + 9) for i in range(6558 - 125)]
    published, own = m.challenge_counts(true, found), m.interval_f1(true, found)
    assert published == m.SpottingScore(130, 6428, 227) and round(published.f1, 4) == 0.0376
    assert own == m.SpottingScore(125, 6433, 232)


@pytest.mark.parametrize(
    ("counts", "f1"),
    [((51, 1741, 451), 0.0445), ((130, 6428, 227), 0.0376), ((183, 321, 319), 0.3638)],
)
def test_published_counts_over_both_kinds_have_the_published_f1(counts, f1):
    assert round(m.f1_of_counts(*counts), 4) == f1
