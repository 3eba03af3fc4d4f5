"""The page in a real browser: what a coder does, by mouse and by keyboard, at desk and at phone size."""

import numpy as np
import pytest

from microexpr.analysis.formats import csv_file
from microexpr.imaging.video import write_video
from microexpr.synthetic.long_video import random_video
from microexpr.web.settings import analyze_here
from tests.marks import needs_mesh
from tests.web import serve_stub
from tests.web.serve_page import DESK, JUDGED, PHONE, frame, needs_chromium, opened, press, shown, until

pytestmark = needs_chromium


def test_a_video_is_dropped(page, film):
    script = """async content => {
        const data = new DataTransfer();
        data.items.add(new File([new Uint8Array(content)], "dropped \\u{1F600} <b>.mp4", {type: "video/mp4"}));
        for (const name of ["dragover", "drop"]) {
            document.body.dispatchEvent(new DragEvent(name, {dataTransfer: data, bubbles: true, cancelable: true}));
        }
    }"""
    page.evaluate(script, list(film.read_bytes()))
    page.wait_for_selector("#recordings li progress")
    page.wait_for_selector("#open:not([hidden])")
    assert page.inner_text("#name") == "dropped 😀 <b>.mp4" and page.locator("#list li").count() == 2
    assert "synthetic faces only" in page.inner_text(".not") and "No lie detector" in page.inner_text(".not")


def test_stepping_shows_the_exact_frame(page, film):
    opened(page, film)
    for key, expected in [
        (".", 15),
        (",", 14),
        ("ArrowRight", 15),
        ("Shift+ArrowRight", 25),
        ("ArrowLeft", 24),
        ("n", 55),
    ]:
        press(page, key)
        assert (frame(page), shown(page)) == (expected, expected)
    press(page, "p")
    assert shown(page) == 14
    for _ in range(30):
        press(page, ".")  # faster than pictures come
    assert shown(page) == 44


def test_it_plays(page, film):
    opened(page, film)
    assert (
        page.evaluate("document.getElementById('video').canPlayType('video/mp4; codecs=\"avc1.64001f\"')") == "probably"
    )
    press(page, " ")
    until(page, "document.getElementById('canvas').hidden && document.getElementById('video').currentTime > 0.6")
    press(page, " ")
    assert frame(page) > 25 and shown(page) == frame(page)
    page.select_option("#speed", "1")
    press(page, "p", "v")  # the event, slowly, with a quarter of a second before and after
    until(page, "document.getElementById('play').getAttribute('aria-label') === 'play'")
    assert frame(page) in range(30, 37) and page.input_value("#speed") == "0.25"


def test_judging_by_keyboard_alone(page, film):
    """From a fresh page: no mouse, no focus given by the test."""
    page.set_input_files("#file", film)
    page.wait_for_selector("#open:not([hidden])")
    press(page, "c")
    assert page.evaluate("document.activeElement.id") == "coder" and "Who judges" in page.inner_text("#fault")
    page.keyboard.type("Ada")
    press(page, "Escape", "c")
    page.wait_for_selector(JUDGED.format("confirmed"))
    press(page, "n", "r", "m")
    page.wait_for_selector(JUDGED.format("rejected"))
    assert page.evaluate("document.activeElement.id") == "note"
    page.keyboard.type("talks, c r a n")
    press(page, "Escape", "u")
    page.wait_for_selector("#undo:not([disabled])")
    until(page, "document.getElementById('note').value === ''")
    press(page, "u")
    page.wait_for_selector(JUDGED.format("found"))


def test_the_keys_are_shown(page):
    press(page, "?")
    assert page.is_visible("#help") and page.locator("#help dt").count() == 17
    press(page, "Escape")
    assert not page.is_visible("#help")


def test_correcting_and_adding(page, film):
    opened(page, film)
    press(page, ",", ",", "1")  # begins at 12
    page.wait_for_selector(JUDGED.format("corrected"))
    page.fill("[data-part='n-offset']", "30")
    press(page, "Enter")
    page.select_option("#label", "negative")
    until(page, "document.querySelector('#event h3').textContent === 'negative'")
    press(page, "Escape", "n", "Shift+ArrowRight", "Shift+ArrowRight", "Shift+ArrowRight", "a")
    page.wait_for_selector(JUDGED.format("added"))
    press(page, ".", ".", "2")
    until(page, "document.querySelector(\"[data-part='n-apex']\").value === '87'")
    with page.expect_download() as file:
        page.click("#csv")
    events = csv_file.from_csv(file.value.path().read_text())
    assert [(one.status, one.onset, one.apex, one.offset, one.label, one.coder) for one in events] == [
        ("corrected", 12, 14, 30, "negative", "Ada"),
        ("found", 40, 55, 70, "negative", ""),
        ("added", 85, 87, 95, "unknown", "Ada"),
    ]


def test_what_was_judged_is_there_after_a_reload(page, film):
    opened(page, film)
    press(page, "c")
    page.wait_for_selector(JUDGED.format("confirmed"))
    page.reload()
    page.wait_for_selector(JUDGED.format("confirmed"))
    assert page.inner_text("#judged") == "1 of 2 judged" and page.input_value("#coder") == "Ada"
    for kind in ("json", "eaf", "csv"):
        with page.expect_download() as file:
            page.click(f"#{kind}")
        assert file.value.suggested_filename == f"film-Ada-events.{kind}" and "Ada" in file.value.path().read_text()


def test_an_answer_that_is_late_chooses_nothing(page, film):
    """Somebody quick is already at the next event when the judgment of the last is kept."""
    opened(page, film)
    held = []
    page.route("**/events/1", lambda route: held.append(route))
    press(page, "c", "n")
    until(page, "document.getElementById('event').textContent.includes('2 of 2')")
    held[0].continue_()
    page.wait_for_selector("#list li:nth-child(1).confirmed")
    press(page, "r")
    page.wait_for_selector("#list li:nth-child(2).rejected")
    assert "confirmed" in page.get_attribute("#list li:nth-child(1)", "class") and frame(page) == 55


def test_what_is_being_written_is_not_lost(page, film):
    opened(page, film)
    held = []
    page.route("**/events/1", lambda route: held.append(route))
    press(page, "r", "m")
    page.keyboard.type("talks whle")
    press(page, "ArrowLeft", "ArrowLeft")
    held[0].continue_()
    page.wait_for_selector(JUDGED.format("rejected"))
    page.unroute("**/events/1")
    page.keyboard.type("i")
    press(page, "Escape")
    until(page, "document.getElementById('said').textContent === 'saved'")
    page.reload()
    page.wait_for_selector(JUDGED.format("rejected"))
    assert page.input_value("#note") == "talks while"


def test_a_second_coder_gives_kappa(page, film, tmp_path):
    opened(page, film)
    press(page, "c", "n", "c")
    until(page, "document.getElementById('judged').textContent === '2 of 2 judged'")
    other = [serve_stub.event(11, 14, 20, status="corrected", coder="Bo"), serve_stub.event(40, 55, 70, status="added")]
    (tmp_path / "bo.csv").write_text(csv_file.to_csv(other))
    page.set_input_files("#second", tmp_path / "bo.csv")
    page.wait_for_selector("#agreement table")
    assert page.inner_text("#agreement .scores").splitlines()[0] == "0.98" and "Ada and Bo" in page.inner_text(
        "#agreement"
    )
    assert page.locator("#agreement tbody tr").count() == 1 and "another class" in page.inner_text("#agreement tbody")
    page.click("#agreement tbody button")
    assert shown(page) == 40
    (tmp_path / "else.csv").write_text("no such thing")
    page.set_input_files("#second", tmp_path / "else.csv")
    page.wait_for_selector("#fault:not(:empty)")
    assert "is no CSV of events" in page.inner_text("#fault") and page.inner_text("#agreement") == ""


def test_deleting_asks_first(page, film, tmp_path):
    opened(page, film)
    page.click("#delete")
    press(page, "Escape")
    assert page.is_visible("#open") and len(list((tmp_path / "library").iterdir())) == 1
    page.click("#delete")
    page.click("#really")
    page.wait_for_selector("#empty:not([hidden])")
    page.wait_for_selector("#recordings .none")
    assert list((tmp_path / "library").iterdir()) == []


def test_what_is_no_video_is_told(page, tmp_path):
    (tmp_path / "letter.mp4").write_text("Dear all")
    page.set_input_files("#file", tmp_path / "letter.mp4")
    page.wait_for_selector("#fault:not(:empty)")
    assert "this is not a video" in page.inner_text("#fault")


@pytest.mark.parametrize("address", [serve_stub.crash], indirect=True)
def test_a_crash_is_a_line_on_the_page(page, film):
    page.set_input_files("#file", film)
    page.wait_for_selector("#recordings .bad")
    assert "broke off (exit code 11)" in page.inner_text("#recordings .bad")


@pytest.mark.parametrize("size", [DESK, PHONE, {"width": 320, "height": 640}])
def test_nothing_is_wider_than_the_screen(page, film, size):
    page.set_viewport_size(size)
    opened(page, film)
    press(page, "a")
    page.wait_for_selector(JUDGED.format("added"))
    assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]
    inner = "[...document.querySelectorAll('.card, .head, .top, .verdict, .moments, .words, .controls, .row')].filter("
    inner += "one => one.scrollWidth > one.clientWidth).map(one => one.className)"
    assert page.evaluate(inner) == []
    small = "[...document.querySelectorAll('button, a.button, input, select')].filter(one => one.offsetHeight && "
    small += "one.offsetHeight < 24).map(one => one.outerHTML.slice(0, 80))"
    assert page.evaluate(small) == []


def test_focus_is_seen_wherever_tab_leads(page, film):
    opened(page, film)
    seen = set()
    code = "[e => e.id || e.dataset.part || e.className || e.tagName, e => getComputedStyle(e).outlineStyle]"
    for _ in range(60):
        press(page, "Tab")
        name, outline = page.evaluate(f"{code}.map(one => one(document.activeElement))")
        assert outline != "none" or name == "BODY", name
        seen.add(name)
    fields = {"n-onset", "label", "note", "coder", "speed", "tl-ruler", "handle apex"}
    assert {"keys", "confirm", "csv", "delete", "compare", *fields} <= seen


@needs_mesh
@pytest.mark.parametrize("address", [analyze_here], indirect=True)
def test_the_whole_way_with_a_made_up_face(page, tmp_path):
    take = random_video(3, seconds=2, fps=30, micro=40, macro=0)
    write_video(tmp_path / "made up.mp4", np.stack([take.frame(i, (240, 320)) for i in range(len(take))]), 30)
    page.set_input_files("#file", tmp_path / "made up.mp4")
    page.wait_for_selector("#open:not([hidden])", timeout=300_000)
    assert "1 face" in page.inner_text("#facts")
    assert "below" in page.inner_text("#warnings") or "30 frames per second" in page.inner_text("#warnings")
    page.fill("#coder", "Ada")
    press(page, "Escape", "a")
    page.wait_for_selector(JUDGED.format("added"))
    assert "a copy that browsers can play" in page.inner_text("#how")  # MPEG-4 of the old kind
    press(page, " ")
    until(page, "document.getElementById('video').currentTime > 0.3")
    with page.expect_download() as file:
        page.click("#report")
    report = file.value.path().read_text()
    assert "<h1>made up.mp4</h1>" in report and "video.mp4" not in report
