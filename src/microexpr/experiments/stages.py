"""The stages before the last one: each begins from the weights of the one before, is learned once, and is kept.

A stage is found again by a fingerprint of all that it was made from: its settings, protocol and data, those of the
stages before it, and the seed. Recipes that share stages therefore share what was learned.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..core.clip import Sample
from ..core.config import cache_folder
from ..core.errors import ProtocolError
from ..core.files import CHECKPOINT, slug, write_atomically
from ..core.progress import ProgressCallback
from ..metrics import METRICS
from ..networks.pretrained import open_weights
from ..networks.weights import read_weights
from ..protocols import Example
from ..recipes import RecognitionRecipe, Stage
from ..recognizers import RECOGNIZERS, Recognizer
from ..recognizers.pretraining.pretrain import synthetic_weights
from .data import StageData, prepare_samples
from .options import RunOptions
from .recognition import fold_seed

State = Mapping[str, np.ndarray]
SYNTHETIC_WEIGHTS = "synthetic pictures"
LICENSE = "weights learned from licensed faces fall under the licenses of the data sets above"
LICENSE_SYNTHETIC = "MIT; learned from synthetic faces only, and of no use but to try the machinery"


@dataclass(frozen=True)
class InitialWeights:
    """What a stage begins from.

    Attributes:
        state: named arrays; None for weights drawn at random.
        what: a line for people.
        history: everything that it was made from; part of every later stage's fingerprint.
    """

    state: State | None
    description: str
    history: tuple[Any, ...]


def run_earlier_stages(
    intakes: Sequence[StageData], options: RunOptions, progress: ProgressCallback, tested: set[str]
) -> tuple[InitialWeights, list[dict[str, Any]]]:
    """What the last stage begins from, and a record of each stage before it for the report.

    Args:
        intakes: of all stages, the judged one last.
        options: of the run.
        progress: called as the work goes on.
        tested: people whom the last stage tests.

    Raises:
        ProtocolError: an earlier stage would learn from a person that the last one tests.
    """
    for intake in intakes[:-1]:
        if both := tested & {e.clip.subject for e in intake.train_examples}:
            raise ProtocolError(
                f"stage '{intake.stage.name}' would learn from '{min(both)}', whom the last stage tests"
            )
    start, records = InitialWeights(None, "random weights", (options.seed,)), []
    for intake in intakes[:-1]:
        start = load_named_weights(start, intake.stage, options, progress)
        path, record = fit_stage(start, intake, options, progress)
        records.append({"from": start.description, **record})
        state = Recognizer.load(path).state()
        start = InitialWeights(state, f"stage '{intake.stage.name}'", (*start.history, *_history(intake)))
    return load_named_weights(start, intakes[-1].stage, options, progress), records


def fit_stage(
    start: InitialWeights, intake: StageData, options: RunOptions, progress: ProgressCallback
) -> tuple[Path, dict[str, Any]]:
    """The file of what a stage learned from all that it is taught, and its record; from the cache if it is there."""
    path = stage_cache_path(start, intake)
    if not path.is_file() or not _record(path).is_file():
        _train(start, intake, path, options, progress)
    return path, json.loads(_record(path).read_text(encoding="utf-8"))


def require_weights(recipe: RecognitionRecipe, options: RunOptions) -> None:
    """Complain of weights that are not here before hours of work, not after."""
    for stage in recipe.stages:
        if stage.weights and not options.synthetic:
            open_weights(stage.weights)


def load_named_weights(
    start: InitialWeights, stage: Stage, options: RunOptions, progress: ProgressCallback
) -> InitialWeights:
    """The weights that a stage names, or those of the stage before."""
    if not stage.weights:
        return start
    if options.synthetic:
        network = stage.recognizer.get("network", {})
        path, what = synthetic_weights(network, cache_folder(), progress), SYNTHETIC_WEIGHTS
        weights = read_weights(path)
    else:
        (weights, _), what = open_weights(stage.weights), stage.weights
    state = {name: tensor.numpy() for name, tensor in weights.items()}
    digest = hashlib.sha256()
    for name in sorted(state):
        digest.update(name.encode() + state[name].tobytes())
    return InitialWeights(state, what, (start.history[0], what, digest.hexdigest()[:16]))


def stage_cache_path(start: InitialWeights, intake: StageData) -> Path:
    """The file in the cache that holds what a stage learned, whether or not it is there."""
    history = json.dumps([*start.history, *_history(intake)], sort_keys=True, default=list)
    key = hashlib.sha256(history.encode()).hexdigest()[:16]
    return cache_folder() / "stages" / f"{slug(intake.stage.name)}-{key}.safetensors"


def model_metadata(intake: StageData, options: RunOptions) -> dict[str, str]:
    """What a saved model says of itself: enough to use it alone, and to know where it comes from."""
    synthetic = [about["synthetic"] for about in intake.data.values()]
    return {
        "chain": json.dumps(intake.stage.chain),
        "array": str(intake.stage.recognizer.get("array", "image")),
        "protocol": intake.protocol.name,
        "stage": intake.stage.name,
        "data": json.dumps(intake.data),
        "synthetic": json.dumps(any(synthetic)),
        "quick": json.dumps(options.quick),
        "license": LICENSE_SYNTHETIC if all(synthetic) else LICENSE,
    }


def drop_faceless(samples: Sequence[Sample], labels: Sequence[str]) -> tuple[list[Sample], list[str]]:
    """Those to learn from: a clip without a face teaches nothing."""
    pairs = [(s, label) for s, label in zip(samples, labels, strict=True) if s.face_found]
    return [s for s, _ in pairs], [label for _, label in pairs]


def _history(intake: StageData) -> tuple[Any, ...]:
    return (
        asdict(intake.stage),
        asdict(intake.protocol),
        intake.data,
        [[e.clip.id, e.label] for e in intake.train_examples],
    )


def _record(path: Path) -> Path:
    return path.with_suffix(".json")


def _train(
    start: InitialWeights, intake: StageData, path: Path, options: RunOptions, progress: ProgressCallback
) -> None:
    """Learn a stage, ask it about the people that its protocol keeps apart, and keep both."""
    stage, rules, taught = intake.stage, intake.protocol, intake.train_examples
    test = intake.folds[0].test if len(intake.folds) == 1 else ()
    samples = prepare_samples(intake, (*taught, *test), options, progress)
    what = f"learning stage '{stage.name}'"
    learner = RECOGNIZERS.build(
        stage.recognizer,
        classes=rules.classes,
        seed=fold_seed(options.seed, intake.folds[0].name if test else stage.name),
        folder=path.with_suffix(""),
    )
    used, labels = drop_faceless([samples[e.clip.id] for e in taught], [e.label for e in taught])
    learner.fit(used, labels, init=start.state, on_progress=lambda done, total: progress(what, done, total))
    learner.save(path, model_metadata(intake, options))
    record = {
        "name": stage.name,
        "recognizer": stage.recognizer,
        "data": intake.data,
        "clips": len(taught),
        "subjects": len({e.clip.subject for e in taught}),
        "without_face": len(taught) - len(used),
        "count_mismatches": intake.count_mismatches,
        "curves": learner.history_,
        "test": _test_scores(learner, test, samples, intake),
        "file": path.name,
    }
    write_atomically(_record(path), (json.dumps(record, indent=1) + "\n").encode())
    (path.with_suffix("") / CHECKPOINT).unlink(missing_ok=True)


def _test_scores(
    learner: Recognizer, test: Sequence[Example], samples: Mapping[str, Sample], intake: StageData
) -> dict[str, Any]:
    """How the stage does on people it did not learn from; nothing is chosen by it."""
    if not test:
        return {}
    guess, truth, classes = (
        learner.predict([samples[e.clip.id] for e in test]),
        [e.label for e in test],
        learner.classes,
    )
    scores = {name: METRICS.get(name).function(truth, guess, classes) for name in intake.protocol.primary_metrics}
    return {"clips": len(test), "subjects": len({e.clip.subject for e in test}), **scores}
