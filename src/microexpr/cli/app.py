"""The Typer application: all commands in the order in which the help lists them."""

from __future__ import annotations

from typing import Annotated

import typer

from .. import __version__
from .analyze import analyze
from .audit import audit
from .collect import collect
from .datasets import check, datasets, synthesize
from .demo import demo
from .experiments import recipes, report, run, test, train
from .inject import inject
from .live import live
from .pretrain import pretrain
from .score import score
from .serve import serve
from .train_aam import train_aam
from .weights import export, weights

app = typer.Typer(
    help="Recognize facial micro-expressions and evaluate recognizers without leaks between subjects.",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"microexpr {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version and exit.")
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
) -> None:
    context.obj = {"debug": debug}  # `main` reads it from the arguments when an error arrives there


for command in (
    demo,
    analyze,
    live,
    serve,
    datasets,
    check,
    synthesize,
    inject,
    collect,
    recipes,
    run,
    report,
    audit,
    test,
    score,
    train,
    export,
    pretrain,
    train_aam,
):
    app.command()(command)
app.add_typer(weights, name="weights")
