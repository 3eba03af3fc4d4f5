"""Faces in video: synthetic people whose landmarks are known, and a photograph."""

from contextlib import closing
from dataclasses import replace
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from microexpr.core.errors import MediaError, RunError, UsageError
from microexpr.core.registry import validate_settings
from microexpr.faces.alignment import RIGID
from microexpr.faces.tracking import Tracking, track_faces
from microexpr.faces.tracking.follower import box_distance, box_overlap
from microexpr.faces.tracking.identity import FaceSignature, match_identity
from microexpr.faces.tracking.measures import blinks, eye_openness, eye_ratios, head_pose, quality, sharpness
from microexpr.faces.tracking.prefetch import prefetch
from microexpr.faces.tracking.smoothing import smooth
from microexpr.imaging.geometry import similarity, transform_points
from microexpr.imaging.timing import iter_frames
from microexpr.imaging.video import VideoFrames, write_video
from microexpr.synthetic import Camera, SyntheticClip, Timing, render_clip
from tests.marks import needs_mesh
from tests.photographs import ASTRONAUT, photograph, turned

pytestmark = needs_mesh


class FramesInMemory:
    """Frames in memory; counts what was read."""

    def __init__(self, images, times=None):
        self.images, self.numbers, self.reads = images, range(len(images)), 0
        if times is not None:
            self.times = times

    def read(self, number):
        self.reads += 1
        return self.images[number]


def show(unit: int, amplitude: float, person: int = 1, frames: int = 24) -> SyntheticClip:
    """The action unit between frames 6 and 16 of 50 a second."""
    camera = Camera(fps=50, size=(240, 320), framing="wide", noise=1.0)
    return render_clip(
        person, units=((unit, ""),), camera=camera, timing=Timing(6, 11, 16, frames, 50), amplitude=amplitude
    )


@pytest.fixture(scope="module")
def smile():
    return show(12, 5)


@pytest.fixture(scope="module")
def blinking():
    """A blink with its neutral frames."""
    return np.stack(list(show(45, 10).frames()))


def test_tracked_landmarks_are_near_the_exact_ones(smile, tmp_path):
    write_video(tmp_path / "v.mp4", np.stack(list(smile.frames())), 50)
    (track,) = track_faces(VideoFrames(tmp_path / "v.mp4"))
    assert track.numbers.tolist() == list(range(24)) and track.fps == pytest.approx(50)
    assert track.crops.shape == (24, 128, 128) and track.crops.dtype == np.uint8
    errors = []
    for i in range(0, 24, 6):
        true = smile.landmarks(i)
        true = transform_points(true, similarity(true[RIGID], track.points[i][RIGID].astype(float)))
        errors.append(np.linalg.norm(true - track.points[i], axis=1)[17:].mean() / np.ptp(true[[36, 45], 0]))
    assert max(errors) < 0.04
    assert 0.8 < track.quality.min() <= 1 and not track.blink.any()
    assert np.abs(track.pose[:, [0, 2]]).max() < 5


def test_a_smile_is_widest_at_its_apex(smile):
    (track,) = track_faces(FramesInMemory(list(smile.frames())), Tracking(fps=50))
    wide = np.linalg.norm(track.points[:, 54] - track.points[:, 48], axis=1)
    assert abs(int(wide.argmax()) - 11) <= 1
    true = np.ptp(smile.landmarks(11)[[48, 54], 0]) / np.ptp(smile.landmarks(0)[[48, 54], 0])
    assert wide.max() / wide[:3].mean() - 1 == pytest.approx(true - 1, rel=0.5)


def test_eyes_stay_at_fixed_positions_in_the_crops(smile):
    shaken = [turned(f, np.zeros((1, 2)), 6 * np.sin(i / 4), 1, (i, -i))[0] for i, f in enumerate(smile.frames())]
    (track,) = track_faces(FramesInMemory(shaken), Tracking(fps=50))
    eyes = track.points[:, 36:48].reshape(-1, 2, 6, 2).mean(axis=2)
    assert np.ptp(eyes, axis=0).max() < 2 and np.abs(eyes[:, 0, 1] - eyes[:, 1, 1]).max() < 1.5
    still = np.abs(np.diff(track.crops.astype(float), axis=0)).mean()
    assert still < np.abs(np.diff([cv2.cvtColor(s, cv2.COLOR_RGB2GRAY).astype(float) for s in shaken], axis=0)).mean()


def test_two_persons_give_two_tracks(smile):
    other = show(45, 8, person=4)
    both = [np.hstack([smile.frame(i), other.frame(i)]) for i in range(12)]
    first, second = sorted(track_faces(FramesInMemory(both), Tracking(fps=50)), key=lambda t: t.boxes[0, 0])
    assert {first.face, second.face} == {1, 2} and len(first) == len(second) == 12
    assert first.boxes[:, 0].max() + 100 < 320 < second.boxes[:, 0].min()


@pytest.mark.parametrize(("away", "tracks"), [(8, 1), (30, 2)])
def test_a_face_that_comes_back_gets_the_same_number(smile, away, tracks):
    here, empty = smile.frame(0), np.full_like(smile.frame(0), 90)
    found = track_faces(
        FramesInMemory([here] * 10 + [empty] * away + [here] * 14),
        Tracking(fps=50, max_gap=0.4, redetect_interval=0.02, min_seconds=0),
    )
    numbers = np.concatenate([t.numbers for t in found])
    assert len(found) == tracks and {t.face for t in found} == {1}
    assert numbers.tolist() == [*range(10), *range(10 + away, 24 + away)]


def test_a_different_person_in_the_same_place_gets_a_new_number(smile):
    empty, other = np.full_like(smile.frame(0), 90), cv2.resize(photograph(ASTRONAUT)[0], (320, 240))
    images = [smile.frame(0)] * 5 + [empty] * 20 + [other] * 5 + [empty] * 20 + [smile.frame(3)] * 5
    found = track_faces(FramesInMemory(images), Tracking(fps=50, max_gap=0.2, redetect_interval=0.02, min_seconds=0))
    assert [t.face for t in found][:2] == [1, 2] and len(found) == 3
    known = [FaceSignature.from_track(t) for t in found]
    own = [replace(p, face=0, first_box=known[0].first_box, last_box=known[0].last_box) for p in known]
    assert match_identity(own[1], known[:1]) == 2 and match_identity(own[2], known[:2]) == 1
    assert match_identity(own[0], []) == 1 and match_identity(own[0], known[1:2]) == 3


def test_a_cut_to_another_person_begins_a_new_track(smile):
    other = show(12, 5, person=4)
    images = [clip.frame(i) for clip, i in [(smile, i) for i in range(12)] + [(other, i) for i in range(12)]]
    found = track_faces(FramesInMemory([*images, *images[:12]]), Tracking(fps=50))
    numbers = {face: [int(n) for t in found if t.face == face for n in t.numbers] for face in (1, 2)}
    assert numbers == {1: [*range(12), *range(24, 36)], 2: [*range(12, 24)]} and len({t.face for t in found}) == 2


def test_two_people_who_cross_each_keep_their_number(smile):
    behind, front, images = smile.frame(0), show(12, 5, person=4).frame(0), []
    for way in np.clip((np.arange(60) - 10) / 40, 0, 1):
        stage = np.full((240, 760, 3), 120, np.uint8)
        for image, left in ((behind, round(40 + 420 * way)), (front, round(460 - 420 * way))):
            stage[:, left : left + 190] = image[:, 65:255]
        images.append(stage)
    ends: dict[int, list[float]] = {}
    for track in track_faces(FramesInMemory(images), Tracking(fps=25)):
        ends.setdefault(track.face, []).extend((track.boxes[0, 0], track.boxes[-1, 0]))
    assert len(ends) == 2 and all(
        (begin < 300) != (places[-1] < 300) for places in ends.values() for begin in places[:1]
    )


def test_recordings_without_a_face_have_no_tracks(tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, (240, 320, 3), dtype=np.uint8)
    assert track_faces(FramesInMemory([noise] * 3)) == []
    assert track_faces(FramesInMemory([])) == []
    assert track_faces(FramesInMemory([noise] * 3), folder=tmp_path) == track_faces(
        FramesInMemory([noise] * 3), folder=tmp_path
    )


def test_a_blink_is_marked(blinking):
    (track,) = track_faces(FramesInMemory(list(blinking) + [blinking[0]] * 26), Tracking(fps=50))
    marked = np.flatnonzero(track.blink)
    assert set(range(9, 14)) <= set(marked) and set(marked) <= set(range(3, 20))
    assert 10 <= int(track.eye_openness.mean(axis=1).argmin()) <= 12
    assert track.eye_openness[30:] == pytest.approx(1, abs=0.1)


def test_short_deep_dips_of_the_openness_are_blinks():
    times = np.arange(400) / 100
    dip = np.exp(-0.5 * ((times - 2) / 0.06) ** 2)
    slow = np.exp(-0.5 * ((times - 2) / 0.6) ** 2)
    for depth, shape, marked in ((0.9, dip, True), (0.35, dip, True), (0.1, dip, False), (0.3, slow, False)):
        opening = eye_openness(times, 0.3 * np.stack([1 - depth * shape] * 2, axis=1))
        found = blinks(times, opening, 0.05)
        assert found[200] == marked and not found[:150].any() and not found[250:].any()
    assert blinks(times, eye_openness(times, np.full((400, 2), 0.3)), 0.05).sum() == 0


def test_smoothing_preserves_the_height_of_a_peak_of_40_ms():
    rng = np.random.default_rng(0)
    times = np.arange(2000) / 200
    peak = 2 * np.where(np.abs(times - 5) < 0.02, (1 + np.cos(np.pi * (times - 5) / 0.02)) / 2, 0)
    assert smooth(times, peak, 30).max() / peak.max() == pytest.approx(0.936, abs=0.005)
    assert int(smooth(times, peak, 30).argmax()) == 1000
    noise = rng.normal(size=2000)
    assert noise.std() / smooth(times, noise, 30).std() > 1.65
    slow = np.arange(100) / 25
    assert np.array_equal(smooth(slow, noise[:100], 30), noise[:100])


def test_a_smile_of_40_ms_is_not_smoothed_away():
    """Rendered at 200 frames a second, up in 20 ms and down in 20: beside the same pass without smoothing."""
    camera = Camera(fps=200, size=(240, 320), framing="wide", noise=1.0)
    shown = render_clip(1, units=((12, ""),), camera=camera, timing=Timing(14, 18, 22, 36, 200), amplitude=8)
    video = FramesInMemory(list(shown.frames()))
    heights = []
    for window in (0, 30):
        (track,) = track_faces(video, Tracking(fps=200, landmark_smoothing_ms=window, min_seconds=0))
        wide = np.linalg.norm(track.points[:, 54] - track.points[:, 48], axis=1)
        heights.append(wide[17:20].mean() - wide[:10].mean())
        assert 16 <= int(wide.argmax()) <= 20
    assert heights[1] > 0.85 * heights[0] > 1


def test_smoothing_uses_the_time_stamps():
    rng = np.random.default_rng(1)
    times = np.cumsum(rng.uniform(0.003, 0.007, 400))
    curve = 3 + 4 * times - 5 * times**2
    assert smooth(times, curve, 40) == pytest.approx(curve)
    lost = np.delete(np.arange(400), np.arange(100, 200))
    assert smooth(times[lost], curve[lost], 40) == pytest.approx(curve[lost])


@pytest.mark.parametrize("degrees", [-25, 0, 25])
def test_the_roll_of_a_turned_photograph(degrees):
    image, _ = turned(*photograph(ASTRONAUT), degrees)  # type: ignore[call-arg]
    upright = track_faces(FramesInMemory([photograph(ASTRONAUT)[0]]))[0].pose[0]
    pose = track_faces(FramesInMemory([image]))[0].pose[0]
    assert abs(abs(pose[2] - upright[2]) - abs(degrees)) < 3 and pose[:2] == pytest.approx(upright[:2], abs=6)


def test_the_pose_of_turned_points():
    face = np.array([[-45.0, -30, 10], [45, -30, 10], [0, -80, 0], [0, 80, 0]])
    for axis, degrees, expected in (
        ((0, 1, 0), 20, (-20, 0, 0)),
        ((1, 0, 0), 15, (0, -15, 0)),
        ((0, 0, 1), 10, (0, 0, 10)),
    ):
        turn = cv2.Rodrigues(np.radians(degrees) * np.array(axis, float))[0]
        assert head_pose(*(face @ turn.T)) == pytest.approx(expected, abs=1e-6)


def test_the_pose_of_a_mirrored_face_is_mirrored():
    image = photograph(ASTRONAUT)[0]
    pose, mirrored = (
        track_faces(FramesInMemory([p]))[0].pose[0] for p in (image, np.ascontiguousarray(image[:, ::-1]))
    )
    assert pose * (-1, 1, -1) == pytest.approx(mirrored, abs=3)


def test_quality_falls_with_size_turn_and_blur(smile):
    one = np.ones(1)
    assert quality(one, one * 200, np.zeros((1, 3)), one) == pytest.approx(1)
    for worse in ((one / 2, one * 200, np.zeros((1, 3)), one), (one, one * 48, np.zeros((1, 3)), one)):
        assert quality(*worse) == pytest.approx(0.5)
    assert quality(one, one * 200, np.array([[60.0, 0, 0]]), one) == 0
    blurred = cv2.GaussianBlur(smile.frame(0), (0, 0), 3)
    (sharp,), (soft,) = (track_faces(FramesInMemory([p])) for p in (smile.frame(0), blurred))
    assert soft.quality[0] < 0.8 * sharp.quality[0] and sharpness(np.full((128, 128), 7, np.uint8)) == 0


def test_complete_tracks_are_read_from_their_folder(smile, tmp_path):
    video, calls = tmp_path / "v.mp4", []
    write_video(video, np.stack(list(smile.frames())[:20]), 50)
    (first,) = track_faces(VideoFrames(video), Tracking(), lambda *now: calls.append(now), tmp_path)
    assert calls == [("faces", 16, 20), ("faces", 20, 20)]
    assert isinstance(first.crops, np.memmap) and Path(first.crops.filename).parent == tmp_path
    (again,) = track_faces(VideoFrames(video), Tracking(), lambda *now: calls.append(now), tmp_path)
    assert len(calls) == 2
    for name in ("points", "crops", "blink", "quality"):
        assert np.array_equal(getattr(first, name), getattr(again, name))
    (other,) = track_faces(VideoFrames(video), Tracking(size=64), lambda *now: calls.append(now), tmp_path)
    assert len(calls) == 4 and other.crops.shape == (20, 64, 64)


def test_incomplete_tracks_are_made_again(smile, tmp_path):
    video = tmp_path / "v.mp4"
    write_video(video, np.stack(list(smile.frames())[:20]), 50)

    def stop(what, done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        track_faces(VideoFrames(video), Tracking(), stop, tmp_path)
    (track,) = track_faces(VideoFrames(video), Tracking(), folder=tmp_path)
    assert len(track) == 20
    (tmp_path / "1.crops").write_bytes(b"broken")
    (track,) = track_faces(VideoFrames(video), Tracking(), folder=tmp_path)
    assert len(track) == 20 and track.crops.shape == (20, 128, 128)


def test_frames_in_memory_are_always_tracked_again(smile, tmp_path):
    frames = FramesInMemory(list(smile.frames())[:5])
    track_faces(frames, folder=tmp_path)
    track_faces(frames, folder=tmp_path)
    assert frames.reads == 10


def test_prefetch_keeps_the_order_passes_errors_on_and_stops():
    made, closed = [], []

    def numbers(upto):
        try:
            for i in range(upto):
                made.append(i)
                yield i
            raise ValueError("the end")
        finally:
            closed.append(upto)

    with pytest.raises(ValueError, match="the end"):
        list(prefetch(numbers(50), 2))
    assert made == list(range(50)) and closed == [50]
    with closing(prefetch(numbers(1000), 3)) as items:
        assert next(items) == 0
    assert closed == [50, 1000] and len(made) <= 50 + 6


def test_crops_are_written_while_tracking(smile, tmp_path):
    sizes = []
    frames = FramesInMemory([smile.frame(0)] * 200)
    track_faces(
        frames, Tracking(), lambda *now: sizes.append(sum(f.stat().st_size for f in tmp_path.glob("*.crops"))), tmp_path
    )
    assert sizes[-1] == 200 * 128**2 and sizes[len(sizes) // 2] > 50 * 128**2


def test_varying_and_broken_time_stamps_give_rising_times(smile):
    times = [0.5, 0.54, 0.54, 0.62, 0.60, 0.70]
    assert [round(t, 6) for _, t, _ in iter_frames(FramesInMemory([0] * 6, times), 25)] == [
        0,
        0.04,
        0.06,
        0.12,
        0.15,
        0.2,
    ]
    (track,) = track_faces(FramesInMemory(list(smile.frames())[:6], [0, 0.01, 0.05, 0.3, 0.31, 0.4]))
    assert track.times == pytest.approx([0, 0.01, 0.05, 0.3, 0.31, 0.4])


def test_a_video_of_varying_frame_rate_has_its_own_times(smile, tmp_path):
    stamps = [0, 20, 40, 100, 120, 220, 230, 240]  # milliseconds
    with av.open(str(tmp_path / "v.mp4"), "w") as video:
        stream = video.add_stream("mpeg4", rate=1000)
        stream.height, stream.width, stream.pix_fmt, stream.bit_rate = 240, 320, "yuv420p", 8_000_000
        for i, stamp in enumerate(stamps):
            frame = av.VideoFrame.from_ndarray(smile.frame(i), format="rgb24")
            frame.pts = stamp
            video.mux(stream.encode(frame))
        video.mux(stream.encode())
    (track,) = track_faces(VideoFrames(tmp_path / "v.mp4"))
    assert track.times == pytest.approx(np.array(stamps) / 1000, abs=1e-3)


def test_a_video_with_rotation_metadata_is_turned_upright(smile, tmp_path):
    """A telephone writes what its sensor sees, and the turn into the file's track header."""
    path = tmp_path / "v.mp4"
    write_video(path, np.stack([np.rot90(smile.frame(i)) for i in range(3)]), 50)
    data = path.read_bytes()
    start = data.index(b"tkhd") + 4 + 40
    clockwise = np.array([0, 1 << 16, 0, -(1 << 16), 0, 0, 0, 0, 1 << 30], ">i4").tobytes()
    path.write_bytes(data[:start] + clockwise + data[start + 36 :])
    (track,) = track_faces(VideoFrames(path), Tracking(min_seconds=0))
    assert abs(track.pose[0, 2]) < 5 and track.boxes[0, 2:].max() < 240
    assert next(iter(VideoFrames(path)))[1].shape == (240, 320, 3)


def test_overlap_and_distance_of_boxes_and_eye_ratios():
    assert (
        box_overlap((0, 0, 2, 2), (1, 0, 2, 2)) == pytest.approx(1 / 3) and box_overlap((0, 0, 1, 1), (3, 3, 1, 1)) == 0
    )
    assert box_distance((0, 0, 2, 2), (2, 0, 2, 2)) == 1 and box_distance((0, 0, 2, 2), (0, 0, 5, 5)) == float("inf")
    points = np.zeros((68, 2))
    points[36:42] = [(0, 0), (1, -1), (2, -1), (3, 0), (2, 1), (1, 1)]
    assert eye_ratios(points)[0] == pytest.approx(2 / 3)


@pytest.mark.parametrize(
    "wrong",
    [{"fps": 0}, {"size": 3}, {"max_gap": -1}, {"detect_interval": 0}, {"max_faces": 0}, {"landmark_smoothing_ms": -1}],
)
def test_wrong_settings_are_named(wrong):
    with pytest.raises(UsageError, match=f"{next(iter(wrong))} = "):
        validate_settings(Tracking, wrong, "tracking")


def test_a_missing_video_and_an_unwritable_folder_are_errors(tmp_path, smile):
    with pytest.raises(MediaError, match="No such file"):
        track_faces(VideoFrames(tmp_path / "nothing.mp4"))
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError, match="cannot be written"):
        track_faces(FramesInMemory([smile.frame(0)]), folder=tmp_path / "file")
