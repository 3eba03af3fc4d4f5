"""LEARNet has the layers of the authors' release, and its second branches add the maps of the first."""

import pytest
import torch
import torch.nn.functional as F

from microexpr.core.errors import RecipeError
from microexpr.networks import NETWORKS, check_network
from microexpr.networks.base import seeded_weights
from microexpr.networks.learnet import HalvingConv2d, Pair

SMALL = {"name": "learnet", "width": 1 / 8}


def build(shape=(3, 28, 28), classes=3, **settings):
    with seeded_weights(0):
        return NETWORKS.build({**SMALL, **settings}).build(shape, classes)


def noise(*shape):
    return torch.randn(shape, generator=torch.Generator().manual_seed(0))


def test_the_number_of_weights_by_hand():
    with torch.device("meta"):
        module = NETWORKS.build({"name": "learnet"}).build((3, 112, 112), 8)
    branch = 16 * 16 + 16 + 9 * 16 * 32 + 32 + 25 * 32 * 64 + 64
    norms = 2 * (2 * 2 * 16 + 2 * 2 * 32) // 2 + 2 * 256
    ends = 9 * 3 * 16 + 16 + 9 * 256 * 256 + 256 + 4 * 4 * 256 * 256 + 256 + 256 * 8 + 8
    assert sum(p.numel() for p in module.parameters()) == 4 * branch + norms + ends == 1_866_824


@pytest.mark.parametrize("side", [5, 28, 112])
def test_images_of_any_size_pass_the_check(side):
    check_network(SMALL, (3, side, side + 9))


def test_a_gradient_reaches_every_weight():
    module = build(width=1.0)
    module(noise(6, 3, 28, 28)).square().sum().backward()
    assert all(bool(parameter.grad.any()) for parameter in module.parameters())


@pytest.mark.parametrize("kernel", [1, 3, 5])
@pytest.mark.parametrize("side", [1, 7, 14])
def test_a_convolution_pads_as_keras_does(kernel, side):
    conv = HalvingConv2d(1, 1, kernel)
    out = -(-side // 2)
    before = max(0, (out - 1) * 2 + kernel - side) // 2  # Keras: the smaller half of the border is at the beginning
    padded = F.pad(noise(1, 1, side, side), [before, kernel, before, kernel])
    x = padded[..., before : before + side, before : before + side]
    expected = F.conv2d(padded, conv.weight, conv.bias, stride=2)[..., :out, :out]
    assert conv(x).shape[2:] == (out, out) and torch.allclose(conv(x), expected, atol=1e-6)


def test_the_second_branch_accretes_what_the_first_one_found():
    with seeded_weights(0):
        pair = Pair(4, 4, 4).eval()
    x = noise(1, 4, 8, 8).abs()
    with torch.no_grad():
        for conv in pair.accretive[:2]:  # the branch by itself is zero: what it passes on is the first one's
            conv.weight.zero_()
            conv.bias.zero_()
        pair.accretive[2].load_state_dict(pair.plain[2].state_dict())
        plain, accreted = pair(x).split(4, dim=1)
    assert torch.allclose(plain, accreted, atol=1e-4)  # fresh norms change nothing in evaluation


def test_what_does_not_fit_is_named():
    with pytest.raises(RecipeError, match="learnet takes images"):
        build((5, 3, 28, 28))
