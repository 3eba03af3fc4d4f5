"""What eyes, fingers and readers of screens need of the page; and what it does where a browser cannot play a file."""

import pytest

from microexpr.analysis.formats import csv_file
from tests.web import serve_stub
from tests.web.contrast import FAINT
from tests.web.serve_page import DESK, HAND, JUDGED, PHONE, frame, needs_chromium, opened, press, shown, until

pytestmark = needs_chromium
SCREENS = [{"viewport": size, "color_scheme": scheme} for size in (DESK, PHONE) for scheme in ("light", "dark")]


def compared(page, tmp_path):
    """A second coder's file is loaded, so that everything is on the page."""
    press(page, "c", "n", "r", "n", "a")
    page.wait_for_selector(JUDGED.format("added"))
    (tmp_path / "bo.csv").write_text(csv_file.to_csv([serve_stub.event(11, 14, 20, status="corrected", coder="Bo")]))
    page.set_input_files("#second", tmp_path / "bo.csv")
    page.wait_for_selector("#agreement table")


@pytest.mark.parametrize("page", SCREENS, indirect=True)
def test_text_stands_out(page, film, tmp_path):
    """WCAG 2 AA, in light and dark."""
    assert page.evaluate(FAINT)["found"] == []
    opened(page, film)
    compared(page, tmp_path)
    for event in range(3):  # of either kind; confirmed, rejected, added
        page.locator("#list button").nth(event).click()
        assert page.evaluate(FAINT)["found"] == []
    press(page, "?")
    told = page.evaluate(FAINT)
    assert told["found"] == [] and told["texts"] > 80
    press(page, "Escape")
    page.click("#delete")
    assert page.evaluate(FAINT)["found"] == []


ROLES = "button link textbox combobox spinbutton slider image meter progressbar group region dialog"


def test_everything_has_a_name(page, film, tmp_path):
    """As a reader of screens is told it."""
    opened(page, film)
    compared(page, tmp_path)
    named = {role: [] for role in ROLES.split()}
    for node in page.context.new_cdp_session(page).send("Accessibility.getFullAXTree")["nodes"]:
        if not node["ignored"] and (role := node["role"]["value"]) in named:
            named[role].append(node["name"]["value"].strip())
    assert not [role for role, names in named.items() if "" in names]
    assert set(named["slider"]) == {"onset", "apex", "offset", "place in the recording"}
    assert {"Coder", "note"} <= set(named["textbox"]) and len(named["button"]) > 25 and "warnings" in named["group"]


@pytest.mark.parametrize("page", [HAND], indirect=True)
def test_a_finger_finds_its_place(page, film):
    opened(page, film)
    small = """[...document.querySelectorAll(
        'button:not(.tl-event, .tl-tool), a.button, input, select, .handle'
    )].filter(one => one.checkVisibility() && one.getBoundingClientRect().height < 43.9).map(one => one.outerHTML)"""
    assert page.evaluate(small) == []


def test_news_is_told(page, film):
    """To readers of screens, which do not see a bar grow."""
    page.evaluate("""() => {
        const told = globalThis.told = [];
        for (const one of document.querySelectorAll("[role=status], [role=alert]")) {
            new MutationObserver(() => told.push(one.textContent)).observe(one, { childList: true, subtree: true });
        }
    }""")
    page.set_input_files("#file", film)
    page.wait_for_selector("#open:not([hidden])")
    told = page.evaluate("told")
    assert "film.mp4: ready" in told and any(line.startswith("film.mp4: ") and line.endswith("%") for line in told)
    assert len(told) < 20  # not every frame
    live = "document.getElementById('place').getAttribute('aria-live')"
    assert page.evaluate(live) == "polite"
    press(page, " ")
    assert page.evaluate(live) == "off"  # else it would speak without end


def test_focus_stays_where_it_was(page, film):
    opened(page, film)
    here = "document.activeElement.className + document.activeElement.textContent.slice(0, 9)"
    for place in (".tl-event >> nth=1", "#list button >> nth=1"):
        page.focus(place)
        before = page.evaluate(here)
        press(page, "Enter", "c")
        page.wait_for_selector("#list li:nth-child(2).confirmed")
        assert page.evaluate("document.activeElement.tagName") == "BUTTON", before
        assert page.evaluate("document.activeElement.matches('.tl-event, #list button')")
        press(page, "u")
        page.wait_for_selector("#list li:nth-child(2).found")


@pytest.fixture
def unplayable(page, film):
    """A browser that cannot play what it is given, although by its name it should."""
    page.route("**/video", lambda route: route.fulfill(body="no video", content_type="video/mp4"))
    opened(page, film)
    until(page, "document.getElementById('how').textContent.startsWith('This browser cannot play')")
    return page


def test_what_the_browser_cannot_play_is_shown_frame_by_frame(unplayable):
    page = unplayable
    assert frame(page) == shown(page) == 14
    page.select_option("#speed", "0.25")
    page.focus("#stage")
    press(page, " ")
    assert page.get_attribute("#play", "aria-label") == "pause"
    for _ in range(5):
        one = frame(page)
        until(page, f"document.getElementById('canvas').dataset.frame > {one}")
    press(page, " ")
    assert frame(page) > 18 and shown(page) == frame(page) and page.get_attribute("#play", "aria-label") == "play"


def test_every_frame_of_a_replay_is_seen_without_a_player(unplayable):
    page = unplayable
    page.evaluate("""() => {
        const told = globalThis.told = [], canvas = document.getElementById("canvas");
        const look = new MutationObserver(() => told.push(Number(canvas.dataset.frame)));
        look.observe(canvas, { attributeFilter: ["data-frame"] });
    }""")
    page.select_option("#speed", "0.1")
    page.focus("#stage")
    press(page, "v")  # a quarter of a second before and after
    until(page, "told.includes(32) && document.getElementById('play').getAttribute('aria-label') === 'play'")
    told = page.evaluate("told")
    assert told == sorted(told) and len(set(told)) > 25 and frame(page) == shown(page) == 32


def test_a_player_that_breaks_off_is_taken_over(page, film):
    opened(page, film)
    press(page, " ")
    until(page, "document.getElementById('canvas').hidden")
    page.evaluate("document.getElementById('video').dispatchEvent(new Event('error'))")
    page.wait_for_selector("#canvas:not([hidden])")
    one = frame(page)
    until(page, f"document.getElementById('canvas').dataset.frame > {one}")
    assert "one by one" in page.inner_text("#how")
