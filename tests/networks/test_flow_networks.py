"""OFF-ApexNet, Dual-Inception, RCN and SSSNet have the layers that their docstrings name, and their recipes run."""

import dataclasses
import itertools

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from microexpr.core.errors import RecipeError
from microexpr.experiments.options import RunOptions
from microexpr.experiments.recognition_folds import evaluate
from microexpr.networks import NETWORKS, check_network
from microexpr.networks.base import seeded_weights, use_generator
from microexpr.networks.rcn import AttentionHead, RecurrentBlock
from microexpr.networks.sssnet import MapDropout
from microexpr.preprocessing import Chain
from microexpr.recipes import RecognitionRecipe, load_recipe
from microexpr.recognizers import RECOGNIZERS
from microexpr.recognizers.checks import CLASSES, synthetic_samples

SMALL = [
    {"name": "off-apexnet", "maps": [4, 8], "dense": [16, 16], "dropout": 0.2},
    {"name": "dual-inception", "maps": [4, 8], "dense": [16]},
    {"name": "rcn", "maps": 8, "side": 3, "dropout": 0.2},
    {"name": "rcn", "maps": 8, "side": 3, "dropout": 0.2, "shortcuts": True, "attention": False},
    {"name": "rcn", "maps": 8, "side": 3, "dropout": 0.2, "wide": True, "attention": False},
    {"name": "rcn", "maps": 8, "side": 2, "dropout": 0.2, "wide": True, "shortcuts": True, "blocks": 2},
    {"name": "sssnet", "maps": [6, 8], "dense": 16, "dropout": 0.2},
]
METHODS = ("off-apexnet", "dual-inception", "rcn-a", "sssnet")


def build(name, shape=(3, 28, 28), **settings):
    with seeded_weights(0):
        module = NETWORKS.build({"name": name, **settings}).build(shape, 3)
    use_generator(module, torch.Generator().manual_seed(0))
    return module


def count(module) -> int:
    return sum(p.numel() for p in module.parameters())


def convolution(before, maps, size):
    return maps * (before * size**2 + 1)


def dense(*units):
    return sum((before + 1) * after for before, after in itertools.pairwise(units))


def recipe_of(name: str) -> RecognitionRecipe:
    recipe = load_recipe(name)
    assert isinstance(recipe, RecognitionRecipe)
    return recipe


def test_numbers_of_weights_of_the_two_streams_by_hand():
    stream = convolution(1, 6, 5) + convolution(6, 16, 5)
    assert count(build("off-apexnet")) == 2 * stream + dense(2 * 16 * 7 * 7, 1024, 1024, 3) == 2_664_475

    def block(before, maps):
        return 4 * convolution(before, maps, 1) + convolution(maps, maps, 3) + convolution(maps, maps, 5)

    stream = block(1, 6) + block(24, 16)
    assert count(build("dual-inception")) == 2 * stream + dense(2 * 64 * 7 * 7, 1024, 3) == 6_449_867


def test_number_of_weights_of_rcn_by_hand():
    block = convolution(64, 64, 1) + convolution(64, 64, 3) + 2 * 2 * 64
    normalized = 2 * 64
    expected = convolution(3, 64, 5) + normalized + block + dense(64 * 7 * 7, 3)
    assert count(build("rcn")) == count(build("rcn", (3, 60, 60))) == expected == 55_747
    assert count(build("rcn", attention=False)) == count(build("rcn", shortcuts=True)) == expected
    wide = convolution(3, 32, 3) + 2 * convolution(3, 16, 3)
    assert count(build("rcn", wide=True)) == expected - convolution(3, 64, 5) + wide
    assert count(build("rcn", blocks=2)) == expected + block


def test_number_of_weights_of_sssnet_by_hand():
    layers = convolution(3, 32, 5) + convolution(32, 64, 3) + 2 * (32 + 64)
    for side, pixels, total in ((64, 9 * 9, 1_349_251), (28, 3 * 3, 169_603)):
        assert count(build("sssnet", (3, side, side))) == layers + dense(64 * pixels, 256, 3) == total


@pytest.mark.parametrize("settings", SMALL)
def test_small_networks_pass_the_check(settings):
    check_network(settings, shape=(3, 28, 28), classes=3)
    check_network(settings, shape=(2, 30, 41), classes=2)


@pytest.mark.parametrize("settings", SMALL)
def test_a_gradient_that_is_not_zero_reaches_every_array_of_weights(settings):
    module = build(**settings).train()
    logits = module(torch.randn((16, 3, 28, 28), generator=torch.Generator().manual_seed(1)))
    F.cross_entropy(logits, torch.arange(16) % 3).backward()
    reached = {name for name, parameter in module.named_parameters() if parameter.grad.any()}
    assert {name for name, _ in module.named_parameters()} - reached <= shifts_that_are_normalized_away(module)


def shifts_that_are_normalized_away(module) -> set[str]:
    """Biases of convolutions directly before a batch normalization, which subtracts them again."""
    rows = ((name, list(row)) for name, row in module.named_modules() if isinstance(row, torch.nn.Sequential))
    return {
        f"{name}.{i}.bias"
        for name, row in rows
        for i, after in enumerate(row[1:])
        if isinstance(after, torch.nn.BatchNorm2d) and isinstance(row[i], torch.nn.Conv2d)
    }


@pytest.mark.parametrize("settings", SMALL)
def test_they_learn_where_the_motion_is(settings):
    table = {"name": "network", "network": settings, "epochs": 30, "batch_size": 12, "optimizer": {"lr": 5e-3}}
    recognizer = RECOGNIZERS.build(table, classes=CLASSES, seed=0)
    recognizer.fit(*synthetic_samples(48))
    samples, labels = synthetic_samples(48, seed=1)
    assert np.mean([said == label for said, label in zip(recognizer.predict(samples), labels, strict=True)]) > 0.9


@pytest.mark.parametrize(("name", "channels"), [("off-apexnet", 2), ("dual-inception", 2), ("rcn", 3), ("sssnet", 3)])
def test_which_channels_are_looked_at(name, channels):
    module = build(name).eval()
    x = torch.rand((2, 3, 28, 28), generator=torch.Generator().manual_seed(0), requires_grad=True)
    module(x).square().sum().backward()
    assert [bool(channel.any()) for channel in x.grad.unbind(1)] == [i < channels for i in range(3)]


def test_an_inception_block_stacks_four_paths_and_keeps_the_size():
    block = build("dual-inception").u[0]
    x = torch.randn((2, 1, 28, 28), generator=torch.Generator().manual_seed(0))
    maps = block(x)
    assert maps.shape == (2, 24, 28, 28)
    one, five = block.large[0][0], block.large[1][0]
    convolved = F.conv2d(F.relu(F.conv2d(x, one.weight, one.bias)), five.weight, five.bias, padding=2)
    one = block.pooled[1][0]
    pooled = F.conv2d(F.max_pool2d(x, 3, 1, 1), one.weight, one.bias)
    assert torch.allclose(maps[:, 12:18], F.relu(convolved), atol=1e-6)
    assert torch.allclose(maps[:, 18:], F.relu(pooled), atol=1e-6)


@pytest.mark.parametrize("shortcuts", [False, True])
def test_a_recurrent_block_adds_what_came_before(shortcuts):
    block = RecurrentBlock(4, shortcuts, 0.5).eval()
    x = torch.randn((2, 4, 6, 6), generator=torch.Generator().manual_seed(0))
    y = block.forward_layer(x)
    z = block.recurrent(x + y)
    if shortcuts:
        e = block.recurrent(x + y + z)
        last = block.recurrent(x + y + z + e)
    else:
        last = block.recurrent(x + z)
    assert torch.allclose(block(x), F.max_pool2d(last, 2))


def test_the_attention_is_the_mean_of_the_class_activation_maps():
    head = AttentionHead(4 * 3 * 3, 2)
    generator = torch.Generator().manual_seed(0)
    last, first = torch.rand((2, 5, 4, 3, 3), generator=generator)
    attended = []
    for maps, earlier in zip(last, first, strict=True):
        found = []
        for weights in head.fc.weight:
            evidence = (weights.view(4, 3, 3) * earlier).mean(0)
            found.append((evidence - evidence.min()) / (evidence.max() - evidence.min()))
        attended.append((maps * torch.stack(found).mean(0)).flatten())
    assert torch.allclose(head(torch.stack([last, first], 1)), head.fc(torch.stack(attended)), atol=1e-6)
    flat = head(torch.stack([last, torch.zeros_like(first)], 1))  # no place is told from another
    assert torch.equal(flat, head.fc.bias.expand(5, 2))


def test_whole_maps_are_dropped():
    layer = MapDropout(0.5).train()
    layer.generator = torch.Generator().manual_seed(0)
    dropped = layer(torch.ones(20, 30, 4, 5))
    assert set(dropped.unique().tolist()) == {0.0, 2.0}
    assert torch.equal(dropped.amin((2, 3)), dropped.amax((2, 3)))
    assert float((dropped == 0).float().mean()) == pytest.approx(0.5, abs=0.06)


@pytest.mark.parametrize(
    ("name", "shape", "text"),
    [
        ("off-apexnet", (1, 28, 28), "two channels or more"),
        ("dual-inception", (3, 3, 28), "4x4 pixels or more"),
        ("rcn", (3, 7, 28), "8x8 pixels or more"),
        ("rcn", (5, 3, 28, 28), "takes images"),
        ("sssnet", (3, 15, 28), "16x16 pixels or more"),
    ],
)
def test_what_does_not_fit_is_an_error(name, shape, text):
    with pytest.raises(RecipeError, match=text):
        build(name, shape)


def test_maps_of_rcn_are_a_multiple_of_four():
    with pytest.raises(RecipeError, match="maps = 30"):
        build("rcn", maps=30)


@pytest.mark.parametrize("method", METHODS)
def test_recipes_run_on_precomputed_flow(method, tmp_path):
    recipe = recipe_of(f"megc2019-{method}").with_user_overrides({"recognizer.epochs": 2})
    recipe = dataclasses.replace(recipe, quick=dataclasses.replace(recipe.quick, subjects=1))
    run = evaluate(recipe, tmp_path / "run", RunOptions(synthetic=True, quick=True))
    assert run.complete and {row.dataset for row in run.predictions()} == {"casme2", "samm", "smic"}


@pytest.mark.parametrize("method", METHODS)
def test_recipes_on_frames_give_the_network_the_images_of_its_paper(method, synthetic_datasets):
    stage = recipe_of(f"megc2019-flow-{method}").final_stage
    assert stage.data == ("casme2", "samm", "smic") and stage.recognizer["normalize"]
    clip = synthetic_datasets["casme2"].clips()[0].blind(("onset", "apex", "offset"))
    image = Chain.build(stage.chain)(clip).array("image")
    sides = {"off-apexnet": 28, "dual-inception": 28, "rcn-a": 60, "sssnet": 64}
    assert image.shape[:2] == (sides[method],) * 2
    module = NETWORKS.build(stage.recognizer["network"]).build((image.shape[2], *image.shape[:2]), 3)
    assert module.eval()(torch.from_numpy(image).permute(2, 0, 1)[None]).shape == (1, 3)
