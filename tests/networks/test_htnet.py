"""HTNet has the layers of the authors' release, and its regions, blocks and aggregations do what they say."""

import pytest
import torch

from microexpr.core.errors import RecipeError
from microexpr.networks import NETWORKS, check_network
from microexpr.networks.base import seeded_weights
from microexpr.networks.htnet import HTNet, _patches, _regions

SMALL = {"name": "htnet", "width": 1 / 32}


def build(shape=(3, 28, 28), classes=3, **settings):
    with seeded_weights(0):
        return NETWORKS.build({**SMALL, **settings}).build(shape, classes)


def noise(*shape):
    return torch.randn(shape, generator=torch.Generator().manual_seed(0))


def of_transformer(dim: int, heads: int) -> int:
    inner = dim // heads * heads  # 85 values a head
    return 4 * dim * inner + dim + 2 * 2 * dim + 2 * 4 * dim * dim + 5 * dim


def test_the_number_of_weights_by_hand():
    with torch.device("meta"):
        module = NETWORKS.build({"name": "htnet"}).build((3, 28, 28), 3)
    levels = (
        sum(n * of_transformer(256 * k, 3 * k) for n, k in ((2, 1), (2, 2), (10, 4))) + 3
    )  # a number for each place
    aggregations = sum(9 * dim * 2 * dim + 2 * dim + 2 * 2 * dim for dim in (256, 512))
    ends = 3 * 7 * 7 * 256 + 256 + 2 * 1024 + 1024 * 3 + 3
    assert sum(p.numel() for p in module.parameters()) == levels + aggregations + ends == 139_582_982


@pytest.mark.parametrize("settings", [{}, {"repeats": [1, 2]}, {"patches": 8, "heads": 2}])
def test_it_passes_the_check(settings):
    check_network({**SMALL, **settings}, (3, 56, 56) if "patches" in settings else (3, 28, 28))


def test_attention_to_one_token_teaches_queries_and_keys_nothing():
    for repeats, alone in (([2, 2, 2], True), ([2, 2], False)):
        module = build(repeats=repeats)
        module(noise(4, 3, 28, 28)).square().sum().backward()
        for name, parameter in module.named_parameters():
            parts = parameter.grad.chunk(3) if name.endswith("qkv.weight") else (parameter.grad,)
            learned = [bool(part.any()) for part in parts]
            assert learned == ([False, False, True] if alone and len(parts) == 3 else [True] * len(parts)), name


def test_quarters_crop_nothing_and_other_regions_are_around_their_centers():
    x = torch.arange(28 * 28.0).view(1, 1, 28, 28)
    quarters = HTNet().centers
    assert torch.equal(_regions(x, quarters), x)
    moved = _regions(x, ((9 / 28, 11 / 28), *quarters[1:]))
    assert torch.equal(moved[..., :14, :14], x[..., 4:18, 2:16])  # y, x: 7 pixels around (11, 9)
    assert torch.equal(moved[..., :, 14:], x[..., :, 14:])


def test_a_patch_holds_its_pixels():
    x = torch.arange(2 * 28 * 28.0).view(1, 2, 28, 28)
    assert torch.equal(_patches(x, 4)[0, 1, 2].view(7, 7, 2).permute(2, 0, 1), x[0, :, 7:14, 14:21])


def test_a_level_attends_within_its_blocks_only():
    level = build(repeats=[2, 1], patches=4).levels[0]
    x = noise(1, 4, 4, 8)
    changed = x.clone()
    changed[0, 0, 1] += 1
    differs = (level(x) != level(changed)).any(-1)[0]
    assert differs[:2, :2].all() and differs.sum() == 4


@pytest.mark.parametrize(
    ("shape", "settings", "said"),
    [
        ((3, 28, 28), {"patches": 6}, "patches = 6 are not a multiple of the 4 blocks"),
        ((3, 28, 28), {"width": 1 / 256}, "leaves 1 values for 3 heads"),
        ((3, 30, 30), {}, "even and multiples of 4 patches"),
        ((2, 3, 28, 28), {}, "htnet takes images"),
        ((3, 28, 28), {"centers": [[0.1, 0.5]] * 4}, "centers"),
    ],
)
def test_what_does_not_fit_is_named(shape, settings, said):
    with pytest.raises(RecipeError, match=said):
        build(shape, **settings)
