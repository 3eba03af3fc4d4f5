"""Figures for reports and papers, drawn with matplotlib: strips, flows, confusion matrices, curves, networks."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LinearSegmentedColormap, Normalize
from matplotlib.figure import Figure
from matplotlib.text import Text

from ..experiments.examples import ExampleClip, frame_labels
from ..imaging.flow_colors import (
    SIGNED_COLORS,
    STRAIN_LIMIT,
    UNSIGNED_COLORS,
    arrow_image,
    channel_image,
    flow_image,
    wheel_legend,
)

MARKS = {"onset": "#1b7f5a", "apex": "#b2182b", "offset": "#2166ac"}
EDGE = "#c3ccd4"
BLUE, ORANGE = "#12506f", "#c8641b"
MAX_BOXES = 12
"""Boxes of a network's diagram; deeper parts are drawn as one."""

EMPTY = ("Sequential", "Identity")
"""Kinds of layer that compute nothing."""


def strip_figure(example: ExampleClip) -> Figure:
    """Draw frames of a clip in a row, with their numbers; onset, apex and offset have a frame and a name."""
    assert example.strip is not None
    figure, axes = _row(len(example.strip))
    for axis, frame, (number, mark) in zip(axes, example.strip, frame_labels(example), strict=True):
        axis.imshow(frame, interpolation="nearest")
        axis.set_title(f"{number}\n{mark}", fontsize=9, color=_color(mark), fontweight="bold" if mark else "normal")
        for spine in axis.spines.values():
            spine.set(color=_color(mark), linewidth=3 if mark else 0)
    return figure


def flows_figure(example: ExampleClip) -> Figure:
    """Draw flow at several times in a row, in colors, with their color wheel."""
    assert example.flows is not None
    figure, axes = _row(len(example.flows) + 1)
    for number, (axis, flow) in enumerate(zip(axes, example.flows, strict=False), 1):
        axis.imshow(flow_image(flow, example.limit), interpolation="nearest")
        axis.set_title(str(number), fontsize=9)
    _legend(axes[-1], example.limit)
    return figure


def sequence_figure(example: ExampleClip) -> Figure:
    """Draw the frames or differences that are the input of a recognizer of sequences."""
    assert example.input_frames is not None
    figure, axes = _row(len(example.input_frames))
    for number, (axis, frame) in enumerate(zip(axes, example.input_frames, strict=True), 1):
        axis.imshow(frame, interpolation="nearest")
        axis.set_title(str(number), fontsize=9)
    return figure


def flow_figure(example: ExampleClip) -> Figure:
    """Draw one flow: arrows over the face (or gray), colors with their wheel, and each channel."""
    flow = example.flow
    assert flow is not None
    channels = [("u: right is positive", 0, example.limit, True), ("v: down is positive", 1, example.limit, True)]
    if flow.shape[2] > 2:
        channels.append(
            (
                example.extra_channel or "third channel",
                2,
                STRAIN_LIMIT if example.extra_channel == "strain" else example.limit,
                False,
            )
        )
    figure, axes = _row(3 + len(channels), 1.9)
    axes[0].imshow(arrow_image(flow, example.face, limit=example.limit))
    axes[0].set_title("arrows", fontsize=9)
    axes[1].imshow(flow_image(flow, example.limit), interpolation="nearest")
    axes[1].set_title("direction and length", fontsize=9)
    _legend(axes[2], example.limit)
    for axis, (title, channel, limit, signed) in zip(axes[3:], channels, strict=True):
        axis.imshow(channel_image(flow[..., channel], limit, signed), interpolation="nearest")
        axis.set_title(title, fontsize=9)
        _scale(figure, axis, limit, signed)
    return figure


def confusion_figure(counts: np.ndarray, classes: Sequence[str], title: str) -> Figure:
    """Draw a confusion matrix: counts, colored by their fraction of the row; rows true, columns predicted.

    Args:
        counts: (C, C) counts.
        classes: classes of rows and columns.
        title: title above the matrix.
    """
    side = 1.6 + 0.75 * len(classes)
    figure = Figure(figsize=(side + 0.6, side), layout="constrained")
    axes = figure.subplots()
    fractions = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    axes.imshow(fractions, cmap="Blues", vmin=0, vmax=1)
    for (row, column), fraction in np.ndenumerate(fractions):
        text = f"{counts[row, column]}\n{100 * fraction:.0f} %"
        axes.text(
            column, row, text, ha="center", va="center", fontsize=9, color="white" if fraction > 0.55 else "black"
        )
    axes.set(title=title, xlabel="predicted", ylabel="label")
    axes.set_xticks(range(len(classes)), classes, rotation=35, ha="right")
    axes.set_yticks(range(len(classes)), classes)
    return figure


def curves_figure(curves: Mapping[str, Sequence[Mapping[str, float]]], name: str) -> Figure:
    """Draw `loss` or `accuracy` against epochs: of the training, and of the inner validation where there is one.

    Args:
        curves: fold -> a row for each epoch. Several folds are drawn with thin lines, and their mean with a bold one.
        name: name of the column; the column of the validation is `val_<name>`.
    """
    figure = Figure(figsize=(5.2, 3.1), layout="constrained")
    axes = figure.subplots()
    for column, color, label in ((name, BLUE, "training"), (f"val_{name}", ORANGE, "inner validation")):
        lines = [[(row["epoch"], row[column]) for row in fold if column in row] for fold in curves.values()]
        lines = [line for line in lines if line]
        for line in lines if len(lines) > 1 else ():
            axes.plot(*zip(*line, strict=True), color=color, linewidth=0.5, alpha=0.35)
        if lines:
            shortest = min(map(len, lines))
            mean = np.mean([[y for _, y in line[:shortest]] for line in lines], axis=0)
            legend = f"{label} (mean of {len(lines)} folds)" if len(lines) > 1 else label
            axes.plot([x for x, _ in lines[0][:shortest]], mean, color=color, linewidth=1.8, label=legend)
    axes.set(xlabel="epoch", ylabel=name)
    if name == "accuracy":
        axes.set_ylim(-0.02, 1.02)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, fontsize=9)
    return figure


@dataclass(frozen=True)
class Box:
    """Layers of a part of a network that are drawn as one box."""

    name: str
    kinds: tuple[str, ...]
    shape: tuple[int, ...]
    parameters: int
    reads: frozenset[int]


def boxes(layers: Sequence[Mapping[str, Any]], max_boxes: int = MAX_BOXES) -> list[Box]:
    """Group the layers of `network.json` into at most `max_boxes` boxes.

    Layers without parameters and normalizations are drawn with the layer that they read; if that is not enough, layers
    whose names have a common prefix are one box.
    """
    keys = _carried(layers)
    for depth in (4, 3, 2, 1):
        if len(set(keys)) <= max_boxes:
            break
        keys = [".".join(str(layer["name"]).split(".")[:depth]) for layer in layers]
    names = list(dict.fromkeys(keys))
    sources: dict[str, set[str]] = {name: set() for name in names}
    for layer, key in zip(layers, keys, strict=True):
        for other in (keys[i] for i in layer.get("reads", ())):
            if other != key and key not in _behind(sources, other):  # a layer that is used twice would make a cycle
                sources[key].add(other)
    found = []
    for name in names:
        own = [layer for layer, key in zip(layers, keys, strict=True) if key == name]
        kinds = tuple(dict.fromkeys(str(layer["kind"]) for layer in own if layer["kind"] not in EMPTY))
        parameters = sum(layer["parameters"] for layer in own)
        reads = frozenset(names.index(other) for other in sources[name])
        found.append(Box(name, kinds, tuple(own[-1]["shape"]), parameters, reads))
    return found


def _carried(layers: Sequence[Mapping[str, Any]]) -> list[str]:
    """The name of each layer's box: its own name, or that of the only layer that it reads."""
    keys: list[str] = []
    for layer in layers:
        reads = [i for i in layer.get("reads", ()) if i < len(keys)]
        joins = len(reads) == 1 and (not layer["parameters"] or "Norm" in str(layer["kind"]))
        keys.append(keys[reads[0]] if joins else str(layer["name"]))
    return keys


def _behind(sources: Mapping[str, set[str]], name: str) -> set[str]:
    """Every box that `name` reads, directly or not."""
    return sources[name].union(*(_behind(sources, source) for source in sources[name]))


def _columns(parts: Sequence[Box]) -> list[int]:
    """Column of each box: its distance from the input; in the order of use where the connections are not known."""
    if not any(part.reads for part in parts):
        return list(range(1, len(parts) + 1))

    def depth(i: int) -> int:
        return 1 + max((depth(j) for j in parts[i].reads), default=0)

    return [depth(i) for i in range(len(parts))]


def network_figure(network: Mapping[str, Any]) -> Figure:
    """Draw boxes from left to right with arrows in the direction of computation, parallel branches above each other."""
    parts = boxes(network["layers"])
    columns = _columns(parts)
    rows = [columns[:i].count(column) for i, column in enumerate(columns)]
    tallest = {column: columns.count(column) for column in columns}
    width, height = 1 + max(columns, default=0), max(tallest.values(), default=1)
    texts = [_lines(part) for part in parts]
    figure = Figure(figsize=(1.4 * width, height * (0.17 * max(map(len, texts), default=2) + 0.35)))
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(-0.5, width - 0.5), ylim=(height - 0.5, -0.5))
    axes.axis("off")
    begin = _box(axes, (0, (height - 1) / 2), ("input", " × ".join(map(str, network["input"]))), "#eef2f5")
    drawn = []
    for lines, column, row in zip(texts, columns, rows, strict=True):
        drawn.append(_box(axes, (column, row + (height - tallest[column]) / 2), lines, "#dcebf5"))
    for i, part in enumerate(parts):
        ordered = [drawn[i - 1]] if i and not any(other.reads for other in parts) else []
        for source in [drawn[j] for j in sorted(part.reads)] or ordered or [begin]:
            _arrow(axes, source, drawn[i])
    return figure


def _lines(part: Box) -> list[str]:
    """Lines in a box: name, kinds of layers, output shape, weights."""
    lines = [part.name, *part.kinds[:6]]
    if len(part.kinds) > 6:
        lines.append("…")
    lines.append(" × ".join(map(str, part.shape)))
    if part.parameters:
        lines.append(f"{part.parameters:,} weights".replace(",", " "))
    return lines


def encode(figure: Figure, form: str) -> bytes:
    """Encode a figure as `png` or `svg`; the same figure gives the same bytes."""
    content = io.BytesIO()
    with matplotlib.rc_context({"svg.hashsalt": "microexpr"}):
        figure.savefig(content, format=form, dpi=160, metadata={"Date": None} if form == "svg" else {"Software": None})
    return content.getvalue()


def _row(images: int, side: float = 1.15) -> tuple[Figure, list[Axes]]:
    figure = Figure(figsize=(side * images, side + 0.42), layout="constrained")
    axes = list(np.ravel(figure.subplots(1, images)))
    for axis in axes:
        axis.set(xticks=[], yticks=[])
        axis.spines[:].set(color=EDGE, linewidth=0.6)  # regions without motion are as white as the page
    return figure, axes


def _legend(axis: Axes, limit: float) -> None:
    axis.imshow(wheel_legend(120))
    axis.spines[:].set_visible(False)
    axis.set_title("color wheel", fontsize=9)
    axis.set_xlabel(f"rim: {limit:g} or more", fontsize=8)


def _scale(figure: Figure, axis: Axes, limit: float, signed: bool) -> None:
    """Draw the color scale of a channel beneath it."""
    stops = [tuple(part / 255 for part in color) for color in (SIGNED_COLORS if signed else UNSIGNED_COLORS)]
    colors = LinearSegmentedColormap.from_list("channel", stops)
    drawn = ScalarMappable(Normalize(-limit if signed else 0, limit), colors)
    ticks = [-limit, 0, limit] if signed else [0, limit / 2, limit]
    bar = figure.colorbar(drawn, cax=axis.inset_axes((0, -0.1, 1, 0.06)), orientation="horizontal", ticks=ticks)
    bar.ax.tick_params(labelsize=8)


def _box(axes: Axes, at: tuple[float, float], lines: Sequence[str], color: str) -> Text:
    box = {"boxstyle": "round,pad=0.35", "facecolor": color, "edgecolor": "#5b6b77"}
    return axes.text(*at, "\n".join(filter(None, lines)), ha="center", va="center", fontsize=8.5, bbox=box)


def _arrow(axes: Axes, source: Text, target: Text) -> None:
    """Draw an arrow between the edges of two boxes; curved where another box may stand between them."""
    (x0, y0), (x1, y1) = source.get_position(), target.get_position()
    style = {
        "arrowstyle": "->",
        "color": "#5b6b77",
        "connectionstyle": "arc3,rad=-0.3" if x1 - x0 > 1 and y0 == y1 else "arc3",
        "patchA": source.get_bbox_patch(),
        "patchB": target.get_bbox_patch(),
    }
    axes.annotate("", (x1, y1), (x0, y0), arrowprops=style, zorder=4)


def _color(mark: str) -> str:
    return MARKS.get(mark.split(",")[0], "#5b6b77")


def epochs_figure(epochs: np.ndarray, tested: np.ndarray, held_out: np.ndarray, label: str) -> Figure:
    """Draw the score of every epoch on test people and on training people held out in turn.

    Args:
        epochs: (E,) epochs.
        tested: (seeds, E) scores on the test people.
        held_out: (seeds, E) scores on training people; nan where none were held out.
        label: name of the score.
    """
    figure = Figure(figsize=(6.4, 3.4), layout="constrained")
    axes = figure.subplots()
    for curves, color, name in ((tested, ORANGE, "test people"), (held_out, BLUE, "training people held out")):
        if np.isnan(curves).all():
            continue
        for curve in curves if len(curves) > 1 else ():
            axes.plot(epochs, curve, color=color, linewidth=0.5, alpha=0.4)
        axes.plot(epochs, curves.mean(axis=0), color=color, linewidth=1.8, label=name)
    mean = tested.mean(axis=0)
    best = int(np.argmax(mean))
    axes.plot(epochs[-1], mean[-1], "o", color="black", label=f"last epoch: {mean[-1]:.3f}")
    axes.plot(epochs[best], mean[best], "v", color="#b2182b", label=f"best on the test people: {mean[best]:.3f}")
    axes.set(xlabel="epoch", ylabel=label)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, fontsize=9)
    return figure
