"""Access control, and uploads that must stay in their folder."""

import subprocess
import sys
from http.cookies import SimpleCookie
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from microexpr.core.errors import UsageError
from microexpr.web import ServerOptions, create_app
from microexpr.web.media import video_suffix
from microexpr.web.store import RecordingStore
from tests.web import serve_stub

ASK = {"X-Microexpr": "1"}
TOKEN = "a token of more than sixteen"


def client(root: Path, base="http://127.0.0.1:8765", **settings) -> TestClient:
    """A client of an application whose queue is not started."""
    chosen = ServerOptions(**{"max_recordings": 40, "analyze": serve_stub.quick, **settings})
    return TestClient(create_app(chosen, RecordingStore(root, chosen.max_recordings)), base, follow_redirects=False)


@pytest.fixture(scope="module")
def film(tmp_path_factory) -> bytes:
    return serve_stub.film(tmp_path_factory.mktemp("film") / "film.mp4", frames=3).read_bytes()


@pytest.mark.parametrize("host", ["127.0.0.1:8765", "localhost:8765", "[::1]:8765", "127.0.0.2"])
def test_local_host_names_are_accepted(tmp_path, host):
    assert client(tmp_path).get("/api/state", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "192.168.1.7", "[", "localhost@evil.example"]
)
def test_foreign_host_names_are_refused(tmp_path, host):
    answer = client(tmp_path).get("/api/state", headers={"Host": host})
    assert answer.status_code == 421 and "terminal" in answer.json()["error"]


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {**ASK, "Origin": "https://evil.example"},
        {**ASK, "Origin": "null"},
        {**ASK, "Origin": "http://127.0.0.1:1"},
        {**ASK, "Origin": "https://127.0.0.1:8765"},
        {**ASK, "Sec-Fetch-Site": "cross-site"},
    ],
)
@pytest.mark.parametrize("method", ["POST", "DELETE", "PATCH", "PUT"])
def test_changes_from_other_origins_are_refused(tmp_path, film, method, headers):
    answer = client(tmp_path).request(method, "/api/recordings", headers=headers, content=film)
    assert answer.status_code == 403 and list(tmp_path.iterdir()) == []


def test_changes_from_the_page_are_accepted(tmp_path, film):
    own = {**ASK, "Origin": "http://127.0.0.1:8765", "Sec-Fetch-Site": "same-origin"}
    assert client(tmp_path).post("/api/recordings?name=a", headers=own, content=film).status_code == 201


def test_other_sites_cannot_embed_responses(tmp_path):
    foreign = {"Sec-Fetch-Site": "cross-site"}
    assert client(tmp_path).get("/api/state", headers=foreign).status_code == 403
    assert client(tmp_path).get("/", headers=foreign).status_code == 200  # links to the page are harmless


def test_every_response_has_security_headers(tmp_path):
    page = client(tmp_path)
    for path in ("/", "/static/app.js", "/static/timeline.js", "/api/state", "/nothing", "/static/nothing"):
        headers = page.get(path).headers
        policy = headers["content-security-policy"]
        assert "default-src 'self'" in policy and "unsafe" not in policy and "frame-ancestors 'none'" in policy
        assert headers["x-content-type-options"] == "nosniff" and headers["cache-control"] == "no-store"
        assert headers["cross-origin-resource-policy"] == "same-origin" and "server" not in headers


def test_page_has_no_inline_script_and_no_external_address(tmp_path):
    page = client(tmp_path)
    names = [
        "app.js",
        "api.js",
        "player.js",
        "recordings.js",
        "event_form.js",
        "keys.js",
        "dom.js",
        "agreement.js",
        "handles.js",
        "app.css",
    ]
    texts = [page.get("/").text, *(page.get(f"/static/{name}").text for name in [*names, "timeline.js", "theme.css"])]
    for text in texts:
        found = [part for part in text.replace("http://www.w3.org/2000/svg", "").split() if "://" in part]
        assert not found and "innerHTML" not in text and "eval(" not in text
    assert "onclick" not in texts[0] and " style=" not in texts[0] and "<script>" not in texts[0]


@pytest.mark.parametrize(
    "path",
    [
        "/static/../app.py",
        "/static/%2e%2e/app.py",
        "/static/",
        "/static",
        "/static/..%2f..%2fcli.py",
        "/docs",
        "/openapi.json",
        "/redoc",
        "/recordings",
        "/api/recordings/..%2f",
        "/api/recordings/%00/video",
        "/static/page.html.j2",
    ],
)
def test_other_paths_are_not_found(tmp_path, path):
    (tmp_path / "secret").write_text("secret")
    answer = client(tmp_path).get(path)
    assert answer.status_code in (404, 405) and "error" in answer.json()


def test_host_for_other_machines_needs_a_token():
    with pytest.raises(UsageError, match=r"host 0\.0\.0\.0 can be reached .* token"):
        ServerOptions(host="0.0.0.0")
    assert (
        ServerOptions(host="::1").local
        and ServerOptions(host="localhost").local
        and not ServerOptions(host="10.0.0.1", token=TOKEN).local
    )


@pytest.mark.parametrize(
    "shown", ["", "?token=", "?token=wrong", f"?token={TOKEN}x", f"?token={TOKEN[:-1]}", "?token=%ff%00"]
)
def test_requests_without_the_token_are_refused(tmp_path, shown):
    page = client(tmp_path, "http://192.168.1.7:8765", host="0.0.0.0", token=TOKEN)
    for path in ("/", "/static/app.js", "/api/state", "/nothing"):
        answer = page.get(path + shown)
        assert answer.status_code == 401 and "set-cookie" not in answer.headers


def test_token_moves_into_a_cookie(tmp_path):
    page = client(tmp_path, "http://192.168.1.7:8765", host="0.0.0.0", token=TOKEN)
    answer = page.get("/", params={"token": TOKEN})
    assert answer.status_code == 303 and answer.headers["location"] == "/"
    (cookie,) = SimpleCookie(answer.headers["set-cookie"]).values()
    assert cookie["httponly"] and cookie["samesite"] == "strict" and cookie["path"] == "/"
    assert page.get("/api/state").status_code == 200
    page.cookies.clear()
    assert page.get("/api/state", params={"token": TOKEN}).status_code == 200  # a script may show it each time
    assert page.get("/api/state", headers={"Cookie": f"{cookie.key}=wrong"}).status_code == 401
    assert page.get("/", params={"token": TOKEN}, headers={"Host": "evil.example"}).status_code == 421


NAMES = [
    *("../../outside.mp4", "/etc/outside.mp4", "..", ".", "", "a\0b.mp4", "ein Gespräch 😀.mp4", "a'\"b`$(id).mp4"),
    *("a\nb\r\n.mp4", "C:\\x\\outside.mp4", "-rf", "con", "%2e%2e%2fx", "<img src=x onerror=alert(1)>.mp4"),
    *("\u202egnp.mp4", "recording.json"),
]


@pytest.mark.parametrize("name", [*NAMES, "x" * 5000])
def test_upload_name_is_never_a_path(tmp_path, film, name):
    root = tmp_path / "recordings"
    page = client(root)
    answer = page.post("/api/recordings", params={"name": name}, headers=ASK, content=film)
    assert answer.status_code == 201
    shown = answer.json()["name"]
    assert shown.isprintable() and 0 < len(shown) <= 120 and "/" not in shown and "\\" not in shown
    (folder,) = root.iterdir()
    assert sorted(path.name for path in folder.iterdir()) == ["recording.json", "video.mp4"]
    assert list(tmp_path.iterdir()) == [root] and folder.name.endswith(answer.json()["id"])
    assert folder.stat().st_mode & 0o077 == 0
    assert page.delete(f"/api/recordings/{answer.json()['id']}", headers=ASK).status_code == 200
    assert list(root.iterdir()) == []


OTHERS = [
    *(b"", b"<html>", b"\0" * 1000, b"PK\x03\x04", b"GIF89a" + b"\0" * 500, b"\x89PNG\r\n\x1a\n" + b"\0" * 300),
    *(b"#EXTM3U\nhttp://evil.example/\n", b"concat:/etc/passwd", b"ffconcat version 1.0\nfile /etc/passwd\n"),
]


@pytest.mark.parametrize("content", OTHERS)
def test_uploads_that_are_no_video_are_refused_by_content(tmp_path, content):
    answer = client(tmp_path).post("/api/recordings?name=v.mp4", headers=ASK, content=content)
    assert answer.status_code == 415 and list(tmp_path.iterdir()) == []


KNOWN = {"f.mp4": "libx264", "f.mov": "libx264", "f.avi": "mpeg4", "f.mkv": "libx264", "f.webm": "libvpx"}
OTHER = {"f.ts": "mpeg2video", "f.mpg": "mpeg2video", "f.wmv": "mpeg4", "f.flv": "flv"}


@pytest.mark.parametrize(("name", "codec"), [*KNOWN.items(), *OTHER.items()])
def test_video_suffix_follows_the_content(tmp_path, name, codec):
    head = serve_stub.film(tmp_path / name, codec, frames=12).read_bytes()[:256]
    assert video_suffix(head) == (".mkv" if name in OTHER else Path(name).suffix)


@pytest.mark.parametrize("streamed", [True, False])
def test_upload_size_is_limited(tmp_path, film, streamed):
    page, whole = client(tmp_path, max_upload_mb=1), film + b"\0" * 1_000_000
    body = (whole[i : i + 65536] for i in range(0, len(whole), 65536)) if streamed else whole
    answer = page.post("/api/recordings?name=v.mp4", headers=ASK, content=body)
    assert answer.status_code == 413 and "larger than 1 MB" in answer.json()["error"]
    assert list(tmp_path.iterdir()) == [] and page.get("/api/state").json()["recordings"] == []


def test_body_size_of_other_requests_is_limited(tmp_path):
    page = client(tmp_path)
    for body in (b"x" * 20_000_001, (b"x" for _ in range(3))):
        answer = page.post("/api/recordings/0/agreement", headers=ASK, content=body)
        assert answer.status_code == 413


def test_missing_web_extra_gives_a_one_line_error():
    code = "import sys; sys.modules['fastapi'] = None; from microexpr.cli.main import main; main(['serve'])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 2 and done.stdout == "" and done.stderr.count("\n") == 1
    assert "pip install 'microexpr[web]'" in done.stderr
