"""Processor time of every registered descriptor on one clip, beside plain and public code; a corpus on all cores.

    python benchmarks/features.py --json docs/benchmarks/features.json
    python benchmarks/features.py --names lbp-top lbp-sip --rounds 9
    python benchmarks/features.py --corpus baseline-lbp-top     # the clips of a recipe, on one core and on all

A clip has 64 frames of 224x224 gray levels, a flow as many pixels, in one or 64 pairs as a descriptor reads it;
landmarks are those of a schematic face. All rows are measured in turn in each round, in one thread; a row is the median
of the rounds. It is processor time, so that other work on the machine counts little. "Plain" is the voxel-by-voxel
formula of the tests, on a small clip, times the number of voxels.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import skimage
import threadpoolctl
from skimage.feature import hog, local_binary_pattern

from microexpr.core.progress import no_progress, show_progress
from microexpr.datasets import DATASETS
from microexpr.experiments.data import load_data, prepare_samples
from microexpr.experiments.options import RunOptions
from microexpr.features import FEATURES, FaceFeature, Feature
from microexpr.features.checks import HEIGHT, WIDTH, example_landmarks
from microexpr.recipes import load_recipe

FRAMES, SIZE = 64, 224

VARIANTS: dict[str, dict[str, Any]] = {
    "lbp-top, P = 8, uniform": {"name": "lbp-top", "neighbors": 8, "uniform": True},
    "lbp-top, P = 8, uniform, radii 1": {"name": "lbp-top", "neighbors": 8, "uniform": True, "radii": [1, 1, 1]},
    "hog-top, one vote (HIGO)": {"name": "hog-top", "weighted": False},
}
"""Rows beside the defaults of each descriptor."""


def plain_formulas() -> dict[str, tuple[int, Callable[[np.ndarray], object]]]:
    """Row -> frames at either end whose voxels have no value, and the formula of the tests, voxel by voxel."""
    sys.path.insert(0, str(Path(__file__).parents[1]))
    from tests.features.test_features import plain_lbp_top
    from tests.features.test_hog_top import plain_hog_top
    from tests.features.test_lbp_sip import plain_lbp_sip

    eight = "lbp-top, P = 8, uniform"
    return {
        "lbp-top": (4, lambda clip: plain_lbp_top(clip, FEATURES.build({"name": "lbp-top"}))),
        eight: (4, lambda clip: plain_lbp_top(clip, FEATURES.build(VARIANTS[eight]))),
        "lbp-sip": (4, lambda clip: plain_lbp_sip(clip, (1, 1, 4))),
        "hog-top": (1, lambda clip: plain_hog_top(clip, ("XY", "XT", "YT"), 8, True, False)),
    }


def public_lbp_planes(clip: np.ndarray) -> None:
    """skimage's LBP of all three planes, P = 8, R = 1, uniform, with a histogram of each of 5x5 blocks."""
    for axes in ((0, 1, 2), (1, 0, 2), (2, 0, 1)):
        planes = clip.transpose(axes)
        codes = np.stack([local_binary_pattern(plane, 8, 1, "nri_uniform") for plane in planes]).astype(np.uint8)
        for rows in np.array_split(codes.transpose(np.argsort(axes)), 5, axis=1):
            for block in np.array_split(rows, 5, axis=2):
                np.bincount(block.ravel(), minlength=59)


def public_lbp(clip: np.ndarray) -> None:
    """OpenCV has no LBP and skimage's is what `lbp` uses: its codes alone."""
    for frame in clip:
        local_binary_pattern(frame, 8, 1, "nri_uniform")


def public_hog_planes(clip: np.ndarray) -> None:
    """skimage's HOG of all three planes, 8 directions, 8x8 blocks of a frame and two in time."""
    side = SIZE // 8
    for axes, cell in (((0, 1, 2), (side, side)), ((1, 0, 2), (FRAMES // 2, side)), ((2, 0, 1), (FRAMES // 2, side))):
        for plane in clip.transpose(axes):
            hog(plane, 8, cell, (1, 1))


PUBLIC: dict[str, tuple[str, Callable[[np.ndarray], None]]] = {
    "lbp-top, P = 8, uniform, radii 1": ("skimage local_binary_pattern, three planes", public_lbp_planes),
    "lbp": ("skimage local_binary_pattern, codes only", public_lbp),
    "hog-top": ("skimage hog, three planes", public_hog_planes),
}
"""Row -> name and code of a public implementation of the same."""


def example_clip(frames: int, size: int) -> np.ndarray:
    """(frames, size, size) uint8: a smooth pattern that moves, with the noise of a camera."""
    rng = np.random.default_rng(0)
    pattern, motion = (cv2.GaussianBlur(rng.normal(size=(size, size)), (0, 0), 3) for _ in range(2))
    course = np.sin(np.pi * np.arange(frames) / frames)
    clip = 128 + 600 * (pattern + 0.1 * course[:, None, None] * motion) + rng.normal(size=(frames, size, size))
    return np.clip(clip, 0, 255).astype(np.uint8)


def call(feature: Feature) -> Callable[[], np.ndarray]:
    """A call of a descriptor with an array as it reads it."""
    count = feature.frames if feature.exactly else max(FRAMES, feature.frames)
    if feature.reads == "frames":
        array = example_clip(count, SIZE)
    else:
        noise = np.random.default_rng(0).normal(size=(SIZE, SIZE, 3)).astype(np.float32)
        array = cv2.GaussianBlur(noise, (0, 0), 8) * 20
        if feature.flows:
            array = array * np.sin(np.pi * np.arange(1, count + 1) / count)[:, None, None, None].astype(np.float32)
    if not isinstance(feature, FaceFeature):
        return lambda: feature(array)
    points = example_landmarks(count if array.ndim == 4 or feature.reads == "frames" else 1)
    points = (points - (WIDTH / 2, HEIGHT / 2)) * (SIZE / min(HEIGHT, WIDTH)) + SIZE / 2
    return lambda: feature(array, points)


def measure(names: list[str], rounds: int) -> dict[str, float]:
    """Median milliseconds of each row."""
    rows = {name: call(FEATURES.build({"name": name})) for name in names}
    rows |= {label: call(FEATURES.build(table)) for label, table in VARIANTS.items() if table["name"] in names}
    clip = example_clip(FRAMES, SIZE)
    for label, (name, function) in PUBLIC.items():
        if label in rows:
            rows[f"{label}: {name}"] = lambda function=function: function(clip)
    times: dict[str, list[float]] = {label: [] for label in rows}
    for number in range(rounds + 1):
        for label, function in rows.items():
            start = time.process_time()
            function()
            if number:  # the first round fills caches
                times[label].append(1000 * (time.process_time() - start))
    found = {label: statistics.median(own) for label, own in times.items()}
    small = example_clip(12, 20)
    for label, (ends, function) in plain_formulas().items():
        if label in rows:
            voxels, all_voxels = ((n - 2 * ends) * (side - 2) ** 2 for n, side in ((12, 20), (FRAMES, SIZE)))
            start = time.process_time()
            function(small)
            found[f"{label}: plain, scaled"] = 1000 * all_voxels / voxels * (time.process_time() - start)
    return found


def machine() -> dict[str, Any]:
    """What the figures depend on."""
    text = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").is_file() else ""
    models = [line.split(":", 1)[1].strip() for line in text.splitlines() if line.startswith("model name")]
    versions = {"numpy": np.__version__, "opencv": cv2.__version__, "scikit-image": skimage.__version__}
    return {
        "processor": models[0] if models else platform.machine(),
        "cores": os.cpu_count(),
        "load_at_start": round(os.getloadavg()[0], 1),
        "python": platform.python_version(),
        **versions,
    }


def copies_for(recipe: str, subjects: int, folder: Path) -> dict[str, Path]:
    """Make synthetic copies of the data sets of a recipe; their folders by name."""
    roots = {name: folder / name for stage in load_recipe(recipe).stages for name in stage.data}
    for name, root in roots.items():
        DATASETS.get(name).make_synthetic(root, subjects=subjects, image_scale=0.4)
    return roots


def prepare_clips(recipe: str, roots: dict[str, Path], executor: str) -> int:
    """Prepare the clips of a recipe through an empty cache, and return how many they are."""
    with tempfile.TemporaryDirectory() as cache:
        os.environ["MICROEXPR_CACHE"] = cache
        options = RunOptions(roots=roots, allow_subset=True, executor=executor)
        (data, *_) = load_data(load_recipe(recipe), options, no_progress)
        with show_progress() as progress:
            return len(prepare_samples(data, data.examples, options, progress))


def corpus(recipe: str, subjects: int) -> None:
    """Prepare the clips of a recipe from nothing: in one process, and in one for each core."""
    with tempfile.TemporaryDirectory() as temporary:
        roots = copies_for(recipe, subjects, Path(temporary))
        for executor in ("local", "processes"):
            start = time.perf_counter()
            count = prepare_clips(recipe, roots, executor)
            seconds = time.perf_counter() - start
            print(f"{recipe}, {executor:10s} {count} clips in {seconds:.1f} s, {count / seconds:.1f} clips/s")


def main() -> None:
    """Measure in turn and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--names", nargs="+", help="descriptors; all that are registered if left out")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    parser.add_argument("--corpus", metavar="RECIPE", help="prepare the synthetic clips of this recipe instead")
    parser.add_argument("--subjects", type=int, default=4, help="synthetic subjects of each data set of a corpus")
    arguments = parser.parse_args()
    if arguments.corpus:
        corpus(arguments.corpus, arguments.subjects)
        return
    facts = machine()
    cv2.setNumThreads(1)
    with threadpoolctl.threadpool_limits(1):
        found = measure(arguments.names or FEATURES.names(), arguments.rounds)
    print(", ".join(f"{key} {value}" for key, value in facts.items()))
    print(f"a clip of {FRAMES} frames of {SIZE}x{SIZE}; one thread; median of {arguments.rounds} rounds")
    for label, milliseconds in found.items():
        own = found.get(label.split(":")[0], milliseconds)
        ratio = f"  x{milliseconds / own:.1f}" if ":" in label else ""
        print(f"{label:70s} {milliseconds:10.1f} ms{ratio}")
    if arguments.json:
        record = {
            "machine": facts,
            "frames": FRAMES,
            "size": SIZE,
            "rounds": arguments.rounds,
            "milliseconds": {label: round(value, 1) for label, value in found.items()},
        }
        arguments.json.write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    main()
