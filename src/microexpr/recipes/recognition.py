"""Recipe: a chain of stages, as TOML and as frozen dataclasses.

    title = "..."
    [[stages]]
    name = "micro"
    data = ["megc2019"]
    protocol = "megc2019-cde"
    chain = [{name = "load-image"}, {name = "scale", subtract = 127.5, divide = 127.5}]
    recognizer = {name = "svm", C = 10.0}

Each stage begins from the weights of the one before; the last is judged by its protocol. An unknown key is an error
that names the nearest right one. A recipe that differs little from another says only how:

    title = "..."
    extends = "peng2018-hde"               # a shipped recipe
    drop_stages = ["macro"]               # stages to leave out
    [set]                               # as with --set
    "recognizer.epochs" = 20

A recipe of spotting has one table instead of stages:

    title = "..."
    [spotting]
    data = ["casme_sq", "samm_lv"]
    spotter = {name = "mdmd", p = 0.01}
"""

from __future__ import annotations

import copy
import dataclasses
import hashlib
import json
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib import resources
from pathlib import Path
from typing import Any

from ..core.errors import MissingDataError, RecipeError, UnknownNameError, did_you_mean
from ..core.registry import validate_settings
from ..protocols import Protocol, load_protocol
from .base import Quick
from .spotting import SpottingRecipe, spotting_recipe


@dataclass(frozen=True)
class Stage:
    """What is learned from which clips, and how.

    Attributes:
        name: e.g. `macro`, `micro`.
        data: the data sets that are read.
        protocol: a published protocol's name, or a table of one's own.
        chain: steps, a table each.
        recognizer: a table.
        weights: of a network, by name (`microexpr weights`) or path, to begin from; "" begins from the stage before.
    """

    name: str
    data: tuple[str, ...]
    protocol: str | dict[str, Any]
    chain: tuple[dict[str, Any], ...]
    recognizer: dict[str, Any]
    weights: str = ""


@dataclass(frozen=True)
class RecognitionRecipe:
    """A chain of stages.

    Attributes:
        name: the file's name without `.toml`.
        title: one line for people.
        stages: in order; the last is judged.
        quick: what `--quick` changes.
    """

    name: str
    title: str
    stages: tuple[Stage, ...]
    quick: Quick = field(default_factory=Quick)

    def __post_init__(self) -> None:
        if not self.stages:
            raise RecipeError(f"recipe '{self.name}' has no stage; write [[stages]]")
        if any(not stage.chain for stage in self.stages):
            raise RecipeError(f"recipe '{self.name}': a stage has an empty chain")

    @property
    def final_stage(self) -> Stage:
        """The last stage."""
        return self.stages[-1]

    @property
    def protocol(self) -> Protocol:
        """The protocol that judges the last stage."""
        return load_protocol(self.final_stage.protocol)

    @property
    def data(self) -> tuple[str, ...]:
        """The data sets of the last stage."""
        return self.final_stage.data

    @property
    def protocols(self) -> tuple[str, ...]:
        """What judges it."""
        return (self.protocol.name,)

    @property
    def key(self) -> str:
        """Changes when any setting of a stage does; the title may change freely."""
        content = json.dumps(self.as_dict()["stages"], sort_keys=True)
        return hashlib.sha256(content.encode()).hexdigest()[:16]

    def as_dict(self) -> dict[str, Any]:
        """As it would stand in TOML."""
        return dataclasses.asdict(self)

    def with_settings(self, settings: Mapping[str, Any]) -> RecognitionRecipe:
        """The recipe with some values replaced.

        Args:
            settings: dotted key -> value; `stages.micro.recognizer.C`, or `recognizer.C` for the last stage. Steps of
                a chain are named by their position or their name: `chain.scale.divide`.

        Raises:
            RecipeError: the key leads nowhere; the nearest is named.
        """
        tree = copy.deepcopy(self.as_dict())
        for key, value in settings.items():
            _put(tree, key, value)
        return _recipe(self.name, tree)

    def with_user_overrides(self, settings: Mapping[str, Any]) -> RecognitionRecipe:
        """As `with_settings`, for values that a user chose: `--quick` does not undo them."""
        changed = self.with_settings(settings)
        return replace(changed, quick=replace(changed.quick, set={**changed.quick.set, **settings}))


@dataclass(frozen=True)
class Suite:
    """Several recipes under several protocols, to be compared.

    Attributes:
        recipes: names of shipped recipes.
        protocols: names of published protocols; each recipe's last stage is run under each, on its data sets. Without
            one, every recipe is run as it stands, under its own.
        keep_datasets: each recipe keeps the data sets that it names (precomputed releases stand for several).
    """

    recipes: tuple[str, ...]
    protocols: tuple[str, ...] = ()
    keep_datasets: bool = False

    def members(self) -> list[RecognitionRecipe]:
        """One recipe for each pair, named after both; or each recipe as it stands."""
        if not self.protocols:
            return [load_recipe(name) for name in self.recipes]
        pairs = [(load_protocol(p), load_recipe(name)) for p in self.protocols for name in self.recipes]
        changed = [
            r.with_settings(
                {"protocol": rules.name, "data": list(r.final_stage.data if self.keep_datasets else rules.datasets)}
            )
            for rules, r in pairs
        ]
        return [replace(r, name=f"{r.name}-{rules.name}") for (rules, _), r in zip(pairs, changed, strict=True)]


def load_recipe(name: str | Path) -> RecognitionRecipe:
    """A shipped recipe by name, or one of your own by its path.

    Raises:
        UnknownNameError: no such recipe ships with the package.
        MissingDataError: the path leads nowhere.
        RecipeError: not TOML, a suite, or a wrong key, type or value.
    """
    found = load_recipes(name)
    if len(found) != 1:
        raise RecipeError(f"'{name}' is a suite of {len(found)} recipes, not a recipe")
    if isinstance(found[0], SpottingRecipe):
        raise RecipeError(f"'{name}' is a recipe of spotting, not of recognition; `microexpr run` runs it")
    return found[0]


def load_recipes(name: str | Path) -> Sequence[RecognitionRecipe] | Sequence[SpottingRecipe]:
    """The recipe of that name or path, or every recipe of a suite.

    Raises:
        UnknownNameError, MissingDataError, RecipeError: as `load`.
    """
    text = str(name)
    if text.endswith(".toml"):
        path = Path(name)
        if not path.is_file():
            raise MissingDataError(f"recipe '{path}' is not a file")
        try:
            return _parse_all(path.stem, path.read_text(encoding="utf-8"))
        except UnicodeDecodeError:
            raise RecipeError(f"recipe '{path}' is not TOML: it is no text in UTF-8") from None
    if text not in shipped_recipes():
        raise UnknownNameError("recipe", text, shipped_recipes())
    return _parse_all(
        text, (resources.files("microexpr.recipes") / "shipped" / f"{text}.toml").read_text(encoding="utf-8")
    )


def shipped_recipes() -> list[str]:
    """Names of the recipes that ship with the package."""
    folder = resources.files("microexpr.recipes") / "shipped"
    return sorted(file.name.removesuffix(".toml") for file in folder.iterdir() if file.name.endswith(".toml"))


def parse(name: str, text: str) -> RecognitionRecipe:
    """A recipe from TOML."""
    return _recipe(name, _table(name, text))


def _parse_all(name: str, text: str) -> Sequence[RecognitionRecipe] | Sequence[SpottingRecipe]:
    table = _table(name, text)
    if "spotting" in table:
        return [spotting_recipe(name, table)]
    if "suite" not in table:
        return [_recipe(name, table)]
    return validate_settings(Suite, table["suite"], f"suite '{name}'").members()


def _table(name: str, text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as fault:
        raise RecipeError(f"recipe '{name}' is not TOML: {fault}") from None


def toml_value(text: str) -> Any:
    """The value of `--set key=text`: TOML where it is TOML, otherwise the text itself."""
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def _recipe(name: str, table: Mapping[str, Any]) -> RecognitionRecipe:
    where = f"recipe '{name}'"
    rest = {key: value for key, value in table.items() if key != "name"}
    if "extends" in rest:
        return replace(_changed(where, rest), name=name)
    for absent in (key for key in ("title", "stages") if key not in rest):
        near = did_you_mean(absent, [key for key in rest if key != "quick"]) if rest else ""
        raise RecipeError(f"{where} lacks '{absent}'{near}")
    stages = rest.pop("stages")
    if not isinstance(stages, Sequence) or isinstance(stages, str):
        raise RecipeError(f"{where}: stages = {stages!r}: write [[stages]], a table for each")
    known = [f.name for f in dataclasses.fields(Stage)]
    needed = [f.name for f in dataclasses.fields(Stage) if f.default is dataclasses.MISSING]
    for number, stage in enumerate(stages, 1):
        for wrong in (key for key in stage if key not in known):
            raise RecipeError(f"{where}, stage {number} has no setting '{wrong}'{did_you_mean(wrong, known)}")
        for absent in (key for key in needed if key not in stage):
            raise RecipeError(f"{where}, stage {number} lacks '{absent}'; it needs {', '.join(needed)}")
    small = validate_settings(Quick, rest.pop("quick", {}), f"{where}, table 'quick'")
    built = tuple(validate_settings(Stage, stage, f"{where}, stage '{stage['name']}'") for stage in stages)
    return validate_settings(RecognitionRecipe, rest, where, name=name, stages=built, quick=small)


@dataclass(frozen=True)
class _Change:
    """A recipe told by how it differs from a shipped one."""

    title: str
    extends: str
    drop_stages: tuple[str, ...] = ()
    set: dict[str, Any] = field(default_factory=dict)
    quick: dict[str, Any] = field(default_factory=dict)


def _changed(where: str, table: Mapping[str, Any]) -> RecognitionRecipe:
    change = validate_settings(_Change, table, where)
    base = load_recipe(change.extends)
    for wrong in (name for name in change.drop_stages if name not in {stage.name for stage in base.stages}):
        known = [stage.name for stage in base.stages]
        raise RecipeError(f"{where}: without = '{wrong}': '{base.name}' has no such stage{did_you_mean(wrong, known)}")
    gone = tuple(f"stages.{name}." for name in change.drop_stages)
    small = dataclasses.asdict(base.quick) | change.quick
    small["set"] = {key: v for key, v in base.quick.set.items() if not key.startswith(gone)} | change.quick.get(
        "set", {}
    )
    kept = tuple(stage for stage in base.stages if stage.name not in change.drop_stages)
    built = replace(
        base, title=change.title, stages=kept, quick=validate_settings(Quick, small, f"{where}, table 'quick'")
    )
    return built.with_settings(change.set)


def _put(tree: dict[str, Any], key: str, value: Any) -> None:
    """Set one dotted key in a recipe's tree."""
    parts = key.split(".")
    stages = {stage["name"]: stage for stage in tree["stages"]}
    node: Any = tree["stages"][-1]
    if parts[0] == "stages":
        node, parts = stages, parts[1:]
    for depth, part in enumerate(parts[:-1]):
        node = _child(node, part, key, depth)
    last = parts[-1] if parts else ""
    if isinstance(node, dict) and node is not stages:
        node[last] = value  # whether the key exists is checked where the class is known
    else:
        raise RecipeError(f"--set {key}: leads to no setting; e.g. recognizer.C=1 or chain.scale.divide=2")


def _child(node: Any, part: str, key: str, depth: int) -> Any:
    if isinstance(node, (list, tuple)):
        named = {str(i): child for i, child in enumerate(node)} | {c["name"]: c for c in node if "name" in c}
        node = named
    if not isinstance(node, dict) or part not in node:
        known = node if isinstance(node, dict) else {}
        raise RecipeError(f"--set {key}: there is no '{part}'{did_you_mean(part, [str(k) for k in known])}")
    return node[part]
