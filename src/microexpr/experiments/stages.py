"""The stages before the last one: each starts from the weights of the one before and is trained once.

A trained stage is cached under a fingerprint of all that it depends on: its settings, protocol and data, those of the
stages before it, and the seed. Recipes with equal first stages therefore train them once.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..core.cache_files import discard, read_sealed, write_sealed
from ..core.clip import Sample
from ..core.config import cache_folder
from ..core.errors import DataError, MissingDataError, ProtocolError
from ..core.files import CHECKPOINT, unique_file_name
from ..core.progress import ProgressCallback
from ..core.tensor_files import read_tensors
from ..metrics import METRICS
from ..networks.pretrained import open_weights
from ..networks.weights import read_weights, state_digest
from ..protocols import Example, Protocol
from ..recipes import RecognitionRecipe, Stage
from ..recognizers import RECOGNIZERS, Recognizer
from ..recognizers.pretraining.pretrain import synthetic_weights
from .data import StageData, prepare_samples
from .options import RunOptions
from .run_folder import fold_seed

State = Mapping[str, np.ndarray]

SYNTHETIC_WEIGHTS = "synthetic images"
"""How a report names the weights that replace published ones on synthetic data."""

LICENSE = "weights learned from licensed faces fall under the licenses of the data sets above"
LICENSE_SYNTHETIC = "MIT; learned from synthetic faces only, and of no use but to try the machinery"


@dataclass(frozen=True)
class InitialWeights:
    """What a stage starts from.

    Attributes:
        state: Named arrays; None for random weights.
        description: One line for reports, e.g. `stage 'macro'`.
        history: Everything that the weights were made from; part of every later stage's fingerprint.
        subjects: The people whose clips the weights were trained on, as far as they come from stages.
    """

    state: State | None
    description: str
    history: tuple[Any, ...]
    subjects: frozenset[str] = frozenset()


def run_earlier_stages(
    stage_data: Sequence[StageData], options: RunOptions, progress: ProgressCallback, test_subjects: Set[str]
) -> tuple[InitialWeights, list[dict[str, Any]]]:
    """Train all stages but the last.

    Args:
        stage_data: Data of all stages, the last one's last.
        options: Options of the run.
        progress: Called as the work goes on.
        test_subjects: Subjects that the last stage tests.

    Returns:
        What the last stage starts from, and a record of each stage before it for the report.

    Raises:
        ProtocolError: an earlier stage would be trained on a subject that the last one tests.
    """
    for data in stage_data[:-1]:
        if both := test_subjects & {example.clip.subject for example in data.train_examples}:
            raise ProtocolError(
                f"stage '{data.stage.name}' would be trained on '{min(both)}', a test subject of the last stage"
            )
    start, records = InitialWeights(None, "random weights", (options.seed,)), []
    for data in stage_data[:-1]:
        start = load_named_weights(start, data.stage, options, progress)
        path, record = fit_stage(start, data, options, progress)
        records.append({"from": start.description, **record})
        start = InitialWeights(
            Recognizer.load(path).passed_on(),
            f"stage '{data.stage.name}'",
            (*start.history, *_history(data)),
            start.subjects | subjects_of(data.train_examples),
        )
    return load_named_weights(start, stage_data[-1].stage, options, progress), records


def fit_stage(
    start: InitialWeights, data: StageData, options: RunOptions, progress: ProgressCallback
) -> tuple[Path, dict[str, Any]]:
    """Train a stage on all its training clips, or take it from the cache.

    Returns:
        The file of the model, and the stage's record for the report.
    """
    path = stage_cache_path(start, data)
    record = read_sealed(_record_path(path))
    if record is None or not is_saved_model(path):
        return path, _train(start, data, path, options, progress)
    return path, json.loads(record)


def is_saved_model(path: Path) -> bool:
    """Whether a file of the cache is there and as it was written; a damaged one is removed."""
    try:
        read_tensors(path)
    except MissingDataError:
        return False
    except DataError:
        discard(path)
        return False
    return True


def require_weights(recipe: RecognitionRecipe, options: RunOptions) -> None:
    """Check that all weights that a recipe names are on this machine, before anything is computed.

    Raises:
        MissingDataError: some are not.
    """
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
        path, description = synthetic_weights(network, cache_folder(), progress), SYNTHETIC_WEIGHTS
        weights = read_weights(path)
    else:
        (weights, _), description = open_weights(stage.weights), stage.weights
    state = {name: tensor.numpy() for name, tensor in weights.items()}
    return InitialWeights(state, description, (start.history[0], description, state_digest(state)))


def stage_cache_path(start: InitialWeights, data: StageData) -> Path:
    """The file of a trained stage in the cache, whether or not it exists."""
    history = json.dumps([*start.history, *_history(data)], sort_keys=True, default=list)
    key = hashlib.sha256(history.encode()).hexdigest()[:16]
    return cache_folder() / "stages" / f"{unique_file_name(data.stage.name)}-{key}.safetensors"


def subjects_of(examples: Iterable[Example]) -> frozenset[str]:
    """The people of some clips."""
    return frozenset(example.clip.subject for example in examples)


def model_metadata(data: StageData, options: RunOptions, subjects: Iterable[str]) -> dict[str, str]:
    """Metadata of a saved model: its chain, so that it can be used alone, and its data, protocol and license.

    Args:
        data: Data of its last stage.
        options: Options of the run.
        subjects: The people whom it was trained on, in all stages; a test of the model looks for them.
    """
    synthetic = [facts["synthetic"] for facts in data.data.values()]
    return {
        "chain": json.dumps(data.stage.chain),
        "array": str(data.stage.recognizer.get("array", "image")),
        "protocol": data.protocol.name,
        "stage": data.stage.name,
        "data": json.dumps(data.data),
        "subjects": json.dumps(sorted(subjects)),
        "synthetic": json.dumps(any(synthetic)),
        "quick": json.dumps(options.quick),
        "license": LICENSE_SYNTHETIC if all(synthetic) else LICENSE,
    }


def drop_faceless(samples: Sequence[Sample], labels: Sequence[str]) -> tuple[list[Sample], list[str]]:
    """Leave out clips in which no face was found, which are not trained on.

    Returns:
        The samples with a face, and their labels.
    """
    pairs = [(s, label) for s, label in zip(samples, labels, strict=True) if s.face_found]
    return [s for s, _ in pairs], [label for _, label in pairs]


def _history(data: StageData) -> tuple[Any, ...]:
    """Everything that a trained stage depends on, except its initial weights."""
    return (
        asdict(data.stage),
        asdict(data.protocol),
        data.data,
        [[example.clip.id, example.label] for example in data.train_examples],
    )


def _record_path(path: Path) -> Path:
    return path.with_suffix(".json")


def _train(
    start: InitialWeights, data: StageData, path: Path, options: RunOptions, progress: ProgressCallback
) -> dict[str, Any]:
    """Train a stage, test it where its protocol holds out subjects, write the model and its record; return this."""
    stage, train = data.stage, data.train_examples
    test = data.folds[0].test if len(data.folds) == 1 else ()
    samples = prepare_samples(data, (*train, *test), options, progress)
    what = f"training stage '{stage.name}'"
    recognizer = RECOGNIZERS.build(
        stage.recognizer,
        classes=data.protocol.classes,
        seed=fold_seed(options.seed, data.folds[0].name if test else stage.name),
        folder=path.with_suffix(""),
    )
    with_face, labels = drop_faceless([samples[e.clip.id] for e in train], [e.label for e in train])
    recognizer.fit(with_face, labels, init=start.state, on_progress=lambda done, total: progress(what, done, total))
    recognizer.save(path, model_metadata(data, options, start.subjects | subjects_of(train)))
    record = {
        "name": stage.name,
        "recognizer": stage.recognizer,
        "data": data.data,
        "clips": len(train),
        "subjects": len({example.clip.subject for example in train}),
        "without_face": len(train) - len(with_face),
        "count_mismatches": data.count_mismatches,
        "curves": recognizer.history_,
        "test": _test_scores(recognizer, test, samples, data.protocol),
        "file": path.name,
    }
    write_sealed(_record_path(path), json.dumps(record).encode())
    (path.with_suffix("") / CHECKPOINT).unlink(missing_ok=True)
    return record


def _test_scores(
    recognizer: Recognizer, test: Sequence[Example], samples: Mapping[str, Sample], protocol: Protocol
) -> dict[str, Any]:
    """Scores of a stage on held-out subjects, for the report only."""
    if not test:
        return {}
    y_pred = recognizer.predict([samples[example.clip.id] for example in test])
    y_true = [example.label for example in test]
    scores = {name: METRICS.get(name).function(y_true, y_pred, recognizer.classes) for name in protocol.primary_metrics}
    return {"clips": len(test), "subjects": len({example.clip.subject for example in test}), **scores}
