"""Pages of the reference on what recipes are made of: a section for each class of a registry."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

from descriptors import descriptor_table
from docstrings import description, further, join, settings, summary, table

SET_BY_THE_PROGRAM = {"classes", "seed", "fold", "folder"}
"""Fields of a recognizer that a fold sets, not a recipe."""


def class_sections(
    registry: Iterable[tuple[str, type]], hidden: Iterable[str] = (), *, level: str = "##"
) -> Iterable[str]:
    """Yield a section for each class of a registry: its name, what it is and its settings."""
    for name, cls in registry:
        yield f"{level} `{name}`"
        yield description(cls)
        if dataclasses.is_dataclass(cls):
            yield settings(cls, hidden)
        yield f"Class `{cls.__module__}.{cls.__qualname__}`"


def overview(registry: Iterable[tuple[str, type]], head: str) -> str:
    """Return a table of the names of a registry, each with a link to its section."""
    return table((head, "what it is"), [(f"[`{name}`](#{name})", summary(cls)) for name, cls in registry])


def steps_page() -> str:
    """Return the page of preprocessing steps."""
    from microexpr.preprocessing import STEPS
    from microexpr.preprocessing.apex_finding import APEX_FINDERS

    return join(
        [
            "# Preprocessing steps",
            "A chain is a list of steps, in the order in which a recipe names them. Each step takes a sample (a clip "
            "with the arrays computed so far) and returns a sample. The settings of all steps of a chain are the key "
            "of its results in the cache.",
            '```toml\nchain = [{name = "load-image"}, {name = "resize", size = 28}]\n```',
            overview(STEPS, "step"),
            *class_sections(STEPS),
            "## Finding the apex",
            "What the setting `without_apex` of several steps chooses for clips whose apex the protocol hides or the "
            "data set does not have. [Measured errors](../how-to/apex-finding.md).",
            table(("`without_apex`", "the apex is"), [(f"`{name}`", summary(f)) for name, f in APEX_FINDERS]),
            *(f"**`{name}`.** {text}" for name, f in APEX_FINDERS if (text := further(f))),
        ]
    )


def features_page() -> str:
    """Return the page of descriptors."""
    from microexpr.features import FEATURES

    return join(
        [
            "# Descriptors",
            "Features that are computed from an array by fixed rules, without training. The step "
            "[`descriptor`](steps.md#descriptor) applies them.",
            overview(FEATURES, "descriptor"),
            "## All descriptors compared",
            descriptor_table(FEATURES),
            *class_sections(FEATURES),
        ]
    )


def networks_page() -> str:
    """Return the page of networks, and of all that the recognizer `network` trains them with."""
    from microexpr.networks import NETWORKS
    from microexpr.networks.training import Optimizer, Sampler, Schedule
    from microexpr.recognizers.augmentation import AUGMENTATIONS, Crop
    from microexpr.recognizers.freezing import Freezing
    from microexpr.recognizers.pretraining.settings import Pretraining

    parts = [
        "# Networks and their training",
        "The recognizer [`network`](recognizers.md#network) trains one of these networks. Each of its tables is "
        "described on this page.",
        '```toml\nrecognizer = {name = "network", network = {name = "ststnet"}, optimizer = {lr = 1e-3}}\n```',
        overview(NETWORKS, "network"),
        *class_sections(NETWORKS),
    ]
    tables = {"optimizer": Optimizer, "schedule": Schedule, "sampler": Sampler, "crop": Crop, "freeze": Freezing}
    for name, cls in tables.items():
        parts += [f"## Table `{name}`", description(cls), settings(cls)]
    parts += [
        "## Augmentations",
        "The list `augment` holds one table for each random change of a training image. Random numbers are drawn once "
        "for each clip, so all frames of a clip change alike.",
        '```toml\naugment = [{name = "horizontal-flip"}, {name = "rotate", p = 0.5}]\n```',
        overview(AUGMENTATIONS, "augmentation"),
        *class_sections(AUGMENTATIONS, level="###"),
    ]
    parts += [
        "## Pretraining",
        "Settings of `microexpr pretrain`, which trains a network on labeled images.",
        settings(Pretraining),
    ]
    return join(parts)


def recognizers_page() -> str:
    """Return the page of recognizers."""
    from microexpr.recognizers import RECOGNIZERS
    from microexpr.recognizers.transforms import TRANSFORMS
    from microexpr.synthetic.motion.expressions import Expressions
    from microexpr.synthetic.motion.faults import Faults
    from microexpr.synthetic.motion.generator import MotionGenerator, People

    drawing = {"": MotionGenerator, "expressions": Expressions, "people": People, "faults": Faults}
    return join(
        [
            "# Recognizers",
            "A recognizer is fitted on the training clips of a fold and predicts the class probabilities of its test "
            "clips. The tables of the recognizer `network` are described with the [networks](networks.md).",
            overview(RECOGNIZERS, "recognizer"),
            *class_sections(RECOGNIZERS, SET_BY_THE_PROGRAM),
            "## Transforms",
            "The list `transforms` of the recognizer [`pipeline`](#pipeline) holds a table for each. A transform "
            "learns from the training clips of a fold, and makes another array of that of each clip.",
            '```toml\nrecognizer = {name = "pipeline", transforms = [{name = "genetic-selection"}], '
            'recognizer = {name = "svm", array = "features"}}\n```',
            overview(TRANSFORMS, "transform"),
            *class_sections(TRANSFORMS, level="###"),
            "## What `synthetic-motion` draws",
            "The table `motion` of the recognizer, and the tables in it.",
            *(
                part
                for name, cls in drawing.items()
                for part in (f"### `motion.{name}`".replace(".`", "`"), description(cls), settings(cls))
            ),
        ]
    )


def spotters_page() -> str:
    """Return the page of spotters."""
    from microexpr.spotting import SPOTTERS

    return join(
        [
            "# Spotters",
            "A spotter finds the intervals in which a tracked face moves. `microexpr analyze --set spotter.name=mdmd` "
            "chooses one, and `--set spotter.p=0.05` sets one of its settings.",
            overview(SPOTTERS, "spotter"),
            *class_sections(SPOTTERS),
        ]
    )


def executors_page() -> str:
    """Return the page of executors and of the options of a run."""
    from microexpr.core.executors import EXECUTORS
    from microexpr.experiments.options import RunOptions

    return join(
        [
            "# Executors and options of a run",
            "An executor decides where the folds of a run are computed. All of them write equal files on one kind of "
            "device, but for the rounding of the compiled steps of `batched`.",
            overview(EXECUTORS, "executor"),
            *class_sections(EXECUTORS),
            "## Options of a run",
            description(RunOptions),
            settings(RunOptions, first_column="option"),
        ]
    )


def leak_checks_page() -> str:
    """Return the page of the checks that an audit tries."""
    from microexpr.experiments.leak_checks import LEAK_CHECKS

    rows = [(f"[`{name}`](#{name})", check.question, check.catches) for name, check in LEAK_CHECKS]
    return join(
        [
            "# Checks for leaks",
            "`microexpr audit` tries each of them on one fold of a recipe, with few clips and epochs: see [audit a "
            "recipe for leaks](../how-to/audit.md).",
            table(("check", "asked", "leaks that show in it"), rows),
            *class_sections(LEAK_CHECKS),
        ]
    )
