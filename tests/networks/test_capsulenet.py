"""CapsuleNet has the layers of the authors' release, routes as its capsules agree, and has a loss of its own."""

import math

import pytest
import torch

from microexpr.core.errors import RecipeError
from microexpr.networks import NETWORKS, check_network
from microexpr.networks.base import seeded_weights
from microexpr.networks.capsulenet import ClassCapsules, _squash
from microexpr.networks.weights import transfer_weights
from microexpr.recognizers import RECOGNIZERS
from microexpr.recognizers.checks import CLASSES, synthetic_samples

SMALL = {"name": "capsulenet", "width": 1 / 16, "capsules": 4}


def build(shape=(3, 32, 32), classes=3, **settings):
    with seeded_weights(0):
        return NETWORKS.build({**SMALL, **settings}).build(shape, classes)


def noise(*shape):
    return torch.randn(shape, generator=torch.Generator().manual_seed(0))


def test_the_number_of_weights_by_hand():
    with torch.device("meta"):
        module = NETWORKS.build({"name": "capsulenet"}).build((3, 224, 224), 3)
        resnet = NETWORKS.build({"name": "resnet18"}).build((3, 224, 224), 1000)
    count = lambda part: sum(p.numel() for p in part.parameters())  # noqa: E731
    front = 11_689_512 - count(resnet.layer4) - count(resnet.fc)  # of the published number
    convolutions = 2 * (9 * 9 * 256 * 256 + 256)
    assert count(module.front) == front
    assert count(module) == front + convolutions + 3 * 32 * 6 * 6 * 8 * 16 == 13_842_496


@pytest.mark.parametrize("side", [16, 28, 56, 224])
def test_images_of_any_size_pass_the_check(side):
    check_network({**SMALL, "width": 1 / 64}, (3, side, side + 8))


@pytest.mark.parametrize(("side", "kernel", "places"), [(224, 9, 36), (56, 2, 9), (28, 1, 4)])
def test_kernels_shrink_with_the_maps(side, kernel, places):
    module = build((3, side, side))
    assert module.conv.kernel_size == module.primary.kernel_size == (kernel, kernel)
    assert module.head.weight.shape == (3, 4 * places, 16, 8)


def test_a_gradient_reaches_every_weight():
    module = build()
    logits = module(noise(4, 3, 32, 32))
    NETWORKS.build(SMALL).loss(logits, torch.tensor([0, 1, 2, 0])).backward()
    assert all(bool(parameter.grad.any()) for parameter in module.parameters())


def test_routing_favors_the_class_that_capsules_agree_on():
    with seeded_weights(0):
        head, once = ClassCapsules(6, 2, 3), ClassCapsules(6, 2, 1)
    with torch.no_grad():
        head.weight[0] = head.weight[0, :1] * 30  # all predict the same capsule of class 0
        head.weight[1] *= 30
    once.load_state_dict(head.state_dict())
    x = _squash(torch.ones(1, 6, 8))
    routed, unrouted = head(x).exp()[0], once(x).exp()[0]
    assert routed[0] > unrouted[0] > unrouted[1] > routed[1]


def test_logits_are_logarithms_of_the_lengths_of_squashed_capsules():
    head, x = ClassCapsules(5, 3, 1), noise(2, 5, 8)
    capsules = _squash(torch.einsum("kpij,npj->nki", head.weight, x) / 3)  # routed once: equal shares
    assert torch.allclose(head(x).exp(), capsules.norm(dim=-1), rtol=1e-4)
    assert _squash(torch.tensor([3.0, 4.0])).norm() == pytest.approx(25 / 26)


def test_the_margin_loss_by_hand():
    architecture = NETWORKS.build({"name": "capsulenet", "present": 0.9, "absent": 0.1, "absent_weight": 0.5})
    logits, targets = torch.tensor([[0.7, 0.3], [0.05, 0.95]]).log(), torch.tensor([0, 1])
    first = 0.2**2 + 0.5 * 0.2**2
    assert float(architecture.loss(logits, targets)) == pytest.approx(first / 2)
    assert float(architecture.loss(logits, targets, torch.tensor([3.0, 1.0]))) == pytest.approx(first * 3 / 4)


def test_a_recognizer_minimizes_the_loss_of_its_network(monkeypatch):
    samples, labels = synthetic_samples(6)
    settings = {"name": "network", "network": SMALL, "epochs": 1, "batch_size": 6, "optimizer": {"lr": 1e-4}}
    monkeypatch.setattr(NETWORKS.get("capsulenet"), "loss", lambda self, logits, *_: logits.sum() * 0 + 7)
    recognizer = RECOGNIZERS.build(settings, classes=CLASSES).fit(samples, labels)
    assert recognizer.history_[0]["loss"] == 7


def test_the_front_begins_with_the_weights_of_resnet18():
    architecture = NETWORKS.build({"name": "capsulenet", "capsules": 2})
    module = architecture.build((3, 32, 32), 3)
    resnet = NETWORKS.build(architecture.pretrained).build((3, 32, 32), 1000)
    primary = module.primary.weight.clone()
    transfer_weights(module, architecture.adapted(resnet.state_dict(), module))
    assert torch.equal(module.front.layer3[1].conv2.weight, resnet.layer3[1].conv2.weight)
    assert torch.equal(module.primary.weight, primary)
    own = module.state_dict()
    assert architecture.adapted(own, module) is own  # of a stage before


def test_what_does_not_fit_is_named():
    for shape in ((3, 8, 64), (5, 3, 32, 32)):
        with pytest.raises(RecipeError, match="capsulenet takes images of 16x16 pixels or more"):
            build(shape)
    with pytest.raises(RecipeError, match="divide = 0"):
        build(divide=0)
    with pytest.raises(RecipeError, match="present"):
        build(present=math.inf)
