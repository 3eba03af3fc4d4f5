"""Micro-Attention has the layers that its docstring names, and gives a weight to each place."""

import pytest
import torch

from microexpr.core.errors import RecipeError
from microexpr.networks import NETWORKS, check_network
from microexpr.networks.base import seeded_weights
from microexpr.networks.micro_attention import Block

SMALL = {"name": "micro-attention", "maps": [4, 4, 8, 8], "dense": 16}


def build(shape=(3, 28, 28), classes=3, **settings):
    with seeded_weights(0):
        return NETWORKS.build({**SMALL, **settings}).build(shape, classes)


def noise(*shape):
    return torch.randn(shape, generator=torch.Generator().manual_seed(0))


def of_block(before: int, after: int) -> int:
    convolutions = 9 * before * after + after + 9 * after * after + after + before * after + after
    return convolutions + 2 * 2 * after + (3 * after) ** 2 + 3 * after


def test_the_number_of_weights_by_hand():
    with torch.device("meta"):
        module = NETWORKS.build({"name": "micro-attention"}).build((3, 224, 224), 3)
    blocks = of_block(32, 64) + of_block(64, 128) + of_block(128, 256)
    ends = 7 * 7 * 3 * 32 + 32 + 7 * 7 * 256 * 4096 + 4096 + 4096 * 3 + 3
    assert sum(p.numel() for p in module.parameters()) == ends + blocks == 53_384_195  # the adaptation prints 53.38 M


@pytest.mark.parametrize("side", [8, 28, 100, 224])
def test_images_of_any_size_pass_the_check(side):
    check_network(SMALL, (3, side, side + 5))


@pytest.mark.parametrize(("side", "sizes"), [(224, [56, 28, 14]), (28, [7, 4, 2])])
def test_blocks_see_maps_of_these_sizes(side, sizes):
    module, seen = build((3, side, side)).eval(), []
    for block in module.blocks:
        block.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0].shape[2]))
    module(torch.zeros(1, 3, side, side))
    assert seen == sizes


def test_a_gradient_reaches_every_weight():
    module = build()
    module(noise(4, 3, 28, 28)).square().sum().backward()
    grads = {name: bool(parameter.grad.any()) for name, parameter in module.named_parameters()}
    # A softmax over places does not see what all of them share.
    assert all(seen for name, seen in grads.items() if not name.endswith("attention.bias"))


def test_a_block_adds_its_weighted_maps():
    with seeded_weights(0):
        block = Block(2, 3).eval()
    x, seen = noise(2, 2, 5, 4), {}
    with torch.no_grad():
        block.attention.weight.zero_()
        even = block(x)
        block.attention.weight[:, 7] = 100.0  # the score of a place is its value in the second map of the shortcut
        block.shortcut.register_forward_hook(lambda *args: seen.update(shortcut=args[2]))
        weighted = block(x)
    factors = weighted / even * (1 + 1 / 20)  # even weights are 1 / 20
    assert torch.allclose((factors - 1).sum(dim=(2, 3)), torch.ones(2, 3), atol=1e-3)
    best = (100 * seen["shortcut"][:, 1]).flatten(1).argmax(1)
    assert torch.equal((factors - 1).mean(1).flatten(1).argmax(1), best)


def test_what_does_not_fit_is_named():
    for shape in ((3, 7, 28), (5, 3, 28, 28)):
        with pytest.raises(RecipeError, match="micro-attention takes images of 8x8 pixels or more"):
            build(shape)
    with pytest.raises(RecipeError, match="divide = 0"):
        build(divide=0)
    with pytest.raises(RecipeError, match="maps"):
        build(maps=[4])
