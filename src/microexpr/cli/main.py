"""The command line: parsing only; each command is one call."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from .. import __version__
from ..core import errors
from .analyze import analyze
from .live import live
from .options import Plugins, Roots, load_plugins, roots_of, settings_of
from .serve import serve
from .weights import weights

app = typer.Typer(
    help="Recognize facial micro-expressions: leak-free evaluation, from clips to a score one can publish.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.add_typer(weights, name="weights")
app.command()(analyze)
app.command()(live)
app.command()(serve)


class ExecutorName(StrEnum):
    """Where folds run."""

    local = "local"
    processes = "processes"
    ray = "ray"


class Data(StrEnum):
    """Which data."""

    disk = "disk"
    synthetic = "synthetic"


class Precision(StrEnum):
    """Of a network's numbers."""

    fp32 = "fp32"
    bf16 = "bf16"


class Device(StrEnum):
    """What computes."""

    auto = "auto"
    cpu = "cpu"
    cuda = "cuda"


RunFolders = Annotated[list[Path], typer.Argument(metavar="RUN...", help="Run folders.")]


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"microexpr {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version and leave.")
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
) -> None:
    context.obj = {"debug": debug}  # read by main, from the arguments, when an error arrives there


@app.command()
def demo(
    out: Annotated[Path, typer.Option(help="Where to write runs and report.")] = Path("demo"),
    executor: Annotated[ExecutorName, typer.Option(help="Where folds run.")] = ExecutorName.processes,
) -> None:
    """The whole story on synthetic faces: a few minutes, no license needed."""
    from . import console
    from . import demo as story

    with console.progress() as progress:
        page = story.run_demo(out, executor.value, progress)
    console.print_status(
        f"\nOpen {page} in a browser. The faces are synthetic: these numbers show that the machinery works, no more."
    )


@app.command()
def datasets(
    name: Annotated[str | None, typer.Argument(help="One data set; all when left out.")] = None,
    root: Roots = [],
    plugin: Plugins = [],
) -> None:
    """What can be read, what it holds, how to get it, whether it is on this machine."""
    from . import console

    load_plugins(plugin)
    console.show_datasets(name, roots_of(root))


@app.command()
def recipes(name: Annotated[str | None, typer.Argument(help="One recipe, as TOML; all when left out.")] = None) -> None:
    """The recipes that ship with the package."""
    from . import console

    console.show_recipes(name)


@app.command()
def check(
    name: Annotated[str, typer.Argument(help="A data set.")],
    root: Roots = [],
    plugin: Plugins = [],
) -> None:
    """Hold a folder against the published facts; exit 1 with a list of faults if it differs."""
    from . import console

    load_plugins(plugin)
    if console.show_faults(name, roots_of(root)):
        raise typer.Exit(1)


@app.command()
def synthesize(
    name: Annotated[str, typer.Argument(help="A data set.")],
    folder: Annotated[Path, typer.Argument(metavar="ROOT", help="Where to write it; must be empty or not there.")],
    subjects: Annotated[
        int | None, typer.Option(help="Only so many subjects; all, with the published counts, if left out.")
    ] = None,
    image_scale: Annotated[float, typer.Option(help="Size of the images as a share of the release's own.")] = 1.0,
    seed: Annotated[int, typer.Option(help="Of everything that is drawn.")] = 0,
    plugin: Plugins = [],
) -> None:
    """Write a synthetic copy of a release in its own folders and sheet."""
    from ..datasets import DATASETS
    from . import console

    load_plugins(plugin)
    with console.progress() as progress:
        progress(f"writing a synthetic {name}", 0, 1)
        made = DATASETS.get(name).make_synthetic(folder, subjects=subjects, image_scale=image_scale, seed=seed)
        progress(f"writing a synthetic {name}", 1, 1)
    console.print_status(f"{len(made.clips())} synthetic clips in {folder}")


@app.command()
def pretrain(
    root: Annotated[Path, typer.Argument(metavar="ROOT", help="Pictures: train/<class>/*.jpg, or packed files.")],
    network: Annotated[str, typer.Option(help="E.g. resnet10, resnet18, resnet50.")] = "resnet10",
    name: Annotated[str, typer.Option(help="Of the weights; NETWORK-ROOT if left out.")] = "",
    out: Annotated[Path | None, typer.Option(help="The file to write; NAME among the weights if left out.")] = None,
    epochs: Annotated[int, typer.Option(min=1, help="How often each picture is seen.")] = 64,
    batch_size: Annotated[int, typer.Option(min=2, help="Pictures of a step, over all processes.")] = 256,
    lr: Annotated[float, typer.Option(help="Learning rate at the start.")] = 0.1,
    size: Annotated[int, typer.Option(min=1, help="Pixels of a training picture.")] = 224,
    precision: Annotated[Precision, typer.Option(help="Of the numbers.")] = Precision.fp32,
    device: Annotated[Device, typer.Option(help="What computes.")] = Device.auto,
    workers: Annotated[int, typer.Option(min=1, help="Threads that read pictures.")] = 4,
    seed: Annotated[int, typer.Option(help="Of everything that is drawn.")] = 0,
    set: Annotated[list[str], typer.Option("--set", metavar="KEY=VALUE", help="E.g. schedule=cosine, parts=4.")] = [],
    synthetic: Annotated[
        bool, typer.Option("--synthetic", help="Draw patterns into ROOT first, if it is empty.")
    ] = False,
    plugin: Plugins = [],
) -> None:
    """Train a network from scratch on labeled pictures; goes on where it was stopped; runs under torchrun too."""
    from . import console

    load_plugins(plugin)
    chosen = {"epochs": epochs, "batch_size": batch_size, "lr": lr, "size": size, "workers": workers, "seed": seed}
    values = {**chosen, "precision": precision.value, "device": device.value, **settings_of(set)}
    console.show_pretraining(root, {"name": network}, values, out or name, synthetic)


@app.command()
def run(
    recipe: Annotated[str, typer.Argument(help="A shipped recipe's name, or a path that ends in .toml.")],
    out: Annotated[Path | None, typer.Option(help="The run's folder; runs/<recipe> if left out.")] = None,
    executor: Annotated[ExecutorName, typer.Option(help="Where folds run.")] = ExecutorName.local,
    workers: Annotated[int | None, typer.Option(help="How many folds at once; one a core if left out.")] = None,
    address: Annotated[str | None, typer.Option(help="Of a Ray cluster; Ray starts here if left out.")] = None,
    seeds: Annotated[int, typer.Option(min=1, help="How many times, with seeds 0, 1, 2 ...")] = 1,
    set: Annotated[list[str], typer.Option("--set", metavar="KEY=VALUE", help="E.g. recognizer.C=3.")] = [],
    data: Annotated[
        Data, typer.Option(help="`synthetic` writes synthetic copies of the releases that the recipe names.")
    ] = Data.disk,
    quick: Annotated[
        bool,
        typer.Option("--quick", help="For a laptop: fewer subjects, smaller images, fewer epochs; the report says so."),
    ] = False,
    allow_subset: Annotated[
        bool, typer.Option("--allow-subset", help="Run although clips are lacking; the report says so.")
    ] = False,
    labels: Annotated[
        Path | None, typer.Option(help="csv (clip, label): the judged label where a release does not give it.")
    ] = None,
    save_models: Annotated[
        bool, typer.Option("--save-models", help="Keep what each fold learned, in RUN/models.")
    ] = False,
    process_per_fold: Annotated[
        bool, typer.Option("--process-per-fold", help="A new process for each fold (--executor processes).")
    ] = False,
    root: Roots = [],
    plugin: Plugins = [],
) -> None:
    """Train and evaluate; goes on where it was stopped."""
    from ..experiments.options import RunOptions
    from ..experiments.recognition_folds import evaluate_seeds
    from ..experiments.spotting_videos import spot_seeds
    from ..recipes import RecognitionRecipe, load_recipes
    from . import console

    load_plugins(plugin)
    members = [member.with_user_overrides(settings_of(set)) for member in load_recipes(recipe)]
    synthetic = data is Data.synthetic
    folder = out or Path("runs") / "-".join([Path(recipe).stem, *["synthetic"] * synthetic, *["quick"] * quick])
    options = RunOptions(
        synthetic=synthetic,
        quick=quick,
        allow_subset=allow_subset,
        executor=executor.value,
        workers=workers,
        address=address,
        roots=roots_of(root),
        labels=labels,
        save_models=save_models,
        process_per_fold=process_per_fold,
    )
    groups, spotted = [], []
    for member in members:
        place = folder / member.name if len(members) > 1 else folder
        with console.progress(member.name if len(members) > 1 else "") as progress:
            if isinstance(member, RecognitionRecipe):
                groups.append(evaluate_seeds(member, place, options, seeds, progress))
            else:
                spotted += spot_seeds(member, place, options, seeds, progress)
    console.show_report(groups, spotted)
    pages = f"{folder}/*" if len(members) > 1 else str(folder)
    console.print_status(f"kept in {folder}; `microexpr report {pages} --html` makes a page of it")


@app.command()
def train(
    recipe: Annotated[str, typer.Argument(help="A shipped recipe's name, or a path that ends in .toml.")],
    out: Annotated[Path, typer.Option(help="The file to write.")] = Path("model.safetensors"),
    seed: Annotated[int, typer.Option(help="Of everything that is drawn.")] = 0,
    set: Annotated[list[str], typer.Option("--set", metavar="KEY=VALUE", help="E.g. recognizer.C=3.")] = [],
    data: Annotated[
        Data, typer.Option(help="`synthetic` writes synthetic copies of the releases that the recipe names.")
    ] = Data.disk,
    quick: Annotated[
        bool,
        typer.Option("--quick", help="For a laptop: fewer subjects, smaller images, fewer epochs; the report says so."),
    ] = False,
    allow_subset: Annotated[bool, typer.Option("--allow-subset", help="Learn although clips are lacking.")] = False,
    root: Roots = [],
    plugin: Plugins = [],
) -> None:
    """Learn from all people of a recipe: a model for `analyze`, not a score."""
    from ..experiments.options import RunOptions
    from ..experiments.train import train as learn
    from ..recipes import load_recipe
    from . import console

    load_plugins(plugin)
    options = RunOptions(
        synthetic=data is Data.synthetic,
        quick=quick,
        allow_subset=allow_subset,
        executor=ExecutorName.processes.value,
        seed=seed,
        roots=roots_of(root),
    )
    with console.progress() as progress:
        file = learn(load_recipe(recipe).with_user_overrides(settings_of(set)), out, options, progress)
    console.print_status(
        f"kept in {file}; `microexpr run {recipe}` says how well such a model does on people it has not seen"
    )


@app.command()
def report(
    runs: RunFolders,
    json: Annotated[bool, typer.Option("--json", help="One JSON object a run.")] = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="Markdown tables.")] = False,
    latex: Annotated[bool, typer.Option("--latex", help="LaTeX tables.")] = False,
    html: Annotated[bool, typer.Option("--html", help="One self-contained page.")] = False,
    out: Annotated[
        Path | None, typer.Option(help="The file to write; the page goes to RUN/report.html if left out.")
    ] = None,
    figures: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Write every picture as PNG and SVG, nothing else.")
    ] = None,
) -> None:
    """Read runs: scores with intervals, the majority's guess and the published numbers beside them."""
    from ..experiments.recognition import find_runs
    from ..experiments.spotting import find_spotting
    from ..reports import render
    from . import console

    wanted = [name for name, on in (("json", json), ("markdown", markdown), ("latex", latex), ("html", html)) if on]
    if len(wanted) > 1:
        raise errors.UsageError(f"--{wanted[0]} and --{wanted[1]}: choose one")
    if figures is not None and (wanted or out):
        raise errors.UsageError(f"--figures and --{wanted[0] if wanted else 'out'}: choose one")
    spotted = find_spotting(runs)
    if spotted and figures is not None:
        raise errors.UsageError("--figures: a spotting run has tables only; try --html")
    groups = [] if spotted else [find_runs(folder) for folder in runs]
    if figures is not None:
        console.write_figures(groups, figures)
        return
    if not wanted:
        console.show_report(groups, spotted)
        return
    text = render(groups, wanted[0], spotted)
    target = out or (runs[0] / "report.html" if html else None)
    if target is None:
        typer.echo(text)
        return
    from ..core.files import write_atomically

    write_atomically(target, text.encode())
    console.print_status(f"wrote {target}")


@app.command()
def export(
    source: Annotated[Path, typer.Argument(metavar="RUN_OR_FILE", help="A run that kept a model, or a saved model.")],
    out: Annotated[Path, typer.Argument(metavar="OUT.onnx", help="The file to write.")],
) -> None:
    """A trained network as an ONNX file."""
    from ..recognizers.onnx_export import export as export_model
    from . import console

    console.print_status(f"wrote {export_model(source, out)}")


def main(arguments: Sequence[str] | None = None) -> None:
    """Entry point: every error that a user can do something about is one line."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        code = app(given, prog_name="microexpr", standalone_mode=False)
    except BrokenPipeError:  # `microexpr report RUN | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    except Exception as fault:
        if "--debug" in given:
            raise
        typer.echo(_wrong_use(fault) or f"microexpr: {_line(fault)}", err=True)
        code = getattr(fault, "exit_code", 1)
    if code == 130:  # what the parser makes of Ctrl-C
        typer.echo("microexpr: stopped; the same command goes on from here", err=True)
    sys.exit(code or 0)


def _wrong_use(fault: Exception) -> str:
    """What the parser complains of; the help itself where nothing was asked for."""
    if not hasattr(fault, "format_message"):
        return ""
    said, context = fault.format_message(), getattr(fault, "ctx", None)
    if type(fault).__name__ == "NoArgsIsHelpError":
        return said
    about = context.command_path if context else "microexpr"
    return f"microexpr: {errors.one_line(said).rstrip('.')}; `{about} --help` lists what it takes"


def _line(fault: Exception) -> str:
    """What went wrong in one line, without control characters that a file name may hold."""
    text = str(fault)
    if isinstance(fault, OSError) and not isinstance(fault, errors.MicroexprError):
        text = f"'{fault.filename}' cannot be read or written: {fault.strerror}"
    elif not isinstance(fault, errors.MicroexprError):
        text = f"{type(fault).__name__}: {fault}; this should not happen, `microexpr --debug ...` shows where it did"
    return errors.one_line(text)
