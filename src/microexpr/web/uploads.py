"""Uploads: written to disk as they arrive, limited in size, checked by content, deleted when they break off."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from typing import IO

from fastapi import Request
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect
from starlette.responses import Response

from ..core.errors import MicroexprError, disk_message
from .media import HEADER_BYTES, video_suffix
from .security import error_response
from .settings import ServerOptions
from .store import RecordingInfo, RecordingStore

MIN_FREE_BYTES = 200 * 10**6
"""Bytes of the disk that an upload must leave free."""

MAX_DRAINED_BYTES = 64 * 10**6
"""Bytes of a refused upload that are read and dropped, so that the browser shows the error, not a broken connection."""

MAX_WAIT_SECONDS = 60.0
"""Seconds without a byte after which an upload is broken off."""

SUPPORTED = "MP4, MOV, AVI, MKV, WebM, MPEG, OGG, FLV or WMV"


class _UploadError(Exception):
    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


async def receive_upload(
    request: Request, name: str, store: RecordingStore, settings: ServerOptions
) -> RecordingInfo | Response:
    """Save an upload as a new recording, which then waits for its analysis.

    Args:
        request: its body is the video.
        name: file name that the user gave.
        store: gets the recording.
        settings: with the maximum size of an upload.

    Returns:
        The new recording, or the response that says why the upload was refused.
    """
    length = request.headers.get("content-length", "")
    size = int(length) if length.isdecimal() else 0
    if size > settings.max_upload_mb * 10**6:
        return error_response(413, _too_large(settings))
    if shutil.disk_usage(store.root).free < size + MIN_FREE_BYTES:
        return error_response(507, f"the disk has no room for {size / 1e6:.0f} MB more; delete a recording")
    try:
        info = await run_in_threadpool(store.create, name)
    except MicroexprError as error:
        return error_response(409, str(error))
    except OSError as error:
        return error_response(507, disk_message(error))
    try:
        return await _save(request, info, store, settings)
    except ClientDisconnect:
        await run_in_threadpool(store.remove, info.id)
        return error_response(400, "the upload broke off")
    except _UploadError as error:
        await run_in_threadpool(store.remove, info.id)
        await _drain(request)
        return error_response(error.status, str(error))
    except OSError as error:
        await run_in_threadpool(store.remove, info.id)
        return error_response(507, disk_message(error))
    except BaseException:  # the server stops: leave no unfinished recording
        store.remove(info.id)
        raise


async def _save(request: Request, info: RecordingInfo, store: RecordingStore, settings: ServerOptions) -> RecordingInfo:
    folder = store.folder(info.id)
    part = folder / "upload.part"
    with part.open("wb") as file:
        size, suffix = await _write(request, file, settings)
    video = part.rename(folder / f"video{suffix}")
    return await run_in_threadpool(store.update, info.id, file=video.name, size=size, state="waiting")


async def _write(request: Request, file: IO[bytes], settings: ServerOptions) -> tuple[int, str]:
    """Write the body to the file; return its size in bytes and the suffix that its content asks for."""
    size, header, suffix = 0, b"", ""
    async for chunk in _chunks(request):
        size += len(chunk)
        if size > settings.max_upload_mb * 10**6:
            raise _UploadError(413, _too_large(settings))
        if not suffix:
            header += chunk[: HEADER_BYTES - len(header)]
            if len(header) >= HEADER_BYTES:
                suffix = _checked_suffix(header)
        await run_in_threadpool(file.write, chunk)
    return size, suffix or _checked_suffix(header)


def _checked_suffix(header: bytes) -> str:
    if not header:
        raise _UploadError(415, "the file is empty")
    if not (suffix := video_suffix(header)):
        raise _UploadError(415, f"the content of this file is not a video; supported are {SUPPORTED}")
    return suffix


def _too_large(settings: ServerOptions) -> str:
    return f"the video is larger than {settings.max_upload_mb} MB; `microexpr serve --max-upload-mb N` allows more"


async def _chunks(request: Request) -> AsyncIterator[bytes]:
    """The parts of an upload as they arrive; one that hangs is an error."""
    stream = request.stream()
    while True:
        try:
            yield await asyncio.wait_for(anext(stream), MAX_WAIT_SECONDS)
        except StopAsyncIteration:
            return
        except TimeoutError:
            raise _UploadError(408, f"nothing of the upload arrived for {MAX_WAIT_SECONDS:g} seconds") from None


async def _drain(request: Request) -> None:
    drained = 0
    try:
        async for chunk in _chunks(request):
            drained += len(chunk)
            if drained > MAX_DRAINED_BYTES:
                return
    except (ClientDisconnect, RuntimeError, _UploadError):
        return
