"""The page in a real browser: what a coder does, by mouse and by keyboard, at desk and at phone size."""

import numpy as np
import pytest

from microexpr.analysis.formats import csv_file
from microexpr.imaging.video import write_video
from microexpr.synthetic.long_video import random_video
from microexpr.web.settings import default_analyze
from tests.marks import needs_mesh
from tests.web import serve_stub
from tests.web.serve_page import (
    DESK,
    EVENT_WITH_STATUS,
    PHONE,
    first_request,
    frame,
    needs_chromium,
    opened,
    press,
    shown,
    until,
)

pytestmark = needs_chromium


def test_upload_by_drag_and_drop(page, film):
    script = """async content => {
        const data = new DataTransfer();
        data.items.add(new File([new Uint8Array(content)], "dropped \\u{1F600} <b>.mp4", {type: "video/mp4"}));
        for (const name of ["dragover", "drop"]) {
            document.body.dispatchEvent(new DragEvent(name, {dataTransfer: data, bubbles: true, cancelable: true}));
        }
    }"""
    page.evaluate(script, list(film.read_bytes()))
    page.wait_for_selector("#recordings li progress")
    page.wait_for_selector("#workspace:not([hidden])")
    assert page.inner_text("#name") == "dropped 😀 <b>.mp4" and page.locator("#list li").count() == 2
    assert "synthetic motion only" in page.inner_text(".disclaimer") and "no lie detector" in page.inner_text(
        ".disclaimer"
    )


def test_stepping_shows_exact_frames(page, film):
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
        press(page, ".")  # faster than the images arrive
    assert shown(page) == 44


def test_play_and_replay(page, film):
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


def test_annotate_by_keyboard_alone(page, film):
    """On a fresh page, without mouse and without a focus set by the test."""
    page.set_input_files("#file", film)
    page.wait_for_selector("#workspace:not([hidden])")
    press(page, "c")
    assert page.evaluate("document.activeElement.id") == "coder" and "coder is missing" in page.inner_text("#error")
    page.keyboard.type("Ada")
    press(page, "Escape", "c")
    page.wait_for_selector(EVENT_WITH_STATUS.format("confirmed"))
    press(page, "n", "r", "m")
    page.wait_for_selector(EVENT_WITH_STATUS.format("rejected"))
    assert page.evaluate("document.activeElement.id") == "note"
    page.keyboard.type("talks, c r a n")
    press(page, "Escape", "u")
    page.wait_for_selector("#undo:not([disabled])")
    until(page, "document.getElementById('note').value === ''")
    press(page, "u")
    page.wait_for_selector(EVENT_WITH_STATUS.format("found"))


def test_help_dialog_lists_the_keys(page):
    press(page, "?")
    assert page.is_visible("#help") and page.locator("#help dt").count() == 18
    press(page, "Escape")
    assert not page.is_visible("#help")


def test_correct_and_add_by_keyboard(page, film):
    opened(page, film)
    press(page, ",", ",", "1")  # onset at 12
    page.wait_for_selector(EVENT_WITH_STATUS.format("corrected"))
    page.fill("[data-part='n-offset']", "30")
    press(page, "Enter")
    page.select_option("#label", "negative")
    until(page, "document.querySelector('#event h3').textContent === 'negative'")
    press(page, "Escape", "n", "Shift+ArrowRight", "Shift+ArrowRight", "Shift+ArrowRight", "a")
    page.wait_for_selector(EVENT_WITH_STATUS.format("added"))
    press(page, ".", ".", "2")
    until(page, "document.querySelector(\"[data-part='n-apex']\").value === '87'")
    with page.expect_download() as file:
        page.click("#export-csv")
    events = csv_file.from_csv(file.value.path().read_text())
    assert [(e.status, e.onset, e.apex, e.offset, e.label, e.coder) for e in events] == [
        ("corrected", 12, 14, 30, "negative", "Ada"),
        ("found", 40, 55, 70, "negative", ""),
        ("added", 85, 87, 95, "unknown", "Ada"),
    ]


UNITS = "document.querySelector('.units b').textContent === '{}'"


def test_action_units_are_visible_and_corrected_by_keyboard(page, film):
    opened(page, film)
    page.wait_for_selector(".face-map")
    assert page.inner_text(".movement p") == "both inner brows raised 1.4 px, left lip corner pulled up 2.0 px"
    assert page.inner_text(".units summary") == "action units: 1 + L12" and not page.is_visible(".units table")
    assert page.locator(".face-map .arrow.au-0").count() == 2 and page.locator(".face-map .moved.au-1").count() == 1
    press(page, "f", " ")  # the first check box: action unit 1 on the right side
    until(page, UNITS.format("L1 + L12"))
    page.wait_for_selector(".face-map[aria-label*='left inner brow']")
    assert page.evaluate("document.activeElement.ariaLabel") == "1 inner brow raiser, right"
    page.wait_for_selector(EVENT_WITH_STATUS.format("corrected"))
    press(page, " ")
    until(page, UNITS.format("1 + L12"))


def test_action_units_are_corrected_by_mouse(page, film):
    opened(page, film)
    page.click(".units summary")
    page.click("[aria-label='12 lip corner puller, right']")
    until(page, UNITS.format("1 + 12"))
    page.click("[aria-label='25 lips part']")
    until(page, UNITS.format("1 + 12 + 25"))
    page.click("[aria-label='1 inner brow raiser, left']")
    until(page, UNITS.format("R1 + 12 + 25"))
    cells = page.locator(".units tr:has(th:text-is('25 lips part')) td").all_inner_texts()
    assert cells == ["", "coder"] and page.is_visible(".units table")
    with page.expect_download() as file:
        page.click("#export-csv")
    (event, _) = csv_file.from_csv(file.value.path().read_text())
    assert [unit.code for unit in event.action_units] == ["R1", "12", "25"] and event.action_units[2].probability == 1


def test_annotations_remain_after_a_reload(page, film):
    opened(page, film)
    press(page, "c")
    page.wait_for_selector(EVENT_WITH_STATUS.format("confirmed"))
    page.reload()
    page.wait_for_selector(EVENT_WITH_STATUS.format("confirmed"))
    assert page.inner_text("#reviewed") == "1 of 2 reviewed" and page.input_value("#coder") == "Ada"
    for kind, suffix in (("json", "json"), ("elan", "eaf"), ("csv", "csv")):
        with page.expect_download() as file:
            page.click(f"#export-{kind}")
        assert file.value.suggested_filename == f"film-Ada-events.{suffix}" and "Ada" in file.value.path().read_text()


def test_late_response_does_not_change_the_selection(page, film):
    """The coder is already at the next event when the edit of the last one is saved."""
    opened(page, film)
    requests = []
    page.route("**/events/1", lambda route: requests.append(route))
    press(page, "c", "n")
    until(page, "document.getElementById('event').textContent.includes('2 of 2')")
    first_request(page, requests).continue_()
    page.wait_for_selector("#list li:nth-child(1).confirmed")
    press(page, "r")
    page.wait_for_selector("#list li:nth-child(2).rejected")
    assert "confirmed" in page.get_attribute("#list li:nth-child(1)", "class") and frame(page) == 55


def test_unsaved_note_survives_a_redraw(page, film):
    opened(page, film)
    requests = []
    page.route("**/events/1", lambda route: requests.append(route))
    press(page, "r", "m")
    page.keyboard.type("talks whle")
    press(page, "ArrowLeft", "ArrowLeft")
    first_request(page, requests).continue_()
    page.wait_for_selector(EVENT_WITH_STATUS.format("rejected"))
    page.unroute("**/events/1")
    page.keyboard.type("i")
    press(page, "Escape")
    until(page, "document.getElementById('message').textContent === 'saved'")
    page.reload()
    page.wait_for_selector(EVENT_WITH_STATUS.format("rejected"))
    assert page.input_value("#note") == "talks while"


def test_second_coder_gives_kappa(page, film, tmp_path):
    opened(page, film)
    press(page, "c", "n", "c")
    until(page, "document.getElementById('reviewed').textContent === '2 of 2 reviewed'")
    other = [serve_stub.event(11, 14, 20, status="corrected", coder="Bo"), serve_stub.event(40, 55, 70, status="added")]
    (tmp_path / "bo.csv").write_text(csv_file.to_csv(other))
    page.set_input_files("#second-file", tmp_path / "bo.csv")
    page.wait_for_selector("#agreement table")
    assert page.inner_text("#agreement .scores").splitlines()[0] == "0.98" and "Ada and Bo" in page.inner_text(
        "#agreement"
    )
    assert page.locator("#agreement tbody tr").count() == 1 and "different class" in page.inner_text("#agreement tbody")
    page.click("#agreement tbody button")
    assert shown(page) == 40
    (tmp_path / "else.csv").write_text("no such thing")
    page.set_input_files("#second-file", tmp_path / "else.csv")
    page.wait_for_selector("#error:not(:empty)")
    assert "is not a CSV of events" in page.inner_text("#error") and page.inner_text("#agreement") == ""


def test_deletion_needs_confirmation(page, film, tmp_path):
    opened(page, film)
    page.click("#delete")
    press(page, "Escape")
    assert page.is_visible("#workspace") and len(list((tmp_path / "recordings").iterdir())) == 1
    page.click("#delete")
    page.click("#confirm-delete")
    page.wait_for_selector("#welcome:not([hidden])")
    page.wait_for_selector("#recordings .empty")
    assert list((tmp_path / "recordings").iterdir()) == []


def test_error_for_a_file_that_is_no_video(page, tmp_path):
    (tmp_path / "letter.mp4").write_text("Dear all")
    page.set_input_files("#file", tmp_path / "letter.mp4")
    page.wait_for_selector("#error:not(:empty)")
    assert "is not a video" in page.inner_text("#error")


@pytest.mark.parametrize("address", [serve_stub.crash], indirect=True)
def test_crash_of_the_analysis_is_shown(page, film):
    page.set_input_files("#file", film)
    page.wait_for_selector("#recordings .error")
    assert "crashed (exit code 11)" in page.inner_text("#recordings .error")


@pytest.mark.parametrize("size", [DESK, PHONE, {"width": 320, "height": 640}])
def test_nothing_is_wider_than_the_screen(page, film, size):
    page.set_viewport_size(size)
    opened(page, film)
    press(page, "a")
    page.wait_for_selector(EVENT_WITH_STATUS.format("added"))
    assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]
    boxes = ".card, .heading, .top, .verdict, .frame-fields, .label-fields, .controls, .row"
    inner = f"[...document.querySelectorAll('{boxes}')].filter("
    inner += "element => element.scrollWidth > element.clientWidth).map(element => element.className)"
    assert page.evaluate(inner) == []
    small = (
        "[...document.querySelectorAll('button, a.button, input, select')].filter(element => element.offsetHeight && "
    )
    small += "element.offsetHeight < 24).map(element => element.outerHTML.slice(0, 80))"
    assert page.evaluate(small) == []


def test_keyboard_focus_is_visible_everywhere(page, film):
    opened(page, film)
    seen = set()
    code = "[e => e.id || e.dataset.part || e.className || e.tagName, e => getComputedStyle(e).outlineStyle]"
    for _ in range(60):
        press(page, "Tab")
        name, outline = page.evaluate(f"{code}.map(part => part(document.activeElement))")
        assert outline != "none" or name == "BODY", name
        seen.add(name)
    fields = {"n-onset", "label", "note", "coder", "speed", "tl-ruler", "handle apex"}
    assert {"keys", "confirm", "export-csv", "delete", "compare", *fields} <= seen


@needs_mesh
@pytest.mark.parametrize("address", [default_analyze], indirect=True)
def test_upload_to_report_with_a_synthetic_face(page, tmp_path):
    video = random_video(3, seconds=2, fps=30, micro=40, macro=0)
    write_video(tmp_path / "synthetic.mp4", np.stack([video.frame(i, (240, 320)) for i in range(len(video))]), 30)
    page.set_input_files("#file", tmp_path / "synthetic.mp4")
    page.wait_for_selector("#workspace:not([hidden])", timeout=300_000)
    assert "1 face" in page.inner_text("#facts")
    assert "below" in page.inner_text("#warnings") or "30 frames per second" in page.inner_text("#warnings")
    page.fill("#coder", "Ada")
    press(page, "Escape", "a")
    page.wait_for_selector(EVENT_WITH_STATUS.format("added"))
    assert "a copy that browsers can play" in page.inner_text("#playback-note")  # browsers do not play MPEG-4 Part 2
    press(page, " ")
    until(page, "document.getElementById('video').currentTime > 0.3")
    with page.expect_download() as file:
        page.click("#report")
    report = file.value.path().read_text()
    assert "<h1>synthetic.mp4</h1>" in report and "video.mp4" not in report
