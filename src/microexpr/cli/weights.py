"""`microexpr weights` and `microexpr export`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from .console import count, out, print_status
from .options import Plugins, load_plugins

weights = typer.Typer(help="List, fetch, check and convert weights.", no_args_is_help=True, rich_markup_mode=None)


@weights.command("list")
def list_weights() -> None:
    """List published weights and your own. The table shows whether they are on this machine."""
    from rich.table import Column, Table

    from ..core.config import weights_folder
    from ..core.errors import DataError
    from ..core.tensor_files import read_metadata
    from ..networks import pretrained

    table = Table(Column("name", no_wrap=True), "network", "input", "license", Column("from", overflow="fold"), "here")
    for name in pretrained.names():
        entry = pretrained.entry(name)
        shape, origin = f"{entry.channels.upper()} {entry.size}", "/".join(entry.page.split("/")[3:5])
        here = "yes" if pretrained.find(name) else "no"
        table.add_row(name, entry.network, shape, entry.license, origin, here)
    for name in pretrained.user_weights():
        try:
            metadata = read_metadata(weights_folder() / f"{name}.safetensors")
        except DataError:
            metadata = {"recipe": "(damaged)"}
        origin = metadata.get("recipe") or metadata.get("source") or metadata.get("data", "")
        table.add_row(name, _network_name(metadata), "", metadata.get("license", ""), origin, "own")
    out.print(table)
    print_status(f"stored in {weights_folder()}")


def _network_name(metadata: Mapping[str, str]) -> str:
    """The name of the network that a file of weights states as a table in JSON."""
    try:
        return str(json.loads(metadata.get("network", "{}")).get("name", ""))
    except (ValueError, AttributeError):
        return ""


@weights.command("fetch")
def fetch_weights(
    name: Annotated[str, typer.Argument(help="A name that `microexpr weights list` shows.")],
    source: Annotated[
        Path | None, typer.Option("--from", metavar="FILE", help="The published file, if you downloaded it yourself.")
    ] = None,
) -> None:
    """Download published weights, or take a downloaded file. They are checked before they are stored."""
    from ..networks import pretrained

    print_status(f"fetching {name} ..." if source is None else f"checking {source} ...")
    print_status(f"wrote {pretrained.fetch(name, source)}")


@weights.command("verify")
def verify_weights(
    name: Annotated[str | None, typer.Argument(help="Name of weights; all on this machine if left out.")] = None,
) -> None:
    """Compare weights with their checksums and networks. Lists all issues and exits with 1 if there are any."""
    from ..networks import pretrained

    if name is not None:
        names = [name]
    else:
        names = [known for known in [*pretrained.names(), *pretrained.user_weights()] if pretrained.find(known)]
    if not names:
        print_status("there are no weights on this machine; `microexpr weights list` shows what can be fetched")
    checks = [pretrained.verify(each) for each in names]
    for result in checks:
        verdict = count(len(result.issues), "issue") if result.issues else "intact"
        out.print(f"{result.name}: {verdict}; {result.checksum}", markup=False)
        for issue in result.issues:
            out.print(f"  {issue}", markup=False)
    if any(result.issues for result in checks):
        raise typer.Exit(1)


@weights.command("convert")
def convert_weights(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="ResNet10 (.caffemodel), Keras's ResNet50 or VGG-Face (.h5).")
    ],
    target: Annotated[
        Path | None, typer.Option("--out", help="The file to write; if left out, the weights get their published name.")
    ] = None,
) -> None:
    """Convert the Caffe weights of ResNet10, or Keras's of ResNet50 or VGG-Face, to safetensors."""
    from ..networks import pretrained

    print_status(f"wrote {pretrained.convert(file, target)}")


def export(
    source: Annotated[
        Path, typer.Argument(metavar="RUN_OR_FILE", help="A run with saved models, or the file of a model.")
    ],
    target: Annotated[Path, typer.Argument(metavar="OUT.onnx", help="The file to write.")],
    plugin: Plugins = [],
) -> None:
    """Write a trained network as an ONNX file."""
    from ..recognizers.onnx_export import export as export_model

    load_plugins(plugin)
    print_status(f"wrote {export_model(source, target)}")
