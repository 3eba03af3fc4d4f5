"""The step `second-flow`: another estimate in the frame of the first one."""

import shutil

import numpy as np
import pytest

from microexpr.core.errors import MediaError, MissingDataError
from microexpr.imaging.images import read_image, write_image
from microexpr.preprocessing import Chain
from microexpr.preprocessing.base import SampleCache

STEPS = [{"name": "load-image"}, {"name": "second-flow"}]


@pytest.fixture
def clips(synthetic_datasets):
    return [clip.blind(()) for clip in synthetic_datasets["megc2019"].clips()]


def mean_agreement(clips, **settings):
    chain = Chain.build([STEPS[0], {**STEPS[1], **settings}])
    return np.mean([float(chain(clip).notes["agreement"]) for clip in clips[:12]])


def test_registered_estimates_agree_and_others_do_not(clips):
    assert mean_agreement(clips) > mean_agreement(clips, register=False) + 0.15


def test_the_first_image_stays_as_it_is(clips):
    sample = Chain.build(STEPS)(clips[0])
    assert np.array_equal(sample.array("image"), read_image(clips[0].source))
    assert sample.array("second").shape == (28, 28, 3)


def test_a_missing_folder_is_named(clips):
    with pytest.raises(MissingDataError, match="no second flow '"):
        Chain.build([STEPS[0], {"name": "second-flow", "folder": "third"}])(clips[0])


def test_other_motions_are_refused(synthetic_datasets, tmp_path):
    root = synthetic_datasets["megc2019"].root
    shutil.copytree(root, tmp_path / "copy")
    dataset = type(synthetic_datasets["megc2019"])(tmp_path / "copy")
    rng = np.random.default_rng(0)
    for path in (tmp_path / "copy" / "second_flow_norm_u_v_os").iterdir():
        write_image(path, rng.integers(0, 255, (28, 28, 3)).astype(np.uint8))
    with pytest.raises(MediaError, match="do not hold the same motions"):
        Chain.build(STEPS)(dataset.clips()[0].blind(()))


def test_a_change_in_the_other_folder_makes_samples_anew(synthetic_datasets, tmp_path):
    shutil.copytree(synthetic_datasets["megc2019"].root, tmp_path / "copy")
    clip = type(synthetic_datasets["megc2019"])(tmp_path / "copy").clips()[0].blind(())
    cache = SampleCache(Chain.build(STEPS), [clip], tmp_path / "cache")
    before = cache.path(clip)
    assert cache.path(clip) == before
    other = tmp_path / "copy" / "second_flow_norm_u_v_os" / clip.source.name
    other.write_bytes(other.read_bytes() + b"x")
    assert cache.path(clip) != before
