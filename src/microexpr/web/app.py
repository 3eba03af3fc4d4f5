"""The web application: one route per request of the page. Answers are JSON, except images, videos and files."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import partial
from importlib import resources
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, JSONResponse, Response
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

from .. import __version__
from ..core.errors import MediaError, MicroexprError, MissingDataError, RunError, disk_message, is_disk_full, one_line
from ..core.files import slug
from ..core.registry import validate_settings
from . import views
from .annotations import AnnotationEdit, Annotations, add_event, edit_event
from .jobs import JobQueue
from .security import SecurityMiddleware, error_response
from .settings import ServerOptions
from .store import FRAMES_FILE, PREVIEW_FILE, REPORT_FILE, RecordingInfo, RecordingStore
from .uploads import receive_upload

PAGE_TYPES = {".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}
VIDEO_TYPES = {".mp4": "video/mp4", ".webm": "video/webm"}
DOWNLOAD = "application/octet-stream"
STATUS_CODES: Mapping[type[MicroexprError], int] = {MissingDataError: 404, MediaError: 422, RunError: 409}
"""HTTP status by class of error; 400 for all others."""

SHARED_FILES = ("theme.css", "timeline.css", "timeline.js")
"""Files of `analysis/static` that this page uses too."""


def create_app(settings: ServerOptions, store: RecordingStore | None = None) -> FastAPI:
    """Create the web application.

    Args:
        settings: of the server.
        store: the recordings; by default a new store in `settings.storage`, or in `recordings/` without one.
    """
    if store is None:
        store = RecordingStore(settings.storage or Path("recordings"), settings.max_recordings)
    jobs = JobQueue(store, settings)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        jobs.start()
        yield
        jobs.stop()

    # No documentation pages: FastAPI's own load their script from another machine.
    app = FastAPI(lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url=None, redirect_slashes=False)
    app.add_middleware(SecurityMiddleware, settings=settings)
    app.state.jobs = jobs
    _add_error_handlers(app)
    _add_page(app)
    _add_recordings(app, settings, store, jobs)
    _add_media(app, store)
    _add_downloads(app, store)
    _add_annotations(app, store)
    return app


def _add_error_handlers(app: FastAPI) -> None:
    @app.exception_handler(MicroexprError)
    async def own_error(request: Request, error: MicroexprError) -> JSONResponse:
        status = next((code for kind, code in STATUS_CODES.items() if isinstance(error, kind)), 400)
        return error_response(status, one_line(str(error))[:500])

    @app.exception_handler(OSError)
    async def disk_error(request: Request, error: OSError) -> JSONResponse:
        status = 507 if is_disk_full(error) else 404 if isinstance(error, FileNotFoundError) else 409
        return error_response(status, one_line(disk_message(error))[:500])

    @app.exception_handler(RequestValidationError)
    async def invalid_request(request: Request, error: RequestValidationError) -> JSONResponse:
        first = error.errors()[0]
        return error_response(400, f"{'.'.join(str(part) for part in first['loc'])}: {first['msg']}"[:500])

    @app.exception_handler(HTTPException)
    async def http_error(request: Request, error: HTTPException) -> JSONResponse:
        return error_response(error.status_code, one_line(str(error.detail))[:500])


def _page_files() -> dict[str, bytes]:
    """Name -> content of every file of the page."""
    package = resources.files("microexpr")
    own = [file for file in (package / "web/static").iterdir() if Path(file.name).suffix in PAGE_TYPES]
    shared = [package / "analysis/static" / name for name in SHARED_FILES]
    return {file.name: file.read_bytes() for file in (*own, *shared)}


def _add_page(app: FastAPI) -> None:
    files = _page_files()  # read once, so that no request can name another file

    @app.get("/")
    def index() -> Response:
        return Response(files["index.html"], media_type="text/html")

    @app.get("/static/{name}")
    def static(name: str) -> Response:
        if name not in files:
            raise MissingDataError("there is no such page")
        return Response(files[name], media_type=PAGE_TYPES[Path(name).suffix])


def _add_recordings(app: FastAPI, settings: ServerOptions, store: RecordingStore, jobs: JobQueue) -> None:
    @app.get("/api/state")
    def state() -> dict[str, Any]:
        return {
            "version": __version__,
            "max_upload_mb": settings.max_upload_mb,
            "max_recordings": settings.max_recordings,
            "persistent": settings.storage is not None,
            "folder": str(settings.storage.absolute()) if settings.storage and settings.local else "",
            "recordings": [_summary(info, jobs) for info in store.all()],
        }

    @app.post("/api/recordings", status_code=201)
    async def upload(request: Request, name: str = "") -> Response:
        received = await receive_upload(request, name, store, settings)
        if isinstance(received, Response):
            return received
        jobs.add(received.id)
        return JSONResponse(_summary(received, jobs), 201)

    @app.get("/api/recordings/{id}")
    def recording(id: str) -> dict[str, Any]:
        return views.recording_view(store, id)

    @app.delete("/api/recordings/{id}")
    def remove(id: str) -> dict[str, bool]:
        jobs.remove(id)
        return {"deleted": True}


def _summary(info: RecordingInfo, jobs: JobQueue) -> dict[str, Any]:
    """A recording as the list of recordings shows it."""
    stage, done, total = jobs.progress.get(info.id, ("", 0, 0))
    fields = {key: value for key, value in dataclasses.asdict(info).items() if key != "file"}
    return {**fields, "stage": stage, "done": done, "total": total}


def _add_media(app: FastAPI, store: RecordingStore) -> None:
    @app.get("/api/recordings/{id}/video")
    def video(id: str) -> Response:
        info = store.info(id)
        path = store.folder(id) / info.file
        if (preview := path.with_name(PREVIEW_FILE)).is_file():
            path = preview
        if info.state != "done" or path.suffix not in VIDEO_TYPES:
            raise RunError("there is no video that a browser can play; ask for single frames")
        if not path.is_file():
            raise MissingDataError(f"'{path.name}' of this recording is not there any more")
        return FileResponse(path, media_type=VIDEO_TYPES[path.suffix])

    @app.get("/api/recordings/{id}/times")
    def times(id: str) -> Response:
        return Response(store.times(id).astype("<f8").tobytes(), media_type=DOWNLOAD)

    @app.get("/api/recordings/{id}/frames/{number}.jpg")
    def frame(id: str, number: int) -> Response:
        return Response(store.frame(id, number), media_type="image/jpeg")


def _download(store: RecordingStore, id: str, file: str, what: str) -> Response:
    """A file of a recording, under a name that begins with the recording's."""
    path = store.folder(id) / file
    if not path.is_file():
        raise MissingDataError(f"there is no {what} of this recording")
    name = f"{slug(Path(store.info(id).name).stem)}-{file}"
    return FileResponse(path, media_type=DOWNLOAD, filename=name)


def _add_downloads(app: FastAPI, store: RecordingStore) -> None:
    @app.get("/api/recordings/{id}/report")
    def report(id: str) -> Response:
        return _download(store, id, REPORT_FILE, "report")

    @app.get("/api/recordings/{id}/frames.csv")
    def frames(id: str) -> Response:
        return _download(store, id, FRAMES_FILE, "table of frames")

    @app.get("/api/recordings/{id}/export/{format}")
    def export(id: str, format: str, coder: str = "") -> Response:
        name, content = views.export_events(store.annotated_analysis(id), format, coder)
        headers = {"Content-Disposition": f'attachment; filename="{name}"'}
        return Response(content, media_type=DOWNLOAD, headers=headers)


def _add_annotations(app: FastAPI, store: RecordingStore) -> None:
    @app.post("/api/recordings/{id}/events")
    def create_event(id: str, body: dict[str, Any]) -> dict[str, Any]:
        edit = validate_settings(AnnotationEdit, body, "annotation")
        change = partial(add_event, edit=edit, video=store.info(id).name, times=store.times(id))
        store.annotate(id, change)
        return views.events_view(store, id)

    @app.patch("/api/recordings/{id}/events/{number}")
    def update_event(id: str, number: int, body: dict[str, Any]) -> dict[str, Any]:
        edit = validate_settings(AnnotationEdit, body, "annotation")
        change = partial(edit_event, number=number, edit=edit, times=store.times(id))
        store.annotate(id, change)
        return views.events_view(store, id)

    @app.get("/api/recordings/{id}/events/{number}/map")
    def event_map(id: str, number: int) -> Response:
        return Response(views.event_map(store, id, number), media_type="image/svg+xml")

    @app.post("/api/recordings/{id}/undo")
    def undo(id: str) -> dict[str, Any]:
        store.annotate(id, Annotations.undo)
        return views.events_view(store, id)

    @app.put("/api/recordings/{id}/excluded")
    def exclude(id: str, ranges: list[tuple[float, float]]) -> dict[str, Any]:
        store.annotate(id, lambda annotations: annotations.with_excluded(ranges))
        return views.events_view(store, id)

    @app.post("/api/recordings/{id}/second-round")
    async def begin_second_round(request: Request, id: str, name: str = "") -> dict[str, Any]:
        content = await request.body()
        await run_in_threadpool(views.begin_second_round, store, id, content, one_line(name)[-120:])
        return await run_in_threadpool(views.events_view, store, id)

    @app.delete("/api/recordings/{id}/second-round")
    def end_second_round(id: str) -> dict[str, Any]:
        store.annotate(id, Annotations.end_second_round)
        return views.events_view(store, id)

    @app.post("/api/recordings/{id}/agreement")
    async def agreement(request: Request, id: str, name: str = "") -> dict[str, Any]:
        content = await request.body()
        return await run_in_threadpool(views.agreement_view, store, id, content, one_line(name)[-120:])
