"""The page in a real browser: what a coder does, by mouse and by keyboard, at desk and at phone size."""

import shutil
import socket
import threading
from importlib.util import find_spec

import numpy as np
import pytest
import uvicorn
from playwright.sync_api import sync_playwright

from microexpr import export
from microexpr.synthesis.long_video import draw_take
from microexpr.video import write_video
from microexpr.web import Settings, create_app
from microexpr.web.library import Library
from microexpr.web.settings import analyze_here

from . import serve_stub

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine; .ci/run installs it")
DESK, PHONE = {"width": 1280, "height": 800}, {"width": 390, "height": 844}
JUDGED = "#list li.{}"


@pytest.fixture(scope="module")
def browser():
    with sync_playwright() as play:
        one = play.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield one
        one.close()


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    return serve_stub.film(tmp_path_factory.mktemp("film") / "film.mp4", size=(240, 320))


@pytest.fixture
def address(tmp_path, request):
    """A server whose analysis is the stub, or the one that a test names."""
    settings = Settings(analyze=getattr(request, "param", serve_stub.quick), values={"model": "none"})
    app = create_app(settings, Library(tmp_path / "library", settings.most))
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=1, ws="none"))
    listener = socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}/"
    server.should_exit = True
    thread.join(60)
    listener.close()


@pytest.fixture
def page(browser, address):
    """The page; at the end nothing went wrong in it, and it asked nobody but our server."""
    context = browser.new_context(viewport=DESK, accept_downloads=True)
    one, asked, wrong = context.new_page(), [], []
    context.on("request", lambda request: asked.append(request.url))
    one.on("pageerror", lambda fault: wrong.append(str(fault)))
    one.on("console", lambda line: wrong.append(line.text) if line.type in ("error", "warning") else None)
    one.set_default_timeout(120_000)  # a busy machine is no fault
    one.goto(address)
    yield one
    context.close()
    wrong = [line for line in wrong if "status of 4" not in line]  # refusals that a test asks for
    assert [url for url in asked if not url.startswith((address, f"blob:{address}"))] == []
    assert len(asked) > 8 and wrong == []


def opened(page, film, coder="Ada"):
    """The film dropped, and open."""
    page.set_input_files("#file", film)
    page.wait_for_selector("#open:not([hidden])")
    page.wait_for_selector("#canvas[data-frame='14']")  # the apex of the first event
    page.fill("#coder", coder)
    page.keyboard.press("Escape")


def frame(page) -> int:
    return int(page.inner_text("#place").rpartition(" ")[2])


def shown(page) -> int:
    """The frame that is in the picture, by its pixels."""
    page.wait_for_selector(f"#canvas[data-frame='{frame(page)}']:not([hidden])")
    code = """c => {
        const copy = new OffscreenCanvas(c.width, c.height).getContext("2d", {willReadFrequently: true});
        copy.drawImage(c, 0, 0);
        return [c.width, c.height, ...copy.getImageData(0, 0, c.width, c.height).data];
    }"""
    width, height, *data = page.eval_on_selector("#canvas", code)
    return serve_stub.number_of(np.array(data, np.uint8).reshape(height, width, 4))


def until(page, true: str):
    """Asked again and again from outside: the page's policy lets no text be run within it."""
    for _ in range(2000):
        if page.evaluate(true):
            return
        page.wait_for_timeout(50)
    raise AssertionError(f"it never came: {true}")


def press(page, *keys):
    for key in keys:
        page.keyboard.press(key)


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
    assert "made-up faces only" in page.inner_text(".not") and "No lie detector" in page.inner_text(".not")


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
    events = export.from_csv(file.value.path().read_text())
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


def test_a_second_coder_gives_kappa(page, film, tmp_path):
    opened(page, film)
    press(page, "c", "n", "c")
    until(page, "document.getElementById('judged').textContent === '2 of 2 judged'")
    other = [serve_stub.event(11, 14, 20, status="corrected", coder="Bo"), serve_stub.event(40, 55, 70, status="added")]
    (tmp_path / "bo.csv").write_text(export.to_csv(other))
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
    small = "[...document.querySelectorAll('button, a.button, input, select')].filter(one => one.offsetHeight && "
    small += "one.offsetHeight < 24).map(one => one.outerHTML.slice(0, 80))"
    assert page.evaluate(small) == []
    nameless = "[...document.querySelectorAll('button, a, input, select, textarea, canvas, meter, progress')].filter("
    nameless += "e => e.offsetHeight && !(e.ariaLabel || e.textContent.trim() || e.labels?.length))"
    assert page.evaluate(f"{nameless}.map(one => one.outerHTML)") == []


def test_focus_is_seen_wherever_tab_leads(page, film):
    opened(page, film)
    seen = set()
    code = "[e => e.id || e.dataset.part || e.className || e.tagName, e => getComputedStyle(e).outlineStyle]"
    for _ in range(50):
        press(page, "Tab")
        name, outline = page.evaluate(f"{code}.map(one => one(document.activeElement))")
        assert outline != "none" or name == "BODY", name
        seen.add(name)
    assert {"keys", "confirm", "n-onset", "label", "note", "csv", "delete", "compare", "tl-ruler"} <= seen


@pytest.mark.skipif(find_spec("mediapipe") is None, reason="the wheel mediapipe is not installed")
@pytest.mark.parametrize("address", [analyze_here], indirect=True)
def test_the_whole_way_with_a_made_up_face(page, tmp_path):
    take = draw_take(3, seconds=2, fps=30, micro=40, macro=0)
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
    assert "made up.mp4" in file.value.path().read_text() or "video.mp4" in file.value.path().read_text()
