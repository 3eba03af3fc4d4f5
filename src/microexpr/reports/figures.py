"""Every figure of a report, for its page and as files for a paper: the same functions draw both."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from ..core.errors import UsageError
from ..core.files import slug, write_atomically
from ..experiments.examples import MAX_DIFFERENCE, PIXELS, ExampleClip, load_examples
from ..experiments.recognition import RecognitionRun
from ..imaging.flow_colors import STRAIN_LIMIT
from .plots import (
    confusion_figure,
    curves_figure,
    encode,
    flow_figure,
    flows_figure,
    network_figure,
    seen_figure,
    strip_figure,
)
from .summary import Summary

Curves = Mapping[str, Sequence[Mapping[str, float]]]


@dataclass(frozen=True)
class FigureSpec:
    """One figure.

    Attributes:
        name: of its files, always the same for the same thing.
        heading: of the page under which it stands.
        caption: what is seen.
        note: what holds for all figures under the heading, units and scales above all; the page says it once.
        draw: makes the figure.
        pixels: whether it shows pictures, which are kept as pixels on the page.
    """

    name: str
    heading: str
    caption: str
    draw: Callable[[], Figure]
    note: str = ""
    pixels: bool = False


def figure_specs(summary: Summary) -> list[FigureSpec]:
    """All figures of a report but those of other runs, in the order of the page."""
    return [*_confusions(summary), *_curves(summary.run), *_clips(summary.run), *_network(summary.run)]


def write_figures(summaries: Sequence[Summary], folder: Path) -> int:
    """Every figure as PNG and SVG; several reports each in a folder named after its recipe. How many figures.

    Beside them `captions.md` says of each what it shows, in which units, and the warnings that go with it.

    Raises:
        UsageError: two reports are of the same recipe, so that their files would have the same names.
    """
    names = [str(summary.run.metadata.recipe["name"]) for summary in summaries]
    if len(set(names)) < len(names):
        raise UsageError("two of the runs are of one recipe; write the figures of each to a folder of its own")
    count = 0
    for summary, name in zip(summaries, names, strict=True):
        place = folder / slug(name) if len(summaries) > 1 else folder
        lines = [f"# {summary.title}", *(f"> {line}" for line in summary.warnings)]
        for one in figure_specs(summary):
            figure = one.draw()
            for form in ("png", "svg"):
                write_atomically(place / f"{one.name}.{form}", encode(figure, form))
            lines.append(f"**{one.name}**: {one.caption} {one.note}".rstrip())
            count += 1
        write_atomically(place / "captions.md", ("\n\n".join(lines) + "\n").encode())
    return count


def _confusions(summary: Summary) -> Iterator[FigureSpec]:
    classes = summary.protocol.classes
    draw = partial(confusion_figure, summary.confusion, classes, f"test, {summary.n_clips} clips")
    yield FigureSpec("confusion-test", "Confusion", "Test clips: counts, and their share of the row.", draw)
    if summary.train_confusion is not None:
        title = f"training, {int(summary.train_confusion.sum())} answers"
        draw = partial(confusion_figure, summary.train_confusion, classes, title)
        yield FigureSpec("confusion-training", "Confusion", summary.train_confusion_note, draw)


def _curves(run: RecognitionRun) -> Iterator[FigureSpec]:
    many: list[tuple[str, str, Curves]] = [("", "", run.curves())]
    for stage in run.stages()[:-1]:
        if stage.get("curves"):
            many.append((f"-{slug(stage['name'])}", f"Stage '{stage['name']}': ", {"": stage["curves"]}))
    for ending, whose, curves in many:
        columns = {name for fold in curves.values() for row in fold for name in row}
        folds = " Thin: each fold. Bold: their mean." if len(curves) > 1 else ""
        inner = "Inner validation: training people whom a fold did not learn from. " if "val_loss" in columns else ""
        note = f"{inner}No test person is in these curves."
        for name in ("accuracy", "loss"):
            if name in columns:
                share = " as a share of the clips" if name == "accuracy" else ""
                told = f"{whose}{name}{share} after each epoch.{folds}"
                draw = partial(curves_figure, curves, name)
                yield FigureSpec(f"{name}{ending}", "Training", told[0].upper() + told[1:], draw, note)


def _clips(run: RecognitionRun) -> Iterator[FigureSpec]:
    """Strips first, then what the recognizer was shown of the same clips."""
    every = load_examples(run.folder)
    for one in every:
        if one.strip is not None:
            times = ", ".join(f"{mark} {number}" for number, mark in (one.marks or {}).items())
            told = f"{one.label}: {one.clip}; {times or 'no time is known'}."
            note = "Frames of the recording with their numbers."
            yield _of(one, "strip", "Clips as they were recorded", told, strip_figure, note)
    for one in every:
        told = f"{one.label}: {one.clip}."
        if one.flow is not None:
            yield _of(one, "flow", "Flow that the recognizer was shown", told, flow_figure, _told_flow(one))
        if one.input_frames is not None:
            note = "A few of the frames, in their order."
            if one.differences:
                note += f" Differences to the first: white is none, full color {MAX_DIFFERENCE:g} of 255 levels of "
                note += "brightness; blue is darker, red brighter."
            yield _of(one, "seen", "Sequence that the recognizer was shown", told, seen_figure, note)
        if one.flows is not None:
            note = f"A few of the moments, in their order. Hue is direction, strength length in {one.unit}, full at "
            note += f"{one.limit:g}{_scales(one)}"
            yield _of(one, "flows", "Flow over time", told, flows_figure, note)


def _of(
    one: ExampleClip, kind: str, heading: str, told: str, draw: Callable[[ExampleClip], Figure], note: str
) -> FigureSpec:
    return FigureSpec(f"{kind}-{one.name.replace('--', '-')}", heading, told, partial(draw, one), note, True)


def _told_flow(one: ExampleClip) -> str:
    back = "over the first frame" if one.face is not None else "on gray"
    pixels = " pixels" if one.unit == PIXELS else ""
    third = ""
    if one.extra_channel == "strain":
        third = f"; optical strain (no unit): white is 0, dark {STRAIN_LIMIT:g} or more"
    elif one.extra_channel:
        third = f"; {one.extra_channel}: white is 0, dark {one.limit:g}{pixels} or more"
    return (
        f"Motion in {one.unit}. Arrows {back}: two squares of the grid long for {one.limit:g}{pixels}. Colors: hue is "
        f"direction, strength length, full at {one.limit:g}{pixels}. u, v: white is 0, full color at "
        f"±{one.limit:g}{pixels}{third}{_scales(one)}"
    )


def _scales(one: ExampleClip) -> str:
    return ", for every clip alike." if one.unit == PIXELS else ", for this clip alone."


def _network(run: RecognitionRun) -> Iterator[FigureSpec]:
    network: dict[str, Any] | None = run.network()
    if network and network["layers"]:
        told = (
            f"{network['kind']}: {thousands(network['weights'])} weights, {thousands(network['trained'])} of them "
            "learned here. Shapes are those of one input. Layers only: what is computed between them (ReLU, pooling "
            "in code) is not drawn."
        )
        yield FigureSpec("network", "Network", told, partial(network_figure, network))


def thousands(number: int) -> str:
    """1683 as 1 683."""
    return f"{number:,}".replace(",", " ")
