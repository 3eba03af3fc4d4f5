"""Sequences of any length: their steps, the network that reads them, and the one training loop."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch

from microexpr.core.clip import Clip, Sample
from microexpr.core.errors import MediaError, RecipeError, UsageError
from microexpr.datasets import DATASETS
from microexpr.imaging.frames import open_frames
from microexpr.networks import NETWORKS
from microexpr.networks.training import Trainer, split_batches
from microexpr.preprocessing import STEPS, Chain, SampleCache
from microexpr.preprocessing import base as cache
from microexpr.recognizers import RECOGNIZERS, check_recognizer
from microexpr.recognizers._classifier import Classifier
from microexpr.recognizers.augmentation import AUGMENTATIONS, Crop
from microexpr.recognizers.batches import Batch, ClipBatches
from microexpr.recognizers.checks import CLASSES, synthetic_samples
from microexpr.recognizers.network import Network
from microexpr.recognizers.onnx_export import to_onnx

TINY = {"name": "cnn-lstm", "maps": [4, 6], "units": 8}
NEW = {"name": "cnn-lstm-v2", "maps": [4], "units": 6, "dense": [8, 5]}
SMALL = {"name": "network", "epochs": 2, "batch_size": 8, "network": TINY}


def sequences(n: int = 24, side: int = 12, seed: int = 0) -> tuple[list[Sample], list[str]]:
    """Synthetic clips of 2 to 6 frames in which a part becomes brighter."""
    samples, labels = synthetic_samples(n, (side, side, 3), seed)
    lengths = np.random.default_rng(seed).integers(2, 7, n)
    ramps = [np.linspace(0, 1, t, dtype=np.float32).reshape(-1, 1, 1, 1) for t in lengths]
    moved = [s.with_array("image", ramp * s.array("image")) for s, ramp in zip(samples, ramps, strict=True)]
    return moved, labels


def build(seed: int = 3, folder: Path | None = None, **settings) -> Network:
    return RECOGNIZERS.build({**SMALL, **settings}, classes=CLASSES, seed=seed, folder=folder)


def module(shape=(0, 3, 12, 12), **settings) -> torch.nn.Module:
    torch.manual_seed(0)
    return NETWORKS.build({**TINY, **settings}).build(shape, 3)


def ragged(lengths=(2, 5, 3), seed: int = 1) -> Batch:
    x = torch.randn((len(lengths), max(lengths), 3, 12, 12), generator=torch.Generator().manual_seed(seed))
    return Batch(x, torch.tensor(lengths))


# ----------------------------------------------------------------------------------------------------------------------
# steps


@pytest.fixture(scope="module")
def casme2(tmp_path_factory):
    return DATASETS.get("casme2").make_synthetic(
        tmp_path_factory.mktemp("made") / "casme2", subjects=1, image_scale=0.25
    )


def one_clip(casme2, reveal=("onset", "apex", "offset")) -> Clip:
    return casme2.clips()[0].blind(reveal)


def test_apex_window_has_the_frames_around_the_apex(casme2):
    clip = one_clip(casme2)
    frames = STEPS.build({"name": "apex-window"})(Sample(clip)).array("frames")
    source = open_frames(clip.source)
    assert [np.array_equal(frames[i + 3], source.read(clip.apex + i)) for i in range(-3, 3)] == [True] * 6
    far = STEPS.build({"name": "apex-window", "offsets": [-999, 0, 999]})(Sample(clip)).array("frames")
    assert all(np.array_equal(far[i], source.read(t)) for i, t in enumerate((clip.onset, clip.apex, clip.offset)))


def test_apex_window_uses_the_middle_frame_for_a_hidden_apex(casme2):
    clip = one_clip(casme2, ("onset", "offset"))
    sample = STEPS.build({"name": "apex-window", "offsets": [0]})(Sample(clip))
    middle = [n for n in open_frames(clip.source).numbers if clip.onset <= n <= clip.offset]
    assert sample.notes["apex"] == "middle"
    assert np.array_equal(sample.array("frames")[0], open_frames(clip.source).read(middle[len(middle) // 2]))
    absent = Sample(Clip(clip.id, clip.dataset, clip.subject, clip.source, 200, clip.onset, 10**6))
    with pytest.raises(MediaError, match="no frame 1000000, the apex"):
        STEPS.build({"name": "apex-window"})(absent)


def with_frames(frames) -> Sample:
    return synthetic_samples(1)[0][0].with_array("frames", frames)


def test_padding_repeats_the_last_entry():
    frames = np.random.default_rng(0).integers(0, 255, (5, 4, 4, 3)).astype(np.uint8)
    padded = STEPS.build({"name": "pad", "frames": 8})(with_frames(frames)).array("frames")
    assert padded.dtype == np.uint8 and np.array_equal(padded[:5], frames)
    assert (padded[5:] == frames[-1]).all() and len(padded) == 8
    assert len(STEPS.build({"name": "pad"})(with_frames(frames)).array("frames")) == 141
    with pytest.raises(RecipeError, match=r"has 5 frames, more than 4; raise pad\.frames"):
        STEPS.build({"name": "pad", "frames": 4})(with_frames(frames))


def test_difference_and_subsample():
    frames = np.array([200, 10, 250, 90], np.uint8).reshape(4, 1, 1, 1)
    assert STEPS.build({"name": "difference"})(with_frames(frames)).array("frames").ravel().tolist() == [
        0,
        -190,
        50,
        -110,
    ]
    assert STEPS.build({"name": "subsample", "every": 2})(with_frames(frames)).array("frames").ravel().tolist() == [
        200,
        250,
    ]
    for every in (4, 7):  # the last frame shows what a short clip moves
        assert len(STEPS.build({"name": "subsample", "every": every})(with_frames(frames)).array("frames")) == 2


@pytest.mark.parametrize(
    "wrong", [{"name": "pad", "frames": 0}, {"name": "subsample", "every": 0}, {"name": "apex-window", "offsets": []}]
)
def test_wrong_settings_of_steps_are_errors(wrong):
    with pytest.raises(RecipeError, match=f"step '{wrong['name']}': .* = "):
        STEPS.build(wrong)


def test_flow_of_every_frame_against_the_first(casme2):
    steps = [{"name": "sequence"}, {"name": "subsample", "every": 8}, {"name": "crop-face", "size": 48}]
    flow = {"name": "flow", "estimator": "farneback", "extra_channel": "magnitude"}
    clip = one_clip(casme2)
    series = Chain.build([*steps, {**flow, "mode": "sequence"}])(clip).array("image")
    pair = Chain.build([*steps, flow])(clip).array("image")
    assert series.ndim == 4 and series.dtype == np.float32 and not series[0].any()
    assert np.array_equal(series[-1], pair)
    assert np.allclose(series[..., 2], np.hypot(series[..., 0], series[..., 1]))


# ----------------------------------------------------------------------------------------------------------------------
# the network


@pytest.mark.parametrize("norm", ["none", "batch", "group"])
@pytest.mark.parametrize("read", ["last", "mean", "max"])
def test_frames_beyond_the_end_of_a_clip_have_no_effect(norm, read):
    one, other, batch = module(norm=norm, pooling=read), module(norm=norm, pooling=read), ragged()
    beyond = batch.x.clone()
    for row, length in zip(beyond, batch.lengths, strict=True):
        row[length:] = 1e6
    first, second = one(batch.x, batch.lengths), other(beyond, batch.lengths)
    assert torch.equal(first, second)
    first.sum().backward()
    second.sum().backward()
    pairs = zip([*one.parameters(), *one.buffers()], [*other.parameters(), *other.buffers()], strict=True)
    assert all(torch.equal(a, b) and (a.grad is None or torch.equal(a.grad, b.grad)) for a, b in pairs)


@pytest.mark.parametrize("settings", [TINY, {**TINY, "norm": "batch", "pooling": "mean"}, NEW])
def test_predictions_do_not_depend_on_the_other_clips_of_a_batch(settings):
    samples, labels = sequences()
    model = build(network=settings).fit(samples, labels)
    together = model.predict_proba(samples)
    alone = np.concatenate([model.predict_proba([s]) for s in samples])
    assert len({len(s.array("image")) for s in samples}) > 2
    assert np.allclose(together, alone, atol=1e-6)


def test_chunks_give_the_same_gradients():
    whole, parts, batch = module(), module(frame_chunk=3), ragged()
    results = []
    for network in (whole, parts):
        logits = network.train()(batch.x, batch.lengths)
        logits.square().sum().backward()
        results.append([logits, *(p.grad for p in network.parameters())])
    assert all(torch.allclose(a, b, atol=1e-5) for a, b in zip(*results, strict=True))
    with torch.no_grad():
        assert torch.allclose(whole.eval()(batch.x, batch.lengths), parts.eval()(batch.x, batch.lengths), atol=1e-6)


def test_cnn_lstm_v2_has_more_dense_layers():
    old, new = (NETWORKS.build({"name": name}).build((0, 3, 32, 32), 7) for name in ("cnn-lstm", "cnn-lstm-v2"))
    layers = [sum(isinstance(layer, torch.nn.Linear) for layer in network.modules()) for network in (old, new)]
    assert layers == [1, 3] and old.fc.out_features == new.fc.out_features == 7
    assert old.time.input_size == 64 * 4 * 4


@pytest.mark.parametrize(
    ("settings", "shape", "text"),
    [
        ({}, (3, 32, 32), "takes sequences .*; got images"),
        ({}, (0, 3, 6, 32), "takes 8x8 pixels or more"),
        ({"kernel": 4}, (0, 3, 32, 32), "use an odd number"),
        ({"frame_chunk": 8, "norm": "batch"}, (0, 3, 32, 32), "all frames at once"),
        ({"maps": []}, (0, 3, 32, 32), r"maps = \[\]: "),
        ({"dropout": 1.0}, (0, 3, 32, 32), "less than 1"),
    ],
)
def test_wrong_settings_of_networks_are_errors(settings, shape, text):
    with pytest.raises(RecipeError, match=text):
        NETWORKS.build({"name": "cnn-lstm", **settings}).build(shape, 3)


# ----------------------------------------------------------------------------------------------------------------------
# the loop

AUGMENT = [
    {"name": "horizontal-flip", "negate": [0]},
    {"name": "shift"},
    {"name": "color-shift", "max_shift": 0.1, "low": -9},
]


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"network": NEW, "augment": AUGMENT, "validation_fraction": 0.2},
        {"network": {**TINY, "frame_chunk": 5}, "precision": "bf16"},
    ],
)
def test_sequence_networks_pass_the_check_of_recognizers(settings):
    samples, labels = sequences()
    check_recognizer({**SMALL, **settings}, samples, labels)


@pytest.mark.parametrize("name", AUGMENTATIONS.names())
def test_augmentations_change_all_frames_of_a_clip_alike(name):
    settings = {"name": name, "negate": [0]} if name == "horizontal-flip" else {"name": name}
    one, still = AUGMENTATIONS.build(settings), torch.rand(12, 1, 3, 16, 16) * 200
    clips = Batch(still.expand(-1, 5, -1, -1, -1), torch.full((12,), 5))
    draws, same = torch.Generator().manual_seed(4), torch.Generator().manual_seed(4)
    changed = clips.transformed(lambda x: one(x, draws), draws).x
    assert (changed == changed[:, :1]).all() and not torch.equal(changed, clips.x)
    assert torch.equal(changed[:, 0], one(still[:, 0], same))  # a clip is changed as a picture would be
    assert torch.equal(draws.get_state(), same.get_state())


def test_crops_cut_all_frames_of_a_clip_alike():
    batch, draws = ragged(), torch.Generator().manual_seed(0)
    cut = batch.transformed(lambda x: Crop(8, train="anywhere").training(x, draws), draws)
    assert cut.x.shape == (3, 5, 3, 8, 8)
    views = batch.views(Crop(8, test="corners").testing)
    assert len(views) == 4 and torch.equal(views[0].x, batch.x[..., :8, :8])
    samples, labels = sequences()
    model = build(crop={"size": 8, "test": "corners"}).fit(samples, labels)
    assert model.classifier_.shape == (0, 3, 8, 8) and model.predict_proba(samples).shape == (24, 3)


class Stop(Exception):
    """A stop in the middle of training."""


@pytest.mark.parametrize("network", [NEW, {**TINY, "frame_chunk": 4, "dropout": 0.3}])
def test_an_interrupted_training_continues_with_equal_results(tmp_path, monkeypatch, network):
    samples, labels = sequences()
    steady = {
        "epochs": 4,
        "checkpoint_seconds": 0.0,
        "augment": AUGMENT,
        "validation_fraction": 0.3,
        "network": network,
    }
    whole = build(folder=tmp_path / "a", **steady).fit(samples, labels)
    real, calls = Trainer.train_step, []

    def interrupted(self, *args):
        calls.append(1)
        if len(calls) == 6:
            raise Stop
        return real(self, *args)

    monkeypatch.setattr(Trainer, "train_step", interrupted)
    with pytest.raises(Stop):
        build(folder=tmp_path / "b", **steady).fit(samples, labels)
    rest = build(folder=tmp_path / "b", **steady).fit(samples, labels)
    assert len(calls) == 6 + 4 * len(split_batches(torch.arange(16), 8)) - 5
    assert np.array_equal(whole.predict_proba(samples), rest.predict_proba(samples))
    assert whole.history_ == rest.history_ and {"val_loss", "val_accuracy"} <= whole.history_[0].keys()


def test_validation_subjects_are_never_trained_on(monkeypatch):
    samples, labels = sequences()
    seen: set[bytes] = set()
    real = Classifier.training_logits
    kept = [s.array("image")[-1, 0, 0].tobytes() for s in samples]

    def watching(self, batch):
        ends = batch.x[torch.arange(len(batch.x)), batch.lengths - 1]
        seen.update(end[:, 0, 0].numpy().tobytes() for end in ends)
        return real(self, batch)

    monkeypatch.setattr(Classifier, "training_logits", watching)
    model = build(validation_fraction=0.3).fit(samples, labels)
    shown = {s.clip.subject for s, end in zip(samples, kept, strict=True) if end in seen}
    apart = {s.clip.subject for s in samples} - shown
    assert len(apart) == 2 and not any(
        end in seen for s, end in zip(samples, kept, strict=True) if s.clip.subject in apart
    )
    assert set(model.history_[-1]) == {"epoch", "loss", "accuracy", "val_loss", "val_accuracy"}


def test_validation_curves_do_not_change_the_training():
    samples, labels = sequences()
    model = build(validation_fraction=0.3, network=NEW)
    model.fit(samples, labels)
    apart = list(model._held_out([s.clip.subject for s in samples]))
    rest = [(s, word) for s, word, out in zip(samples, labels, apart, strict=True) if not out]
    alone = build(network=NEW).fit([s for s, _ in rest], [word for _, word in rest])
    assert np.array_equal(model.predict_proba(samples), alone.predict_proba(samples))
    with pytest.raises(RecipeError, match="leaves none of 1 subjects"):
        build(validation_fraction=0.3).fit(samples[:1], labels[:1])
    with pytest.raises(RecipeError, match=r"validation_fraction = 1\.0"):
        build(validation_fraction=1.0)


# ----------------------------------------------------------------------------------------------------------------------
# memory


def test_clips_beyond_the_budget_are_read_for_each_batch(monkeypatch):
    samples, labels = sequences()
    read = []
    real = Sample.array
    monkeypatch.setattr(Sample, "array", lambda self, name: read.append(self.id) or real(self, name))
    all_kept = build(memory_gib=4.0).fit(samples, labels)
    once = len(read)
    none_kept = build(memory_gib=0.0).fit(samples, labels)
    assert len(read) - once == once + SMALL["epochs"] * len(samples)
    assert np.array_equal(all_kept.predict_proba(samples), none_kept.predict_proba(samples))
    assert not ClipBatches(samples, "image", 0)._in_memory
    assert len(ClipBatches(samples, "image", 1e9)._in_memory) == len(samples)


def test_large_files_of_the_cache_are_read_when_asked_for(casme2, tmp_path, monkeypatch):
    monkeypatch.setattr(cache, "LAZY_BYTES", 1000)
    clips = [clip.blind(()) for clip in casme2.clips()[:2]]
    samples = SampleCache(Chain.build([{"name": "sequence"}]), clips, tmp_path)
    made, stored = samples[clips[0].id], samples[clips[0].id]
    assert isinstance(stored.arrays, cache.LazyArrays) and list(stored.arrays) == ["frames"]
    assert np.array_equal(made.array("frames"), stored.array("frames")) and stored.notes == made.notes
    with pytest.raises(RecipeError, match="no array 'image'"):
        stored.array("image")
    function, arguments = stored.arrays.__reduce__()
    assert list(function(*arguments)) == ["frames"]
    for damage in (lambda path: path.write_bytes(b"broken"), Path.unlink):
        damage(samples.path(clips[0]))
        assert np.array_equal(made.array("frames"), stored.array("frames"))  # made anew
        assert isinstance(samples[clips[0].id].arrays, cache.LazyArrays)


@pytest.mark.parametrize(
    ("shape", "text"), [((12, 12), "a network takes"), ((0, 12, 12, 3), "alike"), ((2, 9, 12, 3), "alike")]
)
def test_arrays_of_other_shapes_are_errors(shape, text):
    samples, _ = sequences(4)
    odd = samples[0].with_array("image", np.zeros(shape, np.float32))
    with pytest.raises(RecipeError, match=text):
        ClipBatches([odd] if len(shape) < 3 else [*samples, odd], "image", 0)


def test_a_sequence_network_is_not_exported(tmp_path):
    samples, labels = sequences()
    with pytest.raises(UsageError, match="sequences"):
        to_onnx(build(epochs=1).fit(samples, labels), tmp_path / "x.onnx")
    with pytest.raises(RecipeError, match="takes images"):
        build(network={"name": "ststnet"}).fit(samples, labels)


def test_a_chain_reads_frames_in_memory_instead_of_the_source(casme2, tmp_path):
    clip = one_clip(casme2)
    frames = open_frames(clip.source)
    in_memory = {number: frames.read(number) for number in frames.numbers}
    elsewhere = dataclasses.replace(clip, source=tmp_path / "missing")
    for settings in ([{"name": "onset-apex"}], [{"name": "sequence"}, {"name": "subsample", "every": 3}]):
        chain = Chain.build(settings)
        sample = chain(elsewhere, in_memory)
        assert np.array_equal(sample.arrays["frames"], chain(clip).arrays["frames"])
        assert sample.source is None and sample.landmarks is None and sample.numbers == ()


def test_known_landmarks_are_used_instead_of_a_detector(casme2, monkeypatch):
    def fail(image):
        raise AssertionError("a face was looked for")

    monkeypatch.setattr("microexpr.preprocessing.align.find_landmarks", fail)
    monkeypatch.setattr("microexpr.preprocessing.crop_face.find_face", fail)
    points = np.random.default_rng(0).uniform(20, 60, (68, 2))
    points[36:42], points[42:48] = (30.0, 40.0), (60.0, 40.0)
    clip, frames = one_clip(casme2, ("onset", "apex")), np.zeros((9, 100, 90, 3), np.uint8)
    frames[:, 39:42, 29:32] = 255  # the right eye
    numbered = {clip.onset + i: frame for i, frame in enumerate(frames)}
    clip = dataclasses.replace(clip, apex=clip.onset + 5)
    aligned = Chain.build([{"name": "onset-apex"}, {"name": "align", "size": 60, "margin": 0.0}])
    x, y = 0.29 * 60 - 0.5, 0.31 * 60 - 0.5
    shown = aligned(clip, numbered, {clip.onset: points})
    assert shown.face_found and shown.arrays["frames"][0, round(y), round(x)].min() > 200
    cropped = Chain.build([{"name": "onset-apex"}, {"name": "crop-face", "size": 60}])
    assert cropped(clip, numbered, {clip.onset: points}).arrays["frames"].shape == (2, 60, 60, 3)
