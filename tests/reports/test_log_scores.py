"""Scores of published logs and submissions, from files as they are published."""

import json

import numpy as np
import pytest

import microexpr as mx
from microexpr.cli.main import main as cli
from microexpr.core.errors import DataError, MissingDataError, UsageError
from microexpr.datasets import DATASETS
from microexpr.datasets.synthetic import long_videos
from microexpr.imaging.images import write_image
from microexpr.metrics._video_names import VideoNames

LOG = "2\n15_0102 700 709 - - FN\n15_0102 - - 9 20 FP\n16_0101 0 9 0 19 TP\n16_0101 10 19 0 19 TP\n17_0101 - - 3 9 FP\n"
ENTRY = "\ns15/15_0102* 699 707 __ __ FN\ns25/25_0101* 113 127 108 132 TP\ns25/25_0101* __ __ -8 16 FP\n" * 2
SUBMISSION = "vid,onset,offset,type\nA,0,9,me\nA,0,9,me\na,100,139,mae\na,-3,30,mae\nc,5,9,me\n"
LABELS = "vid,onset,offset,type\na,0,9,me\na,100,139,mae\na,200,239,mae\nb,50,60,me\nc,,,\n"
FOUND_EMOTIONS = "subject,video,onset,offset,emotion\n1,x,0,9,negative\n1,x,20,29,surprise\n1,y,5,9,others\n"
EMOTIONS = "subject,video,onset,offset,emotion\n1,X,0,9,anger\n1,X,20,29,happiness\n2,x,0,9,sadness\n"


@pytest.fixture
def file(tmp_path):
    def write(text: str, name: str = "log.txt"):
        (tmp_path / name).write_text(text, encoding="utf-8")
        return tmp_path / name

    return write


def counts(report, kind, way, number=0):
    values = report.data[number]["counts"][kind][way]
    return values["tp"], values["fp"], values["fn"]


def test_a_log_is_counted_in_three_ways_and_by_video(file):
    report = mx.score_logs(file(LOG))
    assert counts(report, "all", "rows") == (2, 2, 1)
    assert counts(report, "all", "challenge") == (2, 1, 1)  # 3 finds less 2 labels found
    assert counts(report, "all", "one_to_one") == (1, 2, 2)  # a find belongs to one label only
    videos = {video["video"]: video["counts"]["one_to_one"] for video in report.data[0]["videos"]}
    assert [videos[name]["fp"] for name in ("15_0102", "16_0101", "17_0101")] == [1, 0, 1]  # 17_0101 has no label
    notes = "\n".join(report.data[0]["notes"])
    assert "videos of CAS(ME)^2, long videos: 3 of 98; labels: 3; the release has 300 macro, 57 micro" in notes
    assert "names no kinds" in notes and "not comparable" not in notes


def test_an_entry_of_2021_names_repeated_rows_negative_onsets_and_what_it_lacks(file):
    report = mx.score_logs(file(ENTRY))
    assert counts(report, "all", "rows") == (2, 2, 2)
    assert counts(report, "all", "one_to_one") == counts(report, "all", "challenge") == (1, 1, 1)
    notes = "\n".join(report.data[0]["notes"])
    assert "rows that repeat an earlier one: 3 (line 6, 7, 8)" in notes
    assert "finds that begin before frame 0, scored as they stand: 2" in notes
    assert "each of its 2 videos has a label" in notes and "not comparable" in notes


def test_a_log_of_one_kind_is_matched_anew_only_if_its_kind_is_given(file):
    log = file("2\nv 0 9 - - FN\nv - - 0 9 FP\n")
    assert counts(mx.score_logs(log), "all", "one_to_one") == (0, 1, 1)
    assert counts(mx.score_logs(log, kind="micro"), "micro", "one_to_one") == (1, 0, 0)


def test_several_files_and_data_sets_in_one_table(file):
    report = mx.score_logs([file("1\n006_1 1 9 1 9 TP\n" + LOG), file(ENTRY, "other.txt")])
    assert [record["dataset_number"] for record in report.data] == [1, 2, None]
    overall = report.tables[0]
    assert [row[0] for row in overall.rows[::3]] == ["log.txt, data set 1", "log.txt, data set 2", "other.txt"]
    assert {row[2] for row in overall.rows} == {"one to one", "challenge", "rows"}
    assert "challenge: as MEGC 2020: one find may be true for several labels" in overall.note
    table = report.to_dataframe()
    assert set(table[table["video"] == ""]["counted"]) == {"one_to_one", "challenge", "rows"}


def test_a_submission_is_scored_by_kind_whatever_the_case_of_names(file):
    report = mx.score_logs(file(SUBMISSION, "a.csv"), labels=file(LABELS, "labels.csv"))
    assert counts(report, "micro", "one_to_one") == (1, 1, 1)  # a repeated find counts once
    assert counts(report, "micro", "challenge") == (1, 2, 1)  # and as often as it stands
    assert counts(report, "macro", "one_to_one") == (1, 1, 1)
    assert counts(report, "all", "one_to_one") == (2, 2, 2)
    notes = "\n".join(report.data[0]["notes"])
    assert "rows that repeat an earlier find: 1 (line 3)" in notes
    assert "finds that begin before frame 0, scored as they stand: 1 (line 5)" in notes
    assert "finds in videos without labels, each a false alarm: 1 (c)" in notes
    assert "labels in videos without finds, each missed: 1 (b)" in notes
    only = mx.score_logs(file(SUBMISSION, "a.csv"), labels=file(LABELS, "labels.csv"), kind="macro")
    assert counts(only, "macro", "one_to_one") == (1, 1, 1) and list(only.data[0]["counts"]) == ["macro"]
    assert "finds of another kind than macro, not scored: 3" in "\n".join(only.data[0]["notes"])


def test_spot_then_recognize_of_a_submission_in_two_ways(file):
    """Both labels of x are found, one of them named right; the label of subject 2 and the find in y are unmatched."""
    report = mx.score_logs(file(FOUND_EMOTIONS, "a.csv"), labels=file(EMOTIONS, "labels.csv"))
    own, code = (report.data[0]["spot_then_recognize"][way] for way in ("one_to_one", "strs_code"))
    assert own["spotting_f1"] == pytest.approx(4 / 6) and code["spotting_f1"] == 1
    assert own["macro_precision"] == own["macro_recall"] == code["analysis_f1"] == pytest.approx(1 / 3)
    assert own["strs"] == pytest.approx(4 / 6 / 3) and code["strs"] == pytest.approx(1 / 3)
    assert own["classes"] == ("negative", "positive", "surprise")
    assert "F1 of analysis: harmonic mean of macro precision and macro recall" in report.to_markdown()
    assert "no file names kinds" in "\n".join(report.data[0]["notes"])


@pytest.fixture
def long_set(tmp_path, monkeypatch):
    """CAS(ME)^2 of two subjects, with the frames that its sheet names only."""

    def write_frames(video, folder, pattern, scale, gray=False):
        for event in long_videos.video_events(video):
            for i in {max(0, event.onset), event.apex, event.offset}:
                write_image(folder / pattern.format(i + 1), np.zeros((8, 8), np.uint8))

    monkeypatch.setattr(long_videos, "write_frames", write_frames)
    return DATASETS.get("casme_sq").make_synthetic(tmp_path / "casme_sq", subjects=2, image_scale=0.01)


def test_labels_of_a_data_set(file, long_set):
    videos = {clip.id.rpartition("/")[2]: clip.intervals for clip in long_set.annotated_clips()}
    kinds = [i.kind for own in videos.values() for i in own]
    rows = [
        f"S{name[:2]}/{name.upper()},{i.onset},{i.offset},{'me' if i.kind == 'micro' else 'mae'}"
        for name, own in videos.items()
        for i in own
    ]
    right = file("\n".join(["vid,onset,offset,type", *rows]), "right.csv")
    report = mx.score_logs(right, data="casme_sq", root=long_set.root)
    for kind in ("micro", "macro"):
        assert counts(report, kind, "one_to_one") == (kinds.count(kind), 0, 0)
    assert report.data[0]["labels"] == "casme_sq" and "the labels are of a synthetic copy" in report.data[0]["notes"]


def test_a_log_beside_a_data_set(file, long_set):
    videos = {clip.id.rpartition("/")[2]: clip.intervals for clip in long_set.annotated_clips()}
    kinds = [i.kind for own in videos.values() for i in own]
    name, own = next(iter(videos.items()))
    micro = next(i for i in own if i.kind == "micro")
    log = file(f"2\n{name[:7]} {micro.onset} {micro.offset} {micro.onset} {micro.offset} TP\n")
    compared = mx.score_logs(log, data="casme_sq", root=long_set.root)
    assert f"labels of the log: 1; labels of 'casme_sq': {len(kinds)}; in both: 1" in compared.data[0]["notes"]
    assert "without a row, whose labels and false alarms are not counted: 3 of 4" in compared.data[0]["notes"][-2]
    other = mx.score_logs(file("1\n006_1 1 9 1 9 TP\n", "o.txt"), data="casme_sq", root=long_set.root, kind="micro")
    assert counts(other, "micro", "rows") == (1, 0, 0)
    assert any("number 1 is not that of 'casme_sq'" in line for line in other.data[0]["notes"])
    scored = mx.score_logs(log, data="casme_sq", root=long_set.root, kind="micro")
    assert counts(scored, "micro", "one_to_one") == (1, 0, kinds.count("micro") - 1)
    with pytest.raises(DataError, match=r"line 2: '99_0101' is none of the 4 videos of 'casme_sq'"):
        mx.score_logs(file("vid,onset,offset,type\n99_0101,1,2,me"), data="casme_sq", root=long_set.root)


def test_videos_are_found_by_the_names_that_logs_give_them():
    names = VideoNames(["15_0101disgustingteeth", "15_0102eatingworms", "006_1", "006_10"])
    same = ("15_0102", "s15_0102", "s15/15_0102*", "S15/15_0102EatingWorms", "s15\\15_0102eatingworms")
    assert {names.find(name) for name in same} == {"15_0102eatingworms"}
    assert (names.find("006_1"), names.find("006_1*"), names.find("15_01"), names.find("")) == (
        "006_1",
        "006_1",
        None,
        None,
    )


@pytest.mark.parametrize(
    ("log", "labels", "more", "error", "message"),
    [
        (SUBMISSION, None, {}, UsageError, "holds found intervals only; give --data NAME or --labels"),
        (SUBMISSION, EMOTIONS, {}, UsageError, "does not say what is micro and what macro; add a column type"),
        (SUBMISSION, LABELS, {"data": "casme_sq"}, UsageError, "not from both"),
        (SUBMISSION, "vid,onset,offset,type\n", {}, DataError, "has no row below its header"),
        (SUBMISSION, "vid,onset,offset,type\nz,1,2,me\n", {}, DataError, r"line 2: 'A' is none of the 1 videos"),
        (LOG, None, {"kind": "mini"}, UsageError, "give micro or macro"),
        (LOG, None, {"iou": 0}, UsageError, "iou = 0"),
        ("2\nv 1 2 - - TP\n", None, {}, DataError, r"log.txt', line 2: 'v 1 2 - - TP': it is a FN"),
        ("nothing", None, {}, DataError, r"log.txt', line 1: 'nothing': it has 1 cells; write video"),
    ],
)
def test_what_cannot_be_scored_is_an_error_that_says_what_to_do(file, log, labels, more, error, message):
    table = None if labels is None else file(labels, "labels.csv")
    with pytest.raises(error, match=message):
        mx.score_logs(file(log), labels=table, **more)


def test_files_that_cannot_be_read_are_named(tmp_path):
    (tmp_path / "x.xlsx").write_bytes(b"PK\x03\x04\xff\xfe")
    for path, message in (("none.txt", "not there"), (".", "is a folder"), ("x.xlsx", "save it as text or csv")):
        with pytest.raises((DataError, MissingDataError), match=message):
            mx.score_logs(tmp_path / path)
    with pytest.raises(UsageError, match="no log to score"):
        mx.score_logs([])


def test_the_command_prints_tables_and_json(file, tmp_path, capsys):
    def call(*arguments):
        with pytest.raises(SystemExit) as done:
            cli(["score", *map(str, arguments)])
        return done.value.code, *capsys.readouterr()

    log, labels = file(LOG), file(LABELS, "labels.csv")
    code, out, _ = call(log)
    assert code == 0 and out.index("17_0101") < out.index("all videos") < out.index("names no kinds")
    code, out, _ = call(log, file(SUBMISSION, "a.csv"), "--labels", labels, "--json")
    assert code == 0 and [json.loads(line)["form"] for line in out.splitlines()] == ["log", "submission"]
    assert call(log, "--out", tmp_path / "x.md")[0] == 0 and "one to one" in (tmp_path / "x.md").read_text()
    assert call(log, "--json", "--format", "html")[0] == 2
    code, _, err = call(tmp_path / "labels.csv")
    assert code == 2 and err.count("\n") == 1 and "give --data NAME or --labels FILE.csv" in err
