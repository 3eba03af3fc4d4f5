"""How far are found apexes from the annotated ones? `python benchmarks/apex_finding.py [--data FOLDER] [--subjects N]`.

Synthetic clips of CASME II and SAMM, whose apex is known as it was drawn; with `--data`, real releases in folders of
those names.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np

from microexpr.core.clip import Clip
from microexpr.datasets import DATASETS
from microexpr.imaging.frames import open_frames
from microexpr.preprocessing.apex_finding import APEX_FINDERS, ClipImages

NAMES = ("casme2", "samm")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, help="folder of real releases; synthetic ones without it")
    parser.add_argument("--subjects", type=int, default=8, help="of each synthetic data set")
    parser.add_argument("--image-scale", type=float, default=0.5, help="size of synthetic images")
    parser.add_argument("--finders", nargs="+", default=APEX_FINDERS.names(), choices=APEX_FINDERS.names())
    options = parser.parse_args()
    print("| data set | clips | finder | mean error, frames | mean error, ms | median, ms | within 50 ms | time, ms |")
    print("|---|--:|---|--:|--:|--:|--:|--:|")
    for name in NAMES:
        with tempfile.TemporaryDirectory() as folder:
            dataset = (
                DATASETS.get(name).make_synthetic(Path(folder) / name, options.subjects, options.image_scale)
                if options.data is None
                else DATASETS.get(name)(options.data / name)
            )
            _print_rows(name, dataset.clips(allow_missing=True), options.finders)


def _print_rows(name: str, clips: list[Clip], finders: list[str]) -> None:
    clips = [clip for clip in clips if clip.apex is not None]
    for finder in finders:
        errors, fps, start = [], [], time.process_time()
        for clip in clips:
            frames = open_frames(clip.source)
            numbers = [number for number in frames.numbers if clip.onset <= number <= clip.offset]
            found = APEX_FINDERS.get(finder)(ClipImages(frames, numbers))
            errors.append(abs(found - int(np.searchsorted(numbers, clip.apex))))
            fps.append(clip.fps)
        frames_off, off = np.array(errors), 1000 * np.array(errors) / np.array(fps)
        spent = 1000 * (time.process_time() - start) / len(clips)
        print(
            f"| {name} | {len(clips)} | {finder} | {frames_off.mean():.1f} | {off.mean():.0f} | {np.median(off):.0f} | "
            f"{(off <= 50).mean():.0%} | {spent:.0f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
