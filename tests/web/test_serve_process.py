"""The program `microexpr serve` as a process: start, end, files left behind, connections."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from microexpr.core.errors import UsageError
from microexpr.web import ServerOptions
from microexpr.web.server import delete_leftovers, serve
from tests.web import serve_stub

ROOT = Path(__file__).parents[2]
WATCH = """
import os, sys
def note(event, values):
    if event in ("socket.connect", "socket.sendto", "socket.getaddrinfo", "socket.gethostbyname"):
        with open(os.environ["WATCHED"], "a") as file:
            texts = [value for value in values if isinstance(value, (str, bytes, tuple))]
            file.write(f"{os.getpid()} {event} {texts}\\n")
with open(os.environ["WATCHED"], "a") as file:
    file.write(f"{os.getpid()} begins\\n")
sys.addaudithook(note)
"""
STUB = "from microexpr.web import ServerOptions, serve; from tests.web.serve_stub import {}; "
SERVE = "serve(ServerOptions(port=0, storage=None, analyze={}), lambda line: print(line, flush=True), browse=False)"


@contextmanager
def running(tmp_path, *arguments):
    """A server and its address; files of a user's temporary folder lie in `tmp_path/tmp`."""
    (tmp_path / "tmp").mkdir(exist_ok=True)
    (tmp_path / "sitecustomize.py").write_text(WATCH)
    paths = os.pathsep.join([str(tmp_path), str(ROOT), str(ROOT / "src")])
    environment = {"TMPDIR": str(tmp_path / "tmp"), "PYTHONPATH": paths, "WATCHED": str(tmp_path / "watched")}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    process = subprocess.Popen([sys.executable, *arguments], env={**os.environ, **environment}, **pipes)  # type: ignore[call-overload]
    try:
        line = process.stdout.readline()
        yield process, re.search(r"http://\S+", line)[0]
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def stub(name: str) -> list[str]:
    return ["-c", f"if __name__ == '__main__':\n {STUB.format(name)}{SERVE.format(name)}"]


def ask(address: str, path: str, content: bytes | None = None, method="GET"):
    with urlopen(Request(f"{address}{path}", content, {"X-Microexpr": "1"}, method=method), timeout=60) as answer:
        return json.loads(answer.read())


def upload(address: str, tmp_path: Path) -> str:
    content = serve_stub.film(tmp_path / "film.mp4").read_bytes()
    return ask(address, "api/recordings?name=film.mp4", content, "POST")["id"]


def until(condition, seconds=180):
    for _ in range(seconds * 20):
        if value := condition():
            return value
        time.sleep(0.05)
    raise AssertionError("still false")


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_signals_end_the_server_and_delete_its_files(tmp_path, end):
    with running(tmp_path, *stub("slow")) as (process, address):
        upload(address, tmp_path)
        pid = int(until(lambda: [path.read_text() for path in tmp_path.glob("tmp/*/*/analysis/pid")])[0])
        (folder,) = (tmp_path / "tmp").glob("microexpr-serve-*")
        assert folder.stat().st_mode & 0o077 == 0
        process.send_signal(end)
        assert process.wait(60) == (143 if end == signal.SIGTERM else 0), process.stdout.read()
        assert "Traceback" not in process.stdout.read()
    assert not list((tmp_path / "tmp").glob("microexpr-serve-*"))
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_files_of_a_killed_server_are_deleted(tmp_path):
    with running(tmp_path, *stub("quick")) as (process, address):
        upload(address, tmp_path)
        (leftover,) = (tmp_path / "tmp").glob("microexpr-serve-*")
        delete_leftovers(tmp_path / "tmp")
        assert leftover.exists()  # it is in use
        process.kill()
        process.wait()
    (tmp_path / "tmp" / "microexpr-serve-else").mkdir()
    for _ in range(100):  # a worker of the killed server may live, and hold the folder, a moment longer
        delete_leftovers(tmp_path / "tmp")
        if not leftover.exists():
            break
        time.sleep(0.1)
    assert [path.name for path in (tmp_path / "tmp").glob("microexpr*")] == ["microexpr-serve-else"]


def test_server_opens_no_connection(tmp_path):
    with running(tmp_path, *stub("quick")) as (process, address):
        id = upload(address, tmp_path)
        until(lambda: ask(address, "api/state")["recordings"][0]["state"] == "done")
        ask(address, f"api/recordings/{id}")
        process.terminate()
        process.wait(60)
    lines = (tmp_path / "watched").read_text().splitlines()
    assert len({line.split()[0] for line in lines if line.endswith("begins")}) >= 2  # the analysis was watched too
    called = [line for line in lines if not line.endswith("begins") and "127.0.0.1" not in line]
    assert called == []


def test_command_with_storage_and_token(tmp_path):
    storage = tmp_path / "stored"
    options = ["--port", "0", "--no-browser", "--token", "--storage", str(storage), "--max-recordings", "3"]
    command = ["-m", "microexpr", "serve", *options]
    with running(tmp_path, *command, "--set", "spotter.name=mdmd", "--model", "none") as (process, address):
        page, _, token = address.partition("?token=")
        assert len(token) > 40
        with pytest.raises(HTTPError, match="401"):
            ask(page, "api/state")
        assert ask(page, f"api/state?token={token}") | {"version": ""} == {
            "version": "", "max_upload_mb": 2000, "max_recordings": 3, "persistent": True, "folder": str(storage),
            "recordings": [],
        }  # fmt: skip
        with pytest.raises(UsageError, match="used by another"):
            serve(ServerOptions(port=0, storage=storage), print, browse=False)
        process.terminate()
        process.wait(60)
    assert storage.is_dir()


def test_judgments_are_kept_in_a_folder_that_is_named(tmp_path, monkeypatch):
    """The address comes before what takes seconds; a second server opens what the first one kept."""
    monkeypatch.chdir(tmp_path)
    said, order = [], []

    def stop_at_once():
        order.append(len(said))
        raise SystemExit

    for options in (ServerOptions(port=0), ServerOptions(port=0, storage=None)):
        with pytest.raises(SystemExit):
            serve(options, said.append, browse=False, prepare=stop_at_once)
    assert order == [1, 2] and "http://127.0.0.1:" in said[0]
    assert f"are kept in '{tmp_path / 'recordings'}'" in said[0] and "are deleted when the server ends" in said[1]
    assert (tmp_path / "recordings").is_dir()


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["--storage", "coded", "--delete-at-end"], "--delete-at-end would delete what is in 'coded'"),
        (["--sensitivity", "0.9", "--set", "spotter.name=nobody"], "unknown spotter 'nobody'"),
        (["--set", "spotter.name=nobody"], "unknown spotter 'nobody'"),
        (["--host", "203.0.113.1"], "cannot listen on 203.0.113.1, port 8765"),
        (["--storage", __file__], "cannot be read or written"),
        (["--max-recordings", "100000"], "max_recordings = 100000: use 1 to 1000"),
    ],
)
def test_invalid_option_gives_a_one_line_error(arguments, line):
    command = [sys.executable, "-m", "microexpr", "serve", "--no-browser", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode in (1, 2) and line in done.stderr and done.stderr.count("\n") == 1
