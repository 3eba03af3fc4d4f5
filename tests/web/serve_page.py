"""The page in a real browser: the fixtures, and what a coder does and sees."""

import shutil
import socket
import threading

import numpy as np
import pytest
import uvicorn
from playwright.sync_api import sync_playwright

from microexpr.web import ServerOptions, create_app
from microexpr.web.store import RecordingStore
from tests.web import serve_stub

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine; .ci/run installs it")
DESK, PHONE = {"width": 1280, "height": 800}, {"width": 390, "height": 844}
TOUCH = {"viewport": PHONE, "has_touch": True, "is_mobile": True}  # a phone
EVENT_WITH_STATUS = "#list li.{}"


@pytest.fixture(scope="module")
def browser():
    with sync_playwright() as play:
        chromium = play.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    return serve_stub.film(tmp_path_factory.mktemp("film") / "film.mp4", size=(240, 320))


@pytest.fixture
def address(tmp_path, request):
    """Address of a server whose analysis is the stub or what a test sets."""
    settings = ServerOptions(analyze=getattr(request, "param", serve_stub.quick), values={"model": "none"})
    app = create_app(settings, RecordingStore(tmp_path / "recordings", settings.max_recordings))
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
    """The page, at 1280 x 800 or as a test sets it; there must be no error and no request to another server."""
    context = browser.new_context(**{"viewport": DESK, "accept_downloads": True, **getattr(request, "param", {})})
    tab = context.new_page()
    urls: list[str] = []
    errors: list[str] = []
    context.on("request", lambda request: urls.append(request.url))
    tab.on("pageerror", lambda error: errors.append(str(error)))
    tab.on("console", lambda line: errors.append(line.text) if line.type in ("error", "warning") else None)
    tab.set_default_timeout(120_000)  # the machine may be busy
    tab.goto(address)
    yield tab
    context.close()
    errors = [line for line in errors if "status of 4" not in line]  # refusals that a test provokes
    assert [url for url in urls if not url.startswith((address, f"blob:{address}"))] == []
    assert len(urls) > 8 and errors == []


def opened(page, film, coder="Ada"):
    """Upload the film and wait until it is open."""
    page.set_input_files("#file", film)
    page.wait_for_selector("#workspace:not([hidden])")
    page.wait_for_selector("#canvas[data-frame='14']")  # the apex of the first event
    page.fill("#coder", coder)
    page.keyboard.press("Escape")


def frame(page) -> int:
    return int(page.inner_text("#position").rpartition(" ")[2])


def shown(page) -> int:
    """Number of the frame that is displayed, read from its pixels."""
    page.wait_for_selector(f"#canvas[data-frame='{frame(page)}']:not([hidden])")
    code = """c => {
        const copy = new OffscreenCanvas(c.width, c.height).getContext("2d", {willReadFrequently: true});
        copy.drawImage(c, 0, 0);
        return [c.width, c.height, ...copy.getImageData(0, 0, c.width, c.height).data];
    }"""
    width, height, *data = page.eval_on_selector("#canvas", code)
    return serve_stub.number_of(np.array(data, np.uint8).reshape(height, width, 4))


def until(page, condition: str):
    """Wait for a JavaScript condition, from outside: the policy of the page forbids `eval` within it."""
    for _ in range(2000):
        if page.evaluate(condition):
            return
        page.wait_for_timeout(50)
    raise AssertionError(f"still false: {condition}")


def first_request(page, requests):
    """Wait for the first of the requests that a route of the test holds back."""
    for _ in range(2000):
        if requests:
            return requests[0]
        page.wait_for_timeout(50)
    raise AssertionError("no request was sent")


def press(page, *keys):
    for key in keys:
        page.keyboard.press(key)
