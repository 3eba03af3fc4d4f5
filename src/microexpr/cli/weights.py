"""`microexpr weights`: parsing only; each command is one call."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

weights = typer.Typer(help="Published weights, and one's own.", no_args_is_help=True, rich_markup_mode=None)


@weights.command("list")
def list_weights() -> None:
    """What has a name, under which license, whether it is on this machine."""
    from . import console

    console.show_weights()


@weights.command("fetch")
def fetch_weights(
    name: Annotated[str, typer.Argument(help="Of `microexpr weights list`.")],
    source: Annotated[
        Path | None, typer.Option("--from", metavar="FILE", help="The published file, if downloaded by hand.")
    ] = None,
) -> None:
    """Download published weights, or take a downloaded file; checked before they are kept."""
    from ..networks import pretrained as catalog
    from . import console

    console.print_status(f"fetching {name} ..." if source is None else f"checking {source} ...")
    console.print_status(f"wrote {catalog.fetch(name, source)}")


@weights.command("verify")
def verify_weights(
    name: Annotated[str | None, typer.Argument(help="One; all on this machine when left out.")] = None,
) -> None:
    """Hold weights against their checksums and networks; exit 1 with a list of faults if they differ."""
    from . import console

    if console.show_weight_faults(name):
        raise typer.Exit(1)


@weights.command("convert")
def convert_weights(
    file: Annotated[Path, typer.Argument(metavar="FILE.caffemodel", help="ResNet10 as its authors published it.")],
    out: Annotated[Path | None, typer.Option(help="The file to write; `resnet10-imagenet` if left out.")] = None,
) -> None:
    """Caffe weights of ResNet10 as safetensors."""
    from ..networks import pretrained as catalog
    from . import console

    console.print_status(f"wrote {catalog.convert(file, out)}")
