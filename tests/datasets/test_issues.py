"""An issue of a folder names the clip, the field and the value, and states what to do."""

import csv
import tracemalloc
import zipfile
from pathlib import Path

import openpyxl
import pytest

from microexpr.core.clip import Clip
from microexpr.core.errors import AnnotationError, DataError, MicroexprError, MissingDataError
from microexpr.datasets import DATASETS, Correction, Dataset, DatasetInfo, add_labels, read_rows
from tests.datasets.test_datasets import damaged

CODING, OBJECTIVE = "CASME2-coding-20140508.xlsx", "CASME2-ObjectiveClasses.xlsx"
SAMM, LIST = "SAMM_Micro_FACS_Codes_v2.xlsx", "combined_3_class2_for_optical_flow.csv"


def edit(path: Path, row: int, column: int, value: object) -> None:
    book = openpyxl.load_workbook(path)
    book.active.cell(row, column).value = value
    book.save(path)


def issues(dataset: Dataset) -> str:
    return "\n".join(map(str, dataset.check()))


@pytest.mark.parametrize(
    ("column", "value", "text"),
    [
        (4, "abc", "onset = abc: is not a frame number"),
        (4, None, "onset = : is empty"),
        (4, 9999, "offset = .*: lies before the onset, 9999"),
        (5, 9999, "apex = 9999: lies after the offset"),
        (5, 1, "apex = 1: lies before the onset"),
        (5, -3, "apex = -3: is not a frame number"),
        (6, 1, "offset = 1: lies before the onset"),
    ],
)
def test_contradicting_times_of_a_sheet_are_named(synthetic_datasets, tmp_path, column, value, text):
    dataset = damaged(synthetic_datasets, "casme2", tmp_path)
    edit(dataset.root / CODING, 2, column, value)
    with pytest.raises(AnnotationError, match=f"^casme2/sub01/.*{text}"):
        dataset.clips()
    assert text.split(" = ")[0] + " = " in issues(dataset)


@pytest.mark.parametrize(
    ("column", "value", "text"),
    [(1, "abc", "row 2: Subject = abc: is not the number of a subject"), (2, None, "row 2: Filename = : is empty")],
)
def test_a_row_without_a_subject_or_a_clip_is_named(synthetic_datasets, tmp_path, column, value, text):
    dataset = damaged(synthetic_datasets, "casme2", tmp_path)
    edit(dataset.root / CODING, 2, column, value)
    assert f"{CODING}, {text}" in issues(dataset)


def test_a_row_of_sums_below_the_table_is_no_clip(synthetic_datasets, tmp_path):
    dataset = damaged(synthetic_datasets, "smic_hs_long", tmp_path)
    edit(dataset.root / "SMIC-HS-E_annotation.xlsx", 300, 7, "=SUM(C2:C160)")
    assert len(dataset.clips()) == len(synthetic_datasets["smic_hs_long"].clips())


def test_a_clip_that_the_release_is_known_to_lack_is_no_issue(synthetic_datasets, tmp_path):
    dataset = damaged(synthetic_datasets, "smic_hs_long", tmp_path)
    book = openpyxl.load_workbook(dataset.root / "SMIC-HS-E_annotation.xlsx")
    book.active.append([9, "s9_sur_02", "none", "none"])
    book.save(dataset.root / "SMIC-HS-E_annotation.xlsx")
    assert len(dataset.clips()) == len(synthetic_datasets["smic_hs_long"].clips())


def test_a_second_expression_in_a_recording_is_an_interval(synthetic_datasets, tmp_path):
    dataset = damaged(synthetic_datasets, "smic_hs_long", tmp_path)
    sheet = dataset.root / "SMIC-HS-E_annotation.xlsx"
    for column, (head, value) in enumerate((("Onset2F", 17581050), ("Offset2F", 17581060)), 5):
        edit(sheet, 1, column, head)
        edit(sheet, 2, column, value)
    [clip] = [clip for clip in dataset.clips() if clip.intervals]
    assert [i.onset for i in clip.intervals] == [clip.onset, 17581050]
    assert clip.blind(()).intervals == ()


def test_an_emotion_that_the_release_does_not_have_is_named(synthetic_datasets, tmp_path):
    dataset = damaged(synthetic_datasets, "casme2", tmp_path)
    edit(dataset.root / CODING, 2, 9, "joy")
    assert any(
        str(f).startswith("casme2/sub01/") and "emotion = joy: is not a label" in str(f) for f in dataset.check()
    )


@pytest.mark.parametrize(
    ("name", "sheet", "row", "column"),
    [
        ("casme", "CASME-coding.xlsx", 2, 10),
        ("casme2", CODING, 2, 8),
        ("samm", SAMM, 15, 9),
        ("mmew", "MMEW_Micro_Exp.xlsx", 2, 6),
    ],
)
def test_action_units_that_cannot_be_read_are_named(synthetic_datasets, tmp_path, name, sheet, row, column):
    dataset = damaged(synthetic_datasets, name, tmp_path)
    before = {str(issue) for issue in dataset.check()}
    edit(dataset.root / sheet, row, column, "R12 or R15")
    [issue] = [issue for issue in dataset.check() if str(issue) not in before]
    assert (issue.field, issue.value, issue.note) == ("action_units", "R12 or R15", False)
    assert "cannot be read: 'or' in 'R12 or R15' is not an action unit" in issue.reason
    (dataset.root / "corrections.csv").write_text(
        f"clip,field,expected,value,reason\n{issue.clip},action_units,R12 or R15,R12,seen by a coder\n"
    )
    assert {str(issue) for issue in dataset.check()} == before
    edit(dataset.root / sheet, row, column, "12?")
    (dataset.root / "corrections.csv").unlink()
    [issue] = [issue for issue in dataset.check() if str(issue) not in before]
    assert issue.note and "uncertain" in issue.reason


def test_an_objective_class_that_does_not_exist_is_named(synthetic_datasets, tmp_path):
    dataset = damaged(synthetic_datasets, "casme2", tmp_path)
    edit(dataset.root / OBJECTIVE, 2, 3, 0)
    with pytest.raises(AnnotationError, match=rf"casme2/sub01/.*objective = 0: must be 1 to 7 \({OBJECTIVE}\)"):
        dataset.clips()


def test_without_the_sheet_of_objective_classes_clips_have_none(synthetic_datasets, tmp_path):
    dataset = damaged(synthetic_datasets, "casme2", tmp_path)
    (dataset.root / OBJECTIVE).unlink()
    assert "objective" not in dataset.clips()[0].labels
    [line] = [issue for issue in dataset.check() if issue.field == "objective"]
    assert "objective = none: no clip has it; the release has I 25, II 15" in str(line)


@pytest.mark.parametrize("time", ["onset", "apex", "offset"])
def test_a_missing_frame_is_named(synthetic_datasets, tmp_path, time):
    dataset = damaged(synthetic_datasets, "casme2", tmp_path)
    clip = dataset.clips()[0]
    number = getattr(clip, time)
    next(clip.source.glob(f"*img{number}.jpg")).unlink()
    with pytest.raises(AnnotationError, match=f"{clip.id}: {time} = {number}: no such frame"):
        dataset.clips()
    assert clip.id not in {c.id for c in dataset.clips(allow_missing=True)}
    assert [issue.clip for issue in dataset.missing()] == [clip.id]


@pytest.mark.parametrize("name", ["casme2", "samm", "smic_hs_long", "megc2019", "folder"])
def test_a_clip_without_its_source_is_missing(synthetic_datasets, tmp_path, name):
    dataset = damaged(synthetic_datasets, name, tmp_path)
    clip = dataset.clips()[0]
    clip.source.rename(tmp_path / "elsewhere")
    assert f"{clip.id}: source = " in issues(dataset)
    assert [issue.clip for issue in dataset.missing()] == [clip.id]
    with pytest.raises(AnnotationError, match=f"{clip.id}: source = .* is not there"):
        dataset.clips()


@pytest.mark.parametrize("name", ["casme2", "smic", "smic_hs_long"])
def test_a_folder_without_images_is_named(synthetic_datasets, tmp_path, name):
    dataset = damaged(synthetic_datasets, name, tmp_path)
    clip = dataset.clips()[0]
    for path in clip.source.iterdir():
        path.unlink()
    assert f"{clip.id}: source = {clip.source}: holds no image" in issues(dataset)


@pytest.mark.parametrize("name", ["casme2", "smic"])
def test_two_images_with_one_frame_number_are_named(synthetic_datasets, tmp_path, name):
    dataset = damaged(synthetic_datasets, name, tmp_path)
    clip = dataset.clips()[0]
    next(clip.source.iterdir()).with_name("copy5.png").write_bytes(b"")
    (clip.source / "image05.png").write_bytes(b"")
    [issue] = [issue for issue in dataset.check() if issue.clip == clip.id]
    assert "have the same frame number, 5" in issue.reason


def test_a_row_that_stands_twice_is_named(synthetic_datasets, tmp_path):
    dataset = damaged(synthetic_datasets, "samm", tmp_path)
    book = openpyxl.load_workbook(dataset.root / SAMM)
    book.active.append([cell.value for cell in book.active[15]])
    book.save(dataset.root / SAMM)
    with pytest.raises(AnnotationError, match=r"samm/006/\S+: id = samm/006/\S+: stands 2 times in the sheet"):
        dataset.clips()


@pytest.mark.parametrize("name", ["Apex Frame", "Objective Classes", "Subject"])
def test_a_missing_column_is_named(synthetic_datasets, tmp_path, name):
    dataset = damaged(synthetic_datasets, "samm", tmp_path)
    head = [cell.value for cell in openpyxl.load_workbook(dataset.root / SAMM).active[14]]
    edit(dataset.root / SAMM, 14, head.index(name) + 1, "something else")
    with pytest.raises(
        DataError, match=f"{SAMM}' lacks the column '{name}'; it needs Subject, Filename.*, and has .*something else"
    ):
        dataset.clips()
    assert name in issues(dataset)


def test_a_column_that_a_reader_did_not_ask_for_is_named(tmp_path):
    (tmp_path / "labels.csv").write_text("clip,onset,Apex Frame\nc1,1,2\n")
    [row] = read_rows(tmp_path / "labels.csv", ("clip", "onset"))
    assert row["onset"] == "1" and "apex" not in row and row.get("apex") is None
    with pytest.raises(DataError, match=r"labels.csv' has no column 'apex'; it has clip, onset, Apex Frame"):
        row["apex"]


class Reader(Dataset):
    """A reader of a plug-in, with a table of its own."""

    name, info = "own", DatasetInfo("own", "nobody", "nowhere", 25)

    def read(self):
        with (self.root / "list.csv").open(newline="") as file:
            rows = list(csv.DictReader(file))
        return [Clip(row["clip"], "own", "own/p", self.root, 25, onset=int(row["apex"])) for row in rows], []

    @classmethod
    def write_synthetic(cls, root, subjects, image_scale, seed):
        """Write nothing."""


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "clip,onset\nc1,1\n",
            r"its reader \(test_issues.py, line \d+\) asks for the column 'apex' of '.*list.csv', which is not there; "
            "there are clip, onset$",
        ),
        ("clip,apex\nc1,x\n", r"test_issues.py, line \d+\) raised ValueError: invalid literal for int.*'x'"),
    ],
)
def test_what_a_reader_does_not_expect_is_an_error_that_says_where(tmp_path, text, said):
    (tmp_path / "list.csv").write_text(text)
    with pytest.raises(DataError, match=said):
        Reader(tmp_path).clips()
    assert "its reader" in issues(Reader(tmp_path))


def cut(data: bytes) -> bytes:
    return data[: len(data) // 2]


def scrambled(data: bytes) -> bytes:
    return data[:300] + bytes(reversed(data[300:600])) + data[600:]


@pytest.mark.parametrize("change", [cut, scrambled, lambda data: b"", lambda data: b"<html>log in</html>"])
@pytest.mark.parametrize(("name", "sheet"), [("casme2", CODING), ("casme2", OBJECTIVE), ("samm", SAMM)])
def test_a_broken_sheet_cannot_be_read(synthetic_datasets, tmp_path, name, sheet, change):
    dataset = damaged(synthetic_datasets, name, tmp_path)
    path = dataset.root / sheet
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(DataError, match=r"\.xlsx' cannot be read .* copy it anew"):
        dataset.clips()
    assert len(dataset.check()) == 1


def test_a_sheet_of_broken_xml_cannot_be_read(synthetic_datasets, tmp_path):
    dataset = damaged(synthetic_datasets, "samm", tmp_path)
    with zipfile.ZipFile(dataset.root / SAMM) as old:
        parts = {name: old.read(name) for name in old.namelist()}
    with zipfile.ZipFile(dataset.root / SAMM, "w") as new:
        for name, data in parts.items():
            new.writestr(name, cut(data) if "sheet1" in name else data)
    with pytest.raises(DataError, match="cannot be read"):
        dataset.clips()


@pytest.mark.parametrize(("name", "sheet"), [("casme2", CODING), ("samm", SAMM), ("mmew", "MMEW_Micro_Exp.xlsx")])
def test_a_sheet_in_the_old_format_is_an_error_that_says_what_to_do(synthetic_datasets, tmp_path, name, sheet):
    dataset = damaged(synthetic_datasets, name, tmp_path)
    (dataset.root / sheet).rename((dataset.root / sheet).with_suffix(".xls"))
    with pytest.raises(DataError, match=rf"\.xls' is in the format of Excel before 2007.* save it as '{sheet}'"):
        dataset.clips()


@pytest.mark.parametrize("name", DATASETS.names())
def test_missing_and_empty_folders_are_named(tmp_path, name):
    cls = DATASETS.get(name)
    with pytest.raises(MissingDataError, match="nowhere' is not a folder"):
        cls(tmp_path / "nowhere").clips()
    with pytest.raises(MissingDataError, match=r"has no .* looked for|is not there"):
        cls(tmp_path).clips()
    for root in (tmp_path, tmp_path / "nowhere"):
        [issue] = cls(root).check()
        assert issue.clip == name and issue.value == str(root)


@pytest.mark.parametrize("name", ["smic", "samm", "folder", "megc2019"])
def test_a_data_set_without_a_clip_is_an_error(synthetic_datasets, tmp_path, name):
    dataset = damaged(synthetic_datasets, name, tmp_path)
    if name == "smic":
        (dataset.root / "SMIC_all_cropped" / "HS").rename(tmp_path / "away")
        (dataset.root / "SMIC_all_cropped" / "HS").mkdir()
    elif name == "samm":
        book = openpyxl.load_workbook(dataset.root / SAMM)
        book.active.delete_rows(15, 1000)
        book.save(dataset.root / SAMM)
    else:
        path = dataset.root / ("clips.csv" if name == "folder" else LIST)
        path.write_text(path.read_text().splitlines()[0])
    with pytest.raises(DataError, match="holds no clip"):
        dataset.clips()


def corrected(synthetic_datasets, tmp_path: Path, *cells: str) -> Dataset:
    """SAMM with a `corrections.csv` of one line; `clip` and `now` stand for the first clip and its offset."""
    dataset = damaged(synthetic_datasets, "samm", tmp_path)
    clip = dataset.clips()[0]
    row = [{"clip": clip.id, "now": str(clip.offset)}.get(cell, cell) for cell in cells]
    with (dataset.root / "corrections.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["clip", "field", "expected", "value", "reason"], [*row, "a test"]])
    return dataset


def test_corrections_change_times_and_labels(synthetic_datasets, tmp_path):
    clip = synthetic_datasets["samm"].clips()[0]
    changed = corrected(synthetic_datasets, tmp_path / "a", "clip", "offset", "now", str(clip.apex)).clips()[0]
    assert changed.offset == clip.apex
    already = corrected(synthetic_datasets, tmp_path / "b", "clip", "offset", "7", "now").clips()[0]
    assert already.offset == clip.offset
    unknown = corrected(synthetic_datasets, tmp_path / "c", "clip", "offset", "now", "").clips()[0]
    assert unknown.offset is None
    emotion = corrected(synthetic_datasets, tmp_path / "d", "clip", "emotion", clip.labels["emotion"], "Fear").clips()[
        0
    ]
    assert emotion.labels == {**clip.labels, "emotion": "Fear"}


@pytest.mark.parametrize(
    ("cells", "text"),
    [
        (("clip", "offset", "7", "9"), r"^samm/006/\S+: offset = \d+: .* expects '7'; this is another version"),
        (("clip", "offset", "now", "late"), r"^samm/006/\S+: offset = late: .* is not a frame number"),
        (("clip", "ofset", "", "9"), r"^samm/006/\S+: ofset = 9: .*names no field; did you mean 'offset'"),
        (("samm/006/none", "offset", "", "9"), "^corrections.csv: clip = samm/006/none: is not a clip of this folder"),
    ],
)
def test_corrections_that_do_not_fit_are_named(synthetic_datasets, tmp_path, cells, text):
    dataset = corrected(synthetic_datasets, tmp_path, *cells)
    with pytest.raises(AnnotationError, match=text):
        dataset.clips()


@pytest.mark.parametrize("content", [b"clip,field\nx,y\n", b"\xff\xfe\x00"])
def test_a_broken_list_of_corrections_cannot_be_read(synthetic_datasets, tmp_path, content):
    dataset = damaged(synthetic_datasets, "samm", tmp_path)
    (dataset.root / "corrections.csv").write_bytes(content)
    with pytest.raises(DataError, match=r"corrections.csv' (lacks the column 'expected'|cannot be read)"):
        dataset.clips()


def test_the_shipped_correction_of_casme2_is_applied(synthetic_datasets, tmp_path):
    [correction] = DATASETS.get("casme2").corrections
    assert correction.clip == "casme2/sub04/EP12_01f"
    assert isinstance(correction, Correction) and (correction.expected, correction.value) == ("", "279")
    made = DATASETS.get("casme2").make_synthetic(tmp_path / "five", subjects=4, image_scale=0.1)
    [clip] = [clip for clip in made.clips() if clip.id == correction.clip]
    assert (clip.onset, clip.apex, clip.offset) == (261, 279, 321)
    assert [c.id for c in made.read()[0] if c.apex is None] == [clip.id]


def test_a_missing_part_of_the_composite_is_one_issue(synthetic_datasets, tmp_path):
    dataset = damaged(synthetic_datasets, "megc2019", tmp_path)
    lines = [line for line in (dataset.root / LIST).read_text().splitlines() if not line.startswith("samm")]
    (dataset.root / LIST).write_text("\n".join(lines))
    assert "megc2019: samm = 0 clips: the release has 133 of 28 subjects" in issues(dataset)
    assert "samm/0" not in issues(dataset) and "clips of casme2/sub26 = 0" in issues(dataset)


def test_action_units_of_the_composite_are_read_from_files_beside_the_list(synthetic_datasets, tmp_path):
    dataset = damaged(synthetic_datasets, "megc2019", tmp_path)
    first = dataset.clips()[0]
    assert first.labels["action_units"] and "action_units" not in dataset.clips()[-1].labels  # of SMIC
    (dataset.root / "action_units.csv").write_text("clip,action_units\ncasme2/sub99/EP01_01,4\n")
    (dataset.root / "action_units_mine.csv").write_text(f"clip,action_units\n{first.id},4+L10\n")
    assert [c.labels["action_units"] for c in dataset.clips() if "action_units" in c.labels] == ["4+L10"]
    (dataset.root / "action_units.csv").write_text(f"clip,action_units\n{first.id},12\n")
    with pytest.raises(
        AnnotationError, match=r"_mine.csv, line 2: .* = 4\+L10: the clip has others in action_units.csv"
    ):
        dataset.clips()


def test_action_units_of_other_clips_only_are_an_issue(synthetic_datasets, tmp_path):
    dataset = damaged(synthetic_datasets, "megc2019", tmp_path)
    (dataset.root / "action_units.csv").write_text("clip,action_units\nsub01/EP02_01f,4\n")
    with pytest.raises(AnnotationError, match="clip = sub01/EP02_01f: neither this nor any other line names a clip"):
        dataset.clips()


def test_action_units_come_from_the_sheet_of_the_release_where_the_composite_has_none(synthetic_datasets, tmp_path):
    dataset = damaged(synthetic_datasets, "megc2019", tmp_path)
    (dataset.root / "action_units.csv").unlink()
    clips = add_labels(dataset.clips(), "action_units", None, synthetic_datasets.__getitem__)
    sheet = {clip.id: clip.labels["action_units"] for clip in synthetic_datasets["samm"].clips()}
    assert {c.id: c.labels["action_units"] for c in clips if c.dataset == "samm"}.items() <= sheet.items()
    assert not any("action_units" in clip.labels for clip in clips if clip.dataset == "smic")


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("casme3,sub01,EP02_01f,1,,,", "dataset = casme3: must be one of casme2, samm, smic"),
        ("casme2,sub01,EP02_01f,3,,,", "label = 3: must be 0, 1 or 2"),
        ("casme2,me,EP02_01f,1,,,", "sub = me: is not a subject"),
    ],
)
def test_a_wrong_line_of_the_composite_is_named(synthetic_datasets, tmp_path, line, text):
    dataset = damaged(synthetic_datasets, "megc2019", tmp_path)
    lines = (dataset.root / LIST).read_text().splitlines()
    (dataset.root / LIST).write_text("\n".join([lines[0], "", line, *lines[1:]]))
    with pytest.raises(AnnotationError, match=f"^{LIST}, line 3: {text}"):
        dataset.clips()


def test_a_missing_column_of_the_composite_is_named(synthetic_datasets, tmp_path):
    dataset = damaged(synthetic_datasets, "megc2019", tmp_path)
    text = (dataset.root / LIST).read_text().replace("filename_o", "clip")
    (dataset.root / LIST).write_text(text)
    with pytest.raises(DataError, match=rf"{LIST}' lacks the column 'filename_o' \(or filename, filename_e\)"):
        dataset.clips()


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("c9,p9,/etc,25,,,,x,", "folder/p9/c9: source = /etc: leads out of the folder"),
        ("c9,p9,../..,25,,,,x,", "source = ../..: leads out of the folder"),
        ("c9,p9,nowhere.mp4,25,,,,x,", "nowhere.mp4: is not there"),
        ("c9,p9,clips.csv,25,,,,x,", "clips.csv' is neither a folder of images nor"),
        ("c9,p9,broken.mp4,,,,,x,", "broken.mp4' cannot be read: .*is the file complete"),
        ("c9,,p01/c1.mp4,25,,,,x,", "subject = : is empty"),
        ("c9,p9,p01/c1.mp4,fast,,,,x,", "fps = fast: is not a number"),
        ("c9,p9,p01/c1.mp4,0,,,,x,", "fps = 0.0: must be more than 0"),
        ("c9,p9,p01/c1.mp4,nan,,,,x,", "fps = nan: is not a number"),
        ("c9,p9,p01/c1.mp4,25,one,,,x,", "folder/p9/c9: onset = one: is not a frame number"),
        ("c9,p9,p01/c1.mp4,100,0,5000,,x,", "folder/p9/c9: apex = 5000: no such frame"),
        ("c1,p01,p01/c1.mp4,100,,,,x,", "id = folder/p01/c1: stands 2 times"),
        ("c9,p9,p01/c1.mp4,25,,,,x,,,7", "clips.csv', line 20: more cells than columns"),
    ],
)
def test_a_wrong_line_of_a_users_list_is_named(synthetic_datasets, tmp_path, line, text):
    dataset = damaged(synthetic_datasets, "folder", tmp_path)
    (dataset.root / "broken.mp4").write_bytes(b"no video")
    with (dataset.root / "clips.csv").open("a") as file:
        file.write(line + "\n")
    with pytest.raises(DataError, match=text):
        dataset.clips()
    assert dataset.check()


def test_a_users_list_may_have_few_columns_and_semicolons(synthetic_datasets, tmp_path):
    dataset = damaged(synthetic_datasets, "folder", tmp_path)
    (dataset.root / "clips.csv").write_text('Clip;subject;source;Mood\n"c1";p01;p01/c1.mp4;so, so\nc2;p01;p01/c2\n')
    video, images = dataset.clips()
    assert video.labels == {"mood": "so, so"} and images.labels == {}
    assert (video.fps, images.fps) == (pytest.approx(100), 25)  # that of the file; the default for images


@pytest.mark.parametrize("content", ["clip,subject\nc1,p1\n", "", 'clip,subject,source\n"c1,p1,x\n', "\xe4\xf6"])
def test_a_broken_list_of_a_user_cannot_be_read(tmp_path, content):
    (tmp_path / "clips.csv").write_text(content, "latin-1")
    with pytest.raises(MicroexprError, match=r"clips.csv' (lacks the column|cannot be read)"):
        DATASETS.get("folder")(tmp_path).clips()


def test_control_characters_of_a_sheet_are_printed_escaped(synthetic_datasets, tmp_path):
    dataset = damaged(synthetic_datasets, "folder", tmp_path)
    with (dataset.root / "clips.csv").open("a") as file:
        file.write('"c\x1b[31m9",p9,"no\nwhere.mp4",25,,,,x,\n')
    lines = [str(issue) for issue in dataset.check()]
    assert any("c\\x1b[31m9" in line and "no\\nwhere.mp4" in line for line in lines)
    assert all(char.isprintable() for line in lines for char in line)


@pytest.mark.parametrize("name", ["/etc", "../../../elsewhere", "EP01/../../../.."])
@pytest.mark.parametrize(("dataset_name", "sheet", "first"), [("casme2", CODING, 2), ("samm", SAMM, 15)])
def test_names_of_a_sheet_that_lead_out_of_the_folder_are_issues(
    synthetic_datasets, tmp_path, name, dataset_name, sheet, first
):
    dataset = damaged(synthetic_datasets, dataset_name, tmp_path)
    book = openpyxl.load_workbook(dataset.root / sheet)
    book.active.cell(first, 2).value = name
    book.save(dataset.root / sheet)
    [issue] = [issue for issue in dataset.check() if issue.reason == "leads out of the folder"]
    assert name in issue.clip and all(name not in clip.id for clip in dataset._load()[0])


def test_a_stray_cell_in_the_last_corner_of_a_sheet_costs_nothing(synthetic_datasets, tmp_path):
    dataset = damaged(synthetic_datasets, "samm", tmp_path)
    clips = dataset.clips()
    book = openpyxl.load_workbook(dataset.root / SAMM)
    book.active.cell(1_048_576, 16_384).value = " "
    book.save(dataset.root / SAMM)
    tracemalloc.start()
    assert dataset.clips() == clips
    assert tracemalloc.get_traced_memory()[1] < 200e6
    tracemalloc.stop()


def test_a_sheet_that_unpacks_to_too_much_is_refused(synthetic_datasets, tmp_path, monkeypatch):
    dataset = damaged(synthetic_datasets, "samm", tmp_path)
    for name in ("MAX_XLSX_BYTES", "MAX_CELLS"):
        with monkeypatch.context() as patch, pytest.raises(DataError, match="has more than"):
            patch.setattr(f"microexpr.datasets._sheets.{name}", 10)
            dataset.clips()
