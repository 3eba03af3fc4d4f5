"""Files of events: written, and read again by microexpr, by a spreadsheet reader and by a reader of ELAN files."""

import csv
import io
import json
import re
from dataclasses import fields, replace
from pathlib import Path
from xml.etree import ElementTree

import pytest
from pympi.Elan import Eaf

from microexpr.analysis.formats._tiers import PARTS
from microexpr.analysis.formats.csv_file import COLUMNS, from_csv, to_csv
from microexpr.analysis.formats.elan import from_eaf, to_eaf
from microexpr.analysis.formats.json_file import from_json, json_schema, read_analysis, to_json
from microexpr.core.action_units import ActionUnit
from microexpr.core.errors import DataError, MissingDataError
from microexpr.core.event_columns import UNIT_COLUMNS
from microexpr.core.events import EVENT_FORMATS, Analysis, Event, Face, Recording

DOCS = Path(__file__).parents[2] / "docs"
PROBABILITIES = {"positive": 0.7, "surprise": 0.2, "negative": 0.1}
UNITS = (ActionUnit(1, "", 0.8, 1.4, 0.015), ActionUnit(12, "L", 0.6, 0.2, 0.002))
SMILE = Event(
    *("talk.mp4", 1, 10, 14, 22, 0.4, 0.56, 0.88, "micro", 3.5, PROBABILITIES, "positive", 0.9),
    warnings=("blink", "below 60 fps"),
    action_units=UNITS,
    unit_probabilities={"R1": 0.8, "L1": 0.9, "R12": 0.1, "L12": 0.6},
    regions={"right inner brow": (0.2, -1.4), "left corner": (0.1, -0.2)},
)
LONG = Event("talk.mp4", 1, 20, 40, 60, 0.8, 1.6, 2.4, "macro", 2.0, regions={"chin": (0.0, 2.5)}, reason="too dark")
OTHER = replace(
    SMILE,
    face=2,
    label="unknown",
    status="added",
    coder="B. Müller",
    note='a "note"; with\nlines, 2 < 3 &\x07',
    action_units=(ActionUnit(30, "R"), ActionUnit(4)),
)
FACES = (
    Face(1, 90, 0.95, ((3.0, 3.6),), ((0.5, 0.7), (1.0, 1.2)), ((0.0, 0.1), (0.04, 3.5))),
    Face(2, 100, 0.8),
)
RECORDING = Recording("talk.mp4", "/data/a talk/größe #1?.mp4", 100, 3.96, 25.0, 640, 480)
WHOLE = Analysis(RECORDING, FACES, (SMILE, LONG, OTHER), ("slow",), {"threshold": 0.5}, "0.1.0", "abc")
NOBODY = Analysis(RECORDING, warnings=("no face was found in this recording",), version="0.1.0")


@pytest.mark.parametrize("analysis", [WHOLE, NOBODY], ids=["events", "nobody"])
def test_written_files_can_be_read(analysis):
    assert from_json(to_json(analysis)) == analysis
    assert from_csv(to_csv(analysis.events)) == list(analysis.events)
    assert from_csv("\ufeff" + to_csv(analysis.events)) == list(analysis.events)


def saved_by_a_spreadsheet(separator: str, comma: bool, encoding: str) -> bytes:
    """A table as a spreadsheet saves it: other separators, decimal commas, an empty line at the end."""
    rows = [*csv.reader(io.StringIO(to_csv([SMILE, LONG, OTHER]))), [""] * len(COLUMNS)]
    text = io.StringIO()
    if separator == ";" and not comma:
        text.write("sep=;\r\n")
    number = re.compile(r"-?\d+\.\d+")
    for row in rows:
        cells = [cell.replace(".", ",") if comma and number.fullmatch(cell) else cell for cell in row]
        csv.writer(text, delimiter=separator, lineterminator="\r\n").writerow(cells)
    return text.getvalue().encode(encoding)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize(("separator", "comma"), [(",", False), (";", False), (";", True), ("\t", True)])
def test_a_table_that_a_spreadsheet_saved_is_read(separator, comma, encoding):
    content = saved_by_a_spreadsheet(separator, comma, encoding)
    read = EVENT_FORMATS.get("csv").read
    assert read is not None and read(content, "mine.csv", None) == (SMILE, LONG, OTHER)


def test_probabilities_have_the_same_columns_in_the_same_order_whatever_was_found():
    classes = ["negative", "positive", "surprise"]
    recognized = replace(WHOLE, settings={"about_model": {"classes": classes}})
    for events in ((), (SMILE,), (replace(SMILE, probabilities={"surprise": 0.6, "positive": 0.4}), LONG)):
        analysis = replace(recognized, events=events)
        content = EVENT_FORMATS.get("csv").write(analysis, Path()).decode()
        assert content.splitlines()[0].split(",")[-4:] == [UNIT_COLUMNS[-1], *(f"p_{name}" for name in classes)]
        assert list(analysis.to_dataframe().columns[-3:]) == [f"p_{name}" for name in classes]
        assert from_csv(content) == list(events)
    assert to_csv([SMILE]).splitlines()[0].split(",")[-3:] == [f"p_{name}" for name in classes]


def test_a_csv_has_a_line_per_event():
    rows = list(csv.DictReader(io.StringIO(to_csv(WHOLE.events))))
    assert [row["seconds"] for row in rows] == ["0.48", "1.6", "0.48"] and rows[1]["p_positive"] == ""
    assert rows[0]["probability"] == rows[0]["p_positive"] == "0.7" and rows[2]["probability"] == ""
    assert rows[0]["warnings"] == "blink; below 60 fps"


def test_a_csv_has_the_same_columns_for_action_units_in_every_file():
    rows = list(csv.DictReader(io.StringIO(to_csv(WHOLE.events))))
    assert rows[0]["action_units"] == "1+L12" and rows[1]["action_units"] == ""
    assert rows[0]["movement"].startswith("both inner brows raised 1.4 px, left lip corner pulled up (too little")
    assert rows[1]["movement"] == "chin down 2.5 px" and rows[1]["reason"] == "too dark"
    assert [rows[0][f"au_1{end}"] for end in ("", "_px", "_share", "_right", "_left")] == [
        *("0.8", "1.4", "0.015", "0.8", "0.9")
    ]
    assert (rows[0]["au_2"], rows[0]["left_corner_y"], rows[0]["chin_x"]) == ("", "-0.2", "")
    header = to_csv([]).strip().split(",")
    assert set(UNIT_COLUMNS) < set(header) and header == [n for n in rows[0] if not n.startswith("p_")]


def test_a_table_has_the_columns_of_the_csv():
    header = {*to_csv(WHOLE.events).partition("\n")[0].split(",")} - {"probability"}
    assert set(WHOLE.to_dataframe()) == header
    table = WHOLE.to_dataframe()
    assert list(table["au_12_px"].fillna(-1)) == [0.2, -1, -1] and list(table["action_units"]) == ["1+L12", "", "R30+4"]
    assert set(NOBODY.to_dataframe()) == {name for name in header if not name.startswith("p_")}


def test_files_of_older_versions_are_read():
    later = ("reason", "action_units", "unit_probabilities", "regions", "movement", *UNIT_COLUMNS)
    rows = list(csv.DictReader(io.StringIO(to_csv([SMILE]))))
    text = io.StringIO()
    writer = csv.DictWriter(text, [name for name in rows[0] if name not in later], extrasaction="ignore")
    writer.writeheader()
    writer.writerows(rows)
    old = replace(SMILE, action_units=(), unit_probabilities={}, regions={})
    assert from_csv(text.getvalue()) == [old]
    content = json.loads(to_json(WHOLE))
    content["events"] = [{key: value for key, value in e.items() if key not in later} for e in content["events"]]
    assert from_json(json.dumps(content)).events[0] == old


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [("action_units", "smile", "'smile' is not an action unit"), ("au_1_px", "far", "pixels = 'far'")],
)
def test_wrong_action_units_in_a_csv_are_refused(column, value, message):
    (row,) = csv.DictReader(io.StringIO(to_csv([SMILE])))
    text = io.StringIO()
    writer = csv.DictWriter(text, list(row))
    writer.writeheader()
    writer.writerow({**row, column: value})
    with pytest.raises(DataError, match=f"event 1: .*{message}"):
        from_csv(text.getvalue())


@pytest.mark.parametrize("name", ["=1+1.mp4", "@sum.mp4", "-2+3.mp4", "'=x", "''quoted''", "'", "\tx"])
def test_names_are_not_formulas(name):
    text = to_csv([replace(SMILE, video=name, note=name)])
    assert from_csv(text)[0].video == from_csv(text)[0].note == name
    assert next(csv.reader(io.StringIO(text.splitlines()[1])))[0][0] not in "=+-@\t\r"


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda text: text.replace("onset", "begin", 1), "event 1: no column 'onset'"),
        (lambda text: text.replace(",10,", ",ten,", 1), "event 1: onset = 'ten'"),
        (lambda text: text.replace('"', "", 1), "event"),
    ],
)
def test_errors_of_an_edited_csv_name_the_event(damage, message):
    with pytest.raises(DataError, match=message):
        from_csv(damage(to_csv(WHOLE.events)), "mine.csv")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "is not JSON"),
        ("[]", "holds no events"),
        ('{"format": "other"}', "holds no events"),
        (to_json(WHOLE).replace('"schema": 1', '"schema": 9'), "has schema 9; this version reads 1"),
        (to_json(WHOLE).replace('"fps": 25.0', '"fps": "fast"'), "recording.fps = 'fast'"),
    ],
)
def test_errors_of_a_wrong_json_file(text, message):
    with pytest.raises(DataError, match=message):
        from_json(text)


def test_a_missing_file_is_an_error(tmp_path):
    with pytest.raises(MissingDataError, match="is not a file"):
        read_analysis(tmp_path / "events.json")


@pytest.fixture
def eaf(tmp_path):
    """An EAF document, read with pympi."""
    (tmp_path / "events.eaf").write_bytes(to_eaf(WHOLE, tmp_path))
    return Eaf(tmp_path / "events.eaf")


def test_tiers_times_and_texts_of_an_eaf(eaf):
    second = [f"face 1 (2) {tier}" for tier in ("macro", "label", "movement")]
    one, two = ([f"face {n} {tier}" for tier in PARTS] for n in (1, 2))
    assert list(eaf.get_tier_names()) == [*one, *second, *two]
    assert eaf.get_annotation_data_for_tier("face 1 action units") == [(400, 880, "1+L12")]
    assert eaf.get_annotation_data_for_tier("face 1 (2) movement") == [(800, 2400, "chin down 2.5 px")]
    said = "score 3.5; apex 0.560 s; found; quality 0.9; warnings blink, below 60 fps"
    assert eaf.get_annotation_data_for_tier("face 1 micro") == [(400, 880, said)]
    said = "score 2; apex 1.600 s; found; reason too dark"
    assert eaf.get_annotation_data_for_tier("face 1 (2) macro") == [(800, 2400, said)]
    assert eaf.get_annotation_data_for_tier("face 1 blink") == [(500, 700, "blink"), (1000, 1200, "blink")]
    assert eaf.get_parameters_for_tier("face 2 label")["PARTICIPANT"] == "face 2"
    (added,) = eaf.get_annotation_data_for_tier("face 2 micro")
    assert (
        "added; quality 0.9" in added[2]
        and "coder B. Müller; note a" in added[2]
        and "2 < 3 &" in added[2]
        and "\x07" not in added[2]
    )


def test_an_event_that_overlaps_another_has_tiers_of_its_own(eaf):
    assert eaf.get_annotation_data_for_tier("face 1 label") == [(400, 880, "positive 0.70")]
    assert eaf.get_annotation_data_for_tier("face 1 (2) label") == [(800, 2400, "unknown")]


def test_an_eaf_is_linked_to_the_video(eaf, tmp_path):
    (link,) = eaf.get_linked_files()
    assert (
        link["MEDIA_URL"] == "file:///data/a%20talk/gr%C3%B6%C3%9Fe%20%231%3F.mp4" and link["MIME_TYPE"] == "video/mp4"
    )
    assert link["RELATIVE_MEDIA_URL"].startswith("./../")
    folder = replace(WHOLE, recording=replace(RECORDING, path=str(tmp_path)))
    assert b"MEDIA_DESCRIPTOR" not in to_eaf(folder)  # ELAN plays no folder of images


def test_an_eaf_follows_its_schema():
    """EAFv3.0.xsd: the order of the parts, every time slot used once and rising in a tier, every reference there."""
    root = ElementTree.fromstring(to_eaf(WHOLE))
    parts = list(dict.fromkeys(part.tag for part in root))
    assert parts == ["HEADER", "TIME_ORDER", "TIER", "LINGUISTIC_TYPE", "CONSTRAINT"]
    slots = {s.get("TIME_SLOT_ID"): int(s.get("TIME_VALUE")) for s in root.iter("TIME_SLOT")}
    used = [a.get(f"TIME_SLOT_REF{k}") for a in root.iter("ALIGNABLE_ANNOTATION") for k in (1, 2)]
    assert sorted(used) == sorted(slots) and len(set(used)) == len(used)  # type: ignore[type-var]
    assert list(slots.values()) == sorted(slots.values()) and b" />" not in to_eaf(WHOLE)
    types = {element.get("LINGUISTIC_TYPE_ID") for element in root.iter("LINGUISTIC_TYPE")}
    for tier in root.iter("TIER"):
        times = [slots[a.get(f"TIME_SLOT_REF{k}")] for a in tier.iter("ALIGNABLE_ANNOTATION") for k in (1, 2)]
        assert times == sorted(times) and tier.get("LINGUISTIC_TYPE_REF") in types
    assert not list(ElementTree.fromstring(to_eaf(NOBODY)).iter("TIER"))


def test_an_eaf_is_read_back():
    """What an EAF does not hold: sizes, and the probabilities of other classes and action units."""
    smile, other, long = from_eaf(to_eaf(WHOLE))
    lost = ("probabilities", "action_units", "unit_probabilities", "regions", "note")
    for found, expected in ((smile, SMILE), (long, LONG), (other, OTHER)):
        for name in (field.name for field in fields(Event) if field.name not in lost):
            assert getattr(found, name) == getattr(expected, name), name
        assert [u.code for u in found.action_units] == [u.code for u in expected.action_units]
    assert (smile.label, smile.probabilities, long.label) == ("positive", {"positive": 0.7}, "unknown")
    assert (other.coder, other.note) == ("B. Müller", 'a "note"; with\nlines, 2 < 3 &')
    assert from_eaf(to_eaf(NOBODY)) == ()


def test_the_kind_in_an_eaf_is_that_of_its_tier():
    """A coder may call 0.6 s a micro-expression."""
    slow = replace(LONG, kind="micro")
    assert [event.kind for event in from_eaf(to_eaf(replace(WHOLE, events=(slow,))))] == ["micro"]


def test_an_annotation_that_was_added_in_elan_is_an_event():
    text = to_eaf(replace(WHOLE, events=(SMILE,))).decode()
    text = re.sub("score 3.5; apex 0.560 s; found[^<]*", "saw it", text).replace("1+L12", "14R, 4")
    (event,) = from_eaf(text.encode())
    assert (event.status, event.note, event.apex, event.score) == ("added", "saw it", 16, 0.0)
    assert event.action_units == (ActionUnit(14, "R"), ActionUnit(4))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("<", "<<"), "is not XML"),
        (("microexpr fps", "fps"), "no ELAN document of microexpr"),
        (('TIME_VALUE="400"', ""), "its times are damaged"),
        ((">25.0<", ">nan<"), "its times are damaged"),
        (("1+L12", "a smile"), "0.400 s: 'a' in 'a smile' is not an action unit"),
        (("<ANNOTATION_DOCUMENT", "<!DOCTYPE x><ANNOTATION_DOCUMENT"), "document type"),
    ],
)
def test_errors_of_a_wrong_eaf_file(change, message):
    text = to_eaf(WHOLE).decode().replace(*change)
    with pytest.raises(DataError, match=message):
        from_eaf(text.encode())


def test_the_json_schema_is_that_of_the_records():
    assert json.loads((DOCS / "events.schema.json").read_text()) == json_schema()
    schema = json_schema()
    assert set(json.loads(to_json(WHOLE))) == set(schema["properties"])
    for cls in (Event, Face, Recording):
        properties = schema["$defs"][cls.__name__]["properties"]
        assert {f.name for f in fields(cls)} == set(properties)
        assert all(value["description"] for value in properties.values())
