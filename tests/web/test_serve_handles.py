"""Dragging onset, apex and offset on the timeline by mouse, touch and keyboard."""

import pytest

from tests.web.serve_page import EVENT_WITH_STATUS, TOUCH, frame, needs_chromium, opened, press, shown, until

pytestmark = needs_chromium


def frames(page) -> list[int]:
    """Onset, apex and offset as the server has them."""
    return [int(page.input_value(f"[data-part='n-{name}']")) for name in ("onset", "apex", "offset")]


def handle(page, name) -> int:
    return int(page.get_attribute(f".handle.{name}", "aria-valuenow"))


def middle(page, selector) -> tuple[float, float]:
    page.locator(selector).scroll_into_view_if_needed()
    box = page.locator(selector).bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def pixels_per_frame(page) -> float:
    code = "document.querySelector('.handle.offset').style.left.slice(0, -2) - "
    code += "document.querySelector('.handle.onset').style.left.slice(0, -2)"
    return page.evaluate(code) / (handle(page, "offset") - handle(page, "onset"))


def pull(page, name, frames):
    """Press a handle and move it, without releasing it."""
    x, y = middle(page, f".handle.{name}")
    page.mouse.move(x, y)
    page.mouse.down()
    for part in (0.5, 1):
        page.mouse.move(x + part * frames * pixels_per_frame(page), y)


def test_drag_with_the_mouse(page, film):
    opened(page, film)
    page.wait_for_selector(EVENT_WITH_STATUS.format("found"))
    pull(page, "onset", -4)
    assert (handle(page, "onset"), frame(page), shown(page)) == (6, 6, 6) and frames(page) == [10, 14, 20]
    page.mouse.up()
    page.wait_for_selector(EVENT_WITH_STATUS.format("corrected"))
    assert frames(page) == [6, 14, 20] and page.inner_text("#message") == "onset at frame 6"
    pull(page, "apex", 3)
    page.mouse.up()
    until(page, "document.querySelector(\"[data-part='n-apex']\").value === '17'")
    press(page, "u")  # one step per drag
    until(page, "document.querySelector(\".handle.apex\").ariaValueNow === '14'")
    assert frames(page) == [6, 14, 20]
    press(page, "u")
    page.wait_for_selector(EVENT_WITH_STATUS.format("found"))
    until(page, "document.getElementById('undo').disabled")


@pytest.mark.parametrize(
    ("name", "by", "expected"), [("onset", 30, [14, 14, 20]), ("apex", 30, [10, 20, 20]), ("offset", -30, [10, 14, 14])]
)
def test_no_handle_passes_another(page, film, name, by, expected):
    opened(page, film)
    pull(page, name, by)
    page.mouse.up()
    page.wait_for_selector(EVENT_WITH_STATUS.format("corrected"))
    assert frames(page) == expected


def test_escape_cancels_a_drag(page, film):
    opened(page, film)
    press(page, "Shift+ArrowRight")
    before = page.locator(".tl-event").first.bounding_box()
    pull(page, "offset", 9)
    assert handle(page, "offset") == 29 and page.locator(".tl-event").first.bounding_box()["width"] > before["width"]
    press(page, "Escape")
    page.mouse.up()
    assert (handle(page, "offset"), frame(page), shown(page)) == (20, 24, 24)
    assert page.locator(".tl-event").first.bounding_box()["width"] == before["width"]
    assert page.is_disabled("#undo") and page.locator(EVENT_WITH_STATUS.format("found")).count() == 2


def saved(page, name, at):
    until(page, f"document.querySelector(\"[data-part='n-{name}']\").value === '{at}'")


def test_arrow_keys_move_a_handle(page, film):
    opened(page, film)
    page.focus(".handle.onset")
    press(page, "ArrowRight", "ArrowRight", "ArrowLeft", "ArrowRight")
    saved(page, "onset", 12)
    assert shown(page) == 12 and page.evaluate("document.activeElement.className") == "handle onset before"
    slider = page.locator(".handle.onset")
    names = ("role", "aria-label", "aria-valuemin", "aria-valuemax", "aria-valuenow", "aria-valuetext")
    values = [slider.get_attribute(name) for name in names]
    assert values == ["slider", "onset", "0", "14", "12", "frame 12, 0:00.240"]


def test_holding_a_key_down_is_one_edit(page, film):
    opened(page, film)
    page.focus(".handle.offset")
    for key in ("ArrowRight", "Shift", "ArrowRight"):
        page.keyboard.down(key)
    assert handle(page, "offset") == frame(page) == 31
    for key in ("ArrowRight", "Shift"):
        page.keyboard.up(key)
    saved(page, "offset", 31)
    for _ in range(2):
        page.keyboard.down("ArrowLeft")
    press(page, "Escape")  # cancels the move
    page.keyboard.up("ArrowLeft")
    press(page, "End")
    saved(page, "offset", 99)
    press(page, "u", "u")
    page.wait_for_selector("#undo:disabled")
    saved(page, "offset", 20)
    assert page.inner_text("#error") == ""


def test_drag_without_a_coder_changes_nothing(page, film):
    opened(page, film, coder="")
    pull(page, "apex", 2)
    page.mouse.up()
    until(page, "document.activeElement.id === 'coder'")
    until(page, "document.querySelector('.handle.apex').ariaValueNow === '14'")
    assert frames(page) == [10, 14, 20] and "coder is missing" in page.inner_text("#error")


def test_handles_belong_to_the_selected_event(page, film):
    opened(page, film)
    press(page, "n")
    assert [handle(page, name) for name in ("onset", "apex", "offset")] == [40, 55, 70]
    press(page, "p", "-", "0", "+")
    left, right = (page.locator(f".handle.{name}").bounding_box() for name in ("onset", "offset"))
    event = page.locator(".tl-event").first.bounding_box()
    assert left["x"] + left["width"] == pytest.approx(event["x"], abs=1)
    assert right["x"] == pytest.approx(event["x"] + event["width"], abs=1)


@pytest.mark.parametrize("page", [TOUCH], indirect=True)
def test_drag_by_touch(page, film):
    opened(page, film)
    for name in ("onset", "apex", "offset"):
        box = page.locator(f".handle.{name}").bounding_box()
        assert box["width"] >= 44 and box["height"] >= 44
    (x, y), touch = middle(page, ".handle.offset"), page.context.new_cdp_session(page)
    width = pixels_per_frame(page)
    for kind, points in [
        ("touchStart", [(x, y)]),
        ("touchMove", [(x + 2 * width, y + 9)]),
        ("touchMove", [(x + 5 * width, y + 30)]),
        ("touchEnd", []),
    ]:
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": a, "y": b} for a, b in points]})
    page.wait_for_selector(EVENT_WITH_STATUS.format("corrected"))
    assert frames(page) == [10, 14, 25] and shown(page) == 25
