"""`microexpr recipes`, `run`, `train` and `report`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from ..core.errors import UsageError
from ..core.progress import show_progress
from .console import out, print_status
from .options import (
    Address,
    AllowSubset,
    Data,
    DataSource,
    ExecutorName,
    Gpus,
    Labels,
    Plugins,
    Quick,
    Recipe,
    RecipeSettings,
    Roots,
    Seen,
    complete_dataset,
    complete_recipe,
    load_plugins,
    parse_roots,
    parse_settings,
)


def recipes(
    name: Annotated[
        str | None, typer.Argument(help="Name of a recipe to print; all if left out.", autocompletion=complete_recipe)
    ] = None,
) -> None:
    """List the shipped recipes, or print one of them as TOML."""
    from ..recipes import load_recipes, recipe_text, shipped_recipes

    if name is not None:
        out.print(recipe_text(name), markup=False, end="")
        return
    for recipe in shipped_recipes():
        members = load_recipes(recipe)
        data = dict.fromkeys(dataset for member in members for dataset in member.datasets)
        protocols = dict.fromkeys(protocol for member in members for protocol in member.protocols)
        title = members[0].title if len(members) == 1 else f"{len(members)} recipes in one go"
        lines = (recipe, f"  {title}", f"  {', '.join(data)}; {', '.join(protocols) or 'spotting'}")
        out.print("\n".join(lines), markup=False)  # no table: the longest names would leave no room for the rest


def run(
    recipe: Recipe,
    folder: Annotated[Path | None, typer.Option("--out", help="Folder of the run; runs/<recipe> if left out.")] = None,
    executor: ExecutorName = "local",
    workers: Annotated[
        int | None, typer.Option(help="Number of folds that run at once; one for each core if left out (batched: all).")
    ] = None,
    address: Address = None,
    gpus: Gpus = 0.0,
    seeds: Annotated[int, typer.Option(min=1, help="Number of repetitions, with the seeds 0, 1, 2 ...")] = 1,
    settings: RecipeSettings = [],
    data: Data = DataSource.disk,
    quick: Quick = False,
    allow_subset: AllowSubset = False,
    labels: Labels = None,
    save_models: Annotated[bool, typer.Option("--save-models", help="Save the trained model of every fold.")] = False,
    process_per_fold: Annotated[
        bool, typer.Option("--process-per-fold", help="Start a new process for each fold, with --executor processes.")
    ] = False,
    keep_epochs: Annotated[
        int, typer.Option("--keep-epochs", metavar="N", min=0, help="Keep what every Nth epoch predicts; 0 for none.")
    ] = 0,
    root: Roots = [],
    plugin: Plugins = [],
) -> None:
    """Evaluate a recipe under its protocol. The same command continues an interrupted run."""
    from ..experiments.runs import default_folder, run_recipe
    from ..reports import make_report
    from ..reports.formats.terminal import print_report

    load_plugins(plugin)
    synthetic = data is DataSource.synthetic
    folder = folder or default_folder(recipe, synthetic, quick)
    with show_progress() as progress:
        runs = run_recipe(
            recipe,
            folder,
            roots=parse_roots(root),
            set=parse_settings(settings),
            seeds=seeds,
            synthetic=synthetic,
            quick=quick,
            allow_subset=allow_subset,
            labels=labels,
            executor=executor,
            workers=workers,
            address=address,
            gpus=gpus,
            save_models=save_models,
            process_per_fold=process_per_fold,
            keep_epochs=keep_epochs,
            progress=progress,
        )
    print_report(make_report(runs), out)
    print_status(f"wrote {folder}; `microexpr report {folder} --html` writes a page of it")


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
    from ..experiments.train import train_model
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
        file = train_model(loaded, target, options, progress)
    print_status(f"wrote {file}; `microexpr run {recipe}` evaluates such models on subjects they were not trained on")


def test(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="A saved model, .safetensors or .onnx.")],
    data: Annotated[
        list[str],
        typer.Option("--data", metavar="NAME", help="The data set to test it on.", autocompletion=complete_dataset),
    ],
    protocol: Annotated[
        str,
        typer.Option(metavar="NAME", help="Protocol of the classes; the one of the model's training if left out."),
    ] = "",
    folder: Annotated[
        Path | None, typer.Option("--out", help="Folder of the run; runs/test-<model>-<data> if left out.")
    ] = None,
    seen: Annotated[Seen, typer.Option(help="What is done with people whom the model was trained on.")] = Seen.refuse,
    allow_subset: AllowSubset = False,
    labels: Labels = None,
    root: Roots = [],
    plugin: Plugins = [],
) -> None:
    """Test a saved model on a labeled data set.

    Every clip is asked about, nothing is trained, and the report is that of a run.
    """
    from ..experiments.testing import test_model
    from ..reports import make_report
    from ..reports.formats.terminal import print_report

    load_plugins(plugin)
    with show_progress() as progress:
        done = test_model(
            model,
            data,
            protocol,
            out=folder,
            roots=parse_roots(root),
            seen=seen.value,
            allow_subset=allow_subset,
            labels=labels,
            progress=progress,
        )
    print_report(make_report(done), out)
    print_status(f"wrote {done.folder}; `microexpr report {done.folder} --html` writes a page of it")


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
    published: Annotated[
        bool, typer.Option("--published", help="Print the published numbers of single data sets and folds too.")
    ] = False,
    plugin: Plugins = [],
) -> None:
    """Report runs as tables, pages or figures. Scores have confidence intervals, and published ones beside them."""
    from ..experiments.runs import find_runs
    from ..reports import make_report
    from ..reports.formats.terminal import print_report

    load_plugins(plugin)
    form = _chosen_format(form, {"json": json, "markdown": markdown, "latex": latex, "html": html})
    if figures is not None and (form or target):
        raise UsageError(f"--figures and {'--format' if form else '--out'} exclude each other: choose one")
    report = make_report(find_runs(runs))
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
        print_report(report, out, everything=published)


def _chosen_format(form: str, flags: Mapping[str, bool]) -> str:
    """The name of the format, given by `--format` or by a flag; "" for none."""
    given = [f"--{name}" for name, is_set in flags.items() if is_set]
    if form:
        given.append("--format")
    if len(given) > 1:
        raise UsageError(f"{given[0]} and {given[1]} exclude each other: choose one")
    return form or next((name for name, is_set in flags.items() if is_set), "")
