"""From settings to a page in a browser, and everything put away at the end, whatever ends it."""

from __future__ import annotations

import fcntl
import os
import secrets
import shutil
import signal
import socket
import tempfile
import webbrowser
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Timer
from types import FrameType
from typing import IO

import uvicorn

from ..core.errors import UsageError
from .app import create_app
from .settings import ServerOptions
from .store import Library

PREFIX = "microexpr-serve-"
LOCK = ".in-use"


def new_token() -> str:
    """One that nobody guesses."""
    return secrets.token_urlsafe(32)


def serve(settings: ServerOptions, say: Callable[[str], None], browse: bool = True) -> None:
    """Serve until Ctrl-C, SIGTERM or SIGHUP; then uploads are deleted, unless `settings.keep` is given.

    Args:
        settings: how.
        say: told the address, and what becomes of the recordings.
        browse: open the address in the user's browser.

    Raises:
        UsageError: the port is taken, the host is not this machine's, or the folder is in use.
    """
    signal.signal(signal.SIGTERM, _leave)  # uvicorn raises it once more when it is done; what follows must still run
    with _listening(settings) as listener, _place(settings) as root:
        address = _address(settings, listener)
        app = create_app(settings, Library(root, settings.max_recordings))
        server = uvicorn.Server(
            uvicorn.Config(
                app,
                log_level="warning",
                access_log=False,
                server_header=False,
                proxy_headers=False,
                ws="none",
                limit_concurrency=200,
                timeout_graceful_shutdown=2,
            )
        )
        signal.signal(signal.SIGHUP, lambda *_: setattr(server, "should_exit", True))  # the terminal was closed
        what = f"kept in '{root}'" if settings.storage else "deleted when this ends"
        say(f"microexpr is at {address}\nRecordings and judgments are {what}. Ctrl-C ends it.")
        if browse:
            Timer(0.5, webbrowser.open, (address,)).start()
        try:
            with suppress(KeyboardInterrupt):
                server.run(sockets=[listener])
        finally:
            app.state.jobs.stop()


def _leave(number: int, frame: FrameType | None) -> None:
    raise SystemExit(128 + number)


@contextmanager
def _listening(settings: ServerOptions) -> Iterator[socket.socket]:
    try:
        family, kind, _, _, where = socket.getaddrinfo(settings.host, settings.port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(where)
        listener.listen(100)  # who comes before the server is ready waits
    except OSError as fault:
        told = f"cannot listen on {settings.host}, port {settings.port}: {fault.strerror or fault}"
        raise UsageError(f"{told}; --port 0 takes a free one") from None
    with listener:
        yield listener


def _address(settings: ServerOptions, listener: socket.socket) -> str:
    host = socket.gethostname() if settings.host in ("0.0.0.0", "::") else settings.host
    name = f"[{host}]" if ":" in host else host
    token = f"?token={settings.token}" if settings.token else ""
    return f"http://{name}:{listener.getsockname()[1]}/{token}"


@contextmanager
def _place(settings: ServerOptions) -> Iterator[Path]:
    """The folder of the recordings: the one that keeps them, or one that is gone at the end."""
    if settings.storage is not None:
        settings.storage.mkdir(parents=True, exist_ok=True)
        lock = _locked(settings.storage)
        if lock is None:
            raise UsageError(f"'{settings.storage}' is used by another `microexpr serve`; give another --keep")
        with lock:
            yield settings.storage
        return
    sweep(Path(tempfile.gettempdir()))
    root = Path(tempfile.mkdtemp(prefix=PREFIX))  # only its owner may look into it
    lock = _locked(root)
    try:
        yield root
    finally:
        shutil.rmtree(root, ignore_errors=True)
        if lock is not None:
            lock.close()


def sweep(folder: Path) -> None:
    """Delete what a server left that was killed too hard to do so: its lock is free, and it is ours."""
    for left in folder.glob(f"{PREFIX}*"):
        with suppress(OSError):
            if left.is_symlink() or left.stat().st_uid != os.getuid() or not (left / LOCK).is_file():
                continue
            if (lock := _locked(left)) is not None:
                shutil.rmtree(left, ignore_errors=True)
                lock.close()


def _locked(folder: Path) -> IO[str] | None:
    """Held while the file is open; None where another process holds it."""
    file = (folder / LOCK).open("w")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        return None
    return file
