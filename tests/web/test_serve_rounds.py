"""The page in a browser: excluded time, people, movements that are no events, the second round."""

import dataclasses

import pytest

from microexpr.analysis.formats import csv_file
from microexpr.core.events import BELOW_THRESHOLD, Candidate
from tests.web import serve_stub
from tests.web.serve_page import EVENT_WITH_STATUS, PHONE, needs_chromium, opened, press, until

pytestmark = needs_chromium

WEAK = Candidate(1, 80, 84, 90, 1.6, 1.68, 1.8, 0.31, BELOW_THRESHOLD)


def weak_too(source, out, values, progress):
    """The known result, and a movement below the threshold."""
    return dataclasses.replace(serve_stub.analysis_of(source), candidates=(WEAK,), spotter_threshold=0.5)


def test_excluded_time_is_marked_and_taken_back(page, film):
    opened(page, film)
    page.fill("#exclude-from", "0:00.3")
    page.fill("#exclude-to", "0:00.1")
    page.click("#exclude-form button:has-text('Exclude')")
    assert "must come after" in page.inner_text("#exclude-hint")
    page.fill("#exclude-to", "0.5")
    press(page, "Enter")
    until(page, "document.querySelectorAll('#list li').length === 1")
    assert page.inner_text("#excluded li span") == "0:00.300 – 0:00.500"
    assert page.locator(".tl-excluded:not(.tl-key)").count() == 1 and "excluded" in page.inner_text(".tl-legend")
    cells = page.locator("#people-table tbody tr").first.locator("td").all_inner_texts()
    assert cells == ["1", "0.03", "micro", "0", "0", "–", "–"]
    page.click("#excluded button")
    until(page, "document.querySelectorAll('#list li').length === 2")
    page.click("#exclude-from-here")
    assert page.input_value("#exclude-from") == page.inner_text("#position").split(" ")[0]


@pytest.mark.parametrize("address", [weak_too], indirect=True)
def test_a_weaker_movement_becomes_an_event(page, film):
    opened(page, film)
    assert page.locator("rect.tl-candidate").count() == 1 and page.locator("line.tl-threshold").count() == 1
    page.click("#candidates summary")
    assert "score 0.31 · below the threshold" in page.inner_text("#candidates li")
    page.click("#candidates li button:has-text('0:01.600')")
    page.wait_for_selector("#canvas[data-frame='84']")
    page.click("#candidates li button:has-text('Make it an event')")
    page.wait_for_selector(EVENT_WITH_STATUS.format("added"))
    until(page, "document.getElementById('candidates').hidden")


def test_an_event_at_the_last_frame_is_refused_with_the_reason(page, film):
    opened(page, film)
    page.focus(".tl-ruler")
    press(page, "End", "a")
    page.wait_for_selector("#error:not(:empty)")
    assert "frame 99 is the last one of the recording" in page.inner_text("#error")


def test_a_second_round(page, film, tmp_path):
    opened(page, film)
    press(page, "c", "n", "c")
    until(page, "document.querySelectorAll('#list li.confirmed').length === 2")
    (tmp_path / "bo.csv").write_text(csv_file.to_csv([serve_stub.event(41, 55, 70, status="added", coder="Bo")]))
    page.set_input_files("#second-file", tmp_path / "bo.csv")
    page.click("#second-round")
    page.wait_for_selector("#round:not([hidden])")
    assert page.inner_text("#round-note") == "second round: only the one event on which Ada and Bo agreed"
    assert page.inner_text("#reviewed") == "0 of 1 reviewed" and page.locator("#list li").count() == 1
    assert "in the first round" in page.inner_text("#event .status")
    press(page, "c")
    until(page, "document.getElementById('reviewed').textContent === '1 of 1 reviewed'")
    page.set_viewport_size(PHONE)
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    page.click("#end-round")
    until(page, "document.querySelectorAll('#list li').length === 2")
    assert not page.is_visible("#round")


def test_a_class_of_a_coder_has_no_share(page, film):
    opened(page, film)
    page.select_option("#label", "negative")
    page.wait_for_selector(EVENT_WITH_STATUS.format("corrected"))
    assert "Ada gave the class" in page.inner_text("#event") and page.locator("#event .bars .best").count() == 0
    assert page.locator(".tl-event").first.get_attribute("title").endswith("negative, corrected")
