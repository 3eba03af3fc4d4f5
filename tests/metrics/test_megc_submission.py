"""Submissions of the spotting challenges: both layouts, and one error for all lines that are wrong."""

import pytest

from microexpr.core.clip import Interval
from microexpr.core.errors import DataError, UsageError
from microexpr.metrics import megc_submission
from microexpr.metrics.megc_submission import SubmittedInterval

SPOTTED = "vid,onset,offset,type\n006_1,5160,5259,mae\n006_1,5300,5340,me\n007_2,-8,16,me\n"
RECOGNIZED = "subject,video,onset,offset,emotion\n5,anger1,482,504,negative\n11,happy3,-2,20,Positive\n"


def test_a_submission_is_written_as_the_challenge_reads_it():
    found = {"006_1": [Interval(5160, 5259, kind="macro"), Interval(5300, 5340)], "007_2": [Interval(-8, 16)]}
    assert megc_submission.write(found) == SPOTTED
    assert megc_submission.write({}) == "vid,onset,offset,type\n"
    with pytest.raises(UsageError, match="kind 'blink'; a submission takes micro, macro"):
        megc_submission.write({"v": [Interval(1, 2, kind="blink")]})


def test_both_layouts_are_read():
    rows = megc_submission.read(SPOTTED)
    assert rows[0] == SubmittedInterval("006_1", (5160, 5259), "macro") and [r.line for r in rows] == [2, 3, 4]
    assert rows[2] == SubmittedInterval("007_2", (-8, 16), "micro")
    assert megc_submission.read(RECOGNIZED) == [
        SubmittedInterval("5/anger1", (482, 504), "", "negative"),
        SubmittedInterval("11/happy3", (-2, 20), "", "positive"),
    ]


@pytest.mark.parametrize(
    "text",
    [
        SPOTTED.replace("\n", "\r\n"),
        "\ufeff\n" + SPOTTED.replace(",", ";"),
        SPOTTED.replace(",", "\t").replace("vid", "Video").replace("type", "Kind").replace("mae", "Macro-expression"),
        SPOTTED.replace(",16,", ",16.0,")
        .replace("me\n", "Micro - 1/2\n")
        .replace("type", "type,note")
        .replace("mae\n", "mae,a\n")
        .replace("1/2\n", "1/2,b\n"),
    ],
)
def test_other_spellings_are_read_alike(text):
    assert megc_submission.is_submission(text) and megc_submission.read(text) == megc_submission.read(SPOTTED)


def test_a_video_may_be_listed_without_an_interval():
    assert megc_submission.read("vid,onset,offset,type\nv,,,\n") == [SubmittedInterval("v", None)]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "'a.csv' is empty; write a header"),
        ("v,1,2,me\n", "line 1: 'v,1,2,me' has no column 'vid'; begin the file with vid,onset,offset,type"),
        ("vid,video,onset,offset\n", "two columns 'vid'"),
        ("vid,onset,offset,type\nv,1,2\n", "'a.csv', line 2: 'v,1,2': 3 cells for the 4 columns"),
        ("vid,onset,offset,type\n\nv,1,x,me\n", "line 3.*'1 x' are not two frame numbers"),
        ("vid,onset,offset,type\nv,9,2,me\n", "line 2.*9 2 ends before it begins"),
        ("vid,onset,offset,type\nv,1,2,mi\n", "line 2.*type 'mi' is not known; write me or mae"),
        ("vid,onset,offset,type\n,1,2,me\n", "line 2.*name of the video is empty"),
        ("vid,onset,offset,type\nv,1,x,me\nv,1,2,me\nv,3,,me\nv\n", r"line 2.*\(2 more lines are wrong: 4, 5\)"),
    ],
)
def test_a_bad_line_is_named_with_what_to_do(text, message):
    with pytest.raises(DataError, match=message):
        megc_submission.read(text, "a.csv")
