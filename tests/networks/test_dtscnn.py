"""DTSCNN has the layers that its docstring names, and a 3-D CNN takes clips of any length."""

import pytest
import torch

from microexpr.core.errors import RecipeError
from microexpr.networks import NETWORKS, check_network
from microexpr.networks.base import seeded_weights

SMALL = {"frames": [32, 64], "maps": [2, 3, 4, 5]}


def build(shape=(0, 3, 128, 128), classes=4, name="dtscnn", **settings):
    with seeded_weights(0):
        return NETWORKS.build({"name": name, **settings}).build(shape, classes)


def test_the_number_of_weights_by_hand():
    first = [16 * (3 * frames // 8 * 9 + 1) for frames in (64, 128)]  # kernels of 8 and of 16 frames
    others = 32 * (16 * 27 + 1) + 64 * (32 * 27 + 1) + 128 * (64 * 4 * 9 + 1)
    count = lambda module: sum(p.numel() for p in module.parameters())  # noqa: E731
    assert count(build()) == sum(first) + 2 * others + 256 * 4 + 4 == 739_940
    assert count(build(frames=[64])) == first[0] + others + 128 * 4 + 4
    dense = 256 * 1024 + 1024 + 1024 * 512 + 512 + 512 * 4 + 4
    assert count(build(dense=[1024, 512])) == sum(first) + 2 * others + dense


@pytest.mark.parametrize("frames", [64, 128])
def test_time_steps_and_sizes_are_those_of_the_adaptation(frames):
    stream, sizes = build(frames=[frames], maps=[1, 1, 1, 1]).streams[0], []
    x = torch.zeros(1, 3, frames, 128, 128)
    for layer in stream:
        x = layer(x)
        sizes.append(tuple(x.shape[2:]))
    expected = [(16, 64, 64), (16, 32, 32), (16, 32, 32), (8, 16, 16), (8, 16, 16), (4, 8, 8), (1, 8, 8), (1, 4, 4)]
    assert [size for size, layer in zip(sizes, stream, strict=True) if not isinstance(layer, torch.nn.ReLU)] == expected


@pytest.mark.parametrize("settings", [{"name": "dtscnn", **SMALL}, {"name": "dtscnn", **SMALL, "dense": [6]}])
def test_small_networks_pass_the_check(settings):
    check_network(settings, shape=(5, 2, 32, 32))
    check_network(settings, shape=(1, 2, 32, 32))


def test_each_stream_sees_the_clip_at_its_own_number_of_frames():
    module, seen = build((0, 1, 32, 32), **SMALL).eval(), []
    for stream in module.streams:
        stream.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    x = torch.arange(64.0).view(1, 64, 1, 1, 1).expand(1, 64, 1, 32, 32)
    module(x, torch.tensor([64]))
    assert [tuple(item.shape[:3]) for item in seen] == [(1, 1, 32), (1, 1, 64)]
    assert torch.allclose(seen[0][0, 0, :, 0, 0], torch.linspace(0, 63, 32))


def test_what_does_not_fit_is_an_error():
    with pytest.raises(RecipeError, match=r"frames = \[48\]; use multiples of 32"):
        build(frames=[48])
    for shape in ((3, 64, 64), (5, 3, 16, 64)):
        with pytest.raises(RecipeError, match="takes sequences"):
            build(shape)


def test_a_3d_cnn_halves_time_while_it_can():
    sizes = []
    module = build((0, 3, 32, 32), name="cnn-3d", frames=6, maps=[2, 2, 2, 2], dense=[3])
    for layer in module.features:
        layer.register_forward_hook(lambda layer, _, out: sizes.append(tuple(out.shape[2:])))
    module.eval()(torch.zeros(1, 4, 3, 32, 32), torch.tensor([4]))
    assert sizes[1::3] == [(6, 16, 16), (3, 8, 8), (1, 4, 4), (1, 2, 2)]
    weights = 2 * (3 * 27 + 1) + 3 * 2 * (2 * 27 + 1) + 3 * (2 * 4 + 1) + 4 * (3 + 1)
    assert sum(p.numel() for p in module.parameters()) == weights
    for message, settings in (("divide = 0", {"divide": 0}), ("16x16 pixels or more", {})):
        with pytest.raises(RecipeError, match=message):
            build((0, 3, 8, 8), name="cnn-3d", **settings)
