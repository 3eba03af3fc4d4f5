"""Readers read what their fakes write; the published counts hold; every fault is named."""

import csv
import shutil
from collections import Counter
from pathlib import Path

import openpyxl
import pytest

from microexpr.clip import Clip
from microexpr.datasets import DATASETS, Correction, Dataset, casting, check_dataset
from microexpr.datasets.action_units import objective_class, parse_action_units
from microexpr.datasets.megc2019 import PARTS
from microexpr.errors import AnnotationError, DataError, MissingDataError, UsageError
from microexpr.protocols import PROTOCOLS


@pytest.mark.parametrize("name", DATASETS.names())
def test_contract(name, tmp_path):
    check_dataset(DATASETS.get(name), tmp_path)


def damaged(fakes: dict[str, Dataset], name: str, tmp_path: Path) -> Dataset:
    return type(fakes[name])(shutil.copytree(fakes[name].root, tmp_path / name))


def edit(path: Path, row: int, column: int, value: object) -> None:
    book = openpyxl.load_workbook(path)
    book.active.cell(row, column).value = value
    book.save(path)


def manifest() -> list[Clip]:
    """The clips of full fakes, without making a picture."""
    cast = {"casme2": casting.casme2(None, 0), "samm": casting.samm(None, 0), "smic": casting.smic(None, 0)}
    clips = []
    for dataset, roles in cast.items():
        for r in roles:
            person, name = (f"s{int(r.person[1:]):02d}", r.name) if dataset == "smic" else (r.person, r.name)
            labels = {"emotion": r.emotion, "objective": r.objective}
            clips.append(
                Clip(f"{dataset}/{person}/{name}", dataset, f"{dataset}/{person}", Path("x"), 200, labels=labels)
            )
    return clips


@pytest.mark.parametrize("name", ["casme2", "samm", "smic"])
def test_full_fakes_have_the_published_counts(name):
    clips = [clip for clip in manifest() if clip.dataset == name]
    facts = DATASETS.get(name).facts
    assert len(clips) == facts.clips == len({clip.id for clip in clips})
    assert len({clip.subject for clip in clips}) == facts.people
    for label, words in facts.counts.items():
        assert Counter(clip.labels[label] for clip in clips) == words
    if facts.per_subject:
        assert Counter(clip.subject for clip in clips) == facts.per_subject


@pytest.mark.parametrize("name", list(PROTOCOLS))
def test_full_fakes_meet_every_protocol(name):
    rules = PROTOCOLS[name]
    examples = rules.select(manifest())
    assert rules.shortfall(examples) == []
    assert rules.folds(examples)


def test_people_of_megc2019():
    examples = PROTOCOLS["megc2019-cde"].select(manifest())
    assert Counter(e.clip.subject for e in examples) == {p: n for part in PARTS.values() for p, n in part.items()}
    assert len(examples) == 442


def test_action_units():
    assert parse_action_units("(R6 or R12)+R15") == {6, 12, 15}
    assert objective_class("4+L10") == "IV"
    assert objective_class("R1+L2") == "II"
    assert objective_class("A9E+ref(10)") == "VII"


def test_frames_sort_by_number(fakes):
    clip = fakes["casme2"].clips()[0]
    names = sorted(p.name for p in clip.source.iterdir())
    assert names != sorted(names, key=lambda n: int("".join(filter(str.isdigit, n))))  # names alone would mislead
    assert clip.onset < clip.apex <= clip.offset


def test_smic_is_spelled_one_way(fakes):
    raw = {clip.id for clip in fakes["smic"].clips()}
    listed = {clip.id for clip in fakes["megc2019"].clips() if clip.dataset == "smic"}
    assert raw == listed


def test_raw_pictures_where_there_are_no_cropped_ones(fakes, tmp_path):
    dataset = damaged(fakes, "casme2", tmp_path)
    (dataset.root / "Cropped").rename(dataset.root / "CASME2_RAW_selected")
    assert len(dataset.clips()) == len(fakes["casme2"].clips())


def test_the_later_sheet_is_read_too(fakes, tmp_path):
    dataset = damaged(fakes, "casme2", tmp_path)
    (dataset.root / "CASME2-coding-20140508.xlsx").rename(dataset.root / "CASME2-coding-20190701.xlsx")
    assert dataset.clips()[0].labels == fakes["casme2"].clips()[0].labels


def test_without_objective_classes_check_says_so(fakes, tmp_path):
    dataset = damaged(fakes, "casme2", tmp_path)
    (dataset.root / "CASME2-ObjectiveClasses.xlsx").unlink()
    assert "objective" not in dataset.clips()[0].labels
    assert any(fault.field == "objective ''" for fault in dataset.check())


@pytest.mark.parametrize(
    ("column", "value", "text"), [(5, 9999, "apex = 9999"), (4, "abc", "onset = abc"), (6, 1, "offset = 1")]
)
def test_a_lying_sheet_is_named(fakes, tmp_path, column, value, text):
    dataset = damaged(fakes, "casme2", tmp_path)
    edit(dataset.root / "CASME2-coding-20140508.xlsx", 2, column, value)
    with pytest.raises(AnnotationError, match=f"casme2/sub01/.*{text}"):
        dataset.clips()
    assert any(text in str(fault) for fault in dataset.check())


def test_a_missing_frame_is_named(fakes, tmp_path):
    dataset = damaged(fakes, "casme2", tmp_path)
    clip = dataset.clips()[0]
    next(clip.source.glob(f"*img{clip.apex}.jpg")).unlink()
    with pytest.raises(AnnotationError, match=f"{clip.id}: apex = {clip.apex}: no such frame"):
        dataset.clips()
    assert clip.id not in {c.id for c in dataset.clips(allow_missing=True)}
    assert [fault.clip for fault in dataset.missing()] == [clip.id]


def test_a_row_twice_is_named(fakes, tmp_path):
    dataset = damaged(fakes, "samm", tmp_path)
    book = openpyxl.load_workbook(dataset.root / "SAMM_Micro_FACS_Codes_v2.xlsx")
    book.active.append([cell.value for cell in book.active[15]])
    book.save(dataset.root / "SAMM_Micro_FACS_Codes_v2.xlsx")
    with pytest.raises(AnnotationError, match="stands 2 times"):
        dataset.clips()


def test_a_missing_column_is_named(fakes, tmp_path):
    dataset = damaged(fakes, "samm", tmp_path)
    edit(dataset.root / "SAMM_Micro_FACS_Codes_v2.xlsx", 14, 5, "Peak")
    with pytest.raises(DataError, match="lacks the column 'Apex Frame'"):
        dataset.clips()
    assert "Apex Frame" in str(dataset.check()[0])


@pytest.mark.parametrize("content", [b"", b"not a sheet", None])
def test_a_broken_sheet_is_named(fakes, tmp_path, content):
    dataset = damaged(fakes, "casme2", tmp_path)
    sheet = dataset.root / "CASME2-coding-20140508.xlsx"
    sheet.write_bytes(sheet.read_bytes()[:2000] if content is None else content)
    with pytest.raises(DataError, match=r"20140508.xlsx' cannot be read .* copy it anew"):
        dataset.clips()


def test_missing_and_empty_folders(tmp_path):
    cls = DATASETS.get("casme2")
    with pytest.raises(MissingDataError, match="is not a folder"):
        cls(tmp_path / "nowhere").clips()
    with pytest.raises(MissingDataError, match="no coding sheet"):
        cls(tmp_path).clips()
    assert len(cls(tmp_path).check()) == 1


def correct(fakes, tmp_path, expected: str, value: str) -> Dataset:
    dataset = damaged(fakes, "samm", tmp_path)
    clip = dataset.clips()[0]
    now = str(clip.offset) if expected == "now" else expected
    rows = [["clip", "field", "expected", "value", "reason"], [clip.id, "offset", now, value, "a test"]]
    with (dataset.root / "corrections.csv").open("w", newline="") as file:
        csv.writer(file).writerows(rows)
    return dataset


def test_corrections(fakes, tmp_path):
    apex = fakes["samm"].clips()[0].apex
    assert correct(fakes, tmp_path / "a", "now", str(apex)).clips()[0].offset == apex
    with pytest.raises(AnnotationError, match="expects '7'; this is another version"):
        correct(fakes, tmp_path / "b", "7", str(apex)).clips()
    offset = fakes["samm"].clips()[0].offset
    assert correct(fakes, tmp_path / "c", "7", str(offset)).clips()[0].offset == offset  # right already


def test_the_shipped_correction():
    [correction] = DATASETS.get("casme2").corrections
    assert (correction.clip, correction.expected, correction.value) == ("casme2/sub04/EP12_01f", "", "279")
    assert isinstance(correction, Correction)


def test_a_part_of_the_composite_says_what_it_lacks(fakes, tmp_path):
    dataset = damaged(fakes, "megc2019", tmp_path)
    path = dataset.root / "combined_3_class2_for_optical_flow.csv"
    lines = [line for line in path.read_text().splitlines() if not line.startswith("samm")]
    path.write_text("\n".join(lines))
    faults = [str(fault) for fault in dataset.check()]
    assert "megc2019: samm = 0: clips; the release has 133 of 28 people" in faults
    assert not any("samm/006" in fault for fault in faults)


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("c9,p9,/etc,25,,,,x,", "leads out of the folder"),
        ("c9,p9,../..,25,,,,x,", "leads out of the folder"),
        ("c9,p9,nowhere.mp4,25,,,,x,", "is not there"),
        ("c9,,p01/c1.mp4,25,,,,x,", "subject = : is empty"),
        ("c9,p9,p01/c1.mp4,fast,,,,x,", "fps = fast"),
        ("c9,p9,p01/c1.mp4,25,one,,,x,", "onset = one"),
    ],
)
def test_own_recordings(fakes, tmp_path, line, text):
    dataset = damaged(fakes, "folder", tmp_path)
    with (dataset.root / "clips.csv").open("a") as file:
        file.write(line + "\n")
    with pytest.raises(AnnotationError, match=text):
        dataset.clips()


def test_a_fake_is_never_written_over_anything(fakes):
    with pytest.raises(UsageError, match="not an empty folder"):
        DATASETS.get("smic").fake(fakes["smic"].root)
    for wrong in ({"scale": 0.0}, {"scale": 2.0}, {"people": 0}):
        with pytest.raises(UsageError, match="must be"):
            DATASETS.get("smic").fake(fakes["smic"].root / "x", **wrong)
