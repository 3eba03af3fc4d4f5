"""CD6ME: synthetic copies have its counts, and the trivial recognizer its published scores."""

import pytest

from microexpr.core.clip import Clip
from microexpr.datasets import DATASETS
from microexpr.protocols import PROTOCOLS
from microexpr.protocols.cd6me import CLIPS, UNITS

COPIES = {"casme": "casme", "casme2": "casme2_updated", "samm": "samm"}
"""Data set of CD6ME -> the data set that reads it."""


@pytest.fixture(scope="module")
def clips(tmp_path_factory) -> list[Clip]:
    """The clips of whole synthetic copies, from their sheets alone."""
    folder = tmp_path_factory.mktemp("copies")
    copies = [DATASETS.get(name).make_synthetic(folder / name, image_scale=0) for name in COPIES.values()]
    return [clip for copy in copies for clip in copy.annotated_clips()]


def test_copies_have_the_counts_of_every_unit(clips):
    rules = PROTOCOLS.get("cd6me")
    absent = [f"{name} is missing: 0 of {n} clips" for name, n in CLIPS.items() if name not in COPIES]
    assert rules.count_mismatches(rules.select(clips)) == absent


@pytest.mark.parametrize("name", [name for name in COPIES if f"cd6me-{name}" in PROTOCOLS.names()])
def test_copies_have_the_counts_of_a_data_set_alone(clips, name):
    rules = PROTOCOLS.get(f"cd6me-{name}")
    examples = rules.select(clips)
    assert rules.count_mismatches(examples) == [] and set(rules.classes) < set(UNITS)
    assert len(rules.folds(examples)) == DATASETS.get(COPIES[name]).info.subjects
