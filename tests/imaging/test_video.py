"""Video files as cameras, telephones and recorders write them: times, the right track, square pixels, the end."""

from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from microexpr.analysis.summary import frame_damage
from microexpr.core.errors import MediaError
from microexpr.imaging.timing import frame_rate
from microexpr.imaging.video import VideoFrames

STEP = 5
"""Gray levels by which each frame is brighter than the one before."""


@dataclass
class Film:
    """A film in which frame i has the gray level `STEP * i`.

    Attributes:
        frames, fps, codec, options, metadata, size: of the film; size is (width, height).
        aspect: width of a pixel over its height.
        stamps: milliseconds of each frame, in a file that counts them.
        sound: seconds of silence beside it.
        cover: whether a cover image comes first, marked as one (True) or as a track like any other (False).
    """

    frames: int = 30
    fps: int = 30
    codec: str = "mpeg4"
    aspect: Fraction | None = None
    options: dict[str, str] = field(default_factory=dict)
    metadata: dict[str, str] = field(default_factory=dict)
    stamps: list[int] = field(default_factory=list)
    sound: float = 0
    cover: bool | None = None
    size: tuple[int, int] = (64, 48)

    def write(self, path: Path) -> VideoFrames:
        with av.open(str(path), "w", options={"movflags": "use_metadata_tags"} if self.metadata else {}) as container:
            container.metadata.update(self.metadata)
            image: Any = None if self.cover is None else container.add_stream("mjpeg", rate=1)
            stream: Any = container.add_stream(self.codec, rate=self.fps, options=self.options)
            stream.width, stream.height = self.size
            stream.pix_fmt = "yuv420p"
            if self.aspect:
                stream.codec_context.sample_aspect_ratio = self.aspect
            if self.stamps:
                stream.codec_context.time_base = Fraction(1, 1000)
            voice: Any = container.add_stream("libopus", rate=48000) if self.sound else None
            if image is not None:
                image.width, image.height, image.pix_fmt = 32, 32, "yuvj420p"
                if self.cover:
                    image.disposition = av.stream.Disposition.attached_pic
                container.mux(image.encode(gray(200, (32, 32))))
                container.mux(image.encode())
            for i, stamp in enumerate(self.stamps or range(self.frames)):
                frame = gray(STEP * i, self.size)
                frame.pts, frame.time_base = stamp, Fraction(1, 1000 if self.stamps else self.fps)
                container.mux(stream.encode(frame))
            for k in range(round(50 * self.sound)):
                silence = av.AudioFrame.from_ndarray(np.zeros((1, 1920), np.float32), format="flt", layout="stereo")
                silence.sample_rate, silence.pts, silence.time_base = 48000, 960 * k, Fraction(1, 48000)
                container.mux(voice.encode(silence))
            for track in filter(None, (stream, voice)):
                container.mux(track.encode())
        return VideoFrames(path, damaged=True)


def gray(level: int, size: tuple[int, int]) -> av.VideoFrame:
    return av.VideoFrame.from_ndarray(np.full((*size[::-1], 3), min(level, 255), np.uint8), format="rgb24")


def levels(frames: VideoFrames) -> list[int]:
    """The number that each frame shows."""
    return [round(image.mean() / STEP) for _, image in frames]


@pytest.mark.parametrize("b_frames", [2, 3, 8, 16])
def test_avi_with_frames_predicted_from_later_ones_has_the_times_of_showing(tmp_path, b_frames):
    """AVI stamps the frames in the order of decoding; players show this film right."""
    options = {"x264-params": f"bframes={b_frames}:b-adapt=0:b-pyramid=normal:scenecut=0"}
    film = Film(40, codec="libx264", options=options).write(tmp_path / "film.avi")
    assert levels(film) == list(range(40)) and np.diff(film.times) == pytest.approx(np.full(39, 1 / 30))


@pytest.mark.parametrize(("name", "cover"), [("a.mp4", True), ("b.mkv", False)])
def test_the_film_is_read_and_not_its_cover(tmp_path, name, cover):
    film = Film(cover=cover).write(tmp_path / name)
    assert levels(film) == pytest.approx(list(range(30)), abs=1)
    assert film.header.notes == () and not film.header.only_track


def test_a_file_with_a_cover_only_has_no_film(tmp_path):
    with av.open(str(tmp_path / "cover.mp4"), "w") as container:
        image: Any = container.add_stream("mjpeg", rate=1)
        image.width, image.height, image.pix_fmt = 32, 32, "yuvj420p"
        image.disposition = av.stream.Disposition.attached_pic
        container.mux(image.encode(gray(200, (32, 32))))
        container.mux(image.encode())
    with pytest.raises(MediaError, match="no video track, only a cover image"):
        _ = VideoFrames(tmp_path / "cover.mp4").times


def test_of_two_films_in_a_file_the_first_is_read_and_the_other_told(tmp_path):
    with av.open(str(tmp_path / "two.mkv"), "w") as container:
        streams: list[Any] = [container.add_stream("mpeg4", rate=25) for _ in range(2)]
        for stream, side in zip(streams, (48, 64), strict=True):
            stream.width, stream.height, stream.pix_fmt = side, side, "yuv420p"
        for i in range(30):
            for stream in streams:
                container.mux(stream.encode(gray(STEP * i, (stream.width, stream.height))))
        for stream in streams:
            container.mux(stream.encode())
    film = VideoFrames(tmp_path / "two.mkv")
    assert film.read(0).shape == (48, 48, 3)
    assert film.header.notes == (
        "the file holds 2 films; the first one (48 x 48 pixels) was read, the others were not",
    )


@pytest.mark.parametrize(
    ("size", "aspect", "shown"),
    [
        ((48, 48), Fraction(4, 3), (64, 48)),  # HDV
        ((32, 48), Fraction(2), (64, 48)),  # recorders that store half the width
        ((72, 48), Fraction(8, 9), (72, 54)),  # DV of 525 lines
        ((64, 24), Fraction(1, 2), (64, 48)),  # recorders that store half the height
        ((64, 48), None, (64, 48)),
        ((64, 48), Fraction(1, 8), (64, 48)),  # a damaged header
    ],
)
def test_frames_have_square_pixels(tmp_path, size, aspect, shown):
    film = Film(3, codec="libx264", size=size, aspect=aspect).write(tmp_path / "film.mp4")
    assert film.read(1).shape == (shown[1], shown[0], 3)
    told = " ".join(film.header.notes)
    assert (f"({size[0]} x {size[1]}" in told and f"{shown[0]} x {shown[1]}" in told) == (size != shown)
    assert ("taken for square ones" in told) == (aspect == Fraction(1, 8))


@pytest.mark.parametrize(
    ("capture", "given", "seconds"),
    [
        ("240.000000", None, 29 / 240),  # slow motion of a telephone
        ("1.0", None, 29.0),  # time lapse
        ("30.000000", None, 29 / 30),
        ("nonsense", None, 29 / 30),
        (None, 240.0, 29 / 240),  # a laboratory camera whose file says 30
        ("240.000000", 120.0, 29 / 120),
        (None, 29.97, 29 / 30),
    ],
)
def test_times_are_those_of_the_camera(tmp_path, capture, given, seconds):
    Film(metadata={"com.android.capture.fps": capture} if capture else {}).write(tmp_path / "film.mp4")
    film = VideoFrames(tmp_path / "film.mp4", camera_fps=given)
    assert film.times[-1] - film.times[0] == pytest.approx(seconds)
    changed = seconds != 29 / 30
    assert bool(film.header.notes) == changed
    if changed:
        assert "say 30 frames per second" in film.header.notes[0]
        assert ("(--fps)" if given else "(com.android.capture.fps)") in film.header.notes[0]


@pytest.mark.parametrize("fps", [30, 50, 60, 59.94, 120, 240])
def test_whole_milliseconds_have_the_frame_rate_of_the_camera(fps):
    times = np.round(np.arange(200) * 1000 / fps) / 1000
    assert frame_rate(times) == pytest.approx(fps, rel=2e-3)


def test_missing_frames_do_not_change_the_frame_rate():
    kept = np.delete(np.arange(100), [20, 21, 22, 60, 80])
    assert frame_rate(kept / 25) == pytest.approx(25)
    assert frame_rate([0.0]) == frame_rate([]) == 0


STEADY = [40 * i for i in range(50)]


@pytest.mark.parametrize(
    ("name", "film"),
    [
        ("whole.avi", Film(50, 25)),
        ("whole.mp4", Film(50, 25)),
        ("sound.mkv", Film(stamps=STEADY, sound=4)),
        ("sound.webm", Film(stamps=STEADY, sound=4, codec="libvpx", options={"cpu-used": "8"})),
        ("call.mkv", Film(stamps=[33 * i for i in range(40)] + [1320 + 166 * i for i in range(30)])),
    ],
)
def test_a_whole_file_is_not_taken_for_a_cut_one(tmp_path, name, film):
    assert frame_damage(film.write(tmp_path / name), 25) == (pytest.approx([]), ())


@pytest.mark.parametrize("name", ["film.avi", "film.mkv", "fast.mp4"])
@pytest.mark.parametrize("share", [0.5, 0.9])
def test_a_cut_file_is_told(tmp_path, name, share):
    options = {"movflags": "faststart"}  # the header first, as cameras that stream write it
    with av.open(str(tmp_path / name), "w", options=options if name == "fast.mp4" else {}) as container:
        stream: Any = container.add_stream("mjpeg", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuvj420p"
        for i in range(50):
            container.mux(stream.encode(gray(STEP * i, (64, 48))))
        container.mux(stream.encode())
    data = (tmp_path / name).read_bytes()
    (tmp_path / name).write_bytes(data[: round(share * len(data))])
    _, warnings = frame_damage(VideoFrames(tmp_path / name, damaged=True), 25)
    assert "the file ends too early, or was cut: its header announces 2.00 s" in warnings[-1]


def test_a_film_that_was_trimmed_by_an_edit_list_is_whole(tmp_path):
    """Two seconds from the third on, of six; all frames are still in the file."""
    Film(150, 25, "libx264", options={"g": "25", "bf": "0"}).write(tmp_path / "film.mp4")
    data = bytearray((tmp_path / "film.mp4").read_bytes())
    edit, movie, media = data.index(b"elst"), data.index(b"mvhd"), data.index(b"mdhd")
    movie_ticks = int.from_bytes(data[movie + 16 : movie + 20], "big")
    media_ticks = int.from_bytes(data[media + 16 : media + 20], "big")
    data[edit + 12 : edit + 16] = (2 * movie_ticks).to_bytes(4, "big")
    data[edit + 16 : edit + 20] = (3 * media_ticks).to_bytes(4, "big")
    (tmp_path / "film.mp4").write_bytes(data)
    film = VideoFrames(tmp_path / "film.mp4", damaged=True)
    assert len(film.times) == 50 and frame_damage(film, 25)[1] == ()
