"""Published numbers are consistent with each other and have a source."""

import numpy as np
import pytest

from microexpr.protocols import PROTOCOLS
from microexpr.published import all_published, published


def test_every_row_has_a_source_and_a_protocol():
    for row in all_published():
        assert row.source and row.metrics
        assert row.protocol in PROTOCOLS


def test_no_row_stands_twice():
    keys = [(row.protocol, row.part, row.method, row.source) for row in all_published()]
    assert len(set(keys)) == len(keys)


@pytest.mark.parametrize(  # the diagonals as Peng et al. 2018 print them, in per cent
    ("part", "diagonal"),
    [("casme2-to-samm", (91.67, 7.69, 50, 37.5, 33.33)), ("samm-to-casme2", (20, 46.67, 93.94, 7.69, 0))],
)
def test_counts_give_the_printed_percentages(part, diagonal):
    matrix = np.array(published("megc2018-hde", part)[0].confusion)
    assert np.diag(matrix) / matrix.sum(axis=1) * 100 == pytest.approx(diagonal, abs=0.006)


def test_matrices_have_the_protocols_counts():
    for part, dataset in (("casme2-to-samm", "samm"), ("samm-to-casme2", "casme2")):
        matrix = np.array(published("megc2018-hde", part)[0].confusion)
        assert matrix.sum(axis=1).tolist() == list(PROTOCOLS["megc2018-hde"].counts[dataset].values())


def test_leaky_numbers_are_marked():
    marked = {row.method for row in all_published() if row.leaky}
    assert {"HTNet", "CausalNet", "CapsuleNet"} <= marked
