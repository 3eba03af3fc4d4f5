"""Memory of a batch of whole clips at full size (Devanaboyina 2021, method 1): `python benchmarks/long_sequences.py`.

One step of training on 141 frames of 224x224 pixels a clip, with the recipe's own settings.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np

from microexpr.core.clip import Clip, Sample
from microexpr.core.progress import peak_memory
from microexpr.protocols import load_protocol
from microexpr.recipes import load_recipe
from microexpr.recognizers import RECOGNIZERS


def main() -> None:
    """Print the largest resident memory."""
    parse = argparse.ArgumentParser(description=__doc__)
    parse.add_argument("--recipe", default="devanaboyina2021-method1")
    parse.add_argument("--frames", type=int, default=141)
    parse.add_argument("--side", type=int, default=224)
    options = parse.parse_args()
    stage = load_recipe(options.recipe).final_stage
    settings = {**stage.recognizer, "epochs": 1, "validation_fraction": 0.0}
    classes, n = load_protocol(stage.protocol).classes, settings["batch_size"]
    frames = np.random.default_rng(0).integers(0, 255, (options.frames, options.side, options.side, 3), np.uint8)
    clips = [Clip(f"noise/p{i}/c", "noise", f"noise/p{i}", Path("nowhere"), 200.0) for i in range(n)]
    samples = [Sample(clip, {settings["array"]: frames.copy()}) for clip in clips]
    begin = time.process_time()
    recognizer = RECOGNIZERS.build(settings, classes=classes)
    recognizer.fit(samples, [classes[i % len(classes)] for i in range(n)])
    size = f"{options.side}x{options.side}"
    print(f"{n} clips of {options.frames} frames, {size}, chunks of {settings['network']['frame_chunk']}")
    print(f"largest memory: {peak_memory() / 2**30:.1f} GiB")
    print(f"processor time of the step: {time.process_time() - begin:.0f} s")


if __name__ == "__main__":
    main()
