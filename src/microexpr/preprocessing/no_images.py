"""Step `no-images`: nothing of a clip is read, for recognizers that look at labels alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ..core.clip import Sample
from .base import STEPS, Step


@STEPS.register("no-images")
@dataclass(frozen=True)
class NoImages(Step):
    """Adds no array and opens no file, for baselines that look at labels alone.

    A recipe whose chain is this step needs the sheets of a release and none of its images.
    """

    reads_images: ClassVar[bool] = False

    def __call__(self, sample: Sample) -> Sample:
        """Adds nothing."""
        return sample
