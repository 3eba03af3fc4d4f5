"""The contract check of a data set names each mistake that is planted in one."""

import importlib.util
from dataclasses import replace
from pathlib import Path

import pytest

from microexpr.datasets import DatasetIssue, check_dataset
from microexpr.protocols import Protocol

EXAMPLE = Path(__file__).parents[2] / "examples" / "my_dataset.py"
SMILES = Protocol(
    name="smiles", title="two smiles", datasets=("two_smiles",), label="smile", classes=("even", "uneven")
)


@pytest.fixture(scope="module")
def example():
    """The class of the example, which keeps the contract."""
    spec = importlib.util.spec_from_file_location("microexpr_plugin_my_dataset", EXAMPLE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.TwoSmiles


def issues(cls, folder: Path, **options) -> str:
    with pytest.raises(AssertionError) as caught:
        check_dataset(cls, folder, **options)
    return str(caught.value)


def with_info(cls, **changes):
    return type("Changed", (cls,), {"info": replace(cls.info, **changes)})


def with_clips(cls, change):
    """The class with a reader that changes its clips."""

    def read(self):
        clips, found = super(changed, self).read()
        return change(clips), found

    changed = type("Changed", (cls,), {"read": read})
    return changed


def test_the_example_keeps_the_contract(example, tmp_path):
    check_dataset(example, tmp_path, protocols=[SMILES])


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"counts": {"smile": {"even": 5, "uneven": 4}}}, "info.counts of 'smile' add up to 9 of 8 clips"),
        (
            {"counts": {"smile": {"even": 5, "uneven": 3}}},
            "the whole copy: two_smiles: smile 'even' = 4: the release has 5",
        ),
        ({"counts": {"smile": {"even": 4, "odd": 4}}}, "clips have the smile uneven, which info.counts does not name"),
        ({"counts": {"grin": {"even": 4, "uneven": 4}}}, "no clip has the label 'grin' of info.counts"),
        ({"clips": 9, "counts": {}}, "the whole copy: two_smiles: clips = 8: the release has 9"),
        ({"subjects": 5}, "the whole copy: two_smiles: subjects = 4: the release has 5"),
        ({"fps": 50}, "info.fps is 50, but clips have 100 frames per second"),
        ({"per_subject": {"two_smiles/p1": 8}}, "info.per_subject names 1 of 4 subjects"),
        ({"per_subject": {f"two_smiles/p{n}": 3 for n in range(4)}}, "info.per_subject adds up to 12 of 8 clips"),
        ({"per_subject": {"two_smiles/p1": 8}}, "info.per_subject does not name the subjects two_smiles/p2"),
        ({"events": {"kind": {"micro": 3}}}, "no interval has the label 'kind' of info.events"),
    ],
)
def test_a_mistake_in_info_is_named(example, tmp_path, changes, text):
    assert f"two_smiles: {text}" in issues(with_info(example, **changes), tmp_path)


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"label": "emotion"}, "no clip has the label 'emotion' (there are smile)"),
        ({"classes": ("even", "odd")}, "no clip has the smile odd (there are even, uneven)"),
        ({"label_map": {"two_smiles": {"even": "even", "unevn": "uneven"}}}, "no clip has the smile unevn"),
        (
            {"counts": {"two_smiles": {"even": 4, "uneven": 5}}},
            "it counts 5 clips of uneven; by info.counts there are 4",
        ),
        (
            {"counts": {"two_smiles": {"even": 4, "uneven": 3}}},
            "it counts 3 clips of uneven; by info.counts there are 4",
        ),
        ({"split": "fixed-subjects", "test_subjects": ("two_smiles/p9",)}, "the release has no subject two_smiles/p9"),
    ],
)
def test_a_label_of_a_protocol_that_the_release_lacks_is_named(example, tmp_path, changes, text):
    cls = with_info(example, per_subject={f"two_smiles/p{n}": 2 for n in range(1, 5)})
    found = issues(cls, tmp_path, whole=False, protocols=[replace(SMILES, **changes)])
    assert found.startswith("two_smiles: protocol 'smiles': ") and text in found


@pytest.mark.parametrize(
    "changes",
    [
        {"datasets": ("casme2",), "label": "emotion"},  # it does not name the data set
        {"classes": ("even", "uneven", "odd"), "counts": {"two_smiles": {"even": 4, "uneven": 4}}},  # no clip of odd
        {"counts": {"two_smiles": {"even": 3, "uneven": 4}}, "exclude": {"two_smiles/p1/even": "blurred"}},
    ],
)
def test_a_protocol_that_fits_is_no_issue(example, tmp_path, changes):
    check_dataset(example, tmp_path, whole=False, protocols=[replace(SMILES, **changes)])


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (lambda clips: [replace(c, labels={}) for c in clips], "two_smiles/p1/even has no label"),
        (
            lambda clips: [replace(c, labels={"smile": "even"}) for c in clips],
            "all clips of the copy have the same label",
        ),
        (
            lambda clips: [replace(c, id=f"two_smiles/x/{c.source.name}{c.subject[-1]}") for c in clips],
            "does not begin with",
        ),
        (
            lambda clips: [replace(c, subject="two_smiles/p1", id=c.id.replace("p2/", "p1/p2")) for c in clips],
            "has fewer",
        ),
    ],
)
def test_a_mistake_of_the_reader_is_named(example, tmp_path, change, text):
    assert text in issues(with_clips(example, change), tmp_path, whole=False)


def test_an_issue_of_the_annotation_is_named(example, tmp_path):
    class Changed(example):  # type: ignore[misc, valid-type]
        def read(self):
            return super().read()[0], []

        def check(self):
            return [*super().check(), DatasetIssue("two_smiles/p1/even", "apex", "99", "no such frame")]

    assert "check() finds an issue in a copy: two_smiles/p1/even: apex = 99" in issues(Changed, tmp_path, whole=False)


def test_copies_of_one_seed_that_differ_are_named(example, tmp_path):
    class Changed(example):  # type: ignore[misc, valid-type]
        @classmethod
        def write_synthetic(cls, root, subjects, image_scale, seed):
            super().write_synthetic(root, subjects, image_scale, seed)
            if "second" in root.name:
                (root / "p1" / "even" / "0.jpg").write_bytes(b"another image")

    assert "two copies with the same seed differ" in issues(Changed, tmp_path, whole=False)
