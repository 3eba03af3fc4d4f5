"""Networks have the shapes and the weights that their papers say."""

import math
from dataclasses import dataclass, fields

import pytest
import torch

from microexpr.core.errors import RecipeError
from microexpr.networks import NETWORKS, Architecture, check_network
from microexpr.networks.resnet10 import PreActivated


def build(name: str, classes: int = 1000, shape: tuple[int, ...] = (3, 224, 224)) -> torch.nn.Module:
    return NETWORKS.build({"name": name}).build(shape, classes)


@pytest.mark.parametrize(
    ("name", "classes", "weights"),
    [
        ("resnet10", 1000, 5_417_070),
        ("resnet10", 5, 4_906_635),
        ("resnet18", 1000, 11_689_512),
        ("resnet50", 1000, 25_557_032),
    ],
)
def test_networks_have_the_published_numbers_of_weights(name, classes, weights):
    assert sum(p.numel() for p in build(name, classes).parameters()) == weights


def test_resnet10t_has_as_many_weights_as_in_timm():
    assert sum(p.numel() for p in build("resnet10t").parameters()) == pytest.approx(5.44e6, abs=5e3)


def test_pooling_rounds_up_as_in_caffe():
    module, sizes = build("resnet10"), {}
    assert isinstance(module, PreActivated)
    for name in ("block64", "block128", "block256", "block512"):
        hook = lambda layer, given, out, name=name: sizes.update({name: tuple(out.shape[1:])})  # noqa: E731
        module.get_submodule(name).register_forward_hook(hook)
    module.eval()(torch.zeros(1, 3, 224, 224))
    assert sizes == {
        "block64": (64, 56, 56),
        "block128": (128, 28, 28),
        "block256": (256, 14, 14),
        "block512": (512, 7, 7),
    }


def test_parameter_names_are_those_of_timm():
    names = set(build("resnet10t").state_dict())
    assert {"conv1.0.weight", "conv1.6.weight", "bn1.weight", "layer1.0.conv1.weight", "fc.bias"} <= names
    assert {"layer2.0.downsample.1.weight", "layer2.0.downsample.2.running_mean"} <= names
    assert "layer1.0.downsample.0.weight" not in names
    assert {"layer1.0.downsample.0.weight", "layer4.2.conv3.weight"} <= set(build("resnet50").state_dict())


def test_too_small_images_are_refused():
    with pytest.raises(RecipeError, match="32x32 pixels or more"):
        build("resnet10", shape=(3, 16, 16))


@pytest.mark.parametrize("name", NETWORKS.names())
def test_every_network_passes_the_check(name):
    has_width = "width" in {field.name for field in fields(NETWORKS.get(name))}
    settings = {"name": name, **({"width": 1 / 64} if has_width else {})}  # as published they are too large for a test
    check_network(settings)
    check_network(settings, classes=1)


def test_the_check_finds_draws_from_the_global_generator():
    @NETWORKS.register("careless")
    @dataclass(frozen=True)
    class Careless(Architecture):
        def build(self, shape, classes):
            return torch.nn.Sequential(
                torch.nn.Flatten(), torch.nn.Dropout(), torch.nn.Linear(math.prod(shape), classes)
            )

    try:
        with pytest.raises(AssertionError, match="torch's global generator"):
            check_network({"name": "careless"})
    finally:
        del NETWORKS._entries["careless"]
