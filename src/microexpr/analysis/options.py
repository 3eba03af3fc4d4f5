"""How to analyze, and the two parts that do the work: what finds faces, and what finds movements of a face."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ..core.clip import Interval
from ..core.errors import UsageError
from ..core.progress import ProgressCallback
from ..core.registry import validate_settings
from ..core.track import FaceTrack
from ..imaging.video import Frames
from ..recognizers.model import DEFAULT_MODEL, load_model
from .summary import movement

SPOTTER = "default"


@dataclass(frozen=True)
class AnalysisOptions:
    """How to analyze.

    Attributes:
        model: file of a trained recognizer, `default` for the one that ships with the package; `none` leaves every
            event `unknown`.
        spotter: `name` and settings of a spotter.
        tracking: settings of the tracker.
        threshold: an event whose best class has a smaller share is `unknown`.
        min_quality: so is one whose face has a lower mean quality.
    """

    model: Path | str = "default"
    spotter: Mapping[str, Any] = field(default_factory=lambda: {"name": SPOTTER})
    tracking: Mapping[str, Any] = field(default_factory=dict)
    threshold: float = 0.5
    min_quality: float = 0.5

    def __post_init__(self) -> None:
        for name in ("threshold", "min_quality"):
            if not 0 <= getattr(self, name) <= 1:
                raise UsageError(f"{name} = {getattr(self, name)}: use 0 to 1")

    @classmethod
    def from_settings(cls, values: Mapping[str, Any]) -> AnalysisOptions:
        """From settings as a user writes them; `spotter.<key>` and `tracking.<key>` go to these parts."""
        flat = {key: value for key, value in values.items() if "." not in key}
        for key, value in values.items():
            part, dot, inner = key.partition(".")
            if dot:
                flat[part] = {**flat.get(part, {"name": SPOTTER} if part == "spotter" else {}), inner: value}
        return validate_settings(cls, flat, "analyze")

    def resolved_settings(self) -> dict[str, Any]:
        """What is written into events.json: every setting of every part, whether or not it was chosen."""
        from ..faces.tracking import Tracking
        from ..spotting import SPOTTERS

        spotter = SPOTTERS.build(self.spotter)
        return {
            **dataclasses.asdict(self),
            "model": str(self.model),
            "spotter": {"name": spotter.name, **dataclasses.asdict(spotter)},
            "tracking": dataclasses.asdict(validate_settings(Tracking, self.tracking, "tracking")),
        }

    @property
    def model_file(self) -> Path | None:
        """Of the recognizer; None for none."""
        return {"none": None, "default": DEFAULT_MODEL}.get(str(self.model), Path(self.model))

    @property
    def fps(self) -> float:
        """Of sources without time stamps."""
        from ..faces.tracking import Tracking

        return validate_settings(Tracking, self.tracking, "tracking").fps

    def check(self) -> None:
        """Raise at once what is wrong with a setting, before any work is done.

        Raises:
            MicroexprError: no such model, spotter or setting.
        """
        from ..faces.tracking import Tracking
        from ..spotting import SPOTTERS

        SPOTTERS.build(self.spotter)
        validate_settings(Tracking, self.tracking, "tracking")
        if self.model_file is not None:
            load_model(self.model_file)


def _track(frames: Frames, options: AnalysisOptions, progress: ProgressCallback, folder: Path) -> Sequence[FaceTrack]:
    from ..faces.tracking import Tracking, track_faces

    return track_faces(frames, validate_settings(Tracking, options.tracking, "tracking"), progress, folder)


def _spot(track: FaceTrack, options: AnalysisOptions) -> Sequence[Interval]:
    from ..spotting import SPOTTERS

    return SPOTTERS.build(options.spotter).spot(track)


def _curve(track: FaceTrack, options: AnalysisOptions) -> np.ndarray:
    """What the spotter looks at, where it can say so; else how much the face changes within a tenth of a second."""
    from ..spotting import SPOTTERS

    own = getattr(SPOTTERS.build(options.spotter), "curve", None)
    return movement(track) if own is None else np.asarray(own(track), float)


@dataclass(frozen=True)
class Components:
    """What finds faces, and movements of a face.

    Attributes:
        track: frames, options, progress and a folder to work in -> tracks.
        spot: a track -> intervals in frame numbers.
        curve: a track -> (T,) a value for each of its frames, for the time line.
    """

    track: Callable[[Frames, AnalysisOptions, ProgressCallback, Path], Sequence[FaceTrack]] = _track
    spot: Callable[[FaceTrack, AnalysisOptions], Sequence[Interval]] = _spot
    curve: Callable[[FaceTrack, AnalysisOptions], np.ndarray] = _curve

    def spot_with_curve(self, track: FaceTrack, options: AnalysisOptions) -> tuple[Sequence[Interval], np.ndarray]:
        """What `spot` and `curve` say; a spotter of ours looks once for both."""
        from ..spotting import SPOTTERS

        if self.spot is _spot and self.curve is _curve:
            return SPOTTERS.build(options.spotter).spot_with_curve(track)
        return self.spot(track, options), self.curve(track, options)
