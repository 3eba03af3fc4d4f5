"""From recordings to files: with faces at known places, and once with everything as it ships."""

import csv
import dataclasses
import json
import os
import signal
import struct
import subprocess
import sys
import time

import numpy as np
import pytest

from microexpr.analysis import (
    EVENT_FORMATS,
    AnalysisOptions,
    Components,
    analysis_files,
    analyze_video,
    analyze_videos,
    event_files,
    recordings,
)
from microexpr.analysis.formats.json_file import read_analysis, to_json
from microexpr.analysis.sources import output_folders
from microexpr.cli.main import main
from microexpr.core.clip import Interval
from microexpr.core.errors import MediaError, RunError, UnknownNameError, UsageError
from microexpr.core.executors.processes import Processes
from microexpr.core.registry import load_plugin
from microexpr.core.track import FaceTrack
from microexpr.imaging.images import write_image
from microexpr.imaging.video import VideoFrames, write_video
from microexpr.recognizers.model import Answer, load_model
from microexpr.synthetic import Camera, Timing, render_clip
from tests.analysis.test_analyze_hostile import STUB, everywhere, whole
from tests.hostile import film, timed_video
from tests.marks import needs_mesh

NONE = AnalysisOptions(model="none")
LEARNED = f"the spotter {NONE.build_spotter().learned_from}"


@pytest.fixture
def video(tmp_path):
    write_video(tmp_path / "talk.mp4", film(20), 25)
    return tmp_path / "talk.mp4"


def count(parts: Components) -> tuple[Components, list[str]]:
    """The same parts; what was tracked is noted."""
    calls: list[str] = []

    def track(frames, options, progress, folder):
        calls.append(str(frames.path))
        return parts.track(frames, options, progress, folder)

    return dataclasses.replace(parts, track=track), calls


def test_files_events_and_properties_of_a_recording(video, tmp_path):
    found = analyze_video(video, tmp_path / "out", NONE, components=STUB)
    folder = tmp_path / "out" / "talk.mp4"
    assert {p.name for p in folder.iterdir()} == set(analysis_files())
    assert read_analysis(folder / "events.json") == found
    assert (found.recording.frames, found.recording.fps, found.recording.width) == (20, 25, 64)
    assert found.recording.seconds == pytest.approx(0.76) and found.recording.path == str(video)
    (event,) = found.events
    assert (event.onset, event.apex, event.offset, event.kind, event.label) == (0, 9, 19, "macro", "unknown")
    assert event.seconds == pytest.approx(0.76) and not event.probabilities and event.status == "found"
    assert found.settings["spotter"]["name"] and found.settings["tracking"]["max_faces"] == 8


def test_warnings_about_a_low_frame_rate(video, tmp_path):
    found = analyze_video(video, tmp_path / "out", NONE, components=STUB)
    assert "below 60 fps" in found.events[0].warnings
    assert "a movement shorter than 80 ms (two frames) can be missed" in found.warnings[0]
    write_video(tmp_path / "fast.mp4", film(20), 200)
    fast = analyze_video(tmp_path / "fast.mp4", tmp_path / "out", NONE, components=STUB)
    assert fast.warnings == (LEARNED,) and fast.events[0].kind == "micro"
    assert fast.events[0].warnings == ("cut by the start of the recording", "cut by the end of the recording")


def test_warnings_about_a_face_of_low_quality(video, tmp_path):
    def dim(frames, options, progress, folder):
        (track,) = everywhere(frames, options, progress, folder)
        track.quality[:] = 0.3
        return [track]

    found = analyze_video(video, tmp_path / "out", NONE, components=dataclasses.replace(STUB, track=dim))
    assert "face 1 is hard to see (quality 0.30 of 1)" in found.warnings[-2]
    assert "face hardly in sight" in found.events[0].warnings


def test_gaps_blinks_and_several_faces(video, tmp_path):
    def two(frames, options, progress, folder):
        (track,) = everywhere(frames, options, progress, folder)
        keep = np.r_[0:6, 14:20]
        parts = {name: value[keep] for name, value in vars(track).items() if isinstance(value, np.ndarray)}
        half = FaceTrack(2, **parts)
        half.blink[2:4] = True
        return [track, half]

    found = analyze_video(video, tmp_path / "out", NONE, components=dataclasses.replace(STUB, track=two))
    assert [face.face for face in found.faces] == [1, 2] and [e.face for e in found.events] == [1, 2]
    assert found.faces[0].gaps == () and found.faces[1].frames == 12
    assert found.faces[1].gaps == (pytest.approx((0.24, 0.56)),)
    assert found.faces[1].blinks == (pytest.approx((0.08, 0.16)),)
    assert "not all the time in sight: face 2" in found.warnings[-2] and "blink" in found.events[1].warnings


def test_an_event_is_recognized_by_its_own_face(video, tmp_path, monkeypatch):
    """The recognizer gets images that are cut to the face, under the frame numbers of the recording."""
    seen = []

    class Spy:
        metadata, classes, chain = {}, ("negative", "positive"), load_model(AnalysisOptions().model_file).chain

        def answer(self, source, onset, apex, offset, frames, landmarks):
            assert {image.shape for image in frames.values()} == {(48, 64, 3)} and not landmarks
            seen.append((source.name, sorted(frames), onset, apex, offset))
            return Answer({"positive": 0.4, "negative": 0.6}, "negative")

    monkeypatch.setattr("microexpr.analysis.options.load_classifier", lambda path: Spy())
    events = [
        analyze_video(video, tmp_path / str(t), AnalysisOptions(threshold=t), components=STUB).events[0]
        for t in (0.5, 0.7)
    ]
    assert seen[0] == ("talk.mp4", [0, 9, 19], 0, 9, 19)
    assert [e.label for e in events] == ["negative", "unknown"] and events[1].probabilities["negative"] == 0.6


def test_a_folder_of_frames_and_an_image(video, tmp_path):
    """A folder of frames at a given rate, and a single image."""
    for number, image in enumerate(film(6)):
        write_image(tmp_path / "frames" / f"img{number + 3}.png", image)
    found = analyze_video(
        tmp_path / "frames",
        tmp_path / "a",
        AnalysisOptions.from_settings({"model": "none", "tracking.fps": 100}),
        components=STUB,
    )
    assert found.recording.fps == pytest.approx(100) and found.events[0].seconds == pytest.approx(0.05)
    assert (found.events[0].onset, found.events[0].offset) == (3, 8)
    assert not any("assumed" in line for line in found.warnings)
    assumed = analyze_video(tmp_path / "frames", tmp_path / "c", NONE, components=STUB)
    assert "25 frames per second were assumed" in assumed.warnings[0] and assumed.recording.seconds == pytest.approx(
        0.2
    )
    single = analyze_video(tmp_path / "frames" / "img3.png", tmp_path / "b", NONE, components=STUB)
    assert single.recording.frames == 1 and single.recording.seconds == 0 and single.events == ()


def test_times_come_from_the_time_stamps(tmp_path):
    timed_video(tmp_path / "vary.mkv", (0, 10, 200, 210, 900, 1000))
    found = analyze_video(tmp_path / "vary.mkv", tmp_path / "out", NONE, components=STUB)
    assert found.recording.seconds == 1 and [x for x, _ in found.faces[0].curve] == [0, 0.01, 0.2, 0.21, 0.9, 1]
    timed_video(tmp_path / "anew.mkv", (0, 40, 80, 90_000_000_000, 90_000_000_040))
    anew = analyze_video(tmp_path / "anew.mkv", tmp_path / "out", NONE, components=STUB)
    assert anew.recording.seconds == pytest.approx(0.16)


def test_a_rotated_recording_is_made_upright(tmp_path):
    """The flag that phones write: the display matrix of the track, a quarter turn."""
    write_video(tmp_path / "phone.mp4", film(5), 25)
    data = (tmp_path / "phone.mp4").read_bytes()
    matrix = struct.pack(">9i", 65536, 0, 0, 0, 65536, 0, 0, 0, 2**30)
    turned = struct.pack(">9i", 0, 65536, 0, -65536, 0, 0, 48 * 65536, 0, 2**30)
    at = data.index(matrix, data.index(b"tkhd"))
    (tmp_path / "phone.mp4").write_bytes(data[:at] + turned + data[at + len(matrix) :])
    found = analyze_video(tmp_path / "phone.mp4", tmp_path / "out", NONE, components=STUB)
    assert (found.recording.width, found.recording.height) == (48, 64)


def test_a_damaged_file_is_analyzed_as_far_as_it_can_be_read(tmp_path, video):
    data = bytearray(video.read_bytes())
    data[len(data) // 3 : len(data) // 3 + 300] = bytes(300)
    (tmp_path / "hurt.mp4").write_bytes(bytes(data))
    hurt = analyze_video(tmp_path / "hurt.mp4", tmp_path / "out", NONE, components=STUB)
    assert "the file is damaged" in hurt.warnings[0] and "damaged frames" in hurt.events[0].warnings
    write_video(tmp_path / "cut.avi", film(40), 25)
    (tmp_path / "cut.avi").write_bytes((tmp_path / "cut.avi").read_bytes()[:20_000])
    cut = analyze_video(tmp_path / "cut.avi", tmp_path / "out", NONE, components=STUB)
    assert any("its header announces 1.60 s" in line for line in cut.warnings)


def test_broken_images_of_a_folder_are_left_out_and_told(tmp_path):
    """The first and the fifth of ten; the others keep their numbers, and times begin at the first readable one."""
    for number, image in enumerate(film(10), start=1):
        write_image(tmp_path / "frames" / f"img{number}.jpg", image)
    for number, content in {1: b"", 5: (tmp_path / "frames" / "img5.jpg").read_bytes()[:300]}.items():
        (tmp_path / "frames" / f"img{number}.jpg").write_bytes(content)
    options = AnalysisOptions.from_settings({"model": "none", "tracking.fps": 100})
    found = analyze_video(tmp_path / "frames", tmp_path / "out", options, components=STUB)
    assert (found.recording.frames, found.recording.seconds) == (8, pytest.approx(0.08))
    assert found.warnings[0] == "2 of 10 images cannot be read and were left out: img1.jpg, img5.jpg"
    (event,) = found.events
    assert (event.onset, event.offset, event.seconds) == (2, 10, pytest.approx(0.08))
    assert "damaged frames" in event.warnings
    for path in (tmp_path / "frames").iterdir():
        path.write_bytes(b"")
    with pytest.raises(MediaError, match=r"img1\.jpg' \(0 bytes\) is broken"):
        analyze_video(tmp_path / "frames", tmp_path / "out", NONE, components=STUB)


def test_a_given_frame_rate_is_never_ignored_in_silence(video, tmp_path):
    """The film is stamped at 25 frames per second; images whose names are times have their own."""
    options = AnalysisOptions.from_settings({"model": "none", "tracking.fps": 100})
    before = analyze_video(video, tmp_path / "out", NONE, components=STUB)
    found = analyze_video(video, tmp_path / "out", options, components=STUB)
    assert (before.recording.seconds, found.recording.seconds) == (pytest.approx(0.76), pytest.approx(0.19))
    assert "say 25 frames per second, but the camera recorded 100 (--fps)" in found.warnings[0]
    assert found.events[0].kind == "micro"
    for number, image in enumerate(film(6)):
        write_image(tmp_path / "timed" / f"RGB-11-26-58-{40 * number:03d}.jpg", image)
    timed = analyze_video(tmp_path / "timed", tmp_path / "out", options, components=STUB)
    assert timed.recording.seconds == pytest.approx(0.2) and "(--fps) were not used" in timed.warnings[0]


@pytest.mark.parametrize(("fps", "slow"), [(59.94, False), (60, False), (50, True), (30, True)])
def test_a_camera_of_59_94_frames_per_second_is_fast_enough(tmp_path, fps, slow):
    timed_video(tmp_path / "film.mkv", tuple(round(1000 * n / fps) for n in range(30)))
    found = analyze_video(tmp_path / "film.mkv", tmp_path / "out", NONE, components=STUB)
    assert found.recording.fps == pytest.approx(fps, rel=0.005)
    assert any("can be missed" in line for line in found.warnings) == slow
    assert ("below 60 fps" in found.events[0].warnings) == slow


def test_files_that_a_system_leaves_in_a_folder_of_frames_change_nothing(tmp_path):
    for number, image in enumerate(film(6)):
        write_image(tmp_path / "frames" / f"img{number}.png", image)
    parts, calls = count(STUB)
    parts = dataclasses.replace(parts, track=lambda *given: calls.append("") or STUB.track(*given))
    first = analyze_video(tmp_path / "frames", tmp_path / "out", NONE, components=parts)
    for name in (".DS_Store", "Thumbs.db", "._img1.png", "desktop.ini"):
        (tmp_path / "frames" / name).write_bytes(b"anything")
    assert analyze_video(tmp_path / "frames", tmp_path / "out", NONE, components=parts) == first and len(calls) == 1
    write_image(tmp_path / "frames" / "img7.png", film(1)[0])
    assert analyze_video(tmp_path / "frames", tmp_path / "out", NONE, components=parts) != first and len(calls) == 2


def test_a_finished_analysis_is_not_repeated(video, tmp_path):
    parts, calls = count(STUB)
    first = analyze_video(video, tmp_path / "out", NONE, components=parts)
    assert analyze_video(video, tmp_path / "out", NONE, components=parts) == first and len(calls) == 1
    analyze_video(video, tmp_path / "out", dataclasses.replace(NONE, threshold=0.6), components=parts)
    assert len(calls) == 2
    (tmp_path / "out" / "talk.mp4" / "frames.csv").unlink()
    analyze_video(video, tmp_path / "out", dataclasses.replace(NONE, threshold=0.6), components=parts)
    assert len(calls) == 3


def test_files_of_other_formats_are_written_without_another_analysis(video, tmp_path):
    parts, calls = count(STUB)
    folder = tmp_path / "out" / "talk.mp4"
    analyze_video(video, tmp_path / "out", NONE, components=parts, formats=["boris"])
    names = {"events.boris", "events.json", "frames.csv", "report.html"}
    assert {path.name for path in folder.iterdir()} == names
    analyze_video(video, tmp_path / "out", NONE, components=parts, formats=["textgrid", "bids"])
    names |= {"events.TextGrid", "task-face_events.tsv", "task-face_events.json"}
    assert {path.name for path in folder.iterdir()} == names and len(calls) == 1
    with pytest.raises(UnknownNameError, match="unknown event format 'borris'; did you mean 'boris'"):
        analyze_video(video, tmp_path / "out", NONE, components=parts, formats=["borris"])


def test_no_file_of_an_older_analysis_stays(video, tmp_path):
    analyze_video(video, tmp_path / "out", NONE, components=STUB, formats=["megc"])
    other = dataclasses.replace(STUB, spot=lambda track, options: [Interval(3, 7)])
    analyze_video(video, tmp_path / "out", dataclasses.replace(NONE, threshold=0.6), components=other)
    assert (tmp_path / "out" / "talk.mp4" / "megc_submission.csv").read_text() == "vid,onset,offset,type\ntalk,3,7,me\n"


def test_a_video_is_analyzed_without_writing_anything(video, tmp_path):
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    found = analyze_video(str(video), model="none", spotter="mdmd", components=STUB)
    assert len(found.events) == 1 and found.settings["spotter"]["name"] == "mdmd"
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before
    found.save(tmp_path / "saved", formats=["csv"])
    assert [path.name for path in (tmp_path / "saved").iterdir()] == ["events.csv"]
    assert len(found.save(tmp_path / "saved")) == len(event_files())
    with pytest.raises(UsageError, match="either options or single settings"):
        analyze_video(video, options=NONE, threshold=0.6)


def test_an_analysis_is_a_table_and_shows_itself(video):
    found = analyze_video(video, model="none", components=STUB)
    table = found.to_dataframe()
    assert list(table["onset"]) == [0] and list(table["seconds"]) == [pytest.approx(0.76)]
    page = found._repr_html_()
    assert "<svg" in page and page.count("<tr>") == 2 and "talk.mp4" in page
    nothing_found = dataclasses.replace(found, events=())
    assert nothing_found.to_dataframe().empty and "onset" in nothing_found.to_dataframe()
    assert "0 event" in nothing_found._repr_html_()


FORMAT = """
from microexpr.analysis import EVENT_FORMATS
from microexpr.core.events import EventFormat

def write(analysis, folder):
    return "\\n".join(f"{event.start} {event.end} {event.label}" for event in analysis.events).encode()

EVENT_FORMATS.add("labels", EventFormat("labels", ".txt", "Labels", write))
"""


def test_a_new_format_is_one_file(video, tmp_path, monkeypatch):
    """A plug-in with a format: its file comes out of `analyze`, and other functions name it."""
    monkeypatch.setattr(EVENT_FORMATS, "_entries", dict(EVENT_FORMATS))
    (tmp_path / "labels.py").write_text(FORMAT)
    load_plugin(tmp_path / "labels.py")
    analyze_video(video, tmp_path / "out", NONE, components=STUB)
    assert (tmp_path / "out" / "talk.mp4" / "events.txt").read_text() == "0.0 0.76 unknown"
    assert "events.txt" in event_files() and "events.txt" in analysis_files()


def test_reviewed_events_are_not_overwritten(video, tmp_path):
    found = analyze_video(video, tmp_path / "out", NONE, components=STUB)
    reviewed = dataclasses.replace(found, events=(dataclasses.replace(found.events[0], status="rejected"),))
    (tmp_path / "out" / "talk.mp4" / "events.json").write_text(to_json(reviewed))
    assert analyze_video(video, tmp_path / "out", NONE, components=STUB) == reviewed
    with pytest.raises(RunError, match="events that a coder has reviewed; give another --out"):
        analyze_video(video, tmp_path / "out", dataclasses.replace(NONE, threshold=0.9), components=STUB)


def test_tracks_stay_after_an_interrupt_and_not_after_an_error(video, tmp_path):
    work = tmp_path / "out" / "talk.mp4" / "work"

    def stop(track, options):
        raise KeyboardInterrupt

    def fail(track, options):
        raise MediaError("no")

    with pytest.raises(KeyboardInterrupt):
        analyze_video(video, tmp_path / "out", NONE, components=dataclasses.replace(STUB, spot=stop))
    assert work.is_dir()
    with pytest.raises(MediaError):
        analyze_video(video, tmp_path / "out", NONE, components=dataclasses.replace(STUB, spot=fail))
    assert not (tmp_path / "out" / "talk.mp4").exists()


@needs_mesh
def test_an_interrupted_analysis_continues_from_its_tracks(video, tmp_path):
    """The tracks are found again: their file has the time of the first analysis."""
    real = Components(spot=lambda track, options: [], curve=STUB.curve)

    def stop(track, options):
        raise KeyboardInterrupt

    shown = render_clip(1, units=((12, ""),), camera=Camera(fps=50, size=(240, 320)), timing=Timing(2, 5, 8, 12, 50))
    write_video(video, np.stack(list(shown.frames())), 50)
    with pytest.raises(KeyboardInterrupt):
        analyze_video(video, tmp_path / "out", NONE, components=dataclasses.replace(real, curve=stop))
    file = tmp_path / "out" / "talk.mp4" / "work" / "tracking.json"
    before, times = file.stat().st_mtime_ns, []
    spot = dataclasses.replace(real, spot=lambda track, options: times.append(file.stat().st_mtime_ns) or [])
    assert analyze_video(video, tmp_path / "out", NONE, components=spot).faces and times == [before]


def test_a_recording_that_fails_does_not_stop_the_others(video, tmp_path):
    (tmp_path / "text.mp4").write_text("no")
    results = analyze_videos(
        [tmp_path / "text.mp4", video, tmp_path / "nowhere.mp4"], tmp_path / "out", NONE, components=STUB
    )
    assert [bool(result.analysis) for result in results] == [False, True, False]
    assert "cannot be read" in results[0].error and "is not there" in results[2].error


def test_several_recordings_in_parallel(video, tmp_path):
    write_video(tmp_path / "other.mp4", film(9), 25)
    results = analyze_videos([video, tmp_path / "other.mp4"], tmp_path / "out", NONE, workers=2, components=SPAWNED)
    assert [result.analysis.recording.frames for result in results] == [20, 9]
    with pytest.raises(UsageError, match="workers = 2: an executor has its own number of workers"):
        analyze_videos([video], tmp_path / "out", NONE, workers=2, executor=Processes(2))
    with pytest.raises(UsageError, match="workers = 0: it is the number of recordings at once, 1 or more"):
        analyze_videos([video], tmp_path / "out", NONE, workers=0)


def nothing(track, options):
    return np.zeros(len(track))


SPAWNED = Components(everywhere, whole, nothing)


def test_recordings_of_folders_and_lists(tmp_path):
    for name in ("b.mp4", "a.MOV", "notes.md"):
        (tmp_path / name).touch()
    (tmp_path / "list.txt").write_text("a.MOV\n\n b.mp4 \n")
    assert recordings([tmp_path]) == [tmp_path / "a.MOV", tmp_path / "b.mp4"] == recordings([tmp_path / "list.txt"])
    (tmp_path / "frames").mkdir()
    (tmp_path / "frames" / "img1.png").touch()
    (tmp_path / "empty.txt").touch()
    assert recordings([tmp_path / "empty.txt"]) == [tmp_path / "empty.txt"]
    with pytest.raises(MediaError, match=r"empty\.txt' names no recording"):
        analyze_video(tmp_path / "empty.txt", tmp_path / "out", NONE, components=STUB)
    assert recordings([tmp_path / "frames", tmp_path / "x.mp4"]) == [tmp_path / "frames", tmp_path / "x.mp4"]


def test_the_recording_itself_cannot_be_the_folder(video, tmp_path):
    with pytest.raises(RunError, match=r"talk\.mp4' is a file; give another --out"):
        analyze_video(video, tmp_path, NONE, components=STUB)
    assert VideoFrames(video).times


def test_output_folders_differ(tmp_path):
    names = ["a/x.mp4", "b/x.mp4", "a/x y.mp4", "a/x-y.mp4", "a/..mp4", "c/.."]
    found = output_folders([tmp_path / name for name in names], tmp_path / "out")
    assert len(set(found)) == len(names) and {folder.parent for folder in found} == {tmp_path / "out"}
    assert all(folder.name.strip(".") and not folder.name.startswith("-") for folder in found)
    with pytest.raises(UsageError, match="is given twice"):
        output_folders([tmp_path / "a.mp4", tmp_path / "b" / ".." / "a.mp4"], tmp_path)


@pytest.mark.parametrize(
    ("values", "error", "message"),
    [
        ({"treshold": 1}, UsageError, "did you mean 'threshold'"),
        ({"threshold": 2}, UsageError, "threshold = 2"),
        ({"spotter.name": "mdmdd"}, UnknownNameError, "did you mean 'mdmd'"),
        ({"spotter.pp": 1}, UsageError, "no setting 'pp'"),
        ({"tracking.fps": 0}, UsageError, "fps = 0"),
        ({"model": "nowhere.safetensors"}, Exception, "is not a file"),
    ],
)
def test_a_wrong_setting_is_an_error_before_any_work(values, error, message, tmp_path):
    with pytest.raises(error, match=message):
        analyze_videos(
            [tmp_path / "x.mp4"],
            tmp_path / "out",
            AnalysisOptions.from_settings({"model": "none", **values}),
            components=STUB,
        )
    assert not (tmp_path / "out").exists()


@needs_mesh
def test_the_command_prints_the_events(tmp_path, capsys):
    write_video(tmp_path / "noise.mp4", film(8, (96, 128)), 25)
    (tmp_path / "bad.mp4").write_text("no")
    with pytest.raises(SystemExit) as end:
        main(["analyze", str(tmp_path / "noise.mp4"), "--out", str(tmp_path / "out")])
    out = capsys.readouterr()
    assert end.value.code == 0 and "noise.mp4: 0 events, no face" in out.out and "report.html" in out.out
    with (tmp_path / "out" / "noise.mp4" / "events.csv").open() as file:
        assert list(csv.DictReader(file)) == []
    with pytest.raises(SystemExit) as end:
        main(["analyze", str(tmp_path), "--out", str(tmp_path / "out"), "--model", "none"])
    out = capsys.readouterr()
    assert end.value.code == 1 and "bad.mp4' cannot be read" in out.err and "noise.mp4: 0 events" in out.out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("x.mp4", "--set", "thresh=1"), "no setting 'thresh'"),
        (("x.mp4", "--threshold", "7"), "--threshold"),
        (("x.mp4", "--executor", "processes", "--address", "y:1"), "goes with --executor ray"),
        ((), "Missing"),
    ],
)
def test_wrong_use_exits_with_2(arguments, message, capsys):
    with pytest.raises(SystemExit) as end:
        main(["analyze", *arguments])
    assert end.value.code == 2 and message in capsys.readouterr().err


@needs_mesh
def test_a_kill_is_a_stop_too(tmp_path):
    """A process that is interrupted leaves its tracks, no half-written file, and says how to go on."""
    shown = render_clip(1, units=((12, ""),), camera=Camera(fps=50, size=(240, 320)), timing=Timing(2, 5, 8, 12, 50))
    write_video(tmp_path / "v.mp4", np.stack(list(shown.frames()) * 20), 50)
    command = [sys.executable, "-m", "microexpr", "analyze", str(tmp_path / "v.mp4"), "--out", str(tmp_path / "out")]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=os.environ)
    folder = tmp_path / "out" / "v.mp4"
    while process.poll() is None and not list(folder.glob("work/*.rows")):
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130 and "the same command continues from here" in err
    assert [p.name for p in folder.iterdir()] == ["work"]


@needs_mesh
def test_everything_as_it_ships(tmp_path):
    """A synthetic smile at 50 frames a second, from the video to the page; the faces prove the machinery alone."""
    camera = Camera(fps=50, size=(240, 320), framing="wide", noise=1.0)
    shown = render_clip(1, units=((12, ""),), camera=camera, timing=Timing(20, 40, 70, 100, 50), amplitude=9)
    write_video(tmp_path / "smile.mp4", np.stack(list(shown.frames())), 50)
    found = analyze_video(tmp_path / "smile.mp4", tmp_path / "out", AnalysisOptions(spotter={"name": "strain-peaks"}))
    assert len(found.faces) == 1 and found.faces[0].frames == 100 and found.faces[0].gaps == ()
    assert found.events and all(set(e.probabilities) == {"negative", "positive", "surprise"} for e in found.events)
    assert any("on no person; on 309 real clips" in line for line in found.warnings)
    page = (tmp_path / "out" / "smile.mp4" / "report.html").read_text()
    assert page.count("data:image/jpeg") == 4 * len(found.events)
    assert json.loads((tmp_path / "out" / "smile.mp4" / "events.json").read_text())["settings"]["about_model"][
        "synthetic"
    ]
