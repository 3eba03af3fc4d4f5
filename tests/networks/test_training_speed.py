"""What makes training faster changes nothing but rounding."""

import copy

import pytest
import torch
import torch.nn.functional as F

from microexpr.networks import NETWORKS
from microexpr.networks.patches import PatchConv2d
from microexpr.networks.training import LabeledBatch, Objective, Optimizer, Trainer
from microexpr.networks.training.distributed import Process


class Scored(Objective):
    """Scores the module after each epoch; the mode of its layers in each step is noted."""

    def __init__(self, module: torch.nn.Module) -> None:
        self.module, self.modes = module, list[bool]()

    def begin_epoch(self, epoch):
        return [epoch]

    def load(self, batches, first):
        yield LabeledBatch(torch.ones(2, 3), torch.zeros(2, dtype=torch.long))

    def forward(self, module, inputs):
        self.modes.append(self.module.training)
        return module(inputs)

    def loss(self, outputs, targets):
        return F.cross_entropy(outputs, targets)

    def end_epoch(self, epoch):
        self.module.eval()
        return {}


def gradients(layer: torch.nn.Module, x: torch.Tensor) -> list[torch.Tensor]:
    x = x.clone().requires_grad_()
    maps = layer(x)
    (maps * torch.arange(maps.numel()).view_as(maps)).sum().backward()
    return [maps, x.grad, *(parameter.grad for parameter in layer.parameters())]


@pytest.mark.parametrize(
    ("kernel", "stride", "padding", "side"), [(3, 1, 1, 2), (3, 2, 1, 4), (1, 2, 0, 3), (2, 1, 0, 2)]
)
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_products_of_patches_are_a_convolution(monkeypatch, kernel, stride, padding, side, layout):
    torch.manual_seed(0)
    layer = PatchConv2d(64, 5, kernel, stride, padding).double().to(memory_format=layout)  # type: ignore[call-overload]
    x = torch.randn(3, 64, side, side, dtype=torch.float64)
    plain = torch.nn.Conv2d(64, 5, kernel, stride, padding).double()
    plain.load_state_dict(layer.state_dict())
    expected = gradients(plain, x)
    monkeypatch.setattr(F, "conv2d", None)  # from here on, only products
    for found, wanted in zip(gradients(layer, x), expected, strict=True):
        torch.testing.assert_close(found, wanted)


def test_large_maps_and_predictions_are_convolved(monkeypatch):
    layer = PatchConv2d(64, 5, 3, padding=1)
    monkeypatch.setattr(F, "unfold", None)
    assert layer(torch.zeros(2, 64, 3, 3)).shape == (2, 5, 3, 3)
    assert layer.eval()(torch.zeros(2, 64, 2, 2)).shape == (2, 5, 2, 2)


@pytest.mark.parametrize("name", ["adam", "adamw", "sgd"])
def test_fused_optimizers_make_the_same_steps_as_the_loop_of_torch(name):
    torch.manual_seed(0)
    fused = torch.nn.Conv2d(6, 4, 3).double().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    loop = copy.deepcopy(fused)
    optimizers = [Optimizer(name, 0.1, weight_decay=0.01).build(module.parameters()) for module in (fused, loop)]
    assert optimizers[0].param_groups[0]["fused"]
    optimizers[1].param_groups[0]["fused"] = False
    for _ in range(3):
        x = torch.randn(2, 6, 5, 5, dtype=torch.float64)
        for module, optimizer in zip((fused, loop), optimizers, strict=True):
            optimizer.zero_grad()
            module(x).square().sum().backward()
            optimizer.step()
    torch.testing.assert_close(fused.state_dict(), loop.state_dict())


@pytest.mark.parametrize("name", [name for name in NETWORKS.names() if NETWORKS.get(name).channels_last])
def test_no_network_has_a_convolution_for_which_channels_last_are_not_safe(name):
    for layer in NETWORKS.build({"name": name}).build((3, 64, 64), 3).modules():
        if isinstance(layer, torch.nn.Conv2d) and layer.kernel_size == (1, 1):
            assert layer.stride == (1, 1) or layer.in_channels >= 8


def test_every_epoch_trains_a_module_that_was_scored_inside_of_that_of_several_processes(monkeypatch):
    module = torch.nn.Linear(3, 2)
    monkeypatch.setattr(Process, "wrap", lambda self, own: torch.nn.Sequential(own))
    objective = Scored(module)
    Trainer(objective, module, Optimizer(), 3, torch.Generator(), Process(torch.device("cpu"))).run()
    assert objective.modes == [True] * 3
