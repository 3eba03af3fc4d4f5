"""Start the server, and clean up when it ends, for whatever reason."""

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
from .store import RecordingStore

TEMPORARY_PREFIX = "microexpr-serve-"
LOCK_FILE = ".in-use"


def new_token() -> str:
    """Return a random token of 43 characters."""
    return secrets.token_urlsafe(32)


def serve(
    settings: ServerOptions,
    print_status: Callable[[str], None],
    browse: bool = True,
    prepare: Callable[[], None] = lambda: None,
) -> None:
    """Serve until Ctrl-C, SIGTERM or SIGHUP; then delete all recordings if `settings.storage` is None.

    Args:
        settings: of the server.
        print_status: called with the address and with what happens to the recordings.
        browse: open the address in the user's browser.
        prepare: called when the address is printed, for what takes seconds; a browser waits meanwhile.

    Raises:
        UsageError: the port is taken, the host is not an address of this machine, or the storage folder is in use.
    """
    signal.signal(signal.SIGTERM, _exit)  # uvicorn raises SIGTERM again when it is done; the cleanup must still run
    with _listening_socket(settings) as listener, _recordings_folder(settings) as root:
        address = _address(settings, listener)
        if settings.storage:
            storage = (
                f"Recordings and annotations are kept in '{root.absolute()}'; --delete-at-end deletes them instead."
            )
        else:
            storage = "Recordings and annotations are deleted when the server ends."
        print_status(f"microexpr is at {address}\n{storage} Press Ctrl-C to end it.")
        prepare()
        app = create_app(settings, RecordingStore(root, settings.max_recordings))
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
        if browse:
            Timer(0.5, webbrowser.open, (address,)).start()
        try:
            with suppress(KeyboardInterrupt):
                server.run(sockets=[listener])
        finally:
            app.state.jobs.stop()


def _exit(number: int, frame: FrameType | None) -> None:
    raise SystemExit(128 + number)


@contextmanager
def _listening_socket(settings: ServerOptions) -> Iterator[socket.socket]:
    try:
        family, kind, _, _, address = socket.getaddrinfo(settings.host, settings.port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(100)  # requests that arrive before the server is ready wait
    except OSError as error:
        raise UsageError(
            f"cannot listen on {settings.host}, port {settings.port}: {error.strerror or error}; "
            "--port 0 takes a free port"
        ) from None
    with listener:
        yield listener


def _address(settings: ServerOptions, listener: socket.socket) -> str:
    host = socket.gethostname() if settings.host in ("0.0.0.0", "::") else settings.host
    name = f"[{host}]" if ":" in host else host
    token = f"?token={settings.token}" if settings.token else ""
    return f"http://{name}:{listener.getsockname()[1]}/{token}"


@contextmanager
def _recordings_folder(settings: ServerOptions) -> Iterator[Path]:
    """The storage folder, or a temporary folder that is deleted at the end. Other servers cannot use it meanwhile."""
    if settings.storage is not None:
        settings.storage.mkdir(0o700, parents=True, exist_ok=True)
        lock = _lock(settings.storage)
        if lock is None:
            raise UsageError(f"'{settings.storage}' is used by another `microexpr serve`; choose another --storage")
        with lock:
            yield settings.storage
        return
    delete_leftovers(Path(tempfile.gettempdir()))
    root = Path(tempfile.mkdtemp(prefix=TEMPORARY_PREFIX))  # readable by its owner only
    lock = _lock(root)
    try:
        yield root
    finally:
        shutil.rmtree(root, ignore_errors=True)
        if lock is not None:
            lock.close()


def delete_leftovers(folder: Path) -> None:
    """Delete temporary folders of servers that were killed: folders of this user whose lock is free.

    Args:
        folder: the folder of temporary files.
    """
    for leftover in folder.glob(f"{TEMPORARY_PREFIX}*"):
        with suppress(OSError):
            owned = not leftover.is_symlink() and leftover.stat().st_uid == os.getuid()
            if not owned or not (leftover / LOCK_FILE).is_file():
                continue
            if (lock := _lock(leftover)) is not None:
                shutil.rmtree(leftover, ignore_errors=True)
                lock.close()


def _lock(folder: Path) -> IO[str] | None:
    """Lock a folder while the returned file is open; None where another process has locked it."""
    file = (folder / LOCK_FILE).open("w")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        return None
    return file
