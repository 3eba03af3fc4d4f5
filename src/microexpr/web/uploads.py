"""An upload, byte by byte to disk: counted while it comes, looked into before it is kept, gone if it breaks off."""

from __future__ import annotations

import shutil
from typing import IO

from fastapi import Request
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect
from starlette.responses import Response

from ..core.errors import MicroexprError
from .media import HEAD, kind_of
from .security import refused
from .settings import ServerOptions
from .store import Library, RecordingInfo

SPARE = 200 * 10**6
"""Bytes of the disk that an upload leaves free."""

DRAIN = 64 * 10**6
"""Bytes of a refused upload that are still taken, so that a browser reads why instead of a broken connection."""

KINDS = "MP4, MOV, AVI, MKV, WebM, MPEG, OGG, FLV or WMV"


class _Refusal(Exception):
    def __init__(self, status: int, line: str) -> None:
        super().__init__(line)
        self.status = status


async def receive(request: Request, name: str, library: Library, settings: ServerOptions) -> RecordingInfo | Response:
    """Take an upload into the library, to wait for its analysis; or the answer that says why not.

    Args:
        request: whose body is the video.
        name: what its owner calls it.
        library: gets it.
        settings: how large it may be.
    """
    limit = settings.max_upload_mb * 10**6
    said = request.headers.get("content-length", "")
    size = int(said) if said.isdecimal() else 0
    if size > limit:
        return refused(413, _too_large(settings))
    if shutil.disk_usage(library.root).free < size + SPARE:
        return refused(507, f"the disk has no room for {size / 1e6:.0f} MB more; delete a recording")
    try:
        about = await run_in_threadpool(library.new, name)
    except MicroexprError as fault:
        return refused(409, str(fault))
    try:
        return await _take(request, about, library, settings)
    except ClientDisconnect:
        await run_in_threadpool(library.remove, about.id)
        return refused(400, "the upload broke off")
    except _Refusal as fault:
        await run_in_threadpool(library.remove, about.id)
        await _drain(request)
        return refused(fault.status, str(fault))
    except BaseException:  # the server stops, the disk is full: nothing half is left
        library.remove(about.id)
        raise


async def _take(request: Request, about: RecordingInfo, library: Library, settings: ServerOptions) -> RecordingInfo:
    folder = library.folder(about.id)
    coming = folder / "coming"
    with coming.open("wb") as file:
        size, ending = await _write(request, file, settings)
    kept = coming.rename(folder / f"video{ending}")
    return await run_in_threadpool(library.change, about.id, file=kept.name, size=size, state="waiting")


async def _write(request: Request, file: IO[bytes], settings: ServerOptions) -> tuple[int, str]:
    """Bytes written, and the ending that belongs to what they are."""
    size, head, ending = 0, b"", ""
    async for chunk in request.stream():
        size += len(chunk)
        if size > settings.max_upload_mb * 10**6:
            raise _Refusal(413, _too_large(settings))
        if not ending:
            head += chunk[: HEAD - len(head)]
            if len(head) >= HEAD:
                ending = _ending(head)
        await run_in_threadpool(file.write, chunk)
    return size, ending or _ending(head)


def _ending(head: bytes) -> str:
    if not head:
        raise _Refusal(415, "the file is empty")
    if not (ending := kind_of(head)):
        raise _Refusal(415, f"this is not a video (looked for {KINDS}); its content counts, not its name")
    return ending


def _too_large(settings: ServerOptions) -> str:
    return f"the video is larger than {settings.max_upload_mb} MB; `microexpr serve --max-upload-mb N` allows more"


async def _drain(request: Request) -> None:
    taken = 0
    try:
        async for chunk in request.stream():
            taken += len(chunk)
            if taken > DRAIN:
                return
    except (ClientDisconnect, RuntimeError):
        return
