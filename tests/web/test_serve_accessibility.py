"""Accessibility of the page: contrast, names, touch, screen readers, focus; and videos that a browser cannot play."""

import pytest

from microexpr.analysis.formats import csv_file
from microexpr.core.action_units import ActionUnit
from tests.web import serve_stub
from tests.web.contrast import LOW_CONTRAST
from tests.web.serve_page import (
    DESK,
    EVENT_WITH_STATUS,
    PHONE,
    TOUCH,
    frame,
    needs_chromium,
    opened,
    press,
    shown,
    until,
)

pytestmark = needs_chromium
SCREENS = [{"viewport": size, "color_scheme": scheme} for size in (DESK, PHONE) for scheme in ("light", "dark")]


def compared(page, tmp_path):
    """Load a second coder's file, so that every part of the page is visible."""
    press(page, "c", "f", "Escape", "n", "r", "n", "a")
    page.wait_for_selector(EVENT_WITH_STATUS.format("added"))
    other = serve_stub.event(11, 14, 20, status="corrected", coder="Bo", action_units=(ActionUnit(1),))
    (tmp_path / "bo.csv").write_text(csv_file.to_csv([other]))
    page.set_input_files("#second-file", tmp_path / "bo.csv")
    page.wait_for_selector("#agreement table")


@pytest.mark.parametrize("page", SCREENS, indirect=True)
def test_contrast_of_all_texts(page, film, tmp_path):
    """WCAG 2 AA, in light and dark."""
    assert page.evaluate(LOW_CONTRAST)["found"] == []
    opened(page, film)
    compared(page, tmp_path)
    for event in range(3):  # micro and macro; confirmed, rejected, added
        page.locator("#list button").nth(event).click()
        assert page.evaluate(LOW_CONTRAST)["found"] == []
    press(page, "?")
    result = page.evaluate(LOW_CONTRAST)
    assert result["found"] == [] and result["texts"] > 80
    press(page, "Escape")
    page.click("#delete")
    assert page.evaluate(LOW_CONTRAST)["found"] == []


ROLES = "button link checkbox textbox combobox spinbutton slider image meter progressbar group region dialog"


def test_every_control_has_an_accessible_name(page, film, tmp_path):
    """In the accessibility tree that screen readers use."""
    opened(page, film)
    compared(page, tmp_path)
    named = {role: [] for role in ROLES.split()}
    for node in page.context.new_cdp_session(page).send("Accessibility.getFullAXTree")["nodes"]:
        if not node["ignored"] and (role := node["role"]["value"]) in named:
            named[role].append(node["name"]["value"].strip())
    assert not [role for role, names in named.items() if "" in names]
    assert len(named["checkbox"]) == 30 and "17 chin raiser" in named["checkbox"]
    assert set(named["slider"]) == {"onset", "apex", "offset", "position in the recording"}
    assert {"Coder", "note"} <= set(named["textbox"]) and len(named["button"]) > 25 and "warnings" in named["group"]


@pytest.mark.parametrize("page", [TOUCH], indirect=True)
def test_touch_targets_are_at_least_44_px_high(page, film):
    opened(page, film)
    press(page, "f")  # opens the action units
    small = """[...document.querySelectorAll(
        'button:not(.tl-event, .tl-tool), a.button, input, select, summary, .handle'
    )].filter(e => e.checkVisibility() && e.getBoundingClientRect().height < 43.9).map(e => e.outerHTML)"""
    assert page.evaluate(small) == []


def test_screen_readers_hear_the_progress(page, film):
    """They do not see the progress bar."""
    page.evaluate("""() => {
        const messages = globalThis.messages = [];
        for (const element of document.querySelectorAll("[role=status], [role=alert]")) {
            const observer = new MutationObserver(() => messages.push(element.textContent));
            observer.observe(element, { childList: true, subtree: true });
        }
    }""")
    page.set_input_files("#file", film)
    page.wait_for_selector("#workspace:not([hidden])")
    messages = page.evaluate("messages")
    assert "film.mp4: ready" in messages
    assert any(line.startswith("film.mp4: ") and line.endswith("%") for line in messages)
    assert len(messages) < 20  # not every frame
    live = "document.getElementById('position').getAttribute('aria-live')"
    assert page.evaluate(live) == "polite"
    press(page, " ")
    assert page.evaluate(live) == "off"  # else a screen reader would never stop


def test_focus_stays_after_an_edit(page, film):
    opened(page, film)
    here = "document.activeElement.className + document.activeElement.textContent.slice(0, 9)"
    for selector in (".tl-event >> nth=1", "#list button >> nth=1"):
        page.focus(selector)
        before = page.evaluate(here)
        press(page, "Enter", "c")
        page.wait_for_selector("#list li:nth-child(2).confirmed")
        assert page.evaluate("document.activeElement.tagName") == "BUTTON", before
        assert page.evaluate("document.activeElement.matches('.tl-event, #list button')")
        press(page, "u")
        page.wait_for_selector("#list li:nth-child(2).found")


@pytest.fixture
def unplayable(page, film):
    """The page with a video that the browser cannot play, although its type says so."""
    page.route("**/video", lambda route: route.fulfill(body="no video", content_type="video/mp4"))
    opened(page, film)
    until(page, "document.getElementById('playback-note').textContent.startsWith('This browser cannot play')")
    return page


def test_unplayable_video_is_shown_frame_by_frame(unplayable):
    page = unplayable
    assert frame(page) == shown(page) == 14
    page.select_option("#speed", "0.25")
    page.focus("#stage")
    press(page, " ")
    assert page.get_attribute("#play", "aria-label") == "pause"
    for _ in range(5):
        number = frame(page)
        until(page, f"document.getElementById('canvas').dataset.frame > {number}")
    press(page, " ")
    assert frame(page) > 18 and shown(page) == frame(page) and page.get_attribute("#play", "aria-label") == "play"


def test_replay_of_an_unplayable_video_shows_every_frame(unplayable):
    page = unplayable
    page.evaluate("""() => {
        const shown = globalThis.shown = [], canvas = document.getElementById("canvas");
        const observer = new MutationObserver(() => shown.push(Number(canvas.dataset.frame)));
        observer.observe(canvas, { attributeFilter: ["data-frame"] });
    }""")
    page.select_option("#speed", "0.1")
    page.focus("#stage")
    press(page, "v")  # a quarter of a second before and after
    until(page, "shown.includes(32) && document.getElementById('play').getAttribute('aria-label') === 'play'")
    numbers = page.evaluate("shown")
    assert numbers == sorted(numbers) and len(set(numbers)) > 25 and frame(page) == shown(page) == 32


def test_player_error_during_playback_falls_back_to_frames(page, film):
    opened(page, film)
    press(page, " ")
    until(page, "document.getElementById('canvas').hidden")
    page.evaluate("document.getElementById('video').dispatchEvent(new Event('error'))")
    page.wait_for_selector("#canvas:not([hidden])")
    number = frame(page)
    until(page, f"document.getElementById('canvas').dataset.frame > {number}")
    assert "frame by frame" in page.inner_text("#playback-note")
