"""Tasks: the kinds of recipes that can be run. One more task is one new file, registered in `TASKS`.

A task has three parts under one name: the recipe (`recipes.RECIPE_KINDS`), the task itself with its run folder
(`TASKS`), and the report (in `reports`).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

from ..core.errors import RecipeError, UsageError
from ..core.progress import ProgressCallback
from ..core.registry import Registry
from ..recipes import Recipe
from .options import RunOptions
from .run_folder import Run


class Task(ABC):
    """How recipes of one kind are run."""

    name: ClassVar[str]
    """The name that the task is registered under; equal to `kind` of its recipes and runs."""

    run_class: ClassVar[type[Run]]
    """The class that opens its run folders."""

    @abstractmethod
    def run(self, recipe: Any, out: Path, options: RunOptions, progress: ProgressCallback) -> Run:
        """Run a recipe of this kind, or continue it where it was stopped.

        Args:
            recipe: The recipe.
            out: The run's folder; a run of the same recipe, data and seed that is there is continued.
            options: Options of the run.
            progress: Called with what is being done, how much of it is done, and how much there is.

        Returns:
            The complete run.

        Raises:
            ProtocolError: the data differ from the published counts, and `options.allow_subset` is not set.
            RunError: `out` holds another run, or a job failed (the results of the others are saved).
        """

    def run_seeds(
        self, recipe: Any, folders: Mapping[int, Path], options: RunOptions, progress: ProgressCallback
    ) -> Sequence[Run]:
        """Run a recipe with several seeds: one after the other, unless a kind of task can do them at once.

        Args:
            recipe: The recipe.
            folders: Seed -> folder of its run.
            options: Options of every run but for the seed.
            progress: As in `run`.

        Returns:
            The complete runs in the order of `folders`.

        Raises:
            ProtocolError, RunError: as `run`.
        """
        return [self.run(recipe, out, replace(options, seed=seed), progress) for seed, out in folders.items()]

    def keeps_epochs(self, recipe: Any) -> bool:
        """Whether a recipe trains in epochs, so that `RunOptions.keep_epochs` can keep what they predict."""
        return False

    def train(self, recipe: Any, out: Path, options: RunOptions, progress: ProgressCallback) -> Path:
        """Train on all subjects of a recipe and write the model to the file `out`.

        Raises:
            UsageError: recipes of this kind have no model to be trained on all subjects.
        """
        raise UsageError(f"'{recipe.name}' is a recipe of {self.name}, which trains no model; `microexpr run` runs it")


@contextmanager
def errors_naming(recipe: Recipe) -> Iterator[None]:
    """Put the name of the recipe before what is wrong with it: a step or a network does not know who named it."""
    try:
        yield
    except RecipeError as error:
        begin = f"recipe '{recipe.name}'"
        raise RecipeError(str(error) if str(error).startswith(begin) else f"{begin}: {error}") from error


TASKS: Registry[Task] = Registry("task", "microexpr.experiments")
"""Name -> task."""
