"""The figures of a report of recognition, for its page and as files for a paper."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial

from matplotlib.figure import Figure

from ..core.files import unique_file_name
from ..experiments.examples import MAX_DIFFERENCE, PIXELS, ExampleClip, load_examples
from ..experiments.recognition_run import RecognitionRun
from ..imaging.flow_colors import STRAIN_LIMIT
from .base import FigureSpec
from .plots import (
    confusion_figure,
    curves_figure,
    flow_figure,
    flows_figure,
    network_figure,
    sequence_figure,
    strip_figure,
)
from .summary import Summary
from .tables import format_number

Curves = Mapping[str, Sequence[Mapping[str, float]]]


def make_figures(summary: Summary) -> list[FigureSpec]:
    """All figures, in the order of the page."""
    return [*_confusions(summary), *run_figures(summary.run)]


def run_figures(run: RecognitionRun) -> list[FigureSpec]:
    """The figures that do not depend on what is predicted: training curves, clips, and the network."""
    return [*_curves(run), *_clips(run), *_network(run)]


def _confusions(summary: Summary) -> Iterator[FigureSpec]:
    heading, classes = "Confusion", summary.protocol.classes
    draw = partial(confusion_figure, summary.confusion, classes, f"test, {summary.n_clips} clips")
    caption = "Test clips: counts, and their percentage of the row."
    yield FigureSpec("confusion-test", heading, caption, draw, on_page=False)
    if summary.train_confusion is not None:
        title = f"training, {int(summary.train_confusion.sum())} predictions"
        draw = partial(confusion_figure, summary.train_confusion, classes, title)
        yield FigureSpec("confusion-training", heading, summary.train_confusion_note, draw, on_page=False)


def _curves(run: RecognitionRun) -> Iterator[FigureSpec]:
    """Accuracy and loss of the final stage, then of each earlier one."""
    stages: list[tuple[str, str, Curves]] = [("", "", run.curves())]
    for stage in run.stages()[:-1]:
        if stage.get("curves"):
            stages.append((f"-{unique_file_name(stage['name'])}", f"stage '{stage['name']}': ", {"": stage["curves"]}))
    for suffix, prefix, curves in stages:
        columns = {name for fold in curves.values() for row in fold for name in row}
        folds = " Thin: each fold. Bold: their mean." if len(curves) > 1 else ""
        note = "No test subject is in these curves."
        if "val_loss" in columns:
            note = f"Inner validation: training subjects on whom a fold was not trained. {note}"
        for name, unit in (("accuracy", " (fraction of the clips)"), ("loss", "")):
            if name in columns:
                caption = f"{prefix}{name}{unit} after each epoch.{folds}"
                draw = partial(curves_figure, curves, name)
                yield FigureSpec(f"{name}{suffix}", "Training", caption[0].upper() + caption[1:], draw, note)


def _clips(run: RecognitionRun) -> Iterator[FigureSpec]:
    """Strips first, then the recognizer's input of the same clips."""
    examples = load_examples(run.folder)
    for example in examples:
        if example.strip is not None:
            marks = ", ".join(f"{mark} {number}" for number, mark in (example.marks or {}).items())
            caption = f"{example.label}: {example.clip}; {marks or 'onset, apex and offset are not known'}."
            note = "Frames of the recording with their numbers."
            yield _clip_figure(example, "strip", "Clips as they were recorded", caption, strip_figure, note)
    for example in examples:
        caption = f"{example.label}: {example.clip}."
        if example.flow is not None:
            heading = "Flow: the input of the recognizer"
            yield _clip_figure(example, "flow", heading, caption, flow_figure, _flow_note(example))
        if example.input_frames is not None:
            note = "Some of the frames, in order."
            if example.differences:
                note += (
                    f" Differences from the first frame: white is none, full color {MAX_DIFFERENCE:g} of 255 levels of "
                    "brightness; blue is darker, red brighter."
                )
            heading = "Sequence: the input of the recognizer"
            yield _clip_figure(example, "sequence", heading, caption, sequence_figure, note)
        if example.flows is not None:
            note = (
                f"Some of the times, in order. Hue is direction, strength length in {example.unit}, full at "
                f"{example.limit:g}{_scope(example)}"
            )
            yield _clip_figure(example, "flows", "Flow over time", caption, flows_figure, note)


def _clip_figure(
    example: ExampleClip, kind: str, heading: str, caption: str, draw: Callable[[ExampleClip], Figure], note: str
) -> FigureSpec:
    name = f"{kind}-{example.name.replace('--', '-')}"
    return FigureSpec(name, heading, caption, partial(draw, example), note, pixels=True)


def _flow_note(example: ExampleClip) -> str:
    background = "over the first frame" if example.face is not None else "on gray"
    limit = f"{example.limit:g}{' pixels' if example.unit == PIXELS else ''}"
    extra = ""
    if example.extra_channel == "strain":
        extra = f"; optical strain (no unit): white is 0, dark {STRAIN_LIMIT:g} or more"
    elif example.extra_channel:
        extra = f"; {example.extra_channel}: white is 0, dark {limit} or more"
    return (
        f"Motion in {example.unit}. Arrows {background}: two squares of the grid long for {limit}. Colors: hue is "
        f"direction, strength length, full at {limit}. u, v: white is 0, full color at ±{limit}{extra}{_scope(example)}"
    )


def _scope(example: ExampleClip) -> str:
    return ", the same for every clip." if example.unit == PIXELS else ", for this clip only."


def _network(run: RecognitionRun) -> Iterator[FigureSpec]:
    network = run.network()
    if network and network["layers"]:
        caption = (
            f"{network['kind']}: {format_number(network['parameters'])} weights, "
            f"{format_number(network['trainable_parameters'])} of them trained here. Shapes are those of one input. "
            "Only layers are drawn, not what is computed between them (ReLU, pooling in code)."
        )
        yield FigureSpec("network", "Network", caption, partial(network_figure, network))
