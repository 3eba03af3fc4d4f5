"""Golden numbers: printed matrices, perfect predictors, majorities."""

import time

import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score, f1_score

from microexpr import metrics as m
from microexpr.reports.published import published

FIVE = ("I", "II", "III", "IV", "V")
THREE = ("negative", "positive", "surprise")


@pytest.mark.parametrize(
    ("part", "war", "uar", "f1", "weighted"),
    [("casme2-to-samm", 0.5441, 0.4404, 0.4024, 0.4992), ("samm-to-casme2", 0.5784, 0.3366, 0.3170, 0.4896)],
)
def test_peng_tables_2_and_3(part, war, uar, f1, weighted):
    pairs = m.expand_confusion_matrix(published("megc2018-hde", part)[0].confusion, FIVE)
    scores = [metric.function(*pairs, FIVE) for metric in m.ordered_metrics()[:4]]
    assert scores == pytest.approx([war, uar, f1, weighted], abs=5e-5)


def test_mean_of_the_two_directions():
    pairs = [
        m.expand_confusion_matrix(published("megc2018-hde", p)[0].confusion, FIVE)
        for p in ("casme2-to-samm", "samm-to-casme2")
    ]
    assert np.mean([m.weighted_average_recall(*p, FIVE) for p in pairs]) == pytest.approx(0.561, abs=5e-4)
    assert np.mean([m.unweighted_average_recall(*p, FIVE) for p in pairs]) == pytest.approx(0.389, abs=6e-4)


# How many (person, class) cells are not empty: 97 of 47 x 5 in MEGC 2018, 129 of 68 x 3 in MEGC 2019; that follows
# from the printed .4128 and .632 of a perfect predictor (Varanka et al. 2022), and each person has at least one.
@pytest.mark.parametrize(("people", "classes", "cells", "mean"), [(47, FIVE, 97, 0.4128), (68, THREE, 129, 0.632)])
def test_perfect_predictor(people, classes, cells, mean):
    each = [1 + (i < cells - people) for i in range(people)]
    each = np.array(each) + [max(0, cells - people - people) > i for i in range(people)]
    truth = [word for n in each for word in classes[:n]]
    folds = [str(i) for i, n in enumerate(each) for _ in range(n)]
    rest = [word for word in classes if word not in truth]
    assert sum(each) == cells
    assert m.macro_f1([*truth, *rest], [*truth, *rest], classes) == 1
    assert m.fold_mean_f1(truth, truth, classes, folds) == pytest.approx(mean, abs=5e-4)


@pytest.mark.parametrize(
    ("counts", "accuracy", "f1"),
    [
        ((25, 15, 99, 26, 20), 0.5351, 0.1394),
        ((24, 13, 20, 8, 3), 0.3529, 0.1043),
        ((49, 28, 119, 34, 23), 0.4704, 0.1280),
    ],
)
def test_majority_of_megc2018(counts, accuracy, f1):
    truth = [word for word, n in zip(FIVE, counts, strict=True) for _ in range(n)]
    guess = m.predict_majority(truth, FIVE)
    assert m.weighted_average_recall(truth, guess, FIVE) == pytest.approx(accuracy, abs=5e-5)
    assert m.macro_f1(truth, guess, FIVE) == pytest.approx(f1, abs=5e-5)


def test_majority_of_megc2019():
    truth = ["negative"] * 250 + ["positive"] * 109 + ["surprise"] * 83
    assert m.weighted_average_recall(truth, m.predict_majority(truth, THREE), THREE) == pytest.approx(0.5656, abs=5e-5)


def test_an_absent_class_counts_zero():
    truth = guess = ["negative", "positive"]
    assert m.macro_f1(truth, guess, THREE) == pytest.approx(2 / 3)
    assert m.unweighted_average_recall(truth, guess, THREE) == pytest.approx(2 / 3)
    assert m.per_class(truth, guess, THREE)["surprise"] == m.ClassScore(0, 0, 0, 0)


def test_an_abstention_is_wrong_and_of_no_class():
    truth, guess = ["negative", "positive", "surprise"], ["negative", "", "surprise"]
    assert m.weighted_average_recall(truth, guess, THREE) == pytest.approx(2 / 3)
    assert m.confusion_matrix(truth, guess, THREE).sum() == 2
    assert m.count_abstentions(guess) == 1


def test_agrees_with_scikit_learn():
    rng = np.random.default_rng(0)
    truth, guess = rng.choice(THREE, 200).tolist(), rng.choice(THREE, 200).tolist()
    assert m.macro_f1(truth, guess, THREE) == pytest.approx(f1_score(truth, guess, average="macro"))
    assert m.weighted_f1(truth, guess, THREE) == pytest.approx(f1_score(truth, guess, average="weighted"))
    assert m.unweighted_average_recall(truth, guess, THREE) == pytest.approx(balanced_accuracy_score(truth, guess))


@pytest.mark.parametrize(
    ("truth", "guess", "text"),
    [
        (["negative"], [], "1 labels"),
        ([], [], "no clip"),
        (["happy"], ["negative"], "'happy'"),
        (["negative"], ["x"], "'x'"),
        ([""], [""], "label ''"),
    ],
)
def test_bad_input(truth, guess, text):
    with pytest.raises(ValueError, match=text):
        m.macro_f1(truth, guess, THREE)


def test_classes_must_be_given_once():
    with pytest.raises(ValueError, match="each class once"):
        m.macro_f1(["a"], ["a"], ("a", "a"))


def test_folds_must_be_as_many_as_clips():
    with pytest.raises(ValueError, match="1 folds"):
        m.fold_mean_f1(["negative"] * 2, ["negative"] * 2, THREE, ["1"])


def test_f1_of_mean_precision_and_recall_is_no_macro_f1():
    truth, guess = ["negative"] * 3 + ["positive"], ["negative", "positive", "positive", "positive"]
    precision, recall = (1 + 1 / 3) / 2, (1 / 3 + 1) / 2
    found = m.f1_of_mean_precision_recall(truth, guess, ("negative", "positive"))
    assert found == pytest.approx(2 * precision * recall / (precision + recall))
    assert found > m.macro_f1(truth, guess, ("negative", "positive"))


def test_nothing_right_scores_zero():
    for _, metric in m.METRICS:
        assert metric.function(["negative"], [""], THREE) == 0
        assert metric.function(["negative"], ["positive"], THREE) == 0


@pytest.mark.parametrize("matrix", [[[1, 2]], [[1, -1], [0, 2]], [[0.5, 1], [1, 1]]])
def test_a_matrix_that_holds_no_counts(matrix):
    with pytest.raises(ValueError, match=r"row and one column|no count"):
        m.expand_confusion_matrix(matrix, ("a", "b"))


def test_bootstrap_draws_people():
    rng = np.random.default_rng(1)
    people = [str(p) for p in range(20) for _ in range(10)]
    truth = rng.choice(THREE, 200).tolist()
    guess = [t if int(p) % 2 else "negative" for t, p in zip(truth, people, strict=True)]  # right or wrong by person
    score = m.macro_f1(truth, guess, THREE)
    low, high = m.bootstrap_interval(m.macro_f1, truth, guess, THREE, people)
    clips = m.bootstrap_interval(m.macro_f1, truth, guess, THREE, [str(i) for i in range(200)])
    assert low < score < high
    assert high - low > clips[1] - clips[0]
    assert (low, high) == m.bootstrap_interval(m.macro_f1, truth, guess, THREE, people)
    assert (low, high) != m.bootstrap_interval(m.macro_f1, truth, guess, THREE, people, seed=1)
    narrow = m.bootstrap_interval(m.macro_f1, truth, guess, THREE, people, level=0.5)
    assert low < narrow[0] < narrow[1] < high


@pytest.mark.parametrize("name", m.METRICS.names())
def test_bootstrap_from_counts_is_that_from_clips(name):
    rng = np.random.default_rng(2)
    truth, guess = rng.choice(THREE, 60).tolist(), rng.choice([*THREE, ""], 60).tolist()
    people, metric = rng.choice(list("abcdefg"), 60).tolist(), m.METRICS.get(name).function
    fast = m.bootstrap_scores(metric, truth, guess, THREE, people, n=20)
    slow = m.bootstrap_scores(lambda t, g, c: metric(t, g, c), truth, guess, THREE, people, n=20)
    assert fast == pytest.approx(slow)


def test_bootstrap_of_68_people_is_quick():
    rng = np.random.default_rng(3)
    truth, guess = rng.choice(THREE, 442).tolist(), rng.choice(THREE, 442).tolist()
    people = [str(i % 68) for i in range(442)]
    times = []
    for _ in range(5):
        start = time.perf_counter()
        m.bootstrap_interval(m.macro_f1, truth, guess, THREE, people)
        times.append(time.perf_counter() - start)
    assert min(times) < 0.05


@pytest.mark.parametrize(("keys", "text"), [({"n": 0}, "n = 0"), ({"level": 95}, "level = 95")])
def test_bootstrap_refuses(keys, text):
    with pytest.raises(ValueError, match=text):
        m.bootstrap_interval(m.macro_f1, ["a"], ["a"], ("a", "b"), ["p"], **keys)


def test_intervals_of_spotting():
    truth = {"a": [(10, 20), (50, 60)], "b": [(0, 9)]}
    guess = {"a": [(10, 20), (12, 19), (55, 75)], "c": [(1, 2)]}
    score = m.interval_f1(truth, guess)
    assert (score.tp, score.fp, score.fn) == (1, 3, 2)
    assert m.overlap((1, 5), (8, 9)) == 0
    assert m.strs(score.f1, 0.5) == score.f1 / 2


def test_a_true_interval_is_found_once_and_by_the_best():
    score = m.interval_f1({"a": [(0, 9)]}, {"a": [(0, 7), (0, 8), (1, 9)]})
    assert (score.tp, score.fp, score.fn) == (1, 2, 0)
    assert (score.precision, score.recall, score.f1) == (pytest.approx(1 / 3), 1, 0.5)
    assert m.overlap((0, 9), (5, 14)) == pytest.approx(1 / 3)


def test_a_pair_counts_from_half_on():
    assert m.interval_f1({"a": [(0, 9)]}, {"a": [(0, 4)]}).tp == 1
    assert m.interval_f1({"a": [(0, 9)]}, {"a": [(0, 3)]}).tp == 0
    assert m.interval_f1({"a": [(0, 9)]}, {"a": [(0, 3)]}, iou=0.4).tp == 1


def test_nothing_to_spot_scores_zero():
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
def test_spotting_refuses(call, text):
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
