"""Formats of other programs: written, opened by a library made for each, and read back, also as a coder wrote them."""

import gzip
import io
import json
import re
import zipfile
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from praatio import textgrid
from pympi.Elan import Eaf

from microexpr.analysis.coded_files import read_event_file, read_events, readable_suffixes
from microexpr.analysis.formats import EVENT_FORMATS
from microexpr.analysis.formats._coded import APEX_UNKNOWN
from microexpr.cli.main import main
from microexpr.core.action_units import ActionUnit
from microexpr.core.errors import DataError, MissingDataError
from microexpr.core.events import Analysis, Event, Recording
from microexpr.core.frame_times import FrameTimes
from microexpr.imaging.video import write_video
from microexpr.metrics.agreement import agreement
from tests.analysis.test_export_events import LONG, NOBODY, OTHER, SMILE, WHOLE
from tests.hostile import film

TIMES = FrameTimes("talk.mp4", np.arange(100) / 25)
INTERVALS = ("bids", "boris", "datavyu", "elan", "megc", "textgrid")
"""Formats of other programs that hold intervals."""

MEASURED = {"action_units", "probabilities", "unit_probabilities", "regions"}
"""Fields of an event with sizes and probabilities, which programs for coders have no place for."""

LOST = {
    "csv": set(),
    "json": set(),
    "bids": {"note"},  # its line breaks
    "elan": {*MEASURED, "note"},  # characters that XML cannot hold
    "textgrid": MEASURED,
    "boris": MEASURED,
    "datavyu": {*MEASURED, "note"},
    "megc": {*(field.name for field in fields(Event))} - {"video", "onset", "offset", "start", "end", "kind"},
}
"""Format -> the fields that it holds in part or not at all."""


def written(name, analysis=WHOLE):
    return EVENT_FORMATS.get(name).write(analysis, Path("/films"))


def read(name, content, times=TIMES):
    form = EVENT_FORMATS.get(name)
    assert form.read is not None
    return form.read(content, form.file_name, times)


def spans(events):
    return [(event.face, event.kind, event.start, event.end, event.label) for event in events]


def test_every_format_is_tried():
    assert [name for name, form in EVENT_FORMATS if form.read] == sorted(LOST) == sorted([*INTERVALS, "csv", "json"])


@pytest.mark.parametrize("name", sorted(LOST))
def test_what_a_format_holds_comes_back(name):
    events = sorted(read(name, written(name)), key=lambda event: (event.onset, event.face))
    for found, expected in zip(events, (SMILE, OTHER, LONG), strict=True):
        for field in fields(Event):
            if field.name not in LOST[name]:
                assert getattr(found, field.name) == getattr(expected, field.name), field.name
    assert read(name, written(name, NOBODY)) == ()


@pytest.mark.parametrize("name", ["elan", "textgrid", "boris", "datavyu"])
def test_programs_for_coders_hold_action_units_with_sides(name):
    smile, other, long = read(name, written(name))
    assert smile.action_units == (ActionUnit(1), ActionUnit(12, "L")) and long.action_units == ()
    assert other.action_units == (ActionUnit(30, "R"), ActionUnit(4))
    note = 'a "note"; with lines, 2 < 3 &'
    assert " ".join(other.note.split()) == note + ("\x07" if name in ("textgrid", "boris") else "")


NESTED = (
    replace(LONG, start=1.0, peak=2.0, end=3.0, onset=25, apex=50, offset=75, label="positive"),
    replace(SMILE, start=1.2, peak=1.3, end=1.4, onset=30, apex=32, offset=35, label="negative"),
    replace(SMILE, start=3.0, peak=3.2, end=3.4, onset=75, apex=80, offset=85),
    replace(SMILE, start=3.12, peak=3.2, end=3.28, onset=78, apex=80, offset=82, status="added", coder="Bo"),
)


@pytest.mark.parametrize("name", [n for n in INTERVALS if n != "megc"])
def test_events_within_events_keep_their_times(name):
    whole = replace(WHOLE, events=NESTED)
    assert spans(read(name, written(name, whole))) == spans(NESTED)


@pytest.mark.parametrize("name", ["elan", "textgrid", "boris", "datavyu", "bids"])
def test_an_event_of_no_length_and_one_at_the_last_frame(name):
    short = replace(SMILE, start=1.0, peak=1.0, end=1.0, onset=25, apex=25, offset=25)
    last = replace(SMILE, start=3.88, peak=3.92, end=3.96, onset=97, apex=98, offset=99)
    found = read(name, written(name, replace(WHOLE, events=(short, last))))
    assert [(event.onset, event.apex, event.offset) for event in found] == [(25, 25, 25), (97, 98, 99)]


# --- Other people's readers


def test_elan_files_are_opened_by_pympi(tmp_path):
    (tmp_path / "events.eaf").write_bytes(written("elan", replace(WHOLE, events=NESTED)))
    eaf = Eaf(tmp_path / "events.eaf")
    assert [a[:2] for a in eaf.get_annotation_data_for_tier("face 1 macro")] == [(1000, 3000)]
    assert [a[:2] for a in eaf.get_annotation_data_for_tier("face 1 (2) micro")] == [(1200, 1400), (3120, 3280)]
    assert list(eaf.timeslots.values()) == sorted(eaf.timeslots.values())


def test_textgrids_are_opened_by_praatio(tmp_path):
    (tmp_path / "events.TextGrid").write_bytes(written("textgrid"))
    grid = textgrid.openTextgrid(str(tmp_path / "events.TextGrid"), includeEmptyIntervals=False)
    assert [tuple(entry) for entry in grid.getTier("face 1 label").entries] == [(0.4, 0.88, "positive 0.70")]
    assert [tuple(entry)[:2] for entry in grid.getTier("face 1 (2) macro").entries] == [(0.8, 2.4)]
    assert 'a "note"' in grid.getTier("face 2 micro").entries[0].label and grid.maxTimestamp == 4.0
    for form, empty in (("long_textgrid", True), ("short_textgrid", True), ("short_textgrid", False)):
        grid.save(str(tmp_path / "again.TextGrid"), form, includeBlankSpaces=empty)
        again = read("textgrid", (tmp_path / "again.TextGrid").read_bytes())
        assert spans(again) == spans(read("textgrid", written("textgrid")))


def test_bids_tables_are_opened_by_pandas_and_described(tmp_path):
    written_files = WHOLE.save(tmp_path, ["bids"])
    assert [path.name for path in written_files] == ["task-face_events.tsv", "task-face_events.json"]
    table = pd.read_csv(written_files[0], sep="\t", na_values="n/a")
    assert list(table.columns[:3]) == ["onset", "duration", "trial_type"]
    assert list(table["onset"]) == [0.4, 0.4, 0.8] and list(table["duration"]) == [0.48, 0.48, 1.6]
    assert list(table["trial_type"]) == ["micro/positive", "micro/unknown", "macro/unknown"]
    assert table["au_12_px"][0] == 0.2 and table["coder"].isna()[0] and table["note"][1].startswith('a "note"')
    assert "au_2" not in table and not table.isna().all().drop(["reason"], errors="ignore").all()
    described = json.loads(written_files[1].read_text("utf-8"))
    assert list(described) == list(table.columns) and all(column["Description"] for column in described.values())
    assert described["onset"]["Units"] == "s" and described["au_12_px"]["Units"].startswith("pixels of a face")
    assert described["trial_type"]["Levels"]["macro/unknown"] == "macro-expression, class unknown"


def test_a_boris_project_has_what_boris_looks_for():
    """The keys of a project of BORIS 9 (project format 7.0), and rows that pair up."""
    project = json.loads(written("boris"))
    assert project["project_format_version"] == "7.0" and {"subjects_conf", "behaviors_conf"} < {*project}
    (observation,) = project["observations"].values()
    assert observation["file"]["1"] == [WHOLE.recording.path] and observation["type"] == "MEDIA"
    assert observation["media_info"]["fps"] == {WHOLE.recording.path: 25.0}
    conf = project["behaviors_conf"]["0"]
    assert (conf["code"], conf["type"], conf["modifiers"]["1"]["type"]) == ("micro", "State event", 1)
    rows = observation["events"]
    assert rows[0][:4] == [0.4, "face 1", "micro", "positive|AU1,L12"] and rows[0][5] == 10
    assert [row[0] for row in rows] == sorted(row[0] for row in rows) and len(rows) == 2 * len(WHOLE.events)
    keys = [tuple(row[1:4]) for row in rows]
    assert all(keys.count(key) == 2 for key in keys)
    subjects = {subject["name"] for subject in project["subjects_conf"].values()}
    assert {row[1] for row in rows} <= subjects == {"face 1", "face 1 (2)", "face 2"}
    values = {value for k in "01" for m in project["behaviors_conf"][k]["modifiers"].values() for value in m["values"]}
    assert {v for row in rows for part in row[3].split("|") for v in part.split(",")} - {"None"} <= values


def test_a_datavyu_project_is_a_zip_with_a_spreadsheet():
    with zipfile.ZipFile(io.BytesIO(written("datavyu"))) as archive:
        assert archive.namelist() == ["project", "db"] and archive.read("project").startswith(b"!project\ndbFile: db\n")
        lines = archive.read("db").decode().splitlines()
    assert lines[:2] == ["#4", "events (MATRIX,true,)-" + ",".join(re.findall(r"\w+\|NOMINAL", lines[1]))]
    assert lines[2] == ("00:00:00:400,00:00:00:880,(1,micro,positive,0.56,1+L12,3.5,found,,,0.9,blink; below 60 fps,)")
    assert r'a "note"; with lines\, 2 < 3 &' in lines[3]


def test_a_submission_leaves_out_what_a_coder_rejected():
    whole = replace(WHOLE, events=(SMILE, replace(LONG, status="rejected")))
    assert written("megc", whole).decode() == "vid,onset,offset,type\ntalk,10,22,me\n"


def test_the_same_events_give_the_same_bytes():
    for name in {*LOST} - {"elan"}:  # an ELAN document states when it was written
        assert written(name) == written(name), name


# --- Files that a person made


def eaf(tiers, slots, head=""):
    """An ELAN document; tiers: name -> [(slot, slot, text)]."""
    order = "".join(
        f'<TIME_SLOT TIME_SLOT_ID="{n}"{"" if v is None else f" TIME_VALUE={chr(34)}{v}{chr(34)}"}/>' for n, v in slots
    )
    parts = []
    for number, (name, annotations) in enumerate(tiers.items()):
        inner = "".join(
            f'<ANNOTATION><ALIGNABLE_ANNOTATION ANNOTATION_ID="a{number}_{k}" TIME_SLOT_REF1="{a}" TIME_SLOT_REF2='
            f'"{b}">'
            f"<ANNOTATION_VALUE>{text}</ANNOTATION_VALUE></ALIGNABLE_ANNOTATION></ANNOTATION>"
            for k, (a, b, text) in enumerate(annotations)
        )
        parts.append(f'<TIER TIER_ID="{name}" ANNOTATOR="Bo" LINGUISTIC_TYPE_REF="x">{inner}</TIER>')
    return f"{head}<ANNOTATION_DOCUMENT><TIME_ORDER>{order}</TIME_ORDER>{''.join(parts)}</ANNOTATION_DOCUMENT>".encode()


SLOTS = [("s4", 2400), ("s1", 400), ("s3", 800), ("s2", 880), ("free", None)]  # as ELAN never writes them


def test_an_elan_document_of_a_coder_with_unsorted_slots():
    content = eaf({"Emotion": [("s3", "s4", "happy"), ("s1", "s2", "AU12+L4")]}, SLOTS)
    first, second = read("elan", content)
    assert (first.onset, first.offset, first.kind, first.label) == (10, 22, "micro", "unknown")
    assert first.action_units == (ActionUnit(12), ActionUnit(4, "L")) and first.status == "added"
    assert (second.start, second.end, second.kind, second.label, second.coder) == (0.8, 2.4, "macro", "happy", "Bo")
    assert second.video == "talk.mp4" and APEX_UNKNOWN in second.warnings and second.apex == 40


def test_tiers_of_a_coder_are_put_together_by_name():
    tiers = {
        "micro-expressions": [("s1", "s2", "lips")],
        "AUs": [("s1", "s2", "24")],
        "emotion class": [("s1", "s2", "disgust")],
        "speech": [("s3", "s4", "hello")],
    }
    (event,) = read("elan", eaf(tiers, SLOTS))
    assert (event.kind, event.label, event.note, event.action_units) == ("micro", "disgust", "lips", (ActionUnit(24),))
    del tiers["micro-expressions"]
    (event,) = read("elan", eaf(tiers, SLOTS))
    assert (event.label, event.action_units) == ("disgust", (ActionUnit(24),))


def test_an_annotation_that_refers_to_another_has_its_times():
    child = (
        '<TIER TIER_ID="emotion"><ANNOTATION><REF_ANNOTATION ANNOTATION_ID="r" ANNOTATION_REF="a0_0">'
        "<ANNOTATION_VALUE>fear</ANNOTATION_VALUE></REF_ANNOTATION></ANNOTATION></TIER></ANNOTATION_DOCUMENT>"
    )
    content = eaf({"micro": [("s1", "s2", "")]}, SLOTS).replace(b"</ANNOTATION_DOCUMENT>", child.encode())
    assert [(event.start, event.label) for event in read("elan", content)] == [(0.4, "fear")]


def test_people_need_numbers_only_where_there_are_several():
    one = eaf({"micro": [("s1", "s2", "x")]}, SLOTS).replace(b"ANNOTATOR", b'PARTICIPANT="P07" ANNOTATOR')
    assert [event.face for event in read("elan", one)] == [1]
    two = eaf({"Anna micro": [("s1", "s2", "x")], "Bo micro": [("s3", "s4", "x")]}, SLOTS)
    two = two.replace(b'TIER_ID="Anna', b'PARTICIPANT="Anna" TIER_ID="A').replace(
        b'TIER_ID="Bo', b'PARTICIPANT="Bo" TIER_ID="B'
    )
    with pytest.raises(DataError, match=r"whose face is which\? Call the people 'face 1', .* not 'Anna', 'Bo'"):
        read("elan", two)
    numbered = eaf({"person 2 micro": [("s1", "s2", "x")], "face 1 micro": [("s3", "s4", "x")]}, SLOTS)
    assert [event.face for event in read("elan", numbered)] == [2, 1]


GRID = "\n".join(
    [
        *('"ooTextFile"', '"TextGrid"', "0 4 ! a comment", "<exists> 2"),
        *('"IntervalTier" "expression" 0 4 3', '0 0.4 ""', '0.4 0.88 "say ""cheese"""', '0.88 4 "  "'),
        *('"TextTier" "expression 2" 0 4 1', '2.0 "AU1"'),
    ]
)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-be"])
def test_a_textgrid_of_a_coder(encoding):
    content = GRID.encode(encoding) if encoding != "utf-16-be" else b"\xfe\xff" + GRID.encode(encoding)
    first, point = read("textgrid", content)
    assert (first.onset, first.offset, first.label, first.kind) == (10, 22, 'say "cheese"', "micro")
    assert (point.onset, point.apex, point.offset, point.action_units) == (50, 50, 50, (ActionUnit(1),))


def boris(events, behaviors=("smile",), kind="State event", **observation):
    conf = {str(n): {"type": kind, "code": code} for n, code in enumerate(behaviors)}
    one = {"file": {"1": ["/data/talk.mp4"]}, "media_info": {"fps": {"/data/talk.mp4": 25}}, "events": events}
    return {"behaviors_conf": conf, "observations": {"session 1": one | observation}}


def test_a_boris_project_of_a_coder():
    rows = [[2.4, "Anna", "smile", "None", ""], [0.8, "Anna", "smile", "None", "wide"], [3.0, "", "AU12", "", ""]]
    project = boris([[*row, 7] for row in rows[:2]])
    (event,) = read("boris", json.dumps(project).encode())
    assert (event.onset, event.offset, event.label, event.note, event.face) == (20, 60, "smile", "wide", 1)
    packed = gzip.compress(json.dumps(project).encode())
    assert read_events(packed, "coded.boris.gz", TIMES) == (event,)
    assert read("boris", packed, times=None) == (event,)  # the project holds the frame rate
    point = boris([[3.0, "", "AU12", "", ""]], ("AU12",), "Point event")
    (event,) = read("boris", json.dumps(point).encode())
    assert (event.onset, event.offset, event.action_units, event.label) == (75, 75, (ActionUnit(12),), "unknown")


def test_behaviors_named_micro_are_the_events_of_a_boris_project():
    rows = [[0.4, "", "micro", "disgust|AU10,AU4", ""], [0.88, "", "micro", "disgust|AU10,AU4", ""]]
    rows += [[1.0, "", "talks", "", ""], [3.0, "", "talks", "", ""]]
    (event,) = read("boris", json.dumps(boris(rows, ("micro", "talks"))).encode())
    assert (event.kind, event.label, [u.number for u in event.action_units]) == ("micro", "disgust", [10, 4])


def test_the_observation_of_the_film_is_read():
    project = boris([])
    other = {**project["observations"]["session 1"], "file": {"1": ["C:\\films\\walk.mp4"]}}
    other["events"] = [[0.4, "", "smile", "", ""], [0.8, "", "smile", "", ""]]
    project["observations"]["session 2"] = other
    content = json.dumps(project).encode()
    assert read("boris", content) == ()
    assert len(read("boris", content, replace(TIMES, video="walk.mp4"))) == 1
    with pytest.raises(DataError, match=r"holds 2 observations .'session 1', 'session 2'., not one of 'run.mp4'"):
        read("boris", content, replace(TIMES, video="run.mp4"))


def opf(db, member="db"):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(member, db)
    return packed.getvalue()


def test_a_datavyu_project_of_a_coder():
    db = (
        "#4\nmicro_expr (MATRIX,true,)-emotion|NOMINAL,au|NOMINAL,code03|NOMINAL\n"
        "00:00:00:400,00:00:00:880,(fear\\, mild,1+2,<code03>)\n00:00:01:000,00:00:01:200,(,,)\n"
    )
    first, second = read("datavyu", opf(db))
    assert (first.onset, first.offset, first.label, first.kind) == (10, 22, "fear, mild", "micro")
    assert [unit.number for unit in first.action_units] == [1, 2] and second.label == "unknown"
    text = "#4\nemotion (NOMINAL,true,)\n00:00:00:400,00:00:00:880,happy, really\n"
    assert [(event.start, event.label) for event in read("datavyu", opf(text))] == [(0.4, "happy, really")]


def test_a_bids_table_of_a_coder():
    table = "onset\tduration\ttrial_type\tstim_file\tAU\n0.4\t0.48\tmicro/fear\ta.png\tn/a\n2\tn/a\tsmile\ta.png\t12\n"
    first, second = read("bids", table.encode())
    assert (first.onset, first.offset, first.kind, first.label) == (10, 22, "micro", "fear")
    assert (second.onset, second.offset, second.label, second.action_units) == (50, 50, "smile", (ActionUnit(12),))


def test_a_submission_with_several_videos():
    table = b"vid,onset,offset,type\nwalk,1,2,me\ntalk,10,22,me\nTALK,20,60,mae\n"
    with pytest.raises(DataError, match=r"holds 3 videos .'walk', 'talk', 'TALK'., not one of 'talk.mp4'"):
        read("megc", table)
    events = read("megc", table.replace(b"TALK", b"talk"))
    assert [(event.onset, event.offset, event.kind) for event in events] == [(10, 22, "micro"), (20, 60, "macro")]


# --- Which format a file has, and how two coders agree


def test_the_format_follows_from_name_and_content():
    assert readable_suffixes() == [".TextGrid", ".boris", ".csv", ".eaf", ".json", ".opf", ".tsv"]
    for name in LOST:
        form = EVENT_FORMATS.get(name)
        assert read_events(written(name), f"Bo's {form.suffix.upper()}", TIMES) == read(name, written(name)), name
    with pytest.raises(DataError, match=r"'x.docx' cannot be read; use a file that ends in .TextGrid or .boris or"):
        read_events(b"", "x.docx", TIMES)


@pytest.mark.parametrize("name", ["csv", *INTERVALS])
def test_a_second_coders_file_gives_the_same_kappa_in_every_format(name):
    """Of 100 frames the coders have 51 and 11 in an event, 11 in common: they agree in 60, by chance in 49.22."""
    mine = (replace(SMILE, status="confirmed", coder="Ada"), replace(LONG, status="confirmed", coder="Ada"))
    theirs = (replace(SMILE, onset=12, start=0.48, status="corrected", coder="Bo", label="negative"),)
    if name == "megc":  # holds no class and no coder
        theirs = (replace(theirs[0], label="unknown"),)
    found = agreement(mine, read(name, written(name, replace(WHOLE, events=theirs))), range(100))
    assert found.time_kappa == agreement(mine, theirs, range(100)).time_kappa == pytest.approx((0.6 - 0.4922) / 0.5078)
    assert found.matched == 1 and found.onset_seconds == pytest.approx(0.08)


def test_a_file_is_read_with_the_times_of_its_film(tmp_path):
    write_video(tmp_path / "talk.mp4", film(50), 25)
    (tmp_path / "talk.TextGrid").write_text(GRID.replace("0.4 0.88", "0.4 0.8").replace("0.88 4", "0.8 4"))
    events = read_event_file(tmp_path / "talk.TextGrid", tmp_path / "talk.mp4")
    assert (events[0].video, events[0].onset, events[0].offset) == ("talk.mp4", 10, 20)
    with pytest.raises(DataError, match="name the film"):
        read_event_file(tmp_path / "talk.TextGrid")
    with pytest.raises(MissingDataError, match="is not a file"):
        read_event_file(tmp_path / "walk.TextGrid")


# --- Broken and hostile files: one line each

BOMB = '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'
ROW = [[0.4, "", "smile", "", ""]]
HOSTILE = {
    "an XML bomb": ("x.eaf", eaf({}, [], BOMB), "has a document type"),
    "an XML bomb in UTF-16": (
        "x.eaf",
        eaf({}, [], BOMB.replace("1.0", '1.0" encoding="utf-16')).decode().encode("utf-16"),
        "has a document type",
    ),
    "another document": ("x.eaf", b"<html><body/></html>", "no ELAN document: it begins with <html>"),
    "an unknown encoding": ("x.eaf", b'<?xml version="1.0" encoding="klingon"?><a/>', "is not XML"),
    "a cut document": ("x.eaf", written("elan")[:2000], "is not XML"),
    "a time that is none": ("x.eaf", eaf({"micro": [("s1", "free", "x")]}, SLOTS), "its times are damaged"),
    "a slot that is not there": ("x.eaf", eaf({"micro": [("s1", "s9", "x")]}, SLOTS), "its times are damaged"),
    "an end before the beginning": ("x.eaf", eaf({"micro": [("s4", "s1", "x")]}, SLOTS), "ends at 0.4 s"),
    "a negative time": ("x.eaf", eaf({"micro": [("n", "s1", "x")]}, [*SLOTS, ("n", -400)]), "begins at -0.4 s"),
    "references in a circle": (
        "x.eaf",
        b'<ANNOTATION_DOCUMENT><TIER TIER_ID="micro"><REF_ANNOTATION ANNOTATION_ID="a" ANNOTATION_REF="a">'
        b"<ANNOTATION_VALUE>x</ANNOTATION_VALUE></REF_ANNOTATION></TIER></ANNOTATION_DOCUMENT>",
        "refers to none with times",
    ),
    "no action unit": ("x.eaf", eaf({"AU": [("s1", "s2", "smile")]}, SLOTS), "0.400 s: 'smile' in"),
    "Latin letters": ("x.TextGrid", "Müller".encode("latin-1"), r"no text in UTF-8 \(byte 1\); save it in UTF-8"),
    "zero bytes": ("x.TextGrid", b"\0" * 100, "holds zero bytes"),
    "half a character": ("x.TextGrid", b"\xff\xfea", "is no text in UTF-8"),
    "a binary grid": ("x.TextGrid", b"ooBinaryFile\x08TextGrid", "is a binary TextGrid"),
    "another file of Praat": ("x.TextGrid", b'"ooTextFile" "PitchTier" 0 1', "is no TextGrid"),
    "a cut grid": ("x.TextGrid", GRID[:120].encode(), "is not complete"),
    "a grid of a billion tiers": ("x.TextGrid", b'"ooTextFile" "TextGrid" 0 1 <exists> 1e9', "a size of 1e.09"),
    "a text for a number": ("x.TextGrid", b'"ooTextFile" "TextGrid" 0 "1"', "stands where a number is expected"),
    "infinite times": ("x.TextGrid", GRID.replace("0.4 0.88", "0.4 1e999").encode(), "not finite"),
    "no JSON": ("x.boris", b"{", "is not JSON"),
    "deep JSON": ("x.boris", b"[" * 10**5, "nested too deeply"),
    "another JSON": ("x.boris", b"[]", "is no BORIS project"),
    "a list for a table": ("x.boris", b'{"observations": {"a": []}, "behaviors_conf": {}}', "is a damaged BORIS"),
    "an event without an end": ("x.boris", json.dumps(boris(ROW)).encode(), "begins at 0.400 s and has no"),
    "a time offset": ("x.boris", json.dumps(boris([], **{"time offset": 5})).encode(), "has a time offset of 5 s"),
    "films in a row": ("x.boris", json.dumps(boris([], file={"1": ["a.mp4", "b.mp4"]})).encode(), "shows 2 films"),
    "a gzip bomb": ("x.boris", gzip.compress(b" " * (65 * 2**20)), "unpacks to more than 64 MiB"),
    "a cut gzip": ("x.boris", gzip.compress(b" " * 1000)[:20], "not a readable gz file"),
    "a zip bomb": ("x.opf", opf("#4\n" + " " * (65 * 2**20)), "unpacks to more than 64 MiB"),
    "no zip": ("x.opf", b"PK\x03\x04 no", "not a readable zip file"),
    "a zip without a spreadsheet": ("x.opf", opf("", "other"), "a zip file without 'db'"),
    "no spreadsheet": ("x.opf", opf("hello"), "begins with 'hello', not with '#4'"),
    "a line of nothing": ("x.opf", opf("#4\nhello world\n"), "neither a column nor a cell"),
    "a comma too many": (
        "x.opf",
        opf("#4\na (MATRIX,true,)-x|NOMINAL\n00:00:00:000,00:00:01:000,(a,b)"),
        "2 values for",
    ),
    "no column of times": ("x.tsv", b"a\tb\n1\t2\n", "has no column 'onset'"),
    "times that are none": ("x.tsv", b"onset\tduration\nnow\t1\n", "line 2: onset 'now', duration '1': write seconds"),
    "an empty table": ("x.tsv", b"", "has no column 'onset'"),
    "frames that are none": ("x.csv", b"vid,onset,offset,type\ntalk,a,b,me\n", "line 2"),
    "a negative frame": ("x.csv", b"vid,onset,offset,type\ntalk,-3,5,me\n", r"line 2: 'talk.mp4' has no frame -3"),
    "a frame behind the film": ("x.csv", b"vid,onset,offset,type\ntalk,3,500,me\n", "no frame 500"),
    "a table in UTF-16": ("x.csv", "a,b\n".encode("utf-16"), "has no column"),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_file_gives_one_clear_line(kind):
    name, content, line = HOSTILE[kind]
    with pytest.raises(DataError, match=line) as raised:
        read_events(content, name, TIMES)
    assert "\n" not in str(raised.value) and name in str(raised.value) and len(str(raised.value)) < 500


def test_a_file_that_is_too_large_is_not_read(tmp_path, monkeypatch):
    monkeypatch.setattr("microexpr.analysis.coded_files.MAX_BYTES", 1000)
    (tmp_path / "x.eaf").write_bytes(b" " * 1001)
    with pytest.raises(DataError, match="no file of events is so large"):
        read_event_file(tmp_path / "x.eaf")


def test_more_events_than_anybody_codes(monkeypatch):
    monkeypatch.setattr("microexpr.analysis.formats._coded.MAX_EVENTS", 2)
    with pytest.raises(DataError, match="holds more than 2 events"):
        read("elan", written("elan"))


def test_names_that_would_break_a_file():
    name = 'a "b"\t<c>&\n(d|e),-\\f.mp4'
    odd = replace(SMILE, label="(sad|happy), `x`\\-", coder='"', note="=1+1, \\")
    whole = Analysis(Recording(name, "", 100, 3.96, 25.0, 640, 480), events=(odd,), version="0")
    for form in LOST:
        (event,) = read(form, written(form, whole))
        assert event.onset == 10, form
        if form not in ("megc", "boris"):  # BORIS allows none of (|),` in a class
            assert event.label == odd.label and event.note == odd.note and event.coder == '"', form


def test_the_command_lists_the_formats(capsys):
    with pytest.raises(SystemExit) as end:
        main(["analyze", "--format", "list"])
    lines = capsys.readouterr().out.splitlines()
    assert end.value.code == 0 and [line.split()[0] for line in lines] == EVENT_FORMATS.names()
    assert "events.boris" in lines[1] and lines[1].endswith("BORIS project, written and read")
