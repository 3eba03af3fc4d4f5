"""Memory of a training on whole clips at full size (Devanaboyina 2021): `python benchmarks/long_sequences.py`.

Clips of 141 frames of 224x224 pixels, with the recipe's own settings; one epoch, and the prediction of every clip.

python benchmarks/long_sequences.py                                              # method 1, one batch
python benchmarks/long_sequences.py --recipe devanaboyina2021-transfer-frames    # a frozen ResNet50
python benchmarks/long_sequences.py --recipe devanaboyina2021-transfer-frames --thaw --clips 2
"""

from __future__ import annotations

import argparse
import os
import tempfile
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
    parse = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parse.add_argument("--recipe", default="devanaboyina2021-method1")
    parse.add_argument("--frames", type=int, default=141)
    parse.add_argument("--side", type=int, default=224)
    parse.add_argument("--clips", type=int, help="number of clips; a batch if left out")
    parse.add_argument("--backbone", help="another ResNet")
    parse.add_argument("--thaw", action="store_true", help="train the backbone, too")
    options = parse.parse_args()
    stage = load_recipe(options.recipe).final_stage
    settings = {**stage.recognizer, "epochs": 1, "validation_fraction": 0.0}
    if options.thaw:
        settings["freeze"] = {}
    if options.backbone:
        settings["network"] = {**settings["network"], "backbone": options.backbone}
    classes, n = load_protocol(stage.protocol).classes, options.clips or settings["batch_size"]
    frames = np.random.default_rng(0).integers(0, 255, (options.frames, options.side, options.side, 3), np.uint8)
    array = settings.get("array", "image")
    values = frames if array == "frames" else frames.astype(np.float32) / 255
    clips = [Clip(f"noise/p{i}/c", "noise", f"noise/p{i}", Path("nowhere"), 200.0) for i in range(n)]
    samples = [Sample(clip, {array: values.copy()}) for clip in clips]
    begin = time.process_time()
    with tempfile.TemporaryDirectory() as cache:
        os.environ["MICROEXPR_CACHE"] = cache
        recognizer = RECOGNIZERS.build(settings, classes=classes)
        recognizer.fit(samples, [classes[i % len(classes)] for i in range(n)])
        recognizer.predict_proba(samples)
    size, network = f"{options.side}x{options.side}", settings["network"]
    print(f"{n} clips of {options.frames} frames, {size}, chunks of {network.get('frame_chunk', 16)}")
    print(f"largest memory: {peak_memory() / 2**30:.1f} GiB")
    print(f"processor time: {time.process_time() - begin:.0f} s")


if __name__ == "__main__":
    main()
