"""`microexpr recipes`, `run`, `train` and `report`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..core.errors import UsageError
from ..core.progress import show_progress
from .console import out, print_status
from .options import (
    AllowSubset,
    Data,
    DataSource,
    ExecutorName,
    Plugins,
    Quick,
    Recipe,
    RecipeSettings,
    Roots,
    complete_recipe,
    load_plugins,
    parse_roots,
    parse_settings,
)

if TYPE_CHECKING:
    from ..experiments.recognition import RecognitionRun
    from ..experiments.spotting import SpottingRun


def recipes(
    name: Annotated[
        str | None, typer.Argument(help="Name of a recipe to print; all if left out.", autocompletion=complete_recipe)
    ] = None,
) -> None:
    """List the shipped recipes, or print one of them as TOML."""
    from importlib import resources

    from rich.table import Table

    from ..recipes import load_recipes, shipped_recipes

    if name is not None:
        load_recipes(name)  # an unknown name is an error that suggests the nearest
        file = resources.files("microexpr.recipes") / "shipped" / f"{name}.toml"
        out.print(file.read_text("utf-8"), markup=False, end="")
        return
    table = Table("recipe", "title", "data", "protocol")
    for recipe in shipped_recipes():
        members = load_recipes(recipe)
        data = dict.fromkeys(dataset for member in members for dataset in member.data)
        protocols = dict.fromkeys(protocol for member in members for protocol in member.protocols)
        title = members[0].title if len(members) == 1 else f"{len(members)} recipes in one go"
        table.add_row(recipe, title, ", ".join(data), ", ".join(protocols))
    out.print(table)


def run(
    recipe: Recipe,
    folder: Annotated[Path | None, typer.Option("--out", help="Folder of the run; runs/<recipe> if left out.")] = None,
    executor: ExecutorName = "local",
    workers: Annotated[
        int | None, typer.Option(help="Number of folds that run at once; one for each core if left out.")
    ] = None,
    address: Annotated[
        str | None, typer.Option(help="Address of a Ray cluster; Ray starts on this machine if left out.")
    ] = None,
    seeds: Annotated[int, typer.Option(min=1, help="Number of repetitions, with the seeds 0, 1, 2 ...")] = 1,
    settings: RecipeSettings = [],
    data: Data = DataSource.disk,
    quick: Quick = False,
    allow_subset: AllowSubset = False,
    labels: Annotated[
        Path | None, typer.Option(help="A csv file (clip, label) with labels that a release does not contain.")
    ] = None,
    save_models: Annotated[bool, typer.Option("--save-models", help="Save the trained model of every fold.")] = False,
    process_per_fold: Annotated[
        bool, typer.Option("--process-per-fold", help="Start a new process for each fold, with --executor processes.")
    ] = False,
    root: Roots = [],
    plugin: Plugins = [],
) -> None:
    """Evaluate a recipe under its protocol. The same command continues an interrupted run."""
    from ..experiments.options import RunOptions
    from ..experiments.recognition_folds import evaluate_seeds
    from ..experiments.spotting_videos import spot_seeds
    from ..recipes import RecognitionRecipe, load_recipes
    from ..reports import make_report
    from ..reports.formats.terminal import print_report

    load_plugins(plugin)
    members = [member.with_user_overrides(parse_settings(settings)) for member in load_recipes(recipe)]
    synthetic = data is DataSource.synthetic
    folder = folder or _default_folder(recipe, synthetic, quick)
    options = RunOptions(
        synthetic=synthetic,
        quick=quick,
        allow_subset=allow_subset,
        executor=executor,
        workers=workers,
        address=address,
        roots=parse_roots(root),
        labels=labels,
        save_models=save_models,
        process_per_fold=process_per_fold,
    )
    is_suite = len(members) > 1
    finished: list[RecognitionRun | SpottingRun] = []
    for member in members:
        member_folder = folder / member.name if is_suite else folder
        with show_progress(name=member.name if is_suite else "") as progress:
            if isinstance(member, RecognitionRecipe):
                finished += evaluate_seeds(member, member_folder, options, seeds, progress)
            else:
                finished += spot_seeds(member, member_folder, options, seeds, progress)
    print_report(make_report(finished), out)
    runs = f"{folder}/*" if is_suite else str(folder)
    print_status(f"wrote {folder}; `microexpr report {runs} --html` writes a page of it")


def train(
    recipe: Recipe,
    target: Annotated[Path, typer.Option("--out", help="The file to write.")] = Path("model.safetensors"),
    seed: Annotated[int, typer.Option(help="Seed of all random choices.")] = 0,
    settings: RecipeSettings = [],
    data: Data = DataSource.disk,
    quick: Quick = False,
    allow_subset: AllowSubset = False,
    root: Roots = [],
    plugin: Plugins = [],
) -> None:
    """Train on all subjects of a recipe. This gives a model for `analyze --model`, and no score."""
    from ..experiments.options import RunOptions
    from ..experiments.train import train as train_recipe
    from ..recipes import load_recipe

    load_plugins(plugin)
    options = RunOptions(
        synthetic=data is DataSource.synthetic,
        quick=quick,
        allow_subset=allow_subset,
        executor="processes",
        seed=seed,
        roots=parse_roots(root),
    )
    with show_progress() as progress:
        loaded = load_recipe(recipe).with_user_overrides(parse_settings(settings))
        file = train_recipe(loaded, target, options, progress)
    print_status(f"wrote {file}; `microexpr run {recipe}` evaluates such models on subjects they were not trained on")


def report(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN...", help="Folders of runs.")],
    form: Annotated[
        str,
        typer.Option("--format", metavar="NAME", help="json, markdown, latex, html or one of a plug-in."),
    ] = "",
    json: Annotated[bool, typer.Option("--json", help="One JSON object for each run.")] = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="Markdown tables.")] = False,
    latex: Annotated[bool, typer.Option("--latex", help="LaTeX tables.")] = False,
    html: Annotated[bool, typer.Option("--html", help="One self-contained page.")] = False,
    target: Annotated[
        Path | None, typer.Option("--out", help="The file to write; --html writes <run>/report.html if left out.")
    ] = None,
    figures: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Write every figure as PNG and SVG, and nothing else.")
    ] = None,
    plugin: Plugins = [],
) -> None:
    """Report runs as tables, pages or figures. Scores have confidence intervals, and published ones beside them."""
    from ..experiments.recognition import find_runs
    from ..experiments.spotting import find_spotting
    from ..reports import make_report
    from ..reports.formats.terminal import print_report

    load_plugins(plugin)
    form = _chosen_format(form, {"json": json, "markdown": markdown, "latex": latex, "html": html})
    if figures is not None and (form or target):
        raise UsageError(f"--figures and {'--format' if form else '--out'} exclude each other: choose one")
    found: list[RecognitionRun | SpottingRun] = [*find_spotting(runs)]
    report = make_report(found or [run for folder in runs for run in find_runs(folder)])
    if target is None and form == "html":
        target = runs[0] / "report.html"
    if figures is not None:
        number = report.save_figures(figures)
        print_status(f"wrote {number} figures below {figures}, each as PNG and SVG")
    elif target is not None:
        print_status(f"wrote {report.save(target, form)}")
    elif form:
        typer.echo(report.render(form))
    else:
        print_report(report, out)


def _default_folder(recipe: str, synthetic: bool, quick: bool) -> Path:
    """`runs/<recipe>`, with a suffix for what is not the full experiment."""
    name = Path(recipe).stem
    if synthetic:
        name += "-synthetic"
    if quick:
        name += "-quick"
    return Path("runs", name)


def _chosen_format(form: str, flags: Mapping[str, bool]) -> str:
    """The name of the format, given by `--format` or by a flag; "" for none."""
    given = [f"--{name}" for name, is_set in flags.items() if is_set]
    if form:
        given.append("--format")
    if len(given) > 1:
        raise UsageError(f"{given[0]} and {given[1]} exclude each other: choose one")
    return form or next((name for name, is_set in flags.items() if is_set), "")
