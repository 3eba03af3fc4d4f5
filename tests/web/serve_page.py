"""The page in a real browser: the fixtures, and what a coder's hand and eye do."""

import shutil
import socket
import threading

import numpy as np
import pytest
import uvicorn
from playwright.sync_api import sync_playwright

from microexpr.web import ServerOptions, create_app
from microexpr.web.store import Library
from tests.web import serve_stub

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine; .ci/run installs it")
DESK, PHONE = {"width": 1280, "height": 800}, {"width": 390, "height": 844}
HAND = {"viewport": PHONE, "has_touch": True, "is_mobile": True}  # a telephone
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
    settings = ServerOptions(analyze=getattr(request, "param", serve_stub.quick), values={"model": "none"})
    app = create_app(settings, Library(tmp_path / "library", settings.max_recordings))
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=1, ws="none"))
    listener = socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}/"
    server.should_exit = True
    thread.join(60)
    listener.close()


@pytest.fixture
def page(browser, address, request):
    """The page, at a desk or as a test says; at the end nothing went wrong, and it asked nobody but our server."""
    context = browser.new_context(**{"viewport": DESK, "accept_downloads": True, **getattr(request, "param", {})})
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
