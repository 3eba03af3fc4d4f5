"""Scores of action units: small cases by hand, scikit-learn on random ones, published baselines from counts."""

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, f1_score, precision_score, recall_score, roc_auc_score

from microexpr import metrics as m

COUNTS = {  # clips of CD6ME that have AU 1 2 4 5 6 7 9 10 12 14 15 17, and all clips, of each release
    "casme": ([23, 17, 70, 0, 1, 4, 40, 3, 9, 23, 14, 13], 189),
    "casme2": ([26, 22, 130, 2, 13, 39, 13, 16, 34, 27, 16, 25], 256),
    "samm": ([6, 18, 23, 10, 3, 46, 5, 6, 28, 13, 4, 6], 159),
    "4dme": ([46, 54, 102, 8, 25, 89, 1, 2, 53, 4, 6, 11], 267),
    "mmew": ([50, 41, 109, 70, 10, 47, 8, 38, 37, 17, 6, 11], 300),
    "casme3": ([153, 128, 274, 44, 8, 27, 50, 10, 15, 193, 6, 20], 860),
}


def once(n: int) -> np.ndarray:
    return np.ones(n)


def test_auc_by_hand_counts_a_tie_half():
    present, probabilities = np.array([1, 0, 1, 0], bool), np.array([0.9, 0.8, 0.8, 0.1])
    assert float(m.auc(present, probabilities, once(4))) == pytest.approx(3.5 / 4)
    weights = np.array([[1, 1, 1, 1], [1, 0, 1, 1], [0, 2, 1, 0]])
    assert m.auc(present, probabilities, weights).tolist() == pytest.approx([0.875, 1, 0.5])


def test_average_precision_and_f1_by_hand():
    present, probabilities = np.array([1, 0, 1, 0], bool), np.array([0.9, 0.8, 0.6, 0.1])
    assert float(m.average_precision(present, probabilities, once(4))) == pytest.approx((1 + 2 / 3) / 2)
    assert float(m.unit_f1(present, probabilities, once(4), 0.5)) == pytest.approx(4 / 5)
    assert float(m.unit_f1(present, probabilities, once(4), 0.85)) == pytest.approx(2 / 3)


@pytest.mark.parametrize("seed", range(5))
def test_scores_are_those_of_scikit_learn(seed):
    rng = np.random.default_rng(seed)
    present, probabilities = rng.random(60) < 0.3, rng.integers(0, 12, 60) / 12
    weights = rng.integers(0, 4, 60)
    guess = probabilities >= 0.4
    expected = {
        "auc": roc_auc_score(present, probabilities, sample_weight=weights),
        "average_precision": average_precision_score(present, probabilities, sample_weight=weights),
        "f1": f1_score(present, guess, sample_weight=weights),
        "precision": precision_score(present, guess, sample_weight=weights),
        "recall": recall_score(present, guess, sample_weight=weights),
    }
    assert {metric.name for metric in m.ordered_unit_metrics()} >= set(expected)
    for name, value in expected.items():
        both = m.UNIT_METRICS.get(name).function(present, probabilities, np.stack([weights, weights]), 0.4)
        assert both.tolist() == pytest.approx([value, value])


def test_scores_without_a_positive_clip_are_not_defined_but_f1_is_zero():
    nobody, probabilities = np.zeros(3, bool), np.array([0.9, 0.2, 0.1])
    assert np.isnan(m.auc(nobody, probabilities, once(3))) and np.isnan(m.auc(~nobody, probabilities, once(3)))
    assert np.isnan(m.average_precision(nobody, probabilities, once(3)))
    assert float(m.unit_f1(nobody, probabilities, once(3), 0.5)) == 0
    assert float(m.mean_over_units({"1": np.array(0.5), "2": np.array(np.nan)})) == 0.5


def always_present(positives: int, clips: int) -> np.ndarray:
    return m.unit_f1(np.arange(clips) < positives, once(clips), once(clips), 0.5)


def test_predicting_every_unit_scores_the_published_f1_of_cd6me():
    pooled = np.sum([counts for counts, _ in COUNTS.values()], axis=0)
    clips = sum(n for _, n in COUNTS.values())
    by_unit = {str(i): always_present(n, clips) for i, n in enumerate(pooled)}
    assert float(m.mean_over_units(by_unit)) == pytest.approx(0.1777, abs=5e-5)
    by_set = [m.mean_over_units({str(i): always_present(n, N) for i, n in enumerate(c)}) for c, N in COUNTS.values()]
    assert float(np.mean(by_set)) == pytest.approx(0.1780, abs=5e-5)


def test_sides_are_counted_where_units_are_coded():
    coded = np.array([[[1, 0], [1, 1]], [[0, 1], [0, 0]]], bool)
    probabilities = np.array([[[0.9, 0.6], [0.1, 0.8]], [[0.7, 0.4], [0.9, 0.9]]])
    assert m.count_sides(coded, probabilities, 0.5).tolist() == [[1, 0, 0, 0], [1, 0, 0, 0], [0, 1, 0, 0]]
    assert m.side_accuracy(coded, probabilities, np.array([[1, 1], [1, 0]])).tolist() == [0.5, 1.0]
    assert np.isnan(m.side_accuracy(coded[:, 1:] & False, probabilities[:, 1:], once(2)))


def test_bootstrap_draws_subjects_not_clips():
    subjects = ["a", "b", "a", "c"]
    weights = m.bootstrap_weights(subjects, n=50)
    assert weights.shape == (50, 4) and (weights[:, 0] == weights[:, 2]).all()
    assert (weights[:, [0, 1, 3]].sum(axis=1) == 3).all()
    with pytest.raises(ValueError, match="n = 0"):
        m.bootstrap_weights(subjects, n=0)
