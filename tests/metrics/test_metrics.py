"""Golden numbers: printed matrices, perfect predictors, majorities."""

import time

import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score, f1_score

from microexpr import metrics as m
from microexpr.reports.published import published

FIVE = ("I", "II", "III", "IV", "V")
THREE = ("negative", "positive", "surprise")


def test_fold_mean_accuracy_weighs_folds_equally():
    y_true, folds = ["a", "a", "a", "b"], ["1", "1", "1", "2"]
    y_pred = ["a", "a", "b", "a"]  # 2 of 3 and 0 of 1
    assert m.fold_mean_accuracy(y_true, y_pred, ("a", "b"), folds) == pytest.approx(1 / 3)
    assert m.weighted_average_recall(y_true, y_pred, ("a", "b")) == 0.5
    assert m.METRICS.get("fold_mean_accuracy").average == "folds"


@pytest.mark.parametrize(
    ("part", "war", "uar", "f1", "weighted"),
    [("casme2-to-samm", 0.5441, 0.4404, 0.4024, 0.4992), ("samm-to-casme2", 0.5784, 0.3366, 0.3170, 0.4896)],
)
def test_scores_of_peng_tables_2_and_3(part, war, uar, f1, weighted):
    pairs = m.expand_confusion_matrix(published("megc2018-hde", part)[0].confusion, FIVE)
    scores = [metric.function(*pairs, FIVE) for metric in m.ordered_metrics()[:4]]
    assert scores == pytest.approx([war, uar, f1, weighted], abs=5e-5)


def test_hde_is_the_mean_of_the_two_directions():
    pairs = [
        m.expand_confusion_matrix(published("megc2018-hde", p)[0].confusion, FIVE)
        for p in ("casme2-to-samm", "samm-to-casme2")
    ]
    assert np.mean([m.weighted_average_recall(*p, FIVE) for p in pairs]) == pytest.approx(0.561, abs=5e-4)
    assert np.mean([m.unweighted_average_recall(*p, FIVE) for p in pairs]) == pytest.approx(0.389, abs=6e-4)


# How many (person, class) cells are not empty: 97 of 47 x 5 in MEGC 2018, 129 of 68 x 3 in MEGC 2019; that follows
# from the printed .4128 and .632 of a perfect predictor (Varanka et al. 2022), and each person has at least one.
@pytest.mark.parametrize(("subjects", "classes", "cells", "mean"), [(47, FIVE, 97, 0.4128), (68, THREE, 129, 0.632)])
def test_fold_mean_f1_of_a_perfect_predictor_is_not_1(subjects, classes, cells, mean):
    each = [1 + (i < cells - subjects) for i in range(subjects)]
    each = np.array(each) + [max(0, cells - subjects - subjects) > i for i in range(subjects)]
    y_true = [word for n in each for word in classes[:n]]
    folds = [str(i) for i, n in enumerate(each) for _ in range(n)]
    rest = [word for word in classes if word not in y_true]
    assert sum(each) == cells
    assert m.macro_f1([*y_true, *rest], [*y_true, *rest], classes) == 1
    assert m.fold_mean_f1(y_true, y_true, classes, folds) == pytest.approx(mean, abs=5e-4)


@pytest.mark.parametrize(
    ("counts", "accuracy", "f1"),
    [
        ((25, 15, 99, 26, 20), 0.5351, 0.1394),
        ((24, 13, 20, 8, 3), 0.3529, 0.1043),
        ((49, 28, 119, 34, 23), 0.4704, 0.1280),
    ],
)
def test_majority_of_megc2018(counts, accuracy, f1):
    y_true = [word for word, n in zip(FIVE, counts, strict=True) for _ in range(n)]
    y_pred = m.predict_majority(y_true, FIVE)
    assert m.weighted_average_recall(y_true, y_pred, FIVE) == pytest.approx(accuracy, abs=5e-5)
    assert m.macro_f1(y_true, y_pred, FIVE) == pytest.approx(f1, abs=5e-5)


def test_majority_of_megc2019():
    y_true = ["negative"] * 250 + ["positive"] * 109 + ["surprise"] * 83
    assert m.weighted_average_recall(y_true, m.predict_majority(y_true, THREE), THREE) == pytest.approx(
        0.5656, abs=5e-5
    )


def test_an_absent_class_counts_zero():
    y_true = y_pred = ["negative", "positive"]
    assert m.macro_f1(y_true, y_pred, THREE) == pytest.approx(2 / 3)
    assert m.unweighted_average_recall(y_true, y_pred, THREE) == pytest.approx(2 / 3)
    assert m.per_class(y_true, y_pred, THREE)["surprise"] == m.ClassScore(0, 0, 0, 0)


def test_an_abstention_is_wrong_and_in_no_column():
    y_true, y_pred = ["negative", "positive", "surprise"], ["negative", "", "surprise"]
    assert m.weighted_average_recall(y_true, y_pred, THREE) == pytest.approx(2 / 3)
    assert m.confusion_matrix(y_true, y_pred, THREE).sum() == 2
    assert m.count_abstentions(y_pred) == 1


def test_metrics_equal_those_of_scikit_learn():
    rng = np.random.default_rng(0)
    y_true, y_pred = rng.choice(THREE, 200).tolist(), rng.choice(THREE, 200).tolist()
    assert m.macro_f1(y_true, y_pred, THREE) == pytest.approx(f1_score(y_true, y_pred, average="macro"))
    assert m.weighted_f1(y_true, y_pred, THREE) == pytest.approx(f1_score(y_true, y_pred, average="weighted"))
    assert m.unweighted_average_recall(y_true, y_pred, THREE) == pytest.approx(balanced_accuracy_score(y_true, y_pred))


@pytest.mark.parametrize(
    ("y_true", "y_pred", "text"),
    [
        (["negative"], [], "1 labels"),
        ([], [], "no clip"),
        (["happy"], ["negative"], "'happy'"),
        (["negative"], ["x"], "'x'"),
        ([""], [""], "label ''"),
    ],
)
def test_bad_labels_are_errors(y_true, y_pred, text):
    with pytest.raises(ValueError, match=text):
        m.macro_f1(y_true, y_pred, THREE)


def test_classes_must_be_given_once():
    with pytest.raises(ValueError, match="each class once"):
        m.macro_f1(["a"], ["a"], ("a", "a"))


def test_folds_must_be_as_many_as_clips():
    with pytest.raises(ValueError, match="1 folds"):
        m.fold_mean_f1(["negative"] * 2, ["negative"] * 2, THREE, ["1"])


def test_f1_of_mean_precision_and_recall_differs_from_macro_f1():
    y_true, y_pred = ["negative"] * 3 + ["positive"], ["negative", "positive", "positive", "positive"]
    precision, recall = (1 + 1 / 3) / 2, (1 / 3 + 1) / 2
    found = m.f1_of_mean_precision_recall(y_true, y_pred, ("negative", "positive"))
    assert found == pytest.approx(2 * precision * recall / (precision + recall))
    assert found > m.macro_f1(y_true, y_pred, ("negative", "positive"))


def test_scores_are_zero_without_a_correct_clip():
    for _, metric in m.METRICS:
        assert metric.function(["negative"], [""], THREE) == 0
        assert metric.function(["negative"], ["positive"], THREE) == 0


@pytest.mark.parametrize("matrix", [[[1, 2]], [[1, -1], [0, 2]], [[0.5, 1], [1, 1]]])
def test_a_matrix_without_counts_is_an_error(matrix):
    with pytest.raises(ValueError, match=r"row and one column|no count"):
        m.expand_confusion_matrix(matrix, ("a", "b"))


def test_bootstrap_draws_subjects_not_clips():
    rng = np.random.default_rng(1)
    subjects = [str(p) for p in range(20) for _ in range(10)]
    y_true = rng.choice(THREE, 200).tolist()
    y_pred = [
        t if int(p) % 2 else "negative" for t, p in zip(y_true, subjects, strict=True)
    ]  # right or wrong by person
    score = m.macro_f1(y_true, y_pred, THREE)
    low, high = m.bootstrap_interval(m.macro_f1, y_true, y_pred, THREE, subjects)
    clips = m.bootstrap_interval(m.macro_f1, y_true, y_pred, THREE, [str(i) for i in range(200)])
    assert low < score < high
    assert high - low > clips[1] - clips[0]
    assert (low, high) == m.bootstrap_interval(m.macro_f1, y_true, y_pred, THREE, subjects)
    assert (low, high) != m.bootstrap_interval(m.macro_f1, y_true, y_pred, THREE, subjects, seed=1)
    narrow = m.bootstrap_interval(m.macro_f1, y_true, y_pred, THREE, subjects, level=0.5)
    assert low < narrow[0] < narrow[1] < high


@pytest.mark.parametrize("name", m.METRICS.names())
def test_bootstrap_from_counts_equals_that_from_clips(name):
    rng = np.random.default_rng(2)
    y_true, y_pred = rng.choice(THREE, 60).tolist(), rng.choice([*THREE, ""], 60).tolist()
    subjects, metric = rng.choice(list("abcdefg"), 60).tolist(), m.METRICS.get(name).function
    fast = m.bootstrap_scores(metric, y_true, y_pred, THREE, subjects, n=20)
    slow = m.bootstrap_scores(lambda t, g, c: metric(t, g, c), y_true, y_pred, THREE, subjects, n=20)
    assert fast == pytest.approx(slow)


def test_bootstrap_of_68_subjects_is_fast():
    rng = np.random.default_rng(3)
    y_true, y_pred = rng.choice(THREE, 442).tolist(), rng.choice(THREE, 442).tolist()
    subjects = [str(i % 68) for i in range(442)]
    times = []
    for _ in range(5):
        start = time.perf_counter()
        m.bootstrap_interval(m.macro_f1, y_true, y_pred, THREE, subjects)
        times.append(time.perf_counter() - start)
    assert min(times) < 0.05


@pytest.mark.parametrize(("keys", "text"), [({"n": 0}, "n = 0"), ({"level": 95}, "level = 95")])
def test_bootstrap_settings_out_of_range_are_errors(keys, text):
    with pytest.raises(ValueError, match=text):
        m.bootstrap_interval(m.macro_f1, ["a"], ["a"], ("a", "b"), ["p"], **keys)


def test_intervals_of_spotting():
    true = {"a": [(10, 20), (50, 60)], "b": [(0, 9)]}
    found = {"a": [(10, 20), (12, 19), (55, 75)], "c": [(1, 2)]}
    score = m.interval_f1(true, found)
    assert (score.tp, score.fp, score.fn) == (1, 3, 2)
    assert m.overlap((1, 5), (8, 9)) == 0
    assert m.strs(score.f1, 0.5) == score.f1 / 2


def test_a_true_interval_matches_the_best_found_interval_only():
    score = m.interval_f1({"a": [(0, 9)]}, {"a": [(0, 7), (0, 8), (1, 9)]})
    assert (score.tp, score.fp, score.fn) == (1, 2, 0)
    assert (score.precision, score.recall, score.f1) == (pytest.approx(1 / 3), 1, 0.5)
    assert m.overlap((0, 9), (5, 14)) == pytest.approx(1 / 3)


def test_a_pair_counts_from_an_overlap_of_one_half():
    assert m.interval_f1({"a": [(0, 9)]}, {"a": [(0, 4)]}).tp == 1
    assert m.interval_f1({"a": [(0, 9)]}, {"a": [(0, 3)]}).tp == 0
    assert m.interval_f1({"a": [(0, 9)]}, {"a": [(0, 3)]}, iou=0.4).tp == 1


def test_scores_are_zero_without_intervals():
    score = m.interval_f1({}, {"a": []})
    assert (score.precision, score.recall, score.f1) == (0, 0, 0)


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: m.interval_f1({"a": [(9, 0)]}, {}), "'a': interval 9..0"),
        (lambda: m.interval_f1({}, {}, iou=0), "iou = 0"),
        (lambda: m.strs(8.96, 0.5), "8.96"),
        (lambda: m.f1_of_counts(-1, 0, 0), "-1, 0, 0"),
    ],
)
def test_bad_intervals_are_errors(call, text):
    with pytest.raises(ValueError, match=text):
        call()


@pytest.mark.parametrize(  # MEGC 2020 baseline MDMD: TP, FP, FN of micro and macro, and F1 as its README prints it
    ("micro", "macro", "f1"),
    [
        ((21, 5014, 36), (109, 1414, 191), (0.0082, 0.1196, 0.0376)),  # CAS(ME)^2
        ((29, 1407, 130), (22, 334, 321), (0.0364, 0.0629, 0.0445)),  # SAMM Long Videos
    ],
)
def test_published_counts_of_mdmd(micro, macro, f1):
    both = [a + b for a, b in zip(micro, macro, strict=True)]
    assert [m.f1_of_counts(*counts) for counts in (micro, macro, both)] == pytest.approx(f1, abs=6e-5)
    assert m.SpottingScore(*micro).f1 == m.f1_of_counts(*micro)
