"""The report of a recording: self-contained, safe to open, and usable by mouse and by keyboard."""

import base64
import dataclasses
import hashlib
import json
import re
import shutil
from html.parser import HTMLParser

import numpy as np
import pytest

from microexpr.analysis.event_images import event_images
from microexpr.analysis.face_map import HEIGHT, WIDTH, area
from microexpr.analysis.page import rename_recording, render_page
from microexpr.core.events import BELOW_THRESHOLD, Analysis, Candidate, Event, Face, Recording
from microexpr.core.facial_regions import REGIONS
from tests.analysis.test_export_events import NOBODY, WHOLE
from tests.hostile import NAMES
from tests.web.contrast import LOW_CONTRAST

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")


@pytest.fixture(scope="module")
def images():
    """Images of an event, of noise."""
    frames = np.random.default_rng(0).integers(0, 255, (3, 120, 160, 3), np.uint8)
    return event_images(*frames, np.array([30, 20, 80, 80], np.float32))  # type: ignore[call-arg]


class Tags(HTMLParser):
    """Every tag with its attributes, and the text in style and script."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags, self.texts = [], {"style": [], "script": []}
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        tag, attrs = self.tags[-1] if self.tags else ("", {})
        if tag in self.texts and "id" not in attrs and data.strip():
            self.texts[tag].append(data)

    def of(self, tag: str) -> list[dict[str, str]]:
        return [attrs for name, attrs in self.tags if name == tag]


def test_the_page_makes_no_request(images):
    tags = Tags(render_page(WHOLE, {0: images}))
    for _, attrs in tags.tags:
        for name, value in attrs.items():
            assert not name.startswith("on") and name not in ("style", "srcset", "action", "href", "ping"), name
            assert name != "src" or value.startswith("data:image/jpeg;base64,")
    assert not tags.of("link") and not tags.of("iframe") and not tags.of("base")
    for text in tags.texts["style"] + tags.texts["script"]:
        assert not re.search(r"url\(['\"]?(?!#)|@import|fetch\(|XMLHttp|WebSocket|sendBeacon|innerHTML|eval\(", text)


def test_the_policy_allows_only_its_own_style_and_script(images):
    tags = Tags(render_page(WHOLE, {0: images}))
    policy = next(m["content"] for m in tags.of("meta") if m.get("http-equiv") == "Content-Security-Policy")
    assert policy.startswith("default-src 'none'; img-src data:;") and "unsafe" not in policy
    (style,), (script,) = tags.texts["style"], tags.texts["script"]
    for text in (style, script):
        assert f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'" in policy


def test_contents_of_a_card(images):
    page = render_page(WHOLE, {0: images, 1: images, 2: images})
    for text in ("480 ms", "micro", "macro", "quality 0.90", "below 60 fps", "largest motion", "no lie detector"):
        assert text.lower() in page.lower()
    assert page.count('src="data:image') == 12 and 'alt="the face at the onset"' in page
    assert "added by B. Müller" in page and "microexpr 0.1.0" in page and "threshold" in page


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"probabilities": {"a": 0.9, "b": 0.1}, "reason": "it is a <dog>"}, "Unknown: it is a &lt;dog&gt;."),
        ({"probabilities": {"a": 0.9, "b": 0.1}, "status": "corrected"}, "Unknown: a coder chose it."),
        ({"probabilities": {"a": 0.9, "b": 0.1}, "label": "other", "status": "corrected"}, "A coder set this label"),
        ({"probabilities": {}}, "No recognizer was used"),
    ],
)
def test_reasons_for_the_label_unknown(images, change, message):
    event = dataclasses.replace(WHOLE.events[0], **{"label": "unknown", **change})
    page = render_page(dataclasses.replace(WHOLE, events=(event,)), {0: images})
    assert message in page
    assert not change["probabilities"] or f'<th scope="row">{event.label}</th>' in page


@pytest.mark.parametrize(
    ("about", "message"),
    [
        ({}, "No recognizer was used"),
        ({"synthetic": "true", "recipe": "r"}, "was trained on synthetic motion, on no person; it was not tested"),
        (
            {"synthetic": "false", "recipe": "r", "protocol": "megc2019-cde", "license": "ask them"},
            "License: ask them.",
        ),
    ],
)
def test_the_recognizer_is_described(about, message):
    assert message in render_page(dataclasses.replace(WHOLE, settings={"about_model": about}), {})


def test_pages_without_faces_and_without_events():
    page = render_page(NOBODY, {})
    assert "No face was found in this recording." in page and "no face was found in this recording" in page
    still = dataclasses.replace(NOBODY, faces=WHOLE.faces)
    assert "The spotter found no facial movement" in render_page(still, {})


def test_names_are_escaped(images):
    for name in [*NAMES, "</script><script>alert(1)</script>", "</style>", "'\"><b>"]:
        shown = name.encode("utf-8", "replace").decode()
        event = dataclasses.replace(
            WHOLE.events[0], video=shown, label=shown, note=shown, warnings=(shown,), coder=shown
        )
        analysis = dataclasses.replace(
            WHOLE, recording=dataclasses.replace(WHOLE.recording, name=shown), events=(event,)
        )
        tags = Tags(render_page(analysis, {0: images}))
        assert len(tags.of("script")) == 2 and len(tags.of("style")) == 1 and len(tags.of("b")) <= 2
        assert len(tags.of("img")) == 4


def test_the_recording_can_be_renamed(images):
    page = render_page(WHOLE, {0: images})
    again = rename_recording(page, WHOLE.recording.name, "b & </h1>.mp4")
    assert WHOLE.recording.name not in again and again.count("b &amp; &lt;/h1&gt;.mp4") == 2
    assert rename_recording(again, "b & </h1>.mp4", WHOLE.recording.name) == page


@pytest.mark.parametrize(("probability", "text"), [(1, "> 0.99"), (0.995, "> 0.99"), (0.99, "0.99"), (0.004, "< 0.01")])
def test_a_probability_is_never_shown_as_certain(images, probability, text):
    event = dataclasses.replace(WHOLE.events[0], label="a", probabilities={"a": probability, "b": 0.5})
    page = render_page(dataclasses.replace(WHOLE, events=(event,)), {0: images})
    assert f"<td>{text.replace('>', '&gt;').replace('<', '&lt;')}</td>" in page


def test_the_path_of_the_recording_is_not_on_the_page():
    assert "/data/a talk" not in render_page(WHOLE, {})


def many(count: int) -> Analysis:
    """An hour with so many events."""
    step = 3500 / count
    events = tuple(
        Event("v.mp4", 1, i * 80, i * 80 + 3, i * 80 + 8, i * step, i * step + 0.12, i * step + 0.32, "micro", float(i))
        for i in range(count)
    )
    face = Face(1, 90_000, 0.9, curve=tuple((float(t), float(t % 7)) for t in range(3600)))
    return Analysis(Recording("v.mp4", "/v.mp4", 90_000, 3600.0, 25.0, 640, 480), (face,), events)


def test_a_page_of_many_events_has_200_images_at_most(images):
    page = render_page(many(400), dict.fromkeys(range(350, 400), images))
    assert page.count("<img ") == 200 and "The 50 clearest events" in page and "350 more events" in page
    assert all(f'id="event-{n}"' in page for n in range(1, 401))


@pytest.fixture(scope="module")
def browser():
    """Chromium, where it is installed."""
    sync = pytest.importorskip("playwright.sync_api")
    if CHROMIUM is None:
        pytest.skip("no chromium")
    with sync.sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield chromium
        chromium.close()


@pytest.fixture
def opened(browser, tmp_path, images):
    """What opens a page; complaints of the browser and requests to anywhere are errors."""
    wrong = []

    def open_page(analysis, width=1280, **screen):
        (tmp_path / "report.html").write_text(
            render_page(analysis, dict.fromkeys(range(len(analysis.events))[-50:], images))
        )
        page = browser.new_page(viewport={"width": width, "height": 800}, **screen)
        page.on("console", lambda message: wrong.append(message.text))
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("request", lambda request: wrong.append(request.url) if request.url.startswith("http") else None)
        page.goto((tmp_path / "report.html").as_uri())
        return page

    yield open_page
    assert wrong == []


@pytest.mark.parametrize("width", [390, 1280])
def test_the_page_fits_narrow_and_wide_screens(opened, width):
    page = opened(WHOLE, width)
    assert page.evaluate("document.documentElement.scrollWidth") == width
    assert page.locator(".tl-event").count() == 3 and page.locator(".tl-canvas path").count() >= 2
    assert (
        page.locator(".tl-canvas rect[fill^='url']").count() == 1 and page.locator(".tl-canvas .tl-blink").count() == 2
    )
    assert min(box["height"] for box in (b.bounding_box() for b in page.locator("button").all())) >= 24


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_has_enough_contrast(opened, scheme):
    contrast = opened(WHOLE, 390, color_scheme=scheme).evaluate(LOW_CONTRAST)
    assert contrast["found"] == [] and contrast["texts"] > 50


def test_the_time_line_draws_the_threshold_and_what_lies_below_it(opened):
    weak = Candidate(1, 30, 33, 36, 0.5, 0.55, 0.6, 0.31, BELOW_THRESHOLD)
    page = opened(dataclasses.replace(WHOLE, candidates=(weak,), spotter_threshold=0.5))
    box = page.locator(".tl-candidate")
    assert box.locator("title").text_content() == "no event, 0.50 s: below the threshold, score 0.31"
    assert "no event" in page.locator(".tl-legend").inner_text()
    (line,) = page.locator("line.tl-threshold").all()  # one face of two has a curve
    points = re.findall(r"[ML][\d.-]+ ([\d.]+)", page.locator(".tl-curve").get_attribute("d"))
    low, high = (float(y) for y in points)  # of .1 and 3.5
    assert float(line.get_attribute("y1")) == pytest.approx(low + (high - low) * (0.5 - 0.1) / (3.5 - 0.1), abs=0.2)
    assert opened(WHOLE).locator("line.tl-threshold, .tl-candidate").count() == 0


def test_events_of_a_report_cannot_be_dragged(opened):
    """Dragging on a report changes nothing."""
    page = opened(WHOLE)
    block = page.locator(".tl-event").first
    block.click()
    before = block.bounding_box()
    for x in (before["x"] + 1, before["x"] + before["width"] - 1):
        page.mouse.move(x, before["y"] - 8)
        page.mouse.down()
        page.mouse.move(x + 60, before["y"] - 8)
        page.mouse.up()
    assert block.bounding_box()["width"] == before["width"]
    assert page.locator("[role=slider]").count() == 1 and page.locator(".tl-space > *").count() == 2


def test_an_event_is_selected_by_mouse(opened):
    page = opened(WHOLE)
    page.locator(".tl-event").nth(2).click()
    assert page.evaluate("document.activeElement.id") == "event-3"
    assert (
        page.locator(".tl-event[aria-pressed=true]").count() == 1
        and page.locator(".selected").get_attribute("id") == "event-3"
    )
    assert page.locator(".tl-now").text_content() == "0.56 s"
    page.locator("#event-2 .show-on-timeline").click()
    assert page.locator(".tl-event").nth(1).get_attribute("aria-pressed") == "true"


def test_time_and_zoom_by_keyboard(opened):
    page = opened(many(60))
    page.locator(".tl-ruler").focus()
    page.keyboard.press("ArrowRight")
    assert page.locator(".tl-ruler").get_attribute("aria-valuenow") == "0.040"
    page.keyboard.press("End")
    assert page.locator(".tl-ruler").get_attribute("aria-valuenow") == "3600.000"
    page.keyboard.press("+")
    widths = [page.locator(name).evaluate("element => element.clientWidth") for name in (".tl-space", ".tl-scroll")]
    assert widths[0] > 1.9 * widths[1]


def test_events_by_keyboard(opened):
    page = opened(many(60))
    page.locator(".tl-ruler").focus()
    page.keyboard.press("Tab")
    for key in ("ArrowRight", "ArrowRight", "ArrowLeft", "Enter"):
        page.keyboard.press(key)
    assert page.evaluate("document.activeElement.id") == "event-2"
    page.locator(".tl-event").first.focus()
    page.keyboard.press("End")
    assert page.evaluate("document.activeElement.getAttribute('aria-label')").startswith(
        "event 60 of 60: micro-expression"
    )


INTERFACE = """(given) => {
    const calls = [], laid = [];
    const host = document.body.appendChild(document.createElement("div"));
    const act = { onSelect: (i) => calls.push(["select", i]), onSeek: (s) => calls.push(["seek", s]) };
    const line = microexprTimeline(host, given, { ...act, spaceAboveCurves: 24, onLayout: (now) => laid.push(now) });
    line.select(1); line.seek(2.5); line.seek(99); line.show(1, 2); line.select(null);
    const pressed = () => [...host.querySelectorAll(".tl-event")].map(block => block.ariaPressed === "true");
    const none = pressed(), { space, scale, top } = laid.at(-1);
    line.preview(0, { start: 1, end: 1.5 });
    const block = host.querySelector(".tl-event"), drawn = [block.offsetLeft / scale, block.offsetWidth / scale];
    line.update({ ...given, events: given.events.slice(0, 1) }, 0);
    host.querySelector(".tl-event").click();
    const left = pressed(), below = host.querySelector(".tl-event").offsetTop - top(given.events[0].face);
    const back = host.querySelector(".tl-event").offsetLeft / scale - given.events[0].start;
    const inside = space.contains(host.querySelector(".tl-event"));
    line.destroy();
    return { calls, none, left, drawn, below, back, inside, empty: host.childElementCount };
}"""


def test_the_interface_of_the_timeline(opened):
    """Methods call no callback; actions of the user do."""
    found = opened(WHOLE).evaluate(INTERFACE, json.loads(json.dumps(dataclasses.asdict(WHOLE))))
    assert found.pop("drawn") == pytest.approx([1, 0.5], abs=0.02) and found.pop("back") == pytest.approx(0, abs=0.02)
    assert found == {
        "calls": [["select", 0]],
        "none": [False, False, False],
        "left": [True],
        "below": 24 + 68,
        "inside": True,
        "empty": 0,
    }


@pytest.fixture
def moved():
    """The page of an event with two action units, and its tags."""
    page = render_page(dataclasses.replace(WHOLE, events=(WHOLE.events[0],)), {})
    return page, Tags(page)


def test_a_card_shows_the_action_units_in_words_and_in_a_table(moved):
    page, _ = moved
    assert "<b>both inner brows raised 1.4 px, left lip corner pulled up (too little to measure" in page
    rows = re.findall(r"</svg> (1|L12) ([^<]+)</th><td>(.+?)</td><td>(.+?)</td><td>(.+?)</td>", page)
    assert rows == [
        ("1", "inner brow raiser", "0.80", "1.4", "1.5"),
        ("L12", "lip corner puller, left", "0.60", "&lt; 0.3", "0.2"),
    ]


def test_the_face_map_has_an_arrow_for_each_region_that_moved(moved):
    """Upward and a little to the right of the image, where the person's right inner brow is: on the left."""
    _, tags = moved
    areas = [(a["class"], float(a["cx"])) for a in tags.of("ellipse")]
    assert [(name, x < 100) for name, x in areas] == [
        ("moved au-0", True),
        ("moved au-0", False),
        ("moved au-1", False),
    ]
    (arrow,) = [p["d"] for p in tags.of("path") if p.get("class") == "arrow au-0"]
    start, tip = (tuple(map(float, p.split())) for p in re.match(r"M(.+?)L(.+?)M", arrow).groups())
    assert (tip[0] - start[0]) / (tip[1] - start[1]) == pytest.approx(0.2 / -1.4, abs=0.02) and start[0] < 100
    assert not [p for p in tags.of("path") if p.get("class") == "arrow au-1"]  # 0.2 px cannot be measured


def test_a_card_without_action_units_claims_none():
    page = render_page(dataclasses.replace(WHOLE, events=(WHOLE.events[1],)), {})
    assert "<b>chin down 2.5 px</b>" in page and "no action unit is claimed" in page
    nothing = dataclasses.replace(WHOLE.events[1], regions={})
    assert 'class="face-map"' not in render_page(dataclasses.replace(WHOLE, events=(nothing,)), {})


def test_events_without_a_card_have_their_movement_in_the_table(images):
    page = render_page(WHOLE, {1: images})
    assert '<td class="text">1+L12 both inner brows raised 1.4 px' in page


def test_every_region_has_a_place_on_the_face_map():
    areas = {region: area(region) for region in REGIONS}
    for region, place in areas.items():
        assert 0 < place.x < WIDTH and 0 < place.y < HEIGHT
        if region.startswith("left "):
            assert place.x + areas[region.replace("left", "right")].x == WIDTH and place.x > WIDTH / 2
