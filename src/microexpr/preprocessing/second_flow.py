"""Step `second-flow`: another estimate of the same motion, from a folder of the same file names, in the same frame."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from ..core.clip import Clip, Sample
from ..core.errors import MediaError, MissingDataError
from ..imaging.images import IMAGE_SUFFIXES, read_image
from ..imaging.registration import Registration, find_registration, flow_agreement
from .base import STEPS, Step

MIN_AGREEMENT = 0.3
"""Smallest mean agreement of a release at which two folders count as estimates of the same motions."""

PAIRS = 40
"""Number of pairs of images, evenly chosen, from which the registration of a release is found."""


@STEPS.register("second-flow")
@dataclass(frozen=True)
class SecondFlow(Step):
    """`second` (height, width, 3) uint8: the image of the same name in another folder, moved into the frame of `image`.

    Scale and shift are found once for each release, from the flow of its clips and without labels; files whose names
    begin with the same letters are of one release. The note `agreement` is the mean correlation of u and of v between
    both estimates of the clip, -1 to 1.

    Args:
        folder: name of the other folder, beside that of the clip's image.
        register: whether the other images are moved into the frame of the first ones; they are used as they lie if not.
    """

    folder: str = "second_flow_norm_u_v_os"
    register: bool = True

    def files(self, clip: Clip) -> tuple[Path, ...]:
        """The other folder: the registration depends on all of its images."""
        return (Path(clip.source).parent.parent / self.folder,)

    def __call__(self, sample: Sample) -> Sample:
        """Adds `second`.

        Raises:
            MissingDataError: there is no such image.
            MediaError: the images of both folders do not show the same motions.
        """
        path = Path(sample.clip.source)
        other = path.parent.parent / self.folder / path.name
        if not other.is_file():
            raise MissingDataError(f"there is no second flow '{other}'; set the step's folder, or leave the step out")
        image, second = sample.array("image"), read_image(other)
        if self.register:
            second = _registration(path.parent, other.parent, _release(path)).apply(second)
        agreement = flow_agreement(image, second)
        return sample.with_array("second", second).with_note("agreement", f"{agreement:.2f}")


def _release(path: Path) -> str:
    """The letters with which the names of a release's files begin."""
    return re.match(r"[A-Za-z]*", path.name)[0]  # type: ignore[index]


@cache
def _registration(folder: Path, other: Path, release: str) -> Registration:
    """The registration of the images of a release in `other` to those in `folder`."""
    paths = sorted(path for path in folder.iterdir() if path.suffix.lower() in IMAGE_SUFFIXES)
    names = [path.name for path in paths if _release(path) == release and (other / path.name).is_file()]
    chosen = [names[round(i)] for i in np.linspace(0, len(names) - 1, min(PAIRS, len(names)))]
    first, second = ([read_image(place / name) for name in chosen] for place in (folder, other))
    found = find_registration(first, second)
    agreement = float(np.mean([flow_agreement(a, found.apply(b)) for a, b in zip(first, second, strict=True)]))
    if agreement < MIN_AGREEMENT:
        raise MediaError(
            f"'{other}' and '{folder}' do not hold the same motions: the correlation of {len(chosen)} pairs "
            f"'{release}*' is {agreement:.2f} after the best scale and shift; use a folder of the same clips"
        )
    return found
