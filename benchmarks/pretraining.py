"""What `pretrain` reaches on real images that come with scikit-learn: `python benchmarks/pretraining.py`.

1797 handwritten digits (Alpaydin and Kaynak 1998) of 8x8 pixels, enlarged: the first 1500 are trained on, the others
tested. Mirrored digits are trained on, too, as `pretrain` mirrors half of all images.
"""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import cv2
import numpy as np
from sklearn.datasets import load_digits

from microexpr.core.tensor_files import read_metadata
from microexpr.imaging.images import write_image
from microexpr.recognizers.pretraining.pretrain import Pretraining, pretrain

TRAINED, SIDE = 1500, 36


def write_digits(root: Path) -> None:
    """Write the digits in the folders of ImageNet."""
    digits = load_digits()
    for number, (image, label) in enumerate(zip(digits.images, digits.target, strict=True)):
        large = cv2.resize(np.float32(image * 255 / 16), (SIDE, SIDE), interpolation=cv2.INTER_CUBIC)
        part = "train" if number < TRAINED else "val"
        write_image(root / part / str(label) / f"{number}.png", np.clip(large, 0, 255).astype(np.uint8))


def main() -> None:
    with TemporaryDirectory() as folder:
        root = Path(folder, "digits")
        write_digits(root)
        settings = Pretraining({"name": "resnet10"}, epochs=10, batch_size=50, lr=0.05, size=32, resize=SIDE)
        record = read_metadata(pretrain(settings, root, Path(folder, "resnet10")))
    print(f"resnet10: {float(record['top1']):.1%} of {1797 - TRAINED} digits, {settings.epochs} epochs")


if __name__ == "__main__":
    main()
