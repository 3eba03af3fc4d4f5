"""Training from scratch on folders of images: every layout, after a stop, in two processes."""

import json
import math
import os
import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from microexpr.cli.main import main
from microexpr.core.errors import DataError, MediaError, MissingDataError, RecipeError, RunError, UsageError
from microexpr.core.registry import validate_settings
from microexpr.core.tensor_files import read_metadata
from microexpr.imaging.images import write_image
from microexpr.networks import NETWORKS
from microexpr.networks.training import Checkpoint, Schedule, Trainer
from microexpr.networks.weights import load_weights, read_weights
from microexpr.recognizers.pretraining import pretrain as module
from microexpr.recognizers.pretraining.image_datasets import is_synthetic, open_image_dataset, write_synthetic
from microexpr.recognizers.pretraining.loader import ResizeCrop, eval_batches, read_batches, training_plans
from microexpr.recognizers.pretraining.pretrain import Pretraining, pretrain, synthetic_weights
from microexpr.synthetic.patterns import PATTERNS, draw_pattern

TINY = Pretraining({"name": "ststnet"}, epochs=3, batch_size=8, lr=0.01, size=16, workers=1, device="cpu")


@pytest.fixture(scope="module")
def patterns(tmp_path_factory) -> Path:
    """Four kinds of synthetic images."""
    root = tmp_path_factory.mktemp("patterns") / "images"
    write_synthetic(root, classes=4, per_class=30, size=36, seed=3)
    return root


def test_validation_accuracy_is_above_chance(patterns, tmp_path):
    settings = replace(TINY, network={"name": "resnet10"}, epochs=6, batch_size=12, size=32, precision="bf16")
    path = pretrain(settings, patterns, tmp_path / "w")
    about = read_metadata(path)
    assert float(about["top1"]) > 0.5 and about["synthetic"] == "true" and about["images"] == "120"
    assert json.loads(about["classes"]) == sorted(list(PATTERNS)[:4])
    assert json.loads(about["input"]) == {"channels": "bgr", "subtract": [0] * 3, "divide": [1] * 3, "size": 32}
    load_weights(NETWORKS.build({"name": "resnet10"}).build((3, 32, 32), 4), read_weights(path), "the file")
    assert len(path.with_suffix(".csv").read_text().splitlines()) == 1 + 6


class Stop(Exception):
    """A stop in the middle of training."""


@pytest.mark.parametrize("parts", [1, 2])
def test_an_interrupted_training_continues_to_the_same_weights(patterns, tmp_path, monkeypatch, parts):
    settings = replace(TINY, checkpoint_seconds=0.0, parts=parts)
    whole = read_weights(pretrain(settings, patterns, tmp_path / "whole"))
    real, steps = Trainer.train_step, []

    def interrupted(self, batch):
        steps.append((self.epoch, self.step))
        if len(steps) == 20:
            raise Stop
        real(self, batch)

    monkeypatch.setattr(Trainer, "train_step", interrupted)
    with pytest.raises(Stop):
        pretrain(settings, patterns, tmp_path / "rest")
    rest = read_weights(pretrain(settings, patterns, tmp_path / "rest.safetensors"))
    assert steps[19] == steps[20] == (1, 4) and len(steps) == 46  # nothing twice
    assert all(torch.equal(whole[name], rest[name]) for name in whole)
    assert {p.name for p in tmp_path.iterdir()} == {
        f"{n}.{e}" for n in ("whole", "rest") for e in ("safetensors", "csv")
    }


def test_finished_weights_are_not_trained_again(patterns, tmp_path, monkeypatch):
    settings = replace(TINY, epochs=1)
    before = pretrain(settings, patterns, tmp_path / "w").read_bytes()
    monkeypatch.setattr(Trainer, "run", None)  # it would train again
    assert pretrain(settings, patterns, tmp_path / "w").read_bytes() == before
    with pytest.raises(UsageError, match="other settings or images; delete it or choose another name"):
        pretrain(replace(settings, lr=0.02), patterns, tmp_path / "w")


def test_a_damaged_checkpoint_begins_anew(patterns, tmp_path):
    settings = replace(TINY, epochs=1)
    (tmp_path / "w.checkpoint.pt").write_bytes(b"junk")
    first, second = (pretrain(settings, patterns, tmp_path / name) for name in ("w", "v"))
    assert first.read_bytes() == second.read_bytes() and not (tmp_path / "w.checkpoint.pt").exists()


def test_a_checkpoint_of_another_training_is_refused(patterns, tmp_path):
    Checkpoint(tmp_path / "w.checkpoint.pt", 0, key="another").save({})
    with pytest.raises(UsageError, match="other settings or data"):
        pretrain(TINY, patterns, tmp_path / "w")


def test_global_randomness_is_neither_used_nor_touched(patterns, tmp_path):
    torch.manual_seed(1)
    before = torch.get_rng_state()
    first = read_weights(pretrain(replace(TINY, epochs=1), patterns, tmp_path / "a"))
    assert torch.equal(before, torch.get_rng_state())
    torch.manual_seed(99)
    second = read_weights(pretrain(replace(TINY, epochs=1, workers=3), patterns, tmp_path / "b"))
    assert all(torch.equal(first[name], second[name]) for name in first)


def torchrun(patterns: Path, target: Path, *options: str) -> subprocess.CompletedProcess:
    """Train in two processes. gloo may abort one when the other has ended: what counts is what was written before."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    start = ["--nproc-per-node", "2", "--master-addr", "127.0.0.1", "--master-port", port, "-m", "microexpr"]
    command = [sys.executable, "-m", "torch.distributed.run", *start, "pretrain", str(patterns), *options]
    environment = {"GLOO_SOCKET_IFNAME": "lo", "PYTHONPATH": os.pathsep.join(sys.path)}
    return subprocess.run(
        [*command, "--size", "16", "--batch-size", "8", "--device", "cpu", "--out", str(target)],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_two_processes_train_one_network(patterns, tmp_path):
    done = torchrun(patterns, tmp_path / "w", "--network", "ststnet", "--epochs", "6", "--lr", "0.02")
    assert {p.name for p in tmp_path.iterdir()} == {"w.safetensors", "w.csv"}, done.stderr
    assert done.stderr.count("wrote ") <= 1
    rows = np.genfromtxt(tmp_path / "w.csv", delimiter=",", names=True)
    assert rows["top1"][-1] > 0.35 and rows["loss"][-1] < rows["loss"][0]


def test_two_processes_average_their_gradients(patterns, tmp_path):
    """Without batch norm and dropout the weights are those of one process but for rounding."""
    done = torchrun(patterns, tmp_path / "two", "--network", "softnet", "--epochs", "1", "--lr", "0.02")
    assert (tmp_path / "two.safetensors").is_file(), done.stderr
    settings = replace(TINY, network={"name": "softnet"}, epochs=1, lr=0.02)
    two, one = read_weights(tmp_path / "two.safetensors"), read_weights(pretrain(settings, patterns, tmp_path / "one"))
    assert two.keys() == one.keys() and all(torch.allclose(two[k], one[k], rtol=0, atol=1e-5) for k in one)
    other = read_weights(pretrain(replace(settings, seed=1), patterns, tmp_path / "other"))
    assert max(float((other[k] - one[k]).abs().max()) for k in one) > 0.1


def test_a_batch_is_divided_between_two_processes():
    alone = training_plans(11, 4, seed=1, epoch=2)
    plans_by_rank = [training_plans(11, 4, seed=1, epoch=2, ranks=(rank, 2)) for rank in (0, 1)]
    for whole, left, right in zip(alone, *plans_by_rank, strict=True):
        assert sorted(whole[0]) == sorted(left[0] + right[0]) and len(left[0]) == len(right[0]) == 2
    assert alone != training_plans(11, 4, seed=1, epoch=3) and len(alone) == 2
    both = [number for rank in (0, 1) for numbers, _ in eval_batches(11, 4, (rank, 2)) for number in numbers]
    assert sorted(both) == list(range(11))


def colors(count: int, side: int) -> np.ndarray:
    """(count, side, side, 3): no two pixels alike, no two channels alike."""
    return np.random.default_rng(0).integers(0, 256, (count, side, side, 3), dtype=np.uint8)


def planes(images: np.ndarray) -> np.ndarray:
    return images.transpose(0, 3, 1, 2).reshape(len(images), -1)


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_images_of_downsampled_imagenet(tmp_path, save):
    images, labels = colors(33, 8), np.arange(33) % 3 + 1
    for part in range(11):  # part 10 comes after part 9
        mine = slice(3 * part, 3 * part + 3)
        path = tmp_path / f"train_data_batch_{part + 1}.npz"
        save(path, data=planes(images[mine]), labels=labels[mine], mean=np.zeros(192))
    save(tmp_path / "val_data.npz", data=planes(images[:2]), labels=[3, 1])
    train, val = open_image_dataset(tmp_path)
    assert train.classes == ("1", "2", "3") and train.labels.tolist() == (labels - 1).tolist()
    assert all(np.array_equal(train.read(i), images[i]) for i in range(33))
    assert val.labels.tolist() == [2, 0] and np.array_equal(val.read(1), images[1])


@pytest.mark.parametrize("damage", ["a flipped byte", "cut"])
def test_a_damaged_unpacked_copy_is_made_anew(tmp_path, monkeypatch, damage):
    monkeypatch.setenv("MICROEXPR_CACHE", str(tmp_path / "cache"))
    images = colors(6, 8)
    np.savez_compressed(tmp_path / "train_data_batch_1.npz", data=planes(images), labels=np.arange(6) % 3 + 1)
    open_image_dataset(tmp_path)
    [copy] = (tmp_path / "cache" / "unpacked").rglob("*.npy")
    content = bytearray(copy.read_bytes())
    content[-1] ^= 1
    copy.write_bytes(content if damage == "a flipped byte" else content[:-100])
    train, _ = open_image_dataset(tmp_path)
    assert all(np.array_equal(train.read(i), images[i]) for i in range(6))


def test_two_processes_write_equal_weights(patterns, tmp_path):
    code = "import sys; from pathlib import Path; from tests.recognizers.test_pretrain import TINY, pretrain; "
    for seed in ("1", "2"):  # of the hashes, by which sets are ordered
        subprocess.run(
            [
                sys.executable,
                "-c",
                f"{code}pretrain(TINY, Path(sys.argv[1]), Path(sys.argv[2]))",
                patterns,
                tmp_path / seed,
            ],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(["", *sys.path])},
            check=True,
            timeout=120,
        )
    assert (tmp_path / "1.safetensors").read_bytes() == (tmp_path / "2.safetensors").read_bytes()


def test_images_of_cifar_10(tmp_path):
    images, labels = colors(6, 32), np.arange(6, dtype=np.uint8)[:, None]
    records = np.hstack([labels, planes(images)])
    records[:4].tofile(tmp_path / "data_batch_1.bin")
    records[4:].tofile(tmp_path / "data_batch_2.bin")
    records[:1].tofile(tmp_path / "test_batch.bin")
    (tmp_path / "batches.meta.txt").write_text("\n".join("abcdefghij") + "\n")
    train, val = open_image_dataset(tmp_path)
    assert train.classes == tuple("abcdefghij") and train.labels.tolist() == list(range(6)) and len(val) == 1
    assert all(np.array_equal(train.read(i), images[i]) for i in range(6))


def test_images_of_cifar_100(tmp_path):
    images = colors(3, 32)
    heads = np.array([[7, 90], [7, 3], [1, 55]], np.uint8)  # coarse, fine
    np.hstack([heads, planes(images)]).tofile(tmp_path / "train.bin")
    train, val = open_image_dataset(tmp_path)
    assert train.labels.tolist() == [90, 3, 55] and len(train.classes) == 100 and val is None
    assert np.array_equal(train.read(2), images[2])


def test_images_in_class_folders(patterns, tmp_path):
    train, val = open_image_dataset(patterns)
    assert len(train) == 120 and len(val) == 24 and train.classes == val.classes and is_synthetic(patterns)
    assert train.read(0).shape == (36, 36, 3) and val.labels.tolist() == sorted([0, 1, 2, 3] * 6)
    alone, none = open_image_dataset(patterns / "train")
    assert none is None and is_synthetic(patterns / "train") and alone.fingerprint() == train.fingerprint()
    image = draw_pattern("rings", 20, np.random.default_rng(0))
    for name in ("a/images/1.JPEG", "b/2.png", "b/.hidden.png", "b/notes.txt"):
        if "." in Path(name).suffix:
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            write_image(tmp_path / f"{name}.png", image)
            (tmp_path / f"{name}.png").rename(tmp_path / name)
    deep, _ = open_image_dataset(tmp_path)
    assert deep.names == ["a/images/1.JPEG", "b/2.png"]  # type: ignore[attr-defined]


def test_synthetic_images_depend_on_the_seed_alone(patterns, tmp_path):
    write_synthetic(tmp_path / "again", classes=4, per_class=30, size=36, seed=3)
    again, ours = open_image_dataset(tmp_path / "again")[0], open_image_dataset(patterns)[0]
    assert all(np.array_equal(again.read(i), ours.read(i)) for i in (0, 50, 119))
    assert again.fingerprint() == ours.fingerprint()
    with pytest.raises(UsageError, match="never written over"):
        write_synthetic(patterns)
    with pytest.raises(UsageError, match="classes = 99"):
        write_synthetic(tmp_path / "no", classes=99)


def test_resize_and_crop():
    image = np.zeros((20, 40, 3), np.uint8)
    image[:, :20, 0], image[:, 20:, 2] = 255, 255  # red left, blue right
    left = ResizeCrop(10, 8, bgr=False)(image, (0.0, 0.0, False))
    assert left.shape == (8, 8, 3) and (left == (255, 0, 0)).all()
    assert (ResizeCrop(10, 8, bgr=True)(image, (0.99, 0.99, False)) == (255, 0, 0)).all()
    middle = ResizeCrop(10, 8, bgr=False)(image, (0.5, 0.5, True))
    assert (middle[:, 0] == (0, 0, 255)).all() and (middle[:, -1] == (255, 0, 0)).all()


def test_batches_are_read_in_order_by_any_number_of_workers(patterns):
    train, _ = open_image_dataset(patterns)
    plans = training_plans(len(train), 10, seed=0, epoch=0)
    single, several = ([*read_batches(train, plans, ResizeCrop(32, 28, True), workers)] for workers in (1, 3))
    for (x, y), (x2, y2), (numbers, _) in zip(single, several, plans, strict=True):
        assert x.shape == (10, 3, 28, 28) and torch.equal(x, x2) and torch.equal(y, y2)
        assert y.tolist() == train.labels[numbers].tolist()


def test_the_poly_schedule_falls_to_zero():
    poly = Schedule("poly")
    assert [poly.lr_factor(epoch, 4) for epoch in (0, 1, 2.5)] == [1.0, 0.75, 0.375]
    assert Schedule("poly", power=2.0).lr_factor(2, 4) == 0.25


def test_input_of_published_weights():
    assert Pretraining().normalization == ((0.0,) * 3, (1.0,) * 3)
    assert Pretraining().resize_crop == ResizeCrop(256, 224, bgr=True)
    other = Pretraining({"name": "resnet18"}, size=64)
    assert (
        other.channel_order == "rgb"
        and np.allclose(other.normalization[0], (123.675, 116.28, 103.53))
        and other.resize_crop.resize == 73
    )
    turned = Pretraining({"name": "resnet18"}, channels="bgr")
    assert turned.normalization[0] == other.normalization[0][::-1]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"epochs": 0}, "epochs = 0"),
        ({"size": 40, "resize": 30}, "resize = 30"),
        ({"divide": (1.0, 0.0, 1.0)}, "not zero"),
        ({"network": {"name": "resnet100"}}, "did you mean 'resnet10'"),
    ],
)
def test_wrong_settings_are_refused(values, message):
    with pytest.raises(UsageError, match=message):
        validate_settings(Pretraining, values, "pretraining")


def test_settings_that_do_not_fit_the_images_are_errors(patterns, tmp_path):
    with pytest.raises(RecipeError, match="32x32 pixels or more"):
        pretrain(replace(TINY, network={"name": "resnet18"}), patterns, tmp_path / "w")
    with pytest.raises(RecipeError, match="4 parts need 2 images each"):
        pretrain(replace(TINY, batch_size=4, parts=4), patterns, tmp_path / "w")
    with pytest.raises(RunError, match="learning rate below"):
        pretrain(replace(TINY, lr=1e30), patterns, tmp_path / "w")


def _touch(path: Path, content: bytes = b"") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def _png(path: Path) -> None:
    write_image(path, np.zeros((8, 8, 3), np.uint8))


def _npz(path: Path, **arrays) -> None:
    np.savez(path, **arrays)


EIGHT = np.zeros((2, 192), np.uint8)
DAMAGE = {
    "no images in a supported layout": lambda root: _touch(root / "readme.txt"),
    "one class only": lambda root: _png(root / "a" / "1.png"),
    "'.*b' holds no image": lambda root: (_png(root / "a" / "1.png"), (root / "b").mkdir()),
    "train' has no class folders": lambda root: _png(root / "train" / "1.png"),
    "val' holds no image": lambda root: (_png(root / "train/a/1.png"), (root / "val/a").mkdir(parents=True)),
    "is no class of the training images": lambda root: [_png(root / f"{p}/1.png") for p in ("train/a", "val/b")],
    "train_data_batch_1.npz' is damaged": lambda root: _touch(root / "train_data_batch_1.npz", b"PK junk"),
    "lacks 'data' or 'labels'": lambda root: _npz(root / "train_data_batch_1.npz", labels=[1, 2]),
    r"data is \(2, 191\)": lambda root: _npz(root / "train_data_batch_1.npz", data=EIGHT[:, 1:], labels=[1, 2]),
    "2 images and 3 labels": lambda root: _npz(root / "train_data_batch_1.npz", data=EIGHT, labels=[1, 2, 3]),
    "labels count from 1": lambda root: _npz(root / "train_data_batch_1.npz", data=EIGHT, labels=[0, 1]),
    "pickled|allow_pickle": lambda root: _npz(root / "train_data_batch_1.npz", data=EIGHT, labels=np.array([1, {}])),
    "no multiple of 3073": lambda root: _touch(root / "data_batch_1.bin", bytes(3000)),
    "has the label 99": lambda root: _touch(root / "data_batch_1.bin", bytes([99]) + bytes(3072)),
}


@pytest.mark.parametrize("message", DAMAGE)
def test_wrong_image_folders_are_refused(tmp_path, message):
    DAMAGE[message](tmp_path)
    with pytest.raises(DataError, match=message):
        open_image_dataset(tmp_path)


def test_a_damaged_image_is_named(patterns, tmp_path):
    for name in ("a", "b"):
        for i in range(4):
            _png(tmp_path / "p" / name / f"{i}.png")
    _touch(tmp_path / "p" / "b" / "2.png", b"\x89PNG but no more")
    with pytest.raises(MediaError, match=r"b/2.png' .*broken"):
        pretrain(replace(TINY, batch_size=8, size=10), tmp_path / "p", tmp_path / "w")
    with pytest.raises(MissingDataError, match="nowhere' is not a folder"):
        open_image_dataset(tmp_path / "nowhere")


def test_synthetic_weights_are_trained_once(tmp_path, monkeypatch):
    real = module.write_synthetic  # type: ignore[attr-defined]
    monkeypatch.setattr(module, "write_synthetic", lambda root, **given: real(root, **{**given, "per_class": 6}))
    seen = []
    path = synthetic_weights({"name": "ststnet"}, tmp_path, lambda *what: seen.append(what), size=16)
    assert seen[-1][1] == seen[-1][2] and read_metadata(path)["synthetic"] == "true"
    count = len(seen)
    assert synthetic_weights({"name": "ststnet"}, tmp_path, lambda *what: seen.append(what), size=16) == path
    assert len(seen) == count and synthetic_weights({"name": "ststnet", "dropout": 0.1}, tmp_path, size=16) != path
    whole = path.read_bytes()
    path.write_bytes(whole[:-10] + b"0123456789")
    assert synthetic_weights({"name": "ststnet"}, tmp_path, size=16).read_bytes() == whole


def test_the_command_pretrain(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("MICROEXPR_WEIGHTS", str(tmp_path / "weights"))
    small = ["--network", "ststnet", "--size", "12", "--epochs", "1", "--device", "cpu", "--set", "network.dropout=0.2"]
    with pytest.raises(SystemExit) as end:
        main(["pretrain", str(tmp_path / "p"), *small, "--name", "mine", "--synthetic", "--set", "schedule=cosine"])
    shown = capsys.readouterr().err
    assert end.value.code == 0 and "validation accuracy" in shown and "synthetic patterns" in shown
    assert json.loads(read_metadata(tmp_path / "weights" / "mine.safetensors")["network"])["dropout"] == 0.2
    with pytest.raises(SystemExit) as end:
        main(["pretrain", str(tmp_path / "p"), *small, "--set", "momentun=1"])
    assert end.value.code == 2 and "did you mean 'momentum'" in capsys.readouterr().err


def test_infinite_checkpoint_seconds_write_no_checkpoint(patterns, tmp_path):
    pretrain(replace(TINY, epochs=1, checkpoint_seconds=math.inf), patterns, tmp_path / "w")
    assert not list(tmp_path.glob("*checkpoint*"))
