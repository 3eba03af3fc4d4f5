"""Recipes of recognition: stages, each of which trains a recognizer on clips.

    title = "..."
    [[stages]]
    name = "micro"
    data = ["megc2019"]
    protocol = "megc2019-cde"
    chain = [{name = "load-image"}, {name = "scale", subtract = 127.5, divide = 127.5}]
    recognizer = {name = "svm", C = 10.0}

Each stage starts from the weights of the stage before; the last one is evaluated by its protocol. An unknown key is an
error that names the nearest right one. `stages.*.KEY` sets a value in every stage. A recipe that extends another may
drop stages: `drop_stages = ["macro"]`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

from ..core.errors import RecipeError, did_you_mean
from ..core.registry import validate_settings
from ..protocols import Protocol, load_protocol
from .base import RECIPE_KINDS, Quick, Recipe

CHANGED = "-changed"
"""End of the name of a published protocol of which a recipe changes a field."""


@dataclass(frozen=True)
class Stage:
    """One round of training.

    Attributes:
        name: Name of the stage, e.g. `macro` or `micro`.
        data: Names of the data sets to read.
        protocol: Name of a published protocol, or a table with the fields of `Protocol`.
        chain: Preprocessing steps in order, a table each: `name` and the settings of the step.
        recognizer: Table of the recognizer: `name` and its settings.
        weights: Weights that the network starts from: a name (see `microexpr weights`) or a path; "" starts from the
            stage before, or from random weights.
    """

    name: str
    data: tuple[str, ...]
    protocol: str | dict[str, Any]
    chain: tuple[dict[str, Any], ...]
    recognizer: dict[str, Any]
    weights: str = ""


@dataclass(frozen=True)
class RecognitionRecipe(Recipe):
    """A chain of stages.

    Attributes:
        stages: The stages in order; the last one is evaluated.
    """

    kind = "recognition"
    table = "stages"

    stages: tuple[Stage, ...]

    def __post_init__(self) -> None:
        if not self.stages:
            raise RecipeError(f"recipe '{self.name}' has no stage; write [[stages]]")
        if any(not stage.chain for stage in self.stages):
            raise RecipeError(f"recipe '{self.name}': a stage has an empty chain")
        self.check_protocols()

    def check_protocols(self) -> None:
        """Check that the protocols have what recipes of this kind predict.

        Raises:
            RecipeError: one has not.
        """
        for protocol in (load_protocol(stage.protocol) for stage in self.stages):
            if protocol.multilabel:
                raise RecipeError(
                    f"recipe '{self.name}': protocol '{protocol.name}' has action units, write the table "
                    "[action_units] instead of [[stages]]"
                )

    @classmethod
    def from_settings(cls, settings: Any, *, name: str, title: str, quick: Quick) -> Self:
        """Build a recipe from a list of stages, a table each.

        Raises:
            RecipeError: a wrong or missing key, type or value.
        """
        where = f"recipe '{name}'"
        if not isinstance(settings, Sequence) or isinstance(settings, str):
            raise RecipeError(f"{where}: stages = {settings!r}: write [[stages]], a table for each")
        known = [f.name for f in dataclasses.fields(Stage)]
        needed = [f.name for f in dataclasses.fields(Stage) if f.default is dataclasses.MISSING]
        for number, stage in enumerate(settings, 1):
            if not isinstance(stage, Mapping):
                raise RecipeError(f"{where}: stages = {list(settings)!r}: write [[stages]], a table for each")
            for wrong in (key for key in stage if key not in known):
                raise RecipeError(f"{where}, stage {number} has no setting '{wrong}'{did_you_mean(wrong, known)}")
            for absent in (key for key in needed if key not in stage):
                raise RecipeError(f"{where}, stage {number} lacks '{absent}'; it needs {', '.join(needed)}")
        stages = tuple(validate_settings(Stage, stage, f"{where}, stage '{stage['name']}'") for stage in settings)
        return validate_settings(cls, {}, where, name=name, title=title, stages=stages, quick=quick)

    @property
    def settings(self) -> list[dict[str, Any]]:
        """The stages as tables."""
        return [dataclasses.asdict(stage) for stage in self.stages]

    @property
    def final_stage(self) -> Stage:
        """The last stage: the one that is evaluated."""
        return self.stages[-1]

    @property
    def protocol(self) -> Protocol:
        """The protocol that evaluates the last stage."""
        return load_protocol(self.final_stage.protocol)

    @property
    def datasets(self) -> tuple[str, ...]:
        """Names of the data sets of the last stage."""
        return self.final_stage.data

    @property
    def protocols(self) -> tuple[str, ...]:
        """Name of the last stage's protocol."""
        return (self.protocol.name,)

    def with_settings(self, settings: Mapping[str, Any]) -> Self:
        """Replace some values; `stages.*.KEY` replaces the value in every stage.

        Raises:
            RecipeError: a key leads nowhere in the stage that it names, or a value is wrong.
        """
        every_key = {one: value for key, value in settings.items() for one in self._keys_of(key)}
        return super().with_settings(every_key)

    def _keys_of(self, key: str) -> list[str]:
        """A key itself, or the keys of every stage that `stages.*.KEY` stands for."""
        parts = key.split(".")
        if parts[:2] != ["stages", "*"]:
            return [key]
        return [".".join(["stages", stage.name, *parts[2:]]) for stage in self.stages]

    def locate(self, settings: Any, key: str) -> tuple[Any, list[str]]:
        """A key begins at the last stage, or with `stages.<name>` at the stage of that name.

        Steps of a chain are named by their position or their name: `chain.scale.divide`.

        Raises:
            RecipeError: the key names no stage, or a stage alone.
        """
        parts = key.split(".")
        if parts[0] != "stages":
            return open_protocol(settings[-1], parts), parts
        if len(parts) < 3:
            raise RecipeError(f"--set {key}: leads to no setting; e.g. stages.micro.recognizer.C=1")
        by_name = {stage["name"]: stage for stage in settings}
        if parts[1] in by_name:
            open_protocol(by_name[parts[1]], parts[2:])
        return by_name, parts[1:]

    def with_protocol(self, protocol: str, keep_datasets: bool) -> Self:
        """The recipe with its last stage under another protocol, named after both (once, in a suite of suites).

        Args:
            protocol: Name of a published protocol.
            keep_datasets: Keep the data sets that the recipe names instead of taking the protocol's.

        Raises:
            UnknownNameError: there is no such protocol.
        """
        published = load_protocol(protocol)
        data = self.final_stage.data if keep_datasets else published.datasets
        changed = self.with_settings({"protocol": published.name, "data": list(data)})
        return replace(changed, name=f"{self.name.removesuffix(f'-{published.name}')}-{published.name}")

    def extend(self, name: str, table: Mapping[str, Any]) -> Self:
        """The recipe that a table describes by its differences; `drop_stages` lists stages to leave out.

        Raises:
            RecipeError: a wrong key, type or value, or a stage to drop that there is not.
        """
        rest = dict(table)
        drop = rest.pop("drop_stages", [])
        names = [stage.name for stage in self.stages]
        if not isinstance(drop, list):
            raise RecipeError(f"recipe '{name}': drop_stages = {drop!r}: write a list of stage names")
        for wrong in (stage for stage in drop if stage not in names):
            raise RecipeError(
                f"recipe '{name}': drop_stages = '{wrong}': '{self.name}' has no such stage{did_you_mean(wrong, names)}"
            )
        dropped = tuple(f"stages.{stage}." for stage in drop)
        quick = {key: value for key, value in self.quick.set.items() if not key.startswith(dropped)}
        stages = tuple(stage for stage in self.stages if stage.name not in drop)
        smaller = replace(self, stages=stages, quick=replace(self.quick, set=quick))
        return Recipe.extend(smaller, name, rest)


def open_protocol(stage: dict[str, Any], parts: Sequence[str]) -> dict[str, Any]:
    """The table of a stage, in which a named protocol is a table of its fields if a key leads into it.

    The table has a name of its own: what is published for the named protocol does not hold for it.
    """
    if parts[0] == "protocol" and len(parts) > 1 and isinstance(stage["protocol"], str):
        named = load_protocol(stage["protocol"])
        title = f"Clips and classes of {named.name}, but for what was changed"
        stage["protocol"] = {**dataclasses.asdict(named), "name": f"{named.name}{CHANGED}", "title": title}
    return stage


RECIPE_KINDS.add(RecognitionRecipe.kind, RecognitionRecipe)
