"""Words of patterns: k-means on bits, chosen by the classes of training clips; histograms of words in blocks."""

import numpy as np
import pytest

from microexpr.core.errors import RecipeError
from microexpr.recognizers.transforms import TRANSFORMS, Training, check_transform
from microexpr.recognizers.transforms.checks import example_vectors
from microexpr.recognizers.transforms.code_book import quantize, separation

SMALL = {"name": "code-book", "words": 3, "histograms": 2, "patterns": 8, "starts": 2}


def counted(blocks: int = 2):
    """Samples whose features are counts of patterns, and their classes."""
    samples, targets = example_vectors()
    rng = np.random.default_rng(1)
    made = []
    for sample, target in zip(samples, targets, strict=True):
        counts = rng.integers(0, 9, (blocks, 2, 8)).astype(np.float32)
        counts[:, :, [0, 5, 7][target]] += 40
        made.append(sample.with_array("features", counts.ravel()))
    return made, targets


def fit(samples, targets, **settings):
    groups = [sample.clip.subject for sample in samples]
    return TRANSFORMS.build({**SMALL, **settings}).fit(Training(samples, "", targets, groups))


def test_it_passes_the_check():
    check_transform(SMALL, *counted())


def test_patterns_that_differ_in_few_bits_share_a_word():
    """0b000 and 0b001, 0b111 and 0b110 occur: two words; the others go to the nearest one."""
    frequency = np.zeros(8)
    frequency[[0, 1, 7, 6]] = [10, 9, 10, 9]
    word_of = quantize(frequency, 2, np.random.default_rng(0))
    assert word_of[0] == word_of[1] == word_of[2] and word_of[7] == word_of[6] == word_of[5] != word_of[0]
    assert len(set(quantize(np.ones(8), 8, np.random.default_rng(0)))) == 8
    assert set(quantize(np.zeros(8), 2, np.random.default_rng(0))) <= {0, 1}


def test_histograms_of_words_are_those_counted_plainly():
    samples, targets = counted()
    transform = fit(samples, targets)
    found = transform(samples[0]).array("features").reshape(2, 2, 3)
    counts = samples[0].array("features").reshape(2, 2, 8)
    for block, histogram in np.ndindex(2, 2):
        words = np.bincount(transform.word_of_[histogram], weights=counts[block, histogram], minlength=3)
        assert found[block, histogram] == pytest.approx(words / words.sum())
    empty = transform(samples[0].with_array("features", np.zeros(32, np.float32)))
    assert not empty.array("features").any()


def test_the_book_whose_words_tell_the_classes_is_kept():
    values, targets = np.array([[0.0, 1], [0.2, 3], [1, 2], [1.2, 2]]), np.array([0, 0, 1, 1])
    assert separation(values, targets) == pytest.approx(0.25 / 0.01)  # the second feature has equal means
    samples, classes = counted()
    words = [fit(samples, classes, starts=n) for n in (1, 8)]
    scores = [separation(np.stack([w(s).array("features") for s in samples]), classes) for w in words]
    assert scores[1] >= scores[0]


def test_settings_that_do_not_fit_are_errors():
    samples, targets = counted()
    with pytest.raises(RecipeError, match="has 32 values, not blocks of 3 histograms of 8 patterns"):
        fit(samples, targets, histograms=3)
    with pytest.raises(RecipeError, match="patterns = 12: write a power of two"):
        TRANSFORMS.build({**SMALL, "patterns": 12})
