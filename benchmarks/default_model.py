"""The default recognizer on synthetic subjects that it was not trained on: `python benchmarks/default_model.py`.

Each clip is changed to what a camera with fewer frames per second, fewer pixels or a stronger compression would have
recorded. Onset and apex are the annotated ones, moved to the nearest frame of such a camera. The faces are synthetic:
the figures show how the machinery depends on the recording, not whether it recognizes emotions.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

import cv2
import numpy as np

from microexpr.datasets import DATASETS
from microexpr.imaging.frames import open_frames
from microexpr.imaging.images import write_image
from microexpr.metrics.bootstrap import bootstrap_interval
from microexpr.metrics.recognition import (
    macro_f1,
    predict_majority,
    unweighted_average_recall,
    weighted_average_recall,
)
from microexpr.protocols import Example, load_protocol
from microexpr.recognizers.model import Model, default_model, load_model

SEED = 77
"""Seed of the synthetic subjects; those that the model was trained on have seed 0."""

Change = Callable[[np.ndarray], np.ndarray]


def smaller(scale: float) -> Change:
    """Reduce the resolution, as a camera farther away would."""
    return lambda image: cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)


def compressed(quality: int) -> Change:
    """Compress as JPEG of this quality."""

    def change(image: np.ndarray) -> np.ndarray:
        _, coded = cv2.imencode(".jpg", image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
        return cv2.imdecode(coded, cv2.IMREAD_COLOR)[..., ::-1]

    return change


def onset_and_apex(example: Example, fps: float, rng: np.random.Generator) -> tuple[int, int]:
    """Return onset and apex on the frames of a camera of `fps`, which begin at a random time."""
    clip, step = example.clip, example.clip.fps / fps
    assert clip.onset is not None and clip.apex is not None
    begin = rng.uniform(0, step)
    grid = begin + step * np.arange(-1000, 1000) + clip.onset
    numbers = np.array(open_frames(clip.source).numbers)
    onset, apex = (
        int(numbers[np.abs(numbers - grid[np.abs(grid - t).argmin()]).argmin()]) for t in (clip.onset, clip.apex)
    )
    return onset, max(apex, onset)


def predict(model: Model, example: Example, fps: float, change: Change | None, rng: np.random.Generator) -> str:
    """Return the most probable class."""
    onset, apex = onset_and_apex(example, fps, rng)
    frames = open_frames(example.clip.source)
    with tempfile.TemporaryDirectory() as folder:
        for number, name in ((onset, 1), (apex, 2)):
            image = frames.read(number)
            write_image(Path(folder, f"{name}.png"), image if change is None else change(image))
        return next(iter(model(Path(folder), 1, 2, 2)))


def main() -> None:
    """Print the table of docs/how-to/default-model.md."""
    parse = argparse.ArgumentParser(description=__doc__)
    parse.add_argument("--subjects", type=int, default=8)
    parse.add_argument("--model", type=Path, help="file of another recognizer")
    options = parse.parse_args()
    model = load_model(options.model) if options.model else default_model()
    assert model is not None
    conditions: Mapping[str, tuple[float, Change | None]] = {
        "as recorded (200 fps)": (200, None),
        **{f"{fps} fps": (fps, None) for fps in (100, 60, 30, 25)},
        **{f"1/{n} of the pixels per side": (200, smaller(1 / n)) for n in (2, 4, 6)},
        **{f"JPEG of quality {q}": (200, compressed(q)) for q in (90, 50, 20, 10)},
    }
    protocol = load_protocol("megc2019-cde")
    with tempfile.TemporaryDirectory() as folder:
        data = DATASETS.get("casme2").make_synthetic(Path(folder, "casme2"), subjects=options.subjects, seed=SEED)
        examples = protocol.select(data.clips())
        y_true, subjects = [e.label for e in examples], [e.clip.subject for e in examples]
        print(f"{len(examples)} clips of {options.subjects} synthetic subjects, {', '.join(protocol.classes)}\n")
        print("| condition | WAR | UAR | UF1 | 95 % interval of UF1 over subjects |\n|---|---|---|---|---|")
        majority = predict_majority(y_true, protocol.classes)
        for name, (fps, change) in [*conditions.items(), ("majority baseline", (0, None))]:
            rng = np.random.default_rng(SEED)
            y_pred = [predict(model, e, fps, change, rng) for e in examples] if fps else majority
            scores = [
                metric(y_true, y_pred, protocol.classes)
                for metric in (weighted_average_recall, unweighted_average_recall, macro_f1)
            ]
            low, high = bootstrap_interval(macro_f1, y_true, y_pred, protocol.classes, subjects)
            print(f"| {name} | {' | '.join(f'{s:.3f}' for s in scores)} | {low:.3f} to {high:.3f} |", flush=True)


if __name__ == "__main__":
    main()
