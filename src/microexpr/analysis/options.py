"""Settings of the analysis, and the parts that do the work: a tracker and a spotter."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from pydantic import Field

from ..core.clip import Frames, Interval
from ..core.events import Spans
from ..core.progress import ProgressCallback
from ..core.registry import validate_settings
from ..core.time_ranges import parse_ranges
from ..core.track import FaceTrack
from ..recognizers.model import DEFAULT_MODEL, Model, load_classifier

if TYPE_CHECKING:
    from ..core.detection_limit import DetectionLimit
    from ..faces.tracking import Tracking
    from ..spotting.base import Spotted, Spotter

Fraction = Annotated[float, Field(ge=0, le=1)]
"""Type of a setting from 0 to 1."""

SPOTTER = "default"
"""The spotter that is used where none is named."""


@dataclass(frozen=True)
class AnalysisOptions:
    """Settings of the analysis.

    Attributes:
        model: file of a trained recognizer; `default` is the one that ships with the package, `none` leaves every
            event `unknown`.
        spotter: `name` and settings of a spotter from `SPOTTERS`.
        tracking: settings of the face tracker, see `Tracking`.
        threshold: smallest probability of the likeliest class, 0 to 1; below it an event is `unknown`.
        unit_threshold: smallest probability of an action unit that is listed, 0 to 1.
        min_quality: smallest mean quality of the face during an event, 0 to 1; below it an event is `unknown` and no
            action unit is listed.
        sensitivity: more events (up to 1) or fewer (down to 0) than the spotter reports at 0.5: moves its threshold.
        exclude: ranges of time that are not searched for events, e.g. `0:12-0:30`; see `core.time_ranges`.
        detection_limit: whether to measure how small a movement would have been found, in a tenth of the time at most.
    """

    model: Path | str = "default"
    spotter: Mapping[str, Any] = field(default_factory=lambda: {"name": SPOTTER})
    tracking: Mapping[str, Any] = field(default_factory=dict)
    threshold: Fraction = 0.5
    unit_threshold: Fraction = 0.4
    min_quality: Fraction = 0.5
    sensitivity: Fraction = 0.5
    exclude: tuple[str, ...] = ()
    detection_limit: bool = True

    @classmethod
    def from_settings(cls, values: Mapping[str, Any]) -> AnalysisOptions:
        """Build options from settings as a user writes them.

        Args:
            values: setting -> value; `spotter.<setting>` and `tracking.<setting>` set a single setting of these parts,
                and `spotter` may be a name.

        Raises:
            RecipeError: a setting is unknown or wrong.
        """
        nested: dict[str, Any] = {key: value for key, value in values.items() if "." not in key}
        if isinstance(nested.get("spotter"), str):
            nested["spotter"] = {"name": nested["spotter"]}
        for key, value in values.items():
            part, dot, inner = key.partition(".")
            if dot:
                default = {"name": SPOTTER} if part == "spotter" else {}
                nested[part] = {**nested.get(part, default), inner: value}
        return validate_settings(cls, nested, "analyze")

    def resolved_settings(self) -> dict[str, Any]:
        """Return every setting of every part, also those left at their defaults, as events.json records them."""
        spotter = self.build_spotter()
        return {
            **dataclasses.asdict(self),
            "model": str(self.model),
            "exclude": list(self.exclude),
            "spotter": {"name": spotter.name, **dataclasses.asdict(spotter)},
            "tracking": dataclasses.asdict(self.tracker),
        }

    @property
    def excluded(self) -> Spans:
        """Start and end in seconds of each excluded range, rising.

        Raises:
            UsageError: a text of `exclude` is no range.
        """
        return parse_ranges(self.exclude)

    @property
    def model_file(self) -> Path | None:
        """File of the recognizer; None for none."""
        return {"none": None, "default": DEFAULT_MODEL}.get(str(self.model), Path(self.model))

    def load_model(self) -> Model | None:
        """Load the recognizer; None for none.

        Raises:
            UsageError: it tells action units only, and no class.
            MicroexprError: there is no such file, or it is not a model.
        """
        return None if self.model_file is None else load_classifier(self.model_file)

    @property
    def tracker(self) -> Tracking:
        """The face tracker with these settings."""
        from ..faces.tracking import Tracking

        return validate_settings(Tracking, self.tracking, "tracking")

    def build_spotter(self) -> Spotter:
        """The spotter with these settings, its threshold moved by `sensitivity`.

        Raises:
            MicroexprError: there is no such spotter or setting, or the spotter has no threshold that can be moved.
        """
        from ..spotting import SPOTTERS

        return SPOTTERS.build(self.spotter).with_sensitivity(self.sensitivity)

    @property
    def fps(self) -> float:
        """Frames per second of sources without time stamps."""
        return self.tracker.fps

    @property
    def camera_fps(self) -> float | None:
        """Frames per second of the camera where the user gives them; None takes those of the file."""
        return self.fps if "fps" in self.tracking else None

    def check(self) -> None:
        """Raise at once what is wrong with a setting, before any work is done.

        Raises:
            MicroexprError: there is no such model, spotter or setting.
        """
        self.check_settings()
        self.load_model()

    def check_settings(self) -> None:
        """Raise what is wrong with a setting, without loading the model, which takes seconds.

        Raises:
            MicroexprError: there is no such spotter or setting.
        """
        self.build_spotter()
        _ = self.tracker, self.excluded


def _track(frames: Frames, options: AnalysisOptions, progress: ProgressCallback, folder: Path) -> Sequence[FaceTrack]:
    from ..faces.tracking import track_faces

    return track_faces(frames, options.tracker, progress, folder)


def _spot(track: FaceTrack, options: AnalysisOptions) -> Sequence[Interval]:
    return options.build_spotter().spot(track)


def _curve(track: FaceTrack, options: AnalysisOptions) -> np.ndarray:
    """The curve of the spotter."""
    return options.build_spotter().curve(track)


@dataclass(frozen=True)
class Components:
    """The parts of the pipeline that tests and other programs may replace.

    Attributes:
        track: (frames, options, progress, folder to work in) -> tracks of the faces.
        spot: (track, options) -> intervals in frame numbers.
        curve: (track, options) -> (T,) value for each frame of the track, for the time line.
    """

    track: Callable[[Frames, AnalysisOptions, ProgressCallback, Path], Sequence[FaceTrack]] = _track
    spot: Callable[[FaceTrack, AnalysisOptions], Sequence[Interval]] = _spot
    curve: Callable[[FaceTrack, AnalysisOptions], np.ndarray] = _curve

    def search(self, track: FaceTrack, options: AnalysisOptions) -> Spotted:
        """Return the movements and the curve; a spotter of the package finds them, and weaker ones, in one pass."""
        from ..spotting.base import Spotted

        if self.spot is _spot and self.curve is _curve:
            return options.build_spotter().search(track)
        return Spotted(tuple(self.spot(track, options)), (), self.curve(track, options))

    def is_inverted(self, frames: Frames, tracks: Sequence[FaceTrack]) -> bool:
        """Return whether the faces are upside down; only the tracker of the package is doubted."""
        from .orientation import is_inverted

        return self.track is _track and is_inverted(frames, tracks)

    def measure_detection_limit(
        self, spotted: Sequence[tuple[FaceTrack, Sequence[Interval]]], options: AnalysisOptions, frames: int
    ) -> DetectionLimit | None:
        """Return how small a movement would have been found; None where the options do not ask for it.

        Args:
            spotted: each track, and what was found in it.
            options: the settings.
            frames: number of frames of the recording.
        """
        from .detection_limit import measure_detection_limit

        if not options.detection_limit:
            return None
        max_fps = options.build_spotter().max_fps
        return measure_detection_limit(spotted, lambda track: self.spot(track, options), frames, max_fps)
