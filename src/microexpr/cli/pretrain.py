"""`microexpr pretrain`."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..core.progress import show_progress
from .console import print_status
from .options import Plugins, load_plugins, parse_settings

if TYPE_CHECKING:
    from ..recognizers.pretraining.pretrain import Pretraining


class Precision(StrEnum):
    """Values of `--precision`."""

    fp32 = "fp32"
    bf16 = "bf16"


class Device(StrEnum):
    """Values of `--device`."""

    auto = "auto"
    cpu = "cpu"
    cuda = "cuda"


def pretrain(
    root: Annotated[Path, typer.Argument(metavar="ROOT", help="Images in train/<class>/*.jpg, or packed files.")],
    network: Annotated[str, typer.Option(help="Name of the network, e.g. resnet10, resnet18, resnet50.")] = "resnet10",
    name: Annotated[str, typer.Option(help="Name of the weights; <network>-<root> if left out.")] = "",
    target: Annotated[
        Path | None, typer.Option("--out", help="The file to write; the weights called --name if left out.")
    ] = None,
    epochs: Annotated[int, typer.Option(min=1, help="Number of passes over the images.")] = 64,
    batch_size: Annotated[int, typer.Option(min=2, help="Images of a training step, over all processes.")] = 256,
    lr: Annotated[float, typer.Option(help="Learning rate at the start.")] = 0.1,
    size: Annotated[int, typer.Option(min=1, help="Side of a training image in pixels.")] = 224,
    precision: Annotated[Precision, typer.Option(help="Precision of the computation.")] = Precision.fp32,
    device: Annotated[Device, typer.Option(help="Device of the computation.")] = Device.auto,
    workers: Annotated[int, typer.Option(min=1, help="Number of threads that read images.")] = 4,
    seed: Annotated[int, typer.Option(help="Seed of all random choices.")] = 0,
    settings: Annotated[
        list[str],
        typer.Option("--set", metavar="KEY=VALUE", help="Change another setting, e.g. schedule=cosine or parts=4."),
    ] = [],
    synthetic: Annotated[
        bool, typer.Option("--synthetic", help="Write images of patterns into ROOT first, if it is empty.")
    ] = False,
    plugin: Plugins = [],
) -> None:
    """Train a network from scratch on labeled images. Continues if interrupted; torchrun can start it."""
    from ..core.config import weights_folder
    from ..networks.training.distributed import rank_and_world_size
    from ..recognizers.pretraining.image_datasets import write_synthetic
    from ..recognizers.pretraining.pretrain import pretrain as train

    load_plugins(plugin)
    values: dict[str, Any] = {
        "epochs": epochs,
        "batch_size": batch_size,
        "lr": lr,
        "size": size,
        "precision": precision.value,
        "device": device.value,
        "workers": workers,
        "seed": seed,
        **parse_settings(settings),
    }
    options = _settings_of(network, values)
    target = target or weights_folder() / (name or f"{network}-{root.absolute().name}")
    rank, processes = rank_and_world_size()
    if synthetic and processes == 1 and not (root.is_dir() and any(root.iterdir())):
        write_synthetic(root, size=round(options.size * 256 / 224), seed=options.seed)
    with show_progress() as progress:
        path = train(options, root, target, progress)
    if rank == 0:
        _print_summary(path)


def _settings_of(network: str, values: dict[str, Any]) -> Pretraining:
    """The settings of a training; those called `network.<key>` are settings of the network."""
    from ..core.registry import validate_settings
    from ..recognizers.pretraining.pretrain import Pretraining

    prefix = "network."
    of_network = {key.removeprefix(prefix): value for key, value in values.items() if key.startswith(prefix)}
    others = {key: value for key, value in values.items() if not key.startswith(prefix)}
    return validate_settings(Pretraining, others, "pretraining", network={"name": network, **of_network})


def _print_summary(path: Path) -> None:
    from ..core.tensor_files import read_metadata

    metadata = read_metadata(path)
    summary = f"trained on {metadata['images']} images"
    if "top1" in metadata:
        summary += f"; validation accuracy {float(metadata['top1']):.1%}, top 5 {float(metadata['top5']):.1%}"
    print_status(f"{summary}\nwrote {path}; the .csv beside it has a line for each epoch")
    if metadata["synthetic"] == "true":
        print_status("The images are synthetic patterns: these weights show only that training works.")
