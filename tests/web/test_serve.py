"""The web application without a browser: uploads, analyses, annotations, files."""

import csv
import io
import json
import os
import time
import zipfile
from pathlib import Path

import cv2
import numpy as np
import pytest
from fastapi.testclient import TestClient
from pympi import Elan

from microexpr.analysis.formats import csv_file, json_file
from microexpr.core.action_units import ActionUnit
from microexpr.web import ServerOptions, create_app
from microexpr.web.store import RecordingStore
from tests.web import serve_stub

ASK = {"X-Microexpr": "1"}
CODER = {"coder": "Ada"}


class Page:
    """Sends the requests of the page."""

    def __init__(self, root: Path, **settings):
        self.settings = ServerOptions(**{"analyze": serve_stub.quick, "max_recordings": 5, **settings})
        self.client = TestClient(
            create_app(self.settings, RecordingStore(root, self.settings.max_recordings)), "http://127.0.0.1:80"
        )
        self.client.headers.update(ASK)

    def upload(self, content: bytes, name="a talk.mp4", wait=True) -> dict:
        answer = self.client.post("/api/recordings", params={"name": name}, content=content)
        assert answer.status_code == 201, answer.text
        return self.wait(answer.json()["id"]) if wait else answer.json()

    def wait(self, id: str, states=("done", "failed")) -> dict:
        for _ in range(3600):
            recording = next(item for item in self.state()["recordings"] if item["id"] == id)
            if recording["state"] in states:
                return recording
            time.sleep(0.05)
        raise AssertionError(f"still {recording}")

    def state(self) -> dict:
        return self.client.get("/api/state").json()

    def edit(self, id: str, number: int, **body):
        return self.client.patch(f"/api/recordings/{id}/events/{number}", json={**CODER, **body})


@pytest.fixture(scope="module")
def film(tmp_path_factory) -> bytes:
    return serve_stub.film(tmp_path_factory.mktemp("film") / "film.mp4").read_bytes()


@pytest.fixture(scope="module")
def shared(tmp_path_factory, film):
    page = Page(tmp_path_factory.mktemp("shared"))
    with page.client:
        page.id = page.upload(film)["id"]  # type: ignore[attr-defined]
        yield page


@pytest.fixture
def fresh(shared):
    """The shared recording without annotations."""
    (shared.client.app.state.jobs.store.folder(shared.id) / "annotations.json").unlink(missing_ok=True)
    return shared


def test_response_for_an_analyzed_recording(fresh):
    answer = fresh.client.get(f"/api/recordings/{fresh.id}").json()
    assert answer["recording"]["name"] == "a talk.mp4" and answer["recording"]["path"] == ""
    assert answer["numbers"] == [1, 2] and [event["status"] for event in answer["events"]] == ["found", "found"]
    assert (
        answer["classes"] == ["negative", "positive", "surprise", "unknown"]
        and answer["playable"]
        and not answer["has_preview"]
    )


def test_frames_are_exact_in_any_order(fresh):
    for number in [*range(0, 100, 7), 99, 98, 50, 51, 52, 49, 0]:
        answer = fresh.client.get(f"/api/recordings/{fresh.id}/frames/{number}.jpg")
        picture = cv2.imdecode(np.frombuffer(answer.content, np.uint8), cv2.IMREAD_GRAYSCALE)
        assert serve_stub.number_of(picture) == number
    assert fresh.client.get(f"/api/recordings/{fresh.id}/frames/100.jpg").status_code == 422
    times = np.frombuffer(fresh.client.get(f"/api/recordings/{fresh.id}/times").content, "<f8")
    assert np.abs(times - np.arange(100) / serve_stub.FPS).max() < 1e-6


def test_video_supports_range_requests(fresh, film):
    answer = fresh.client.get(f"/api/recordings/{fresh.id}/video", headers={"Range": "bytes=100-199"})
    assert answer.status_code == 206 and answer.content == film[100:200]
    assert answer.headers["content-type"] == "video/mp4"


@pytest.mark.parametrize(("codec", "name"), [("mpeg4", "old.avi"), ("libx264", "f.mkv"), ("libx264", "f.mov")])
def test_preview_is_written_for_videos_that_browsers_do_not_play(tmp_path, codec, name):
    page = Page(tmp_path / "recordings")
    content = serve_stub.film(tmp_path / name, codec).read_bytes()
    with page.client:
        id = page.upload(content, name)["id"]
        copy = tmp_path / "copy.mp4"
        copy.write_bytes(page.client.get(f"/api/recordings/{id}/video").content)
        own = page.client.get(f"/api/recordings/{id}/frames/77.jpg").content
    frames = serve_stub.VideoFrames(copy)
    assert [serve_stub.number_of(picture) for _, picture in frames] == list(range(100))
    assert np.abs(np.array(frames.times) - np.arange(100) / serve_stub.FPS).max() < 1e-4
    assert serve_stub.number_of(cv2.imdecode(np.frombuffer(own, np.uint8), 1)) == 77


def test_annotations_are_saved_at_once(fresh):
    assert fresh.edit(fresh.id, 1, verdict="confirm").json()["events"][0]["status"] == "confirmed"
    answer = fresh.edit(fresh.id, 2, verdict="reject", note="a blink").json()
    assert [event["status"] for event in answer["events"]] == ["confirmed", "rejected"] and answer["undo_steps"] == 2
    root = fresh.client.app.state.jobs.store.root
    again = RecordingStore(root, 5).annotated_analysis(fresh.id)  # as another process reads it
    assert [(event.status, event.coder, event.note) for event in again.events] == [
        ("confirmed", "Ada", ""),
        ("rejected", "Ada", "a blink"),
    ]


def test_correct_and_undo(fresh):
    answer = fresh.edit(fresh.id, 1, onset=12, offset=60, label="negative").json()
    event = answer["events"][0]
    assert (event["status"], event["kind"], event["onset"], event["apex"], event["offset"]) == (
        "corrected",
        "macro",
        12,
        14,
        60,
    )
    assert (event["start"], event["end"], event["label"]) == (0.24, 1.2, "negative")
    assert fresh.edit(fresh.id, 1, verdict="confirm").json()["events"][0]["status"] == "corrected"
    fresh.edit(fresh.id, 1, verdict="reject")
    assert fresh.edit(fresh.id, 1, verdict="confirm").json()["events"][0]["status"] == "corrected"
    for steps in (2, 1, 0):
        answer = fresh.client.post(f"/api/recordings/{fresh.id}/undo", json={}).json()
        assert answer["undo_steps"] == steps
    assert answer["events"][0]["status"] == "found" and answer["events"][0]["onset"] == 10
    assert "nothing to undo" in fresh.client.post(f"/api/recordings/{fresh.id}/undo", json={}).json()["error"]


def codes(answer) -> list[str]:
    return [unit["side"] + str(unit["number"]) for unit in answer.json()["events"][0]["action_units"]]


def test_a_coder_corrects_action_units(fresh):
    """Those that stay keep the recognizer's probability; a new one is certain and has the size of its region."""
    answer = fresh.edit(fresh.id, 1, action_units="12+L1+R1")
    assert codes(answer) == ["1", "12"] and answer.json()["events"][0]["status"] == "corrected"
    one, twelve = answer.json()["events"][0]["action_units"]
    assert (one["probability"], one["share"]) == (0.8, 0.013)
    assert (twelve["probability"], twelve["pixels"]) == (1, 2)
    assert twelve["share"] == pytest.approx(2 * 0.013 / 1.4, abs=1e-6)  # of the same face as the other action unit
    assert answer.json()["events"][0]["movement"] == "both inner brows raised 1.4 px, both lip corners pulled up 2.0 px"
    assert answer.json()["events"][0]["coder"] == "Ada"
    assert codes(fresh.edit(fresh.id, 1, action_units="")) == []
    for expected in (["1", "12"], ["1", "L12"]):
        assert codes(fresh.client.post(f"/api/recordings/{fresh.id}/undo", json={})) == expected


def test_confirming_an_event_confirms_its_action_units(fresh):
    assert fresh.edit(fresh.id, 1, verdict="confirm", action_units="1+L12").json()["events"][0]["status"] == "confirmed"
    files = csv_file.from_csv(fresh.client.get(f"/api/recordings/{fresh.id}/export/csv").text)
    assert files[0].action_units == serve_stub.MOVED["action_units"] and files[0].coder == "Ada"


def test_sizes_hold_for_the_frames_at_which_they_were_measured(fresh):
    event = fresh.edit(fresh.id, 1, offset=25).json()["events"][0]
    assert event["action_units"][0]["pixels"] == 1.4
    event = fresh.edit(fresh.id, 1, apex=16).json()["events"][0]
    assert event["action_units"][0] == {"number": 1, "side": "", "probability": 0.8, "pixels": None, "share": None}
    assert event["regions"] == {} and event["movement"] == "both inner brows raised, left lip corner pulled up"


def test_the_face_map_of_an_event_is_that_of_its_present_action_units(fresh):
    url = f"/api/recordings/{fresh.id}/events/{{}}/map"
    fresh.edit(fresh.id, 1, action_units="4")
    answer = fresh.client.get(url.format(1))
    assert answer.headers["content-type"] == "image/svg+xml" and "both brows lowered" in answer.text
    assert "face-map" not in fresh.client.get(url.format(2)).text
    assert fresh.client.get(url.format(9)).status_code == 404


def test_agreement_on_action_units(fresh):
    fresh.edit(fresh.id, 1, verdict="confirm")
    other = [serve_stub.event(10, 14, 20, status="added", coder="Bo", action_units=(ActionUnit(1, "L"), ActionUnit(4)))]
    url = f"/api/recordings/{fresh.id}/agreement"
    answer = fresh.client.post(url, params={"name": "bo.csv"}, content=csv_file.to_csv(other)).json()
    assert answer["unit_ratio"] == 0.5 and [unit["number"] for unit in answer["units"]] == [1, 4, 12]
    (difference,) = answer["differences"]
    assert (difference["what"], difference["first"]["units"], difference["second"]["units"]) == (
        *("action units", "1+L12", "L1+4"),
    )


def test_add_and_remove_an_event(fresh):
    url = f"/api/recordings/{fresh.id}/events"
    answer = fresh.client.post(url, json={**CODER, "onset": 25, "offset": 35, "label": "contempt"}).json()
    assert (
        answer["numbers"] == [1, 3, 2]
        and answer["events"][1]["status"] == "added"
        and answer["events"][1]["apex"] == 30
    )
    assert fresh.edit(fresh.id, 3, offset=38).json()["events"][1]["status"] == "added"
    assert fresh.edit(fresh.id, 3, verdict="reject").json()["numbers"] == [1, 2]
    assert fresh.client.post(f"/api/recordings/{fresh.id}/undo", json={}).json()["numbers"] == [1, 3, 2]
    fresh.edit(fresh.id, 3, verdict="reject")
    answer = fresh.client.post(url, json={**CODER, "onset": 98}).json()
    assert answer["numbers"] == [1, 2, 4]  # a number never means another event


@pytest.mark.parametrize(
    ("body", "line"),
    [
        ({"coder": " "}, "the coder is missing"),
        ({"onset": 30}, "they must be in this order, from 0 to 99"),
        ({"offset": 100}, "they must be in this order"),
        ({"onset": "early"}, "onset = 'early'"),
        ({"verdict": "maybe"}, "use confirm or reject"),
        ({"action_units": "smile"}, "'smile' in 'smile' is not an action unit"),
        ({"action_units": "1+" * 101}, "202 characters"),
        ({"note": "x" * 2001}, "2001 characters"),
        ({"status": "confirmed"}, "has no setting 'status'"),
    ],
)
def test_invalid_edit_gives_a_one_line_error(fresh, body, line):
    answer = fresh.edit(fresh.id, 1, **body)
    assert answer.status_code == 400 and line in answer.json()["error"] and "\n" not in answer.json()["error"]
    assert fresh.client.get(f"/api/recordings/{fresh.id}").json()["undo_steps"] == 0


@pytest.mark.parametrize(
    ("body", "line"),
    [
        ({"onset": 99}, "frame 99 is the last one of the recording: an event cannot begin there"),
        ({"onset": 99, "offset": 99}, "frame 99 is the last one of the recording"),
        ({"onset": 50, "offset": 50}, "the event would begin and end at frame 50"),
        ({"onset": 60, "offset": 40}, "they must be in this order"),
        ({}, "an event needs an onset"),
    ],
)
def test_an_event_that_cannot_be_added_is_refused_with_the_reason(fresh, body, line):
    answer = fresh.client.post(f"/api/recordings/{fresh.id}/events", json={**CODER, **body})
    assert answer.status_code == 400 and line in answer.json()["error"]


def test_a_label_of_a_coder_has_no_probability(fresh):
    found = fresh.edit(fresh.id, 1, label="negative").json()["events"][0]
    assert (found["label"], found["label_by"], found["probabilities"]["negative"]) == ("negative", "Ada", 0.2)
    files = {kind: fresh.client.get(f"/api/recordings/{fresh.id}/export/{kind}").content.decode() for kind in FILES}
    (row, _) = csv.DictReader(io.StringIO(files["csv"]))
    assert (row["probability"], row["label_by"], row["p_negative"]) == ("", "Ada", "0.2")
    assert files["elan"].count("<ANNOTATION_VALUE>negative</ANNOTATION_VALUE>") == 1  # the other event has its share
    (event, other) = json_file.from_json(files["json"]).events
    assert event.probability is None and other.probability == 0.2
    again = fresh.edit(fresh.id, 1, label="surprise").json()["events"][0]  # as the recognizer said
    assert again["label_by"] == ""


FILES = ("csv", "json", "elan")


def test_excluded_time_hides_its_events_and_can_be_undone(fresh):
    url = f"/api/recordings/{fresh.id}"
    answer = fresh.client.put(f"{url}/excluded", json=[[0.35, 0.45], [0.3, 0.36]]).json()
    assert answer["numbers"] == [2] and answer["excluded"] == [[0.3, 0.45]] and answer["undo_steps"] == 1
    assert [(line["kind"], line["events"], line["minutes"]) for line in answer["people"]] == [
        ("micro", "0", "0.03"),
        ("macro", "1", "0.03"),
    ]
    exported = json_file.from_json(fresh.client.get(f"{url}/export/json").text)
    assert len(exported.events) == 1 and exported.excluded == ((0.3, 0.45),)
    table = list(csv.DictReader(io.StringIO(fresh.client.get(f"{url}/export/people").text)))
    assert float(table[0]["minutes_usable"]) == pytest.approx((1.98 - 0.15) / 60, abs=1e-6)
    refused = fresh.client.post(f"{url}/events", json={**CODER, "onset": 20, "offset": 30})
    assert refused.status_code == 400 and "reach into excluded time (0:00.3-0:00.45)" in refused.json()["error"]
    assert fresh.edit(fresh.id, 2, onset=18).status_code == 400
    assert fresh.client.post(f"{url}/undo", json={}).json()["numbers"] == [1, 2]
    for wrong in ([[2, 1]], [[-1, 2]], [[1]], ["a"]):
        assert fresh.client.put(f"{url}/excluded", json=wrong).status_code == 400


def test_a_second_round_is_over_the_agreed_events_alone(fresh):
    url = f"/api/recordings/{fresh.id}"
    for number in (1, 2):
        fresh.edit(fresh.id, number, verdict="confirm")
    other = [serve_stub.event(41, 55, 70, "positive", status="corrected", coder="Bo")]
    begin = {"params": {"name": "bo.csv"}, "content": csv_file.to_csv(other)}
    answer = fresh.client.post(f"{url}/second-round", **begin).json()
    assert answer["numbers"] == [2] and (answer["round"], answer["undo_steps"]) == (2, 0)
    assert answer["round_note"] == "second round: only the one event on which Ada and Bo agreed"
    assert fresh.client.post(f"{url}/undo", json={}).status_code == 400
    refused = fresh.client.post(f"{url}/events", json={**CODER, "onset": 80, "offset": 90})
    assert refused.status_code == 400 and "only the agreed events are judged" in refused.json()["error"]
    (event,) = fresh.edit(fresh.id, 2, label="positive").json()["events"]
    assert (event["round"], event["status"], event["label"]) == (2, "corrected", "positive")
    (row,) = csv.DictReader(io.StringIO(fresh.client.get(f"{url}/export/csv").text))
    assert (row["round"], row["label"]) == ("2", "positive")
    exported = json_file.from_json(fresh.client.get(f"{url}/export/json").text)
    assert [event.round for event in exported.events] == [2] and answer["round_note"] in exported.warnings
    ended = fresh.client.delete(f"{url}/second-round").json()
    assert ended["numbers"] == [1, 2] and [event["round"] for event in ended["events"]] == [1, 2]
    nothing = {"params": {"name": "bo.csv"}, "content": csv_file.to_csv([serve_stub.event(80, 81, 90, status="added")])}
    assert "agreed on no event" in fresh.client.post(f"{url}/second-round", **nothing).json()["error"]


def test_export_formats(fresh, tmp_path):
    fresh.edit(fresh.id, 1, verdict="confirm")
    fresh.client.post(f"/api/recordings/{fresh.id}/events", json={**CODER, "face": 2, "onset": 80})
    files = {}
    for kind, suffix in (("csv", "csv"), ("json", "json"), ("elan", "eaf")):
        answer = fresh.client.get(f"/api/recordings/{fresh.id}/export/{kind}", params={"coder": "Ada ; \r\n L"})
        assert f'filename="a-talk-Ada-L-events.{suffix}"' in answer.headers["content-disposition"]
        files[kind] = answer.content
    for events in (csv_file.from_csv(files["csv"].decode()), json_file.from_json(files["json"].decode()).events):
        assert [(event.status, event.coder) for event in events] == [
            ("confirmed", "Ada"),
            ("found", ""),
            ("added", "Ada"),
        ]
    (tmp_path / "e.eaf").write_bytes(files["elan"])
    eaf = Elan.Eaf(tmp_path / "e.eaf")
    assert eaf.media_descriptors[0]["RELATIVE_MEDIA_URL"] == "./a%20talk.mp4" and str(tmp_path) not in str(files)
    assert "coder Ada" in eaf.get_annotation_data_for_tier("face 1 micro")[0][2]
    assert "added" in eaf.get_annotation_data_for_tier("face 2 micro")[0][2]  # a face that the program never saw


FORMATS = ("bids", "boris", "csv", "datavyu", "elan", "json", "megc", "people", "textgrid")


def test_every_format_can_be_downloaded_and_a_second_coder_may_use_any(fresh):
    fresh.edit(fresh.id, 1, verdict="confirm")
    shown = fresh.client.get(f"/api/recordings/{fresh.id}").json()["formats"]
    assert [form["name"] for form in shown] == list(FORMATS)
    assert [form["name"] for form in shown if not form["readable"]] == ["people"]
    url = f"/api/recordings/{fresh.id}/agreement"
    for form in shown:
        download = fresh.client.get(f"/api/recordings/{fresh.id}/export/{form['name']}", params={"coder": "Bo"})
        name, content = download.headers["content-disposition"].split('"')[1], download.content
        if form["name"] == "bids":
            assert name == "a-talk-Bo-task-face_events.zip"
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                assert archive.namelist() == ["task-face_events.tsv", "task-face_events.json"]
                name, content = "task-face_events.tsv", archive.read("task-face_events.tsv")
        answer = fresh.client.post(url, params={"name": name}, content=content)
        if not form["readable"]:
            continue
        assert answer.status_code == 200, (form["name"], answer.json())
        both = answer.json()
        # a submission holds no status: its second event, which nobody reviewed, counts as seen
        expected = (1.0, 1) if form["name"] != "megc" else (both["time_kappa"], 1)
        assert (both["time_kappa"], both["matched"]) == expected, form["name"]


def test_the_table_of_frames_is_offered_where_it_is(fresh):
    assert fresh.client.get(f"/api/recordings/{fresh.id}").json()["has_frames"] is False
    assert fresh.client.get(f"/api/recordings/{fresh.id}/frames.csv").status_code == 404
    (fresh.client.app.state.jobs.store.folder(fresh.id) / "frames.csv").write_text("frame\n0\n")
    answer = fresh.client.get(f"/api/recordings/{fresh.id}/frames.csv")
    assert answer.text == "frame\n0\n" and 'filename="a-talk-frames.csv"' in answer.headers["content-disposition"]


def test_agreement_with_a_second_coder(fresh):
    fresh.edit(fresh.id, 1, verdict="confirm")
    fresh.edit(fresh.id, 2, verdict="confirm")
    other = [serve_stub.event(11, 14, 20, status="corrected", coder="Bo")]
    url = f"/api/recordings/{fresh.id}/agreement"
    answer = fresh.client.post(url, params={"name": "bo.csv"}, content=csv_file.to_csv(other)).json()
    assert answer["first"] == "Ada" and answer["second"] == "Bo" and answer["matched"] == 1
    assert (answer["unit_ratio"], answer["units"]) == (None, [])  # the file has no action units
    assert 0 < answer["time_kappa"] < 1 and [item["what"] for item in answer["differences"]] == ["only first"]
    refused = fresh.client.post(url, params={"name": "bo.txt"}, content=b"")
    assert (
        refused.status_code == 400 and "use a file that ends in .TextGrid or .boris or .csv" in refused.json()["error"]
    )
    for wrong in ("a,b\n1,2\n", "{}", "[" * 10**5, '{"a":' * 10**5, "\0\0"):
        for name in ("bo\n.csv", "bo.json"):
            answer = fresh.client.post(url, params={"name": name}, content=wrong)
            assert answer.status_code == 400 and answer.json()["error"].count("\n") == 0


@pytest.mark.parametrize(
    ("analyze", "line"),
    [(serve_stub.crash, "crashed (exit code 11)"), (serve_stub.fail, "video 'a talk.mp4' cannot be read")],
)
def test_failed_analysis_gives_a_one_line_error(tmp_path, film, analyze, line):
    page = Page(tmp_path, analyze=analyze)
    with page.client:
        recording = page.upload(film)
        assert recording["state"] == "failed" and line in recording["error"] and str(tmp_path) not in recording["error"]
        assert page.client.get(f"/api/recordings/{recording['id']}").status_code == 409
        assert page.client.delete(f"/api/recordings/{recording['id']}").json() == {"deleted": True}
        assert page.state()["recordings"] == [] and list(tmp_path.iterdir()) == []


def test_damaged_file_gives_a_one_line_error(tmp_path, film):
    page = Page(tmp_path)
    with page.client:
        assert "cannot be read" in page.upload(film[: len(film) // 3])["error"]


def test_delete_during_the_analysis(tmp_path, film):
    page = Page(tmp_path, analyze=serve_stub.slow)
    with page.client:
        first, second = page.upload(film, wait=False)["id"], page.upload(film, wait=False)["id"]
        while not (pids := list(tmp_path.glob("*/analysis/pid"))) or not pids[0].read_text():
            time.sleep(0.05)
        pid = int(pids[0].read_text())
        for id in (second, first):  # one waits, one runs
            assert page.client.delete(f"/api/recordings/{id}").status_code == 200
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
        assert list(tmp_path.iterdir()) == [] and page.client.delete(f"/api/recordings/{first}").status_code == 404


def test_stored_recordings_are_opened_again(tmp_path, film):
    page = Page(tmp_path, analyze=serve_stub.slow)
    with page.client:
        id = page.upload(film, wait=False)["id"]
        page.wait(id, ["running"])
    (tmp_path / "half").mkdir()
    (tmp_path / "half" / "recording.json").write_text(json.dumps({"id": "0", "name": "half", "state": "uploading"}))
    (tmp_path / "else").mkdir()
    (tmp_path / "else" / "recording.json").write_text("not ours")
    page = Page(tmp_path)
    with page.client:
        assert page.wait(id)["state"] == "done"  # analyzed after the restart
    assert not (tmp_path / "half").exists() and (tmp_path / "else").exists()


def test_maximum_number_of_recordings(tmp_path, film):
    page = Page(tmp_path, max_recordings=1, analyze=serve_stub.slow)
    with page.client:
        page.upload(film, wait=False)
        answer = page.client.post("/api/recordings", params={"name": "b"}, content=film)
        assert answer.status_code == 409 and "delete one" in answer.json()["error"]
