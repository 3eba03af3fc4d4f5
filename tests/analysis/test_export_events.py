"""Files of events: written, and read again by microexpr, by a spreadsheet reader and by a reader of ELAN files."""

import csv
import io
import json
from dataclasses import fields, replace
from pathlib import Path
from xml.etree import ElementTree

import pytest
from pympi.Elan import Eaf

from microexpr.analysis.formats.csv_file import from_csv, to_csv
from microexpr.analysis.formats.elan import to_eaf
from microexpr.analysis.formats.json_file import from_json, json_schema, read_analysis, to_json
from microexpr.core.errors import DataError, MissingDataError
from microexpr.core.events import Analysis, Event, Face, Recording

DOCS = Path(__file__).parents[2] / "docs"
PROBABILITIES = {"positive": 0.7, "surprise": 0.2, "negative": 0.1}
SMILE = Event(
    "talk.mp4", 1, 10, 14, 22, 0.4, 0.56, 0.88, "micro", 3.5, PROBABILITIES, "positive", 0.9, ("blink", "below 60 fps")
)
LONG = Event("talk.mp4", 1, 20, 40, 60, 0.8, 1.6, 2.4, "macro", 2.0)
OTHER = replace(
    SMILE, face=2, label="unknown", status="added", coder="B. Müller", note='a "note"; with\nlines, 2 < 3 &\x07'
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


def test_a_csv_has_a_line_per_event():
    rows = list(csv.DictReader(io.StringIO(to_csv(WHOLE.events))))
    assert [row["seconds"] for row in rows] == ["0.48", "1.6", "0.48"] and rows[1]["p_positive"] == ""
    assert rows[0]["probability"] == rows[0]["p_positive"] == "0.7" and rows[2]["probability"] == ""
    assert rows[0]["warnings"] == "blink; below 60 fps"


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
    assert list(eaf.get_tier_names()) == [f"face {n} {t}" for n in (1, 2) for t in ("micro", "macro", "label", "blink")]
    assert eaf.get_annotation_data_for_tier("face 1 micro") == [(400, 880, "score 3.5; apex 0.560 s; found")]
    assert eaf.get_annotation_data_for_tier("face 1 macro") == [(800, 2400, "score 2; apex 1.600 s; found")]
    assert eaf.get_annotation_data_for_tier("face 1 blink") == [(500, 700, "blink"), (1000, 1200, "blink")]
    assert eaf.get_parameters_for_tier("face 2 label")["PARTICIPANT"] == "face 2"
    (added,) = eaf.get_annotation_data_for_tier("face 2 micro")
    assert "added; coder B. Müller" in added[2] and "2 < 3 &" in added[2] and "\x07" not in added[2]


def test_annotations_of_a_tier_do_not_overlap(eaf):
    assert eaf.get_annotation_data_for_tier("face 1 label") == [(400, 880, "positive 0.70"), (880, 2400, "unknown")]


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
    types = {element.get("LINGUISTIC_TYPE_ID") for element in root.iter("LINGUISTIC_TYPE")}
    for tier in root.iter("TIER"):
        times = [slots[a.get(f"TIME_SLOT_REF{k}")] for a in tier.iter("ALIGNABLE_ANNOTATION") for k in (1, 2)]
        assert times == sorted(times) and tier.get("LINGUISTIC_TYPE_REF") in types
    assert not list(ElementTree.fromstring(to_eaf(NOBODY)).iter("TIER"))


def test_the_json_schema_is_that_of_the_records():
    assert json.loads((DOCS / "events.schema.json").read_text()) == json_schema()
    schema = json_schema()
    assert set(json.loads(to_json(WHOLE))) == set(schema["properties"])
    for cls in (Event, Face, Recording):
        properties = schema["$defs"][cls.__name__]["properties"]
        assert {f.name for f in fields(cls)} == set(properties)
        assert all(value["description"] for value in properties.values())
