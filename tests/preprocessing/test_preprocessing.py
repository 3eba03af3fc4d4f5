"""Steps, chains, the cache; flow and strain of known motion."""

import dataclasses

import cv2
import numpy as np
import pytest

from microexpr.core.clip import Clip, Sample
from microexpr.core.errors import MediaError, RecipeError
from microexpr.imaging.frames import open_frames
from microexpr.imaging.optical_flow import optical_flow, strain
from microexpr.preprocessing import STEPS, Chain, SampleCache
from tests.conftest import make_clips

Y, X = np.mgrid[0:64, 0:64].astype(float)


@pytest.mark.parametrize(
    ("u", "v", "expected"),
    [
        (np.full_like(X, 3), np.full_like(X, -2), 0),  # a shift
        (-0.1 * Y, 0.1 * X, 0),  # a rotation
        (0.2 * X, 0 * X, 0.2),  # u = a x
        (0.2 * Y, 0 * X, 0.2 / np.sqrt(2)),  # u = g y
        (0 * X, 0.2 * Y, 0.2),
    ],
)
def test_strain_of_known_flow(u, v, expected):
    assert strain(np.dstack([u, v])) == pytest.approx(np.full_like(X, expected), abs=1e-9)


@pytest.mark.parametrize("estimator", ["tvl1", "farneback", "dis"])
@pytest.mark.parametrize("shift", [(1.5, -0.75), (0.5, 0.25)])
def test_a_known_shift_is_recovered(estimator, shift):
    noise = np.random.default_rng(0).normal(size=(160, 160)).astype(np.float32)
    smooth = cv2.GaussianBlur(noise, (0, 0), 2)
    first = cv2.normalize(smooth, None, 0, 255, cv2.NORM_MINMAX)
    second = cv2.warpAffine(first, np.array([[1, 0, shift[0]], [0, 1, shift[1]]]), (160, 160), flags=cv2.INTER_CUBIC)
    pair = [np.repeat(np.clip(p, 0, 255).astype(np.uint8)[..., None], 3, axis=2) for p in (first, second)]
    flow = optical_flow(*pair, estimator)[20:-20, 20:-20]  # type: ignore[call-arg]
    assert np.median(np.linalg.norm(flow - shift, axis=-1)) < 0.1


def chain(*steps):
    return Chain.build(list(steps))


def test_the_key_of_a_chain_depends_on_its_steps_and_settings():
    base = chain({"name": "load-image"}, {"name": "resize", "size": 28})
    assert base.key == chain({"name": "load-image"}, {"name": "resize", "size": 28}).key
    assert base.key != chain({"name": "load-image"}, {"name": "resize", "size": 29}).key
    assert base.key != chain({"name": "resize", "size": 28}, {"name": "load-image"}).key


def test_the_means_of_the_channels_are_subtracted_in_the_order_of_the_channels():
    frames = np.full((1, 2, 2, 3), (200, 150, 110), np.uint8)  # red, green, blue
    step = STEPS.build({"name": "select-frame", "channels": "bgr", "subtract": [103.939, 116.779, 123.68]})
    image = step(Sample(make_clips()[0].blind(()), {"frames": frames})).array("image")
    assert image.dtype == np.float32 and image[0, 0] == pytest.approx([110 - 103.939, 150 - 116.779, 200 - 123.68])
    with pytest.raises(RecipeError, match=r"subtract = \[1\.0\]; give a number for each of 3"):
        STEPS.build({"name": "select-frame", "subtract": [1.0]})


def test_a_chain_from_frames_to_flow(synthetic_datasets):
    steps = chain(
        {"name": "onset-apex"},
        {"name": "crop-face", "size": 64},
        {"name": "flow", "estimator": "dis"},
        {"name": "resize"},
    )
    clip = synthetic_datasets["casme2"].clips()[0].blind(("onset", "apex", "offset"))
    sample = steps(clip)
    assert list(sample.arrays) == ["image"]
    assert sample.arrays["image"].shape == (28, 28, 3)
    assert sample.arrays["image"].dtype == np.float32


def test_a_hidden_apex_and_onset_are_not_used_by_onset_apex(synthetic_datasets):
    step = STEPS.build({"name": "onset-apex", "without_apex": "difference"})
    clip = synthetic_datasets["casme2"].clips()[0]
    shown, hidden = step(Sample(clip.blind(("onset", "apex", "offset")))), step(Sample(clip.blind(())))
    assert "apex" not in shown.notes and hidden.notes["apex"] == "difference"
    first = open_frames(clip.source).numbers[0]
    assert np.array_equal(hidden.arrays["frames"][0], open_frames(clip.source).read(first))


def test_onset_apex_can_take_the_frame_half_way(synthetic_datasets):
    clip = dataclasses.replace(synthetic_datasets["casme2"].clips()[0], onset=3, apex=4, offset=11).blind(
        ("onset", "apex", "offset")
    )
    sample = STEPS.build({"name": "onset-apex", "which": ["onset", "middle"]})(Sample(clip))
    assert sample.numbers == (3, 7) and not sample.notes
    assert np.array_equal(sample.arrays["frames"][1], open_frames(clip.source).read(7))
    assert not chain({"name": "onset-apex", "which": ["onset", "middle"]}).key_frames_only
    assert chain({"name": "onset-apex"}).key_frames_only


def test_the_cache_returns_the_stored_sample_and_replaces_a_damaged_file(synthetic_datasets, tmp_path):
    clips = [clip.blind(()) for clip in synthetic_datasets["megc2019"].clips()[:3]]
    samples = SampleCache(chain({"name": "load-image"}), clips, tmp_path)
    made = samples[clips[0].id]
    files = list(samples.folder.glob("*.npz"))
    assert len(files) == 1 and (samples.folder / "chain.json").is_file()
    again = samples[clips[0].id]
    assert np.array_equal(made.arrays["image"], again.arrays["image"]) and made.notes == again.notes
    files[0].write_bytes(b"damaged")
    assert np.array_equal(samples[clips[0].id].arrays["image"], made.arrays["image"])


def test_cached_files_of_different_times_differ(synthetic_datasets, tmp_path):
    clip = synthetic_datasets["casme2"].clips()[0]
    samples = SampleCache(chain({"name": "onset-apex"}), [clip.blind(())], tmp_path)
    assert samples.path(clip.blind(())) != samples.path(clip.blind(("onset", "apex", "offset")))
    assert samples.path(clip.blind(())) == samples.path(clip.blind(()))


def test_crop_face_without_a_face_uses_the_central_square():
    frames = np.full((2, 80, 60, 3), 128, np.uint8)
    sample = Sample(make_clips()[0].blind(()), {"frames": frames})
    cut = STEPS.build({"name": "crop-face", "size": 32})(sample)
    assert not cut.face_found and cut.arrays["frames"].shape == (2, 32, 32, 3)


def test_a_broken_image_is_an_error(synthetic_datasets, tmp_path):
    clip = synthetic_datasets["megc2019"].clips()[0]
    broken = tmp_path / "x 1.png"
    broken.write_bytes(clip.source.read_bytes()[:50])
    with pytest.raises(MediaError, match="broken"):
        open_frames(broken).read(0)


@pytest.mark.parametrize(
    ("steps", "text"),
    [
        ([], "at least one step"),
        ([{"name": "flwo"}], "did you mean 'flow'"),
        ([{"name": "resize", "sise": 3}], "did you mean 'size'"),
        ([{"name": "resize", "size": "big"}], "size = 'big'"),
        ([{"name": "resize", "size": 0}], "size = 0: .* equal to 1"),
        ([{"name": "scale", "divide": 0}], "divide = 0"),
        ([{"size": 3}], "needs a 'name'"),
    ],
)
def test_wrong_chains_are_errors(steps, text):
    with pytest.raises((RecipeError, ValueError), match=text):
        chain(*steps)


def test_restore_zero_undoes_a_stretch_of_each_channel():
    flow = np.zeros((6, 8, 2))
    flow[1, 2], flow[4, 5] = (3, -1), (-1, 2)
    size = np.sqrt((flow**2).mean(axis=(0, 1)))
    stretched = np.dstack([255 * (flow - flow.min(axis=(0, 1))) / np.ptp(flow, axis=(0, 1)), np.ones((6, 8))])
    sample = Sample(Clip("d/p/c", "d", "d/p", "nowhere", 200.0), {"image": stretched})
    found = chain({"name": "restore-zero"}).steps[0](sample).array("image")
    assert found == pytest.approx(flow / size, abs=1e-6) and found.dtype == np.float32


def test_restore_zero_of_an_image_without_motion_is_zero_and_of_gray_levels_an_error():
    clip = Clip("d/p/c", "d", "d/p", "nowhere", 200.0)
    step = chain({"name": "restore-zero"}).steps[0]
    assert not step(Sample(clip, {"image": np.full((4, 4, 3), 7)})).array("image").any()
    with pytest.raises(RecipeError, match=r"takes a flow .* got \(4, 4\)"):
        step(Sample(clip, {"image": np.zeros((4, 4))}))
