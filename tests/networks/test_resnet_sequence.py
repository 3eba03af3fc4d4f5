"""A ResNet on every frame: its weights arrive, one frame is a picture, and chunks and caches change nothing."""

import pytest
import torch

from microexpr.core.errors import RecipeError
from microexpr.networks import NETWORKS, check_network
from microexpr.networks.base import head_of
from microexpr.networks.pretrained import published_for
from microexpr.networks.weights import load_weights, transfer_weights

SMALL = (0, 3, 32, 32)


def build(shape=SMALL, classes=3, **settings):
    torch.manual_seed(0)
    return NETWORKS.build({"name": "resnet-sequence", "backbone": "resnet18", **settings}).build(shape, classes).eval()


def clips(lengths=(5, 2, 3), side=32):
    x = torch.randn((len(lengths), max(lengths), 3, side, side), generator=torch.Generator().manual_seed(1))
    return x, torch.tensor(lengths)


@pytest.mark.parametrize("pooling", ["mean", "max", "lstm"])
def test_every_way_of_pooling_passes_the_check(pooling):
    check_network({"name": "resnet-sequence", "backbone": "resnet10t", "pooling": pooling}, (4, 3, 32, 32))


@pytest.mark.parametrize("backbone", ["resnet10", "resnet10t", "resnet18", "resnet50", "resnet50-keras"])
def test_weights_of_the_image_network_arrive(backbone):
    module = build(backbone=backbone)
    picture = NETWORKS.build({"name": backbone}).build((3, 32, 32), 10)
    for layer in picture.modules():
        if isinstance(layer, torch.nn.BatchNorm2d):
            layer.running_mean.fill_(0.5)
    transfer_weights(module, picture.state_dict())
    own, (head, _) = module.state_dict(), head_of(picture)
    given = {name: value for name, value in picture.state_dict().items() if not name.startswith(head)}
    assert set(given) == {name for name in own if not name.startswith("head.")}
    assert all(torch.equal(own[name], value) for name, value in given.items())
    assert NETWORKS.build({"name": "resnet-sequence", "backbone": backbone}).pretrained == {"name": backbone}


@pytest.mark.parametrize("pooling", ["mean", "max"])
def test_a_sequence_of_one_frame_is_a_picture(pooling):
    picture = NETWORKS.build({"name": "resnet50-dense", "depth": 18}).build((3, 64, 64), 3).eval()
    module = build((0, 3, 64, 64), pooling=pooling)
    load_weights(module, picture.state_dict(), "the picture network")
    x = torch.randn(2, 3, 64, 64)
    with torch.no_grad():
        assert torch.allclose(module(x[:, None], torch.ones(2, dtype=torch.long)), picture(x), atol=1e-5)


@pytest.mark.parametrize("pooling", ["mean", "max", "lstm"])
def test_chunks_change_neither_logits_nor_gradients(pooling):
    results = []
    for chunk in (1, 4, 100):
        module = build(pooling=pooling, frame_chunk=chunk, dropout=0.0).train()
        logits = module(*clips())
        logits.square().sum().backward()
        results.append((logits.detach(), module.conv1.weight.grad, module.layer1[0].bn1.weight.grad))
    for logits, *gradients in results[1:]:
        assert torch.allclose(logits, results[0][0], rtol=1e-3, atol=1e-5)
        for gradient, first in zip(gradients, results[0][1:], strict=True):
            assert float((gradient - first).norm() / first.norm()) < 1e-3


@pytest.mark.parametrize("pooling", ["mean", "max", "lstm"])
def test_what_follows_the_end_of_a_clip_is_not_read(pooling):
    module, (x, lengths) = build(pooling=pooling), clips()
    other = x.clone()
    other[1, 2:] = 1e6
    with torch.no_grad():
        assert torch.equal(module(x, lengths), module(other, lengths))
        alone = module(x[1:2, :2], lengths[1:2])
    assert torch.allclose(module(x, lengths)[1:2], alone, atol=1e-4)


def test_the_order_of_frames_matters_to_an_lstm_only():
    x, lengths = clips((5,))
    for pooling in ("mean", "max", "lstm"):
        module = build(pooling=pooling)
        with torch.no_grad():
            same = torch.allclose(module(x, lengths), module(x.flip(1), lengths), atol=1e-5)
        assert same == (pooling != "lstm")


def test_running_means_never_change():
    module = build().train()
    for part in module.children():
        part.train()
    before = module.bn1.running_mean.clone()
    module(*clips())
    assert torch.equal(before, module.bn1.running_mean) and not module.layer1[0].bn1.training and module.training


def test_gray_levels_become_what_the_published_weights_take():
    gray = torch.rand(1, 2, 3, 32, 32) * 255
    lengths = torch.tensor([2])
    for backbone in ("resnet18", "resnet50-keras"):
        weights = published_for(backbone)
        assert weights is not None
        ordered = gray.flip(2) if weights.channels == "bgr" else gray
        mean, std = (torch.tensor(values).view(3, 1, 1) for values in (weights.mean, weights.std))
        with torch.no_grad():
            expected = build(backbone=backbone)((ordered / weights.divide - mean) / std, lengths)
            assert torch.allclose(build(backbone=backbone, gray_levels=True)(gray, lengths), expected, rtol=1e-3)


def test_memory_does_not_grow_with_the_number_of_frames():
    """Largest activations that are alive at once in a pass over a clip, by the sizes of what convolutions return."""
    alive = []
    for frames in (8, 32):
        module, largest = build(frame_chunk=4), 0

        def note(layer, given, out):
            nonlocal largest
            largest = max(largest, out.numel())

        for layer in module.modules():
            if isinstance(layer, torch.nn.Conv2d):
                layer.register_forward_hook(note)
        with torch.no_grad():
            module(*clips((frames,)))
        alive.append(largest)
    assert alive[0] == alive[1]


def test_activations_of_a_trained_backbone_are_not_kept():
    kept = []
    for frames in (6, 12):
        module, saved = build(frame_chunk=2).train(), {}
        x, lengths = clips((frames, 4))

        def keep(value, saved=saved):
            saved[value.data_ptr()] = value.numel()
            return value

        with torch.autograd.graph.saved_tensors_hooks(keep, lambda value: value):
            module(x, lengths)
        kept.append(sum(saved.values()) - x.numel())
    assert kept[1] - kept[0] < 6 * 64 * 16 * 16 / 4  # the first convolution alone makes 64 maps of 16x16 of a frame


@pytest.mark.parametrize(
    ("shape", "settings", "text"),
    [
        ((3, 32, 32), {}, "takes sequences"),
        ((0, 3, 16, 16), {}, "32x32 pixels or more"),
        ((0, 2, 32, 32), {"gray_levels": True}, "takes RGB frames; got 2 channels"),
        (SMALL, {"backbone": "ststnet"}, "backbone"),
        (SMALL, {"frame_chunk": 0}, "frame_chunk = 0"),
    ],
)
def test_wrong_inputs_and_settings_are_errors(shape, settings, text):
    with pytest.raises(RecipeError, match=text):
        build(shape, **settings)
