"""Onset, apex and offset dragged on the time line: by mouse, by finger, by keyboard."""

import pytest

from tests.web.serve_page import HAND, JUDGED, frame, needs_chromium, opened, press, shown, until

pytestmark = needs_chromium


def moments(page) -> list[int]:
    """Onset, apex, offset, as the server has them."""
    return [int(page.input_value(f"[data-part='n-{name}']")) for name in ("onset", "apex", "offset")]


def handle(page, name) -> int:
    return int(page.get_attribute(f".handle.{name}", "aria-valuenow"))


def middle(page, selector) -> tuple[float, float]:
    page.locator(selector).scroll_into_view_if_needed()
    box = page.locator(selector).bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def pixels_a_frame(page) -> float:
    code = "document.querySelector('.handle.offset').style.left.slice(0, -2) - "
    code += "document.querySelector('.handle.onset').style.left.slice(0, -2)"
    return page.evaluate(code) / (handle(page, "offset") - handle(page, "onset"))


def pull(page, name, frames):
    """Take hold of a handle and move, without letting go."""
    x, y = middle(page, f".handle.{name}")
    page.mouse.move(x, y)
    page.mouse.down()
    for part in (0.5, 1):
        page.mouse.move(x + part * frames * pixels_a_frame(page), y)


def test_dragging_with_the_mouse(page, film):
    opened(page, film)
    page.wait_for_selector(JUDGED.format("found"))
    pull(page, "onset", -4)
    assert (handle(page, "onset"), frame(page), shown(page)) == (6, 6, 6) and moments(page) == [10, 14, 20]
    page.mouse.up()
    page.wait_for_selector(JUDGED.format("corrected"))
    assert moments(page) == [6, 14, 20] and page.inner_text("#said") == "onset at frame 6"
    pull(page, "apex", 3)
    page.mouse.up()
    until(page, "document.querySelector(\"[data-part='n-apex']\").value === '17'")
    press(page, "u")  # one step for each drag
    until(page, "document.querySelector(\".handle.apex\").ariaValueNow === '14'")
    assert moments(page) == [6, 14, 20]
    press(page, "u")
    page.wait_for_selector(JUDGED.format("found"))
    until(page, "document.getElementById('undo').disabled")


@pytest.mark.parametrize(
    ("name", "by", "held"), [("onset", 30, [14, 14, 20]), ("apex", 30, [10, 20, 20]), ("offset", -30, [10, 14, 14])]
)
def test_no_handle_passes_another(page, film, name, by, held):
    opened(page, film)
    pull(page, name, by)
    page.mouse.up()
    page.wait_for_selector(JUDGED.format("corrected"))
    assert moments(page) == held


def test_escape_gives_up_a_drag(page, film):
    opened(page, film)
    press(page, "Shift+ArrowRight")
    before = page.locator(".tl-event").first.bounding_box()
    pull(page, "offset", 9)
    assert handle(page, "offset") == 29 and page.locator(".tl-event").first.bounding_box()["width"] > before["width"]
    press(page, "Escape")
    page.mouse.up()
    assert (handle(page, "offset"), frame(page), shown(page)) == (20, 24, 24)
    assert page.locator(".tl-event").first.bounding_box()["width"] == before["width"]
    assert page.is_disabled("#undo") and page.locator(JUDGED.format("found")).count() == 2


def kept(page, name, at):
    until(page, f"document.querySelector(\"[data-part='n-{name}']\").value === '{at}'")


def test_the_arrow_keys_move_a_handle(page, film):
    opened(page, film)
    page.focus(".handle.onset")
    press(page, "ArrowRight", "ArrowRight", "ArrowLeft", "ArrowRight")
    kept(page, "onset", 12)
    assert shown(page) == 12 and page.evaluate("document.activeElement.className") == "handle onset before"
    slider = page.locator(".handle.onset")
    names = ("role", "aria-label", "aria-valuemin", "aria-valuemax", "aria-valuenow", "aria-valuetext")
    told = [slider.get_attribute(name) for name in names]
    assert told == ["slider", "onset", "0", "14", "12", "frame 12, 0:00.240"]


def test_a_key_that_is_held_down_is_one_step(page, film):
    opened(page, film)
    page.focus(".handle.offset")
    for key in ("ArrowRight", "Shift", "ArrowRight"):
        page.keyboard.down(key)
    assert handle(page, "offset") == frame(page) == 31
    for key in ("ArrowRight", "Shift"):
        page.keyboard.up(key)
    kept(page, "offset", 31)
    for _ in range(2):
        page.keyboard.down("ArrowLeft")
    press(page, "Escape")  # gives it up
    page.keyboard.up("ArrowLeft")
    press(page, "End")
    kept(page, "offset", 99)
    press(page, "u", "u")
    page.wait_for_selector("#undo:disabled")
    kept(page, "offset", 20)
    assert page.inner_text("#fault") == ""


def test_without_a_name_the_event_stays_as_it_is(page, film):
    opened(page, film, coder="")
    pull(page, "apex", 2)
    page.mouse.up()
    until(page, "document.activeElement.id === 'coder'")
    until(page, "document.querySelector('.handle.apex').ariaValueNow === '14'")
    assert moments(page) == [10, 14, 20] and "Who judges" in page.inner_text("#fault")


def test_the_handles_are_of_the_chosen_event(page, film):
    opened(page, film)
    press(page, "n")
    assert [handle(page, name) for name in ("onset", "apex", "offset")] == [40, 55, 70]
    press(page, "p", "-", "0", "+")
    left, right = (page.locator(f".handle.{name}").bounding_box() for name in ("onset", "offset"))
    event = page.locator(".tl-event").first.bounding_box()
    assert left["x"] + left["width"] == pytest.approx(event["x"], abs=1)
    assert right["x"] == pytest.approx(event["x"] + event["width"], abs=1)


@pytest.mark.parametrize("page", [HAND], indirect=True)
def test_dragging_with_a_finger(page, film):
    opened(page, film)
    for name in ("onset", "apex", "offset"):
        box = page.locator(f".handle.{name}").bounding_box()
        assert box["width"] >= 44 and box["height"] >= 44
    (x, y), touch = middle(page, ".handle.offset"), page.context.new_cdp_session(page)
    wide = pixels_a_frame(page)
    for kind, points in [
        ("touchStart", [(x, y)]),
        ("touchMove", [(x + 2 * wide, y + 9)]),
        ("touchMove", [(x + 5 * wide, y + 30)]),
        ("touchEnd", []),
    ]:
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": a, "y": b} for a, b in points]})
    page.wait_for_selector(JUDGED.format("corrected"))
    assert moments(page) == [10, 14, 25] and shown(page) == 25
