"""The recognizer that ships, on synthetic people it has not seen: `python benchmarks/default_model.py`.

Each clip is shown as a camera with fewer frames a second, fewer pixels or a stronger compression would have shown it.
Onset and apex are the true ones, moved to the nearest frame that such a camera has. Faces are synthetic: the figures
say how the machinery wears, not whether it recognizes emotions.
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
"""Of the synthetic people; those that the model has learned from have seed 0."""

Change = Callable[[np.ndarray], np.ndarray]


def smaller(share: float) -> Change:
    """Fewer pixels, as a camera further away would have."""
    return lambda picture: cv2.resize(picture, None, fx=share, fy=share, interpolation=cv2.INTER_AREA)


def compressed(quality: int) -> Change:
    """Through a JPEG of this quality."""

    def change(picture: np.ndarray) -> np.ndarray:
        _, coded = cv2.imencode(".jpg", picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
        return cv2.imdecode(coded, cv2.IMREAD_COLOR)[..., ::-1]

    return change


def moments(example: Example, fps: float, draws: np.random.Generator) -> tuple[int, int]:
    """Onset and apex as a camera of `fps` has them: on its own frames, which begin at a random time."""
    clip, step = example.clip, example.clip.fps / fps
    assert clip.onset is not None and clip.apex is not None
    begin = draws.uniform(0, step)
    grid = begin + step * np.arange(-1000, 1000) + clip.onset
    numbers = np.array(open_frames(clip.source).numbers)
    onset, apex = (
        int(numbers[np.abs(numbers - grid[np.abs(grid - t).argmin()]).argmin()]) for t in (clip.onset, clip.apex)
    )
    return onset, max(apex, onset)


def guess(model: Model, example: Example, fps: float, change: Change | None, draws: np.random.Generator) -> str:
    """The class with the largest share; '' where no face was found."""
    onset, apex = moments(example, fps, draws)
    frames = open_frames(example.clip.source)
    with tempfile.TemporaryDirectory() as folder:
        for number, name in ((onset, 1), (apex, 2)):
            picture = frames.read(number)
            write_image(Path(folder, f"{name}.png"), picture if change is None else change(picture))
        return next(iter(model(Path(folder), 1, 2, 2)))


def main() -> None:
    """Prints the table of docs/default-model.md."""
    parse = argparse.ArgumentParser(description=__doc__)
    parse.add_argument("--subjects", type=int, default=8)
    parse.add_argument("--model", type=Path, help="another one than the shipped")
    options = parse.parse_args()
    model = load_model(options.model) if options.model else default_model()
    assert model is not None
    conditions: Mapping[str, tuple[float, Change | None]] = {
        "as recorded (200 fps)": (200, None),
        **{f"{fps} fps": (fps, None) for fps in (100, 60, 30, 25)},
        **{f"1/{n} of the pixels a side": (200, smaller(1 / n)) for n in (2, 4, 6)},
        **{f"JPEG of quality {q}": (200, compressed(q)) for q in (90, 50, 20, 10)},
    }
    rules = load_protocol("megc2019-cde")
    with tempfile.TemporaryDirectory() as folder:
        data = DATASETS.get("casme2").make_synthetic(Path(folder, "casme2"), subjects=options.people, seed=SEED)
        examples = rules.select(data.clips())
        truth, people = [e.label for e in examples], [e.clip.subject for e in examples]
        print(f"{len(examples)} clips of {options.people} synthetic people, {', '.join(rules.classes)}\n")
        print("| shown as | WAR | UAR | UF1 | 95 % interval of UF1 over people |\n|---|---|---|---|---|")
        guesses = predict_majority(truth, rules.classes)
        for name, (fps, change) in [*conditions.items(), ("the majority's guess", (0, None))]:
            draws = np.random.default_rng(SEED)
            answers = [guess(model, e, fps, change, draws) for e in examples] if fps else guesses
            scores = [
                metric(truth, answers, rules.classes)
                for metric in (weighted_average_recall, unweighted_average_recall, macro_f1)
            ]
            low, high = bootstrap_interval(macro_f1, truth, answers, rules.classes, people)
            print(f"| {name} | {' | '.join(f'{s:.3f}' for s in scores)} | {low:.3f} to {high:.3f} |", flush=True)


if __name__ == "__main__":
    main()
