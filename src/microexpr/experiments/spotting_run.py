"""The run folder of spotting.

<run>/run.json                       recipe, data, videos with their subjects, seed; the first file written
<run>/videos/<video>.json            the annotated and the found intervals, which face was evaluated
<run>/videos/<video>.error           error message of a failed video; removed when the video succeeds
<run>/recognized/<video>.json        the recognizer's predictions for the true positives
<run>/logs/<data set>-<kind>.txt     the same as logs of the MEGC challenges
<run>/models/<subject>.safetensors   the spotter trained without that subject, with --save-models
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..core.clip import Interval
from ..core.errors import RunError
from ..core.files import unique_file_name
from .run_folder import Run, RunMetadata, read_json, write_json

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, kw_only=True)
class SpottingMetadata(RunMetadata):
    """Metadata of a run of spotting.

    Attributes:
        videos: Of each video: `id` of its clip, `dataset`, `subject`.
        trained: Whether the spotter is fitted on the other subjects of a data set.
        model: What classifies the true positives: a file and its checksum, or "" for nothing.
    """

    kind: str = "spotting"
    videos: list[dict[str, str]]
    trained: bool = False
    model: str = ""

    @property
    def identity(self) -> dict[str, Any]:
        """What must be equal for a run to be continued."""
        return {**super().identity, "videos": self.videos, "recognizer": self.model}


@dataclass(frozen=True)
class VideoResult:
    """The results of one video.

    Attributes:
        id: Id of the clip.
        dataset: Its data set.
        subject: Its subject.
        fps: Frames per second.
        frames: Number of frames of the video.
        seconds: Length of the video.
        ground_truth: The intervals that the release annotates, in frame numbers of the source.
        found: The intervals that the spotter found in the evaluated face.
        faces: Number of different faces in the video.
        face: Number of the evaluated face, which is visible in more frames than any other; None without a face.
        seen: Number of frames in which the evaluated face is visible.
    """

    id: str
    dataset: str
    subject: str
    fps: float
    frames: int
    seconds: float
    ground_truth: tuple[Interval, ...]
    found: tuple[Interval, ...] = ()
    faces: int = 0
    face: int | None = None
    seen: int = 0

    @property
    def name(self) -> str:
        """The release's own name of the video."""
        return self.id.rpartition("/")[2]


@dataclass(frozen=True)
class EventPrediction:
    """A recognizer's prediction for one true positive.

    Attributes:
        label: Emotion as the release annotates it.
        onset: Onset frame of the found interval, by which the event was classified.
        offset: Offset frame of that interval.
        predicted: Predicted class, "" where no face was found.
        probabilities: Class -> probability, 0 to 1.
    """

    label: str
    onset: int
    offset: int
    predicted: str
    probabilities: dict[str, float]


class SpottingRun(Run):
    """A run of spotting on disk; its units are videos."""

    kind = "spotting"
    metadata_class = SpottingMetadata
    unit = "video"
    suffix = "json"

    metadata: SpottingMetadata

    @property
    def unit_names(self) -> list[str]:
        """Clip ids of all videos, whether or not they are done."""
        return [video["id"] for video in self.metadata.videos]

    def write(self, video: VideoResult) -> None:
        """Write the results of a video."""
        self.write_unit(video.id, (json.dumps(asdict(video), indent=1) + "\n").encode())

    def videos(self) -> list[VideoResult]:
        """The videos that are done, in the order of `run.json`.

        Raises:
            RunError: a file is damaged.
        """
        return [self._video(self.unit_path(name)) for name in self.done()]

    def write_recognized(self, name: str, events: Sequence[EventPrediction]) -> None:
        """Write the recognizer's predictions for the true positives of a video."""
        write_json(self._recognized_path(name), [asdict(event) for event in events])

    def recognized(self, name: str) -> list[EventPrediction] | None:
        """The recognizer's predictions for the true positives of a video; None where there are none yet.

        Raises:
            RunError: the file is damaged.
        """
        path = self._recognized_path(name)
        table = read_json(path)
        try:
            return None if table is None else [EventPrediction(**event) for event in table]
        except TypeError as error:
            raise RunError(f"'{path}' is damaged ({error}); delete it and run again") from None

    def to_dataframe(self) -> pd.DataFrame:
        """Every annotated and found interval, a row each.

        Columns: video, dataset, subject, source (`annotated` or `found`), kind (`micro` or `macro`), onset, apex,
        offset (frame numbers), score, fps.
        """
        import pandas as pd

        rows = [
            {
                "video": video.id,
                "dataset": video.dataset,
                "subject": video.subject,
                "source": source,
                "kind": interval.kind,
                "onset": interval.onset,
                "apex": interval.apex,
                "offset": interval.offset,
                "score": interval.score,
                "fps": video.fps,
            }
            for video in self.videos()
            for source, intervals in (("annotated", video.ground_truth), ("found", video.found))
            for interval in intervals
        ]
        columns = ["video", "dataset", "subject", "source", "kind", "onset", "apex", "offset", "score", "fps"]
        return pd.DataFrame(rows, columns=columns)

    def _video(self, path: Path) -> VideoResult:
        table = read_json(path)
        try:
            for side in ("ground_truth", "found"):
                table[side] = tuple(Interval(**interval) for interval in table[side])
            return VideoResult(**table)
        except (TypeError, KeyError) as error:
            raise RunError(f"'{path}' is damaged ({error}); delete it and run again") from None

    def _recognized_path(self, name: str) -> Path:
        return self.folder / "recognized" / f"{unique_file_name(name)}.json"
