"""A network whose shape does not fit is an error that names its layer, before anything is trained."""

from dataclasses import dataclass

import pytest
import torch
from torch import nn

from microexpr.core.errors import RecipeError, RunError
from microexpr.experiments.runs import run_recipe
from microexpr.networks import NETWORKS, Architecture
from microexpr.networks.building import build_network


@dataclass(frozen=True)
class Flat(Architecture):
    """A flattened image, and one dense layer for images of `pixels` values, with `more` logits too many."""

    name = "flat"
    pixels: int = 48
    more: int = 0

    def build(self, shape, classes):
        if len(shape) == 3:
            return nn.Sequential(nn.Flatten(), nn.Sequential(nn.Linear(self.pixels, classes + self.more)))
        raise ValueError("it takes images")


def test_a_network_that_fits_is_built_as_ever():
    module = build_network(Flat(), (3, 4, 4), 5)
    assert module.training and module(torch.zeros(2, 3, 4, 4)).shape == (2, 5)
    assert not any(layer._forward_pre_hooks or layer._forward_hooks for layer in module.modules())


@pytest.mark.parametrize(
    ("network", "shape", "said"),
    [
        (
            Flat(100),
            (3, 4, 4),
            r"'flat' on inputs of \(3, 4, 4\): layer '1.0' \(Linear\) cannot take \(1, 48\): Runtime",
        ),
        (
            Flat(more=2),
            (3, 4, 4),
            r"on inputs of \(3, 4, 4\) gives \(1, 7\) for one input; it must give \(1, 5\)",
        ),
        (Flat(), (0, 3, 4, 4), r"'flat' on inputs of \(any, 3, 4, 4\) cannot be built: ValueError: it takes images"),
    ],
)
def test_a_shape_that_does_not_fit_names_the_layer(network, shape, said):
    with pytest.raises(RecipeError, match=said):
        build_network(network, shape, 5)


def test_a_run_names_the_recipe_too(tmp_path, monkeypatch, recipe):
    monkeypatch.setitem(NETWORKS._entries, "flat", Flat)
    settings = {"recognizer": {"name": "network", "network": {"name": "flat"}, "epochs": 1}}
    said = r"recipe 'test': 6 of 6 folds failed; .*network 'flat' on inputs of \(3, 28, 28\): layer '1.0'"
    with pytest.raises(RunError, match=said):
        run_recipe(recipe.with_user_overrides(settings), tmp_path, synthetic=True, quick=True, progress=False)
