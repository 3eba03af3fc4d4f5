"""Testing a saved model on a labeled data set, with the same run and report as a recipe."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Literal, TypeVar, cast, get_args

from ..core.action_units import are_action_units
from ..core.clip import Clip
from ..core.errors import UsageError
from ..core.files import file_digest
from ..core.progress import ProgressCallback, show_progress
from ..datasets import open_dataset
from ..protocols import PROTOCOLS, TEST_ONLY, Protocol, load_protocol
from ..recipes import RECIPE_KINDS, Quick
from ..recognizers.model import Model, load_model
from ..recognizers.saved_model import TrainedOn
from .base import TASKS
from .options import RunOptions
from .recognition_run import RecognitionRun

T = TypeVar("T")

Seen = Literal["refuse", "skip", "mark"]
"""What is done with people whom a model was trained on."""


def test_model(  # noqa: PLR0913
    model: str | Path,
    data: str | Sequence[str],
    protocol: str | Mapping[str, object] = "",
    *,
    out: str | Path | None = None,
    roots: Mapping[str, str | Path] | None = None,
    seen: Seen = "refuse",
    allow_subset: bool = False,
    labels: str | Path | None = None,
    progress: ProgressCallback | bool = True,
) -> RecognitionRun:
    """Test a saved model on every clip of a labeled data set; nothing is trained.

    The result is a run like that of a recipe, with one fold: `make_report` and `compare_runs` take it.

    Args:
        model: The file, `.safetensors` or `.onnx`.
        data: Name of the data set, or several.
        protocol: Name of the protocol, or a table with the fields of `Protocol`, that gives the classes, the labels
            and what is revealed of a clip; the one that the model was trained under if left out. A data set that it
            does not name is tested by its own labels.
        out: The run's folder; `runs/test-<model>-<data>` if left out.
        roots: Data set -> folder; takes precedence over the configuration.
        seen: What is done with people whom the model was trained on: `refuse` the test, `skip` their clips, or `mark`
            the report. A score on them says nothing about new people.
        allow_subset: Test although the data differ from the published counts; the report states it.
        labels: csv with the columns clip, label: the label of clips whose release does not give it.
        progress: Whether to show the progress, or a function to call instead.

    Returns:
        The complete run.

    Raises:
        UsageError: the model was trained on people of the data, or has other classes than the protocol.
        MissingDataError: there is no such model, or a data set is not on this machine.
        ProtocolError: no clip takes part, or the data differ from the published counts and `allow_subset` is not set.
        RunError: `out` holds another run.
    """
    path = Path(model)
    loaded = load_model(path)
    names = (data,) if isinstance(data, str) else tuple(data)
    folders = {name: Path(folder) for name, folder in (roots or {}).items()}
    options = RunOptions(allow_subset=allow_subset, roots=folders, labels=None if labels is None else Path(labels))
    clips = [clip for name in names for clip in open_dataset(name, folders.get(name)).clips(allow_missing=True)]
    rules = _test_protocol(_protocol_of(loaded, path, protocol), clips)
    rules = _without_seen(rules, clips, TrainedOn.of(path), path, seen)
    kind = "action-units" if are_action_units(loaded.classes) else "recognition"
    stage = {
        "data": list(names),
        "protocol": asdict(rules),
        "chain": loaded.chain.settings,
        "recognizer": {"name": "saved-model", "file": str(path.absolute()), "digest": file_digest(path)},
    }
    settings = stage if kind == "action-units" else [{"name": "test", **stage}]
    title = f"{path.name}, a saved model" + (f" of recipe {r}" if (r := loaded.metadata.get("recipe")) else "")
    recipe = RECIPE_KINDS.get(kind).from_settings(settings, name=path.stem, title=title, quick=Quick())
    folder = Path("runs") / f"test-{path.stem}-{'-'.join(names)}" if out is None else Path(out)
    with show_progress(progress) as callback:
        return cast(RecognitionRun, TASKS.get(kind)().run(recipe, folder, options, callback))


test_model.__test__ = False  # type: ignore[attr-defined]  # pytest takes functions of this name for tests


def _protocol_of(model: Model, path: Path, given: str | Mapping[str, object]) -> Protocol:
    """The protocol that is given, or that the model was trained under.

    Raises:
        UsageError: none is given, and the model names none; or its classes are not those of the model.
    """
    named = model.metadata.get("protocol", "")
    if not given and named not in PROTOCOLS:
        raise UsageError(f"model '{path}' names no protocol that is known ('{named}'); give one with --protocol")
    protocol = load_protocol(given or named)
    if sorted(protocol.classes) != sorted(model.classes):
        raise UsageError(
            f"model '{path}' tells {', '.join(model.classes)}; protocol '{protocol.name}' has "
            f"{', '.join(protocol.classes)}; give a protocol of the model's classes"
        )
    return protocol


def _test_protocol(protocol: Protocol, clips: Sequence[Clip]) -> Protocol:
    """The protocol with the data sets of some clips only, all of which are tested."""
    datasets = tuple(sorted({clip.dataset for clip in clips}))

    def here(values: Mapping[str, T]) -> dict[str, T]:
        return {name: value for name, value in values.items() if name in datasets}

    return replace(
        protocol,
        name=f"{protocol.name}-test",
        title=f"All clips of {', '.join(datasets)} tested with one saved model; classes of {protocol.name}",
        datasets=datasets,
        split=TEST_ONLY,
        test_subjects=(),
        average="pooled",
        counts=here(protocol.counts),
        clip_totals=here(protocol.clip_totals),
        subjects=here(protocol.subjects),
    )


def _without_seen(protocol: Protocol, clips: Sequence[Clip], trained: TrainedOn, path: Path, seen: Seen) -> Protocol:
    """The protocol without the people whom a model was trained on, or as it is, as `seen` says.

    Raises:
        UsageError: there are such people and `seen` refuses them, or there is nobody else.
    """
    if seen not in get_args(Seen):
        raise UsageError(f"seen = '{seen}': choose one of {', '.join(get_args(Seen))}")
    people = sorted({clip.subject for clip in clips})
    known = set(trained.seen(people))
    if not known or seen == "mark":
        return protocol
    how = "was trained on" if trained.subjects is not None else "does not say whether it was trained on"
    who = f"model '{path}' {how} {len(known)} of the {len(people)} people of these clips, e.g. '{min(known)}'"
    if len(known) == len(people):
        raise UsageError(
            f"{who}; a score on them says nothing about new people; take other data, or mark it: --seen mark"
        )
    if seen == "refuse":
        raise UsageError(
            f"{who}; a score on them says nothing about new people; --seen skip tests the others, --seen mark tests "
            "all and marks the report"
        )
    left_out = {clip.id: "its person was trained on" for clip in clips if clip.subject in known}
    return replace(protocol, exclude={**protocol.exclude, **left_out}, counts={}, clip_totals={}, subjects={})
