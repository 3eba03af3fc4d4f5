"""Run a recipe or a suite with one or several seeds; find and open runs on disk."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

from ..core.errors import MissingDataError, UsageError
from ..core.progress import ProgressCallback, show_progress
from ..core.registry import names_of
from ..recipes import Recipe, load_recipes
from .base import TASKS, errors_naming
from .options import RunOptions
from .run_folder import Run, read_run_json

if TYPE_CHECKING:
    import pandas as pd

DEEPEST = 3
"""How many folders below the given one a run may be: the suites of `runs/`, their recipes, and the seeds of each."""


class Runs(Sequence[Run]):
    """Several runs: one recipe with several seeds, or the recipes of a suite."""

    def __init__(self, runs: Sequence[Run]) -> None:
        self._runs = tuple(runs)

    @overload
    def __getitem__(self, index: int) -> Run: ...
    @overload
    def __getitem__(self, index: slice) -> Runs: ...
    def __getitem__(self, index: int | slice) -> Run | Runs:
        return Runs(self._runs[index]) if isinstance(index, slice) else self._runs[index]

    def __len__(self) -> int:
        return len(self._runs)

    def __repr__(self) -> str:
        return f"Runs([{', '.join(map(repr, self._runs))}])"

    @property
    def kind(self) -> str:
        """Name of the task that all of them are runs of.

        Raises:
            UsageError: they are of several tasks, or there is none.
        """
        kinds = sorted({run.kind for run in self._runs})
        if len(kinds) != 1:
            raise UsageError(f"these are runs of {' and '.join(kinds) or 'nothing'}; report each kind by itself")
        return kinds[0]

    def by_recipe(self) -> list[Runs]:
        """The runs of each recipe together, a run for each seed, in the order in which the recipes first appear."""
        groups: dict[tuple[str, str], list[Run]] = {}
        for run in self._runs:
            groups.setdefault((str(run.metadata.recipe["name"]), run.metadata.key), []).append(run)
        return [Runs(group) for group in groups.values()]

    def to_dataframe(self) -> pd.DataFrame:
        """Return all results as one table; the columns `recipe` and `seed` name the run."""
        import pandas as pd

        tables = []
        for run in self._runs:
            table = run.to_dataframe()
            table.insert(0, "recipe", run.metadata.recipe["name"])
            table.insert(1, "seed", run.metadata.seed)
            tables.append(table)
        return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()

    def _repr_html_(self) -> str:
        """For notebooks: the state of each run, and the results as one table."""
        from html import escape

        lines = "".join(f"<li>{escape(repr(run)[1:-1])}</li>" for run in self._runs)
        return f"<ul>{lines}</ul>{self.to_dataframe().to_html(max_rows=10)}"


def run_recipe(  # noqa: PLR0913
    recipe: str | Path | Recipe,
    out: str | Path | None = None,
    *,
    roots: Mapping[str, str | Path] | None = None,
    set: Mapping[str, Any] | None = None,
    seeds: int = 1,
    synthetic: bool = False,
    quick: bool = False,
    allow_subset: bool = False,
    labels: str | Path | None = None,
    executor: str = "local",
    workers: int | None = None,
    address: str | None = None,
    gpus: float = 0.0,
    save_models: bool = False,
    process_per_fold: bool = False,
    keep_epochs: int = 0,
    progress: ProgressCallback | bool = True,
) -> Run | Runs:
    """Train and evaluate a recipe. Called again with the same arguments, it continues, or returns the finished run.

    Args:
        recipe: Name of a shipped recipe or suite, path of a TOML file, or a recipe.
        out: The run's folder; `runs/<recipe>` if left out. Each recipe of a suite, and each seed where there are
            several, has a folder of its own below it.
        roots: Data set -> folder; takes precedence over the configuration.
        set: Dotted key of the recipe -> value, e.g. `{"recognizer.C": 3}`.
        seeds: How many times to run, with seeds 0, 1, 2 ...
        synthetic: Run on synthetic copies of the releases instead of the licensed ones.
        quick: Make the run smaller by the recipe's table `quick`; the report states it.
        allow_subset: Run although the data differ from the published counts; the report states it.
        labels: csv with the columns clip, label: the label of clips whose release does not give it.
        executor: Where jobs run: `local`, `processes`, `ray`, or any other registered executor.
        workers: Number of jobs at once; as many as there are cores if left out.
        address: Address of a Ray cluster.
        gpus: GPUs of each job, with the executor `ray`; a fraction lets several jobs share one.
        save_models: Save the model of each fold in `<run>/models`.
        process_per_fold: Start a new process for each fold; only with the executor `processes`.
        keep_epochs: Epochs between two whose predictions are kept, of recognizers that are trained in epochs; the
            report then says what choosing the epoch on test subjects would have added. 0 keeps none.
        progress: True shows progress bars, False shows nothing; or a function that is called with what is being done,
            how much of it is done, and how much there is.

    Returns:
        The run, for one recipe with one seed; otherwise all runs, sorted by recipe and then by seed.

    Raises:
        RecipeError: a wrong key, type or value.
        ProtocolError: the data differ from the published counts, and `allow_subset` is not set.
        RunError: `out` holds another run, or a job failed (the results of the others are saved).
        UsageError: `keep_epochs` without a recipe that is trained in epochs, or another option that does not fit.
    """
    members = [recipe] if isinstance(recipe, Recipe) else load_recipes(recipe)
    name = recipe.name if isinstance(recipe, Recipe) else str(recipe)
    folder = default_folder(name, synthetic, quick) if out is None else Path(out)
    options = RunOptions(
        synthetic=synthetic,
        quick=quick,
        allow_subset=allow_subset,
        executor=executor,
        workers=workers,
        address=address,
        gpus=gpus,
        roots={data: Path(root) for data, root in (roots or {}).items()},
        labels=None if labels is None else Path(labels),
        save_models=save_models,
        process_per_fold=process_per_fold,
        keep_epochs=keep_epochs,
    )
    changed = [member.with_user_overrides(set or {}) for member in members]
    if keep_epochs and not any(map(_keeps_epochs, changed)):
        raise UsageError(f"--keep-epochs: '{name}' has no recognizer that is trained in epochs; leave the option out")
    runs: list[Run] = []
    for member in changed:
        below = folder / member.name if len(members) > 1 else folder
        with show_progress(progress) as callback:
            named = _prefixed(callback, f"{member.name}: ") if len(members) > 1 else callback
            runs += run_seeds(member, below, options, seeds, named)
    return runs[0] if len(runs) == 1 else Runs(runs)


def _keeps_epochs(recipe: Recipe) -> bool:
    with errors_naming(recipe):
        return TASKS.get(recipe.kind)().keeps_epochs(recipe)


def run_seeds(recipe: Recipe, out: Path, options: RunOptions, seeds: int, progress: ProgressCallback) -> list[Run]:
    """Run a recipe with seeds 0, 1, 2 ...; with more than one, each in the folder `seed-<n>` below `out`."""
    task = TASKS.get(recipe.kind)()
    with errors_naming(recipe):
        if seeds == 1:
            return [task.run(recipe, out, options, progress)]
        return list(task.run_seeds(recipe, {n: out / f"seed-{n}" for n in range(seeds)}, options, progress))


def default_folder(name: str, synthetic: bool = False, quick: bool = False) -> Path:
    """The default folder of a run: `runs/<recipe>`, with suffixes for synthetic and quick runs.

    Args:
        name: Name of a recipe, or path of its TOML file.
        synthetic: The run is on synthetic data.
        quick: The run is made smaller.
    """
    parts = [Path(name).stem if name.endswith(".toml") else name]
    if synthetic:
        parts.append("synthetic")
    if quick:
        parts.append("quick")
    return Path("runs") / "-".join(parts)


def open_run(folder: str | Path) -> Run:
    """Open the run in a folder, whatever its task.

    Raises:
        MissingDataError: the folder holds no run.
        RunError: its `run.json` is damaged, or from a later version.
        MissingPluginError: its task is one of a plug-in that is not loaded.
    """
    kind = read_run_json(Path(folder))["kind"]
    with names_of(f"run '{folder}'"):
        return TASKS.get(kind).run_class.open(Path(folder))


def find_runs(folders: str | Path | Sequence[str | Path]) -> Runs:
    """Open the run in each folder, or all runs (seeds, recipes of a suite, suites) below it.

    Raises:
        MissingDataError: a folder holds no run.
        RunError: a run is damaged.
    """
    given = [folders] if isinstance(folders, (str, Path)) else folders
    return Runs([open_run(path) for folder in given for path in _run_folders(Path(folder))])


def _run_folders(folder: Path) -> Iterator[Path]:
    if (folder / "run.json").is_file():
        yield folder
        return
    below = sorted(path.parent for depth in range(1, DEEPEST + 1) for path in folder.glob(f"{'*/' * depth}run.json"))
    if not below:
        raise MissingDataError(f"'{folder}' holds no run (no run.json in it or below it)")
    yield from below


def _prefixed(progress: ProgressCallback, prefix: str) -> ProgressCallback:
    return lambda what, done, total: progress(f"{prefix}{what}", done, total)
