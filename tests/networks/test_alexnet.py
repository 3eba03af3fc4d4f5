"""AlexNet, and the LSTM on its features."""

import pytest
import torch

from microexpr.core.errors import RecipeError
from microexpr.networks import NETWORKS, check_network
from microexpr.networks.base import seeded_weights
from microexpr.networks.weights import transfer_weights

WIDTH = 1 / 64


def build(shape, classes=4, name="alexnet", **settings):
    with seeded_weights(0):
        return NETWORKS.build({"name": name, **settings}).build(shape, classes)


def test_the_numbers_of_weights_by_hand():
    weights = lambda module: sum(p.numel() for p in module.parameters())  # noqa: E731
    with torch.device("meta"):
        assert weights(build((3, 224, 224), 1000)) == 62_378_344
        layers = 62_378_344 - 4096 * 1000 - 1000
        lstm, head = 4 * 256 * (4096 + 256 + 2), 256 * 5 + 5
        assert weights(build((0, 3, 224, 224), 5, "alexnet-lstm")) == layers + lstm + head


@pytest.mark.parametrize("side", [63, 64, 96, 224])
def test_any_size_of_image_fits(side):
    module = build((3, side, 63 + 8), width=WIDTH)
    assert module.eval()(torch.zeros(1, 3, side, 71)).shape == (1, 4)


def test_sequences_of_one_frame_and_ragged_ones_pass_the_check():
    settings = {"name": "alexnet-lstm", "width": WIDTH}
    check_network(settings, shape=(5, 1, 64, 64))
    check_network(settings, shape=(1, 1, 64, 64))


def test_weights_of_images_fit_sequences_and_those_of_other_classes():
    faces, frames = build((3, 64, 64), 6, width=WIDTH), build((3, 64, 64), 5, width=WIDTH)
    clips = build((0, 3, 64, 64), 5, "alexnet-lstm", width=WIDTH)
    with torch.no_grad():
        faces.frame.conv1.bias.fill_(7)
    transfer_weights(frames, faces.state_dict())
    transfer_weights(clips, frames.state_dict())
    assert torch.equal(clips.frame.fc7.weight, faces.frame.fc7.weight) and clips.frame.conv1.bias[0].item() == 7


def test_what_does_not_fit_is_an_error():
    for shape, name in (((3, 62, 64), "alexnet"), ((4, 3, 64, 64), "alexnet"), ((3, 64, 64), "alexnet-lstm")):
        with pytest.raises(RecipeError, match=f"{name} takes"):
            build(shape, name=name)
    with pytest.raises(RecipeError, match="divide = 0"):
        build((3, 64, 64), divide=0)
