"""What the page asks, and what it is told. A route is a call; all is JSON but pictures, videos, files."""

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
from ..core.errors import MediaError, MicroexprError, MissingDataError, RunError, one_line
from ..core.files import slug
from ..core.registry import validate_settings
from . import views as told
from .annotations import AnnotationEdit, Annotations, add, judge
from .jobs import VIEW, Jobs
from .security import SecurityMiddleware, refused
from .settings import ServerOptions
from .store import Library, RecordingInfo
from .uploads import receive

KINDS = {".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}
VIDEO = {".mp4": "video/mp4", ".webm": "video/webm"}
STATUS: Mapping[type[MicroexprError], int] = {MissingDataError: 404, MediaError: 422, RunError: 409}


def create_app(settings: ServerOptions, library: Library | None = None) -> FastAPI:
    """The web application.

    Args:
        settings: how to serve.
        library: where recordings lie; a new one in `settings.keep` when None.
    """
    if library is None:
        library = Library(settings.storage or Path("recordings"), settings.max_recordings)
    jobs = Jobs(library, settings)

    @asynccontextmanager
    async def life(app: FastAPI) -> AsyncIterator[None]:
        jobs.start()
        yield
        jobs.stop()

    # No pages about the interface: FastAPI's own ask another machine for their script.
    app = FastAPI(lifespan=life, docs_url=None, redoc_url=None, openapi_url=None, redirect_slashes=False)
    app.add_middleware(SecurityMiddleware, settings=settings)
    app.state.jobs = jobs
    _faults(app)
    _page(app)
    _recordings(app, settings, library, jobs)
    _pictures(app, library)
    _judgments(app, library)
    return app


def _faults(app: FastAPI) -> None:
    @app.exception_handler(MicroexprError)
    async def ours(request: Request, fault: MicroexprError) -> JSONResponse:
        status = next((code for kind, code in STATUS.items() if isinstance(fault, kind)), 400)
        return refused(status, one_line(str(fault))[:500])

    @app.exception_handler(RequestValidationError)
    async def values(request: Request, fault: RequestValidationError) -> JSONResponse:
        first = fault.errors()[0]
        return refused(400, f"{'.'.join(str(part) for part in first['loc'])}: {first['msg']}"[:500])

    @app.exception_handler(HTTPException)
    async def nothing(request: Request, fault: HTTPException) -> JSONResponse:
        return refused(fault.status_code, one_line(str(fault.detail))[:500])


def _page(app: FastAPI) -> None:
    """The files of the page, from a list made now: no request can name another one."""
    files = {
        one.name: one.read_bytes()
        for place in ("web/static", "analysis/static")
        for one in (resources.files("microexpr") / place).iterdir()
        if Path(one.name).suffix in KINDS and (place != "analysis/static" or one.name.startswith("timeline."))
    }

    @app.get("/")
    def index() -> Response:
        return Response(files["index.html"], media_type="text/html")

    @app.get("/static/{name}")
    def static(name: str) -> Response:
        if name not in files:
            raise MissingDataError("there is no such page")
        return Response(files[name], media_type=KINDS[Path(name).suffix])


def _recordings(app: FastAPI, settings: ServerOptions, library: Library, jobs: Jobs) -> None:
    @app.get("/api/state")
    def state() -> dict[str, Any]:
        return {
            "version": __version__,
            "most_mb": settings.max_upload_mb,
            "most": settings.max_recordings,
            "kept": settings.storage is not None,
            "recordings": [_listed(one, jobs) for one in library.all()],
        }

    @app.post("/api/recordings", status_code=201)
    async def upload(request: Request, name: str = "") -> Response:
        answer = await receive(request, name, library, settings)
        if isinstance(answer, Response):
            return answer
        jobs.add(answer.id)
        return JSONResponse(_listed(answer, jobs), 201)

    @app.get("/api/recordings/{id}")
    def recording(id: str) -> dict[str, Any]:
        return told.recording(library, id, (library.folder(id) / VIEW).is_file())

    @app.delete("/api/recordings/{id}")
    def remove(id: str) -> dict[str, bool]:
        jobs.remove(id)
        return {"deleted": True}


def _listed(about: RecordingInfo, jobs: Jobs) -> dict[str, Any]:
    what, done, total = jobs.progress.get(about.id, ("", 0, 0))
    shown = {key: value for key, value in dataclasses.asdict(about).items() if key != "file"}
    return {**shown, "what": what, "progress": done, "total": total}


def _pictures(app: FastAPI, library: Library) -> None:
    @app.get("/api/recordings/{id}/video")
    def video(id: str) -> Response:
        path = library.folder(id) / library.about(id).file
        if (copy := path.with_name(VIEW)).is_file():
            path = copy
        if library.about(id).state != "done" or path.suffix not in VIDEO:
            raise RunError("there is no video that a browser plays; its frames are shown one by one")
        return FileResponse(path, media_type=VIDEO[path.suffix])

    @app.get("/api/recordings/{id}/times")
    def times(id: str) -> Response:
        return Response(library.times(id).astype("<f8").tobytes(), media_type="application/octet-stream")

    @app.get("/api/recordings/{id}/frames/{number}.jpg")
    def frame(id: str, number: int) -> Response:
        return Response(library.frame(id, number), media_type="image/jpeg")

    @app.get("/api/recordings/{id}/report")
    def report(id: str) -> Response:
        path = library.folder(id) / "report.html"
        if not path.is_file():
            raise MissingDataError("there is no report of this recording")
        name = f"{slug(Path(library.about(id).name).stem)}-report.html"
        return FileResponse(path, media_type="application/octet-stream", filename=name)

    @app.get("/api/recordings/{id}/export/{kind}")
    def export(id: str, kind: str, coder: str = "") -> Response:
        name, content = told.exported(library.judged(id), kind, coder)
        head = {"Content-Disposition": f'attachment; filename="{name}"'}
        return Response(content, media_type="application/octet-stream", headers=head)


def _judgments(app: FastAPI, library: Library) -> None:
    def judged(id: str, new: Annotations) -> dict[str, Any]:
        return told.events(new)

    @app.post("/api/recordings/{id}/events")
    def added(id: str, body: dict[str, Any]) -> dict[str, Any]:
        said = validate_settings(AnnotationEdit, body, "judgment")
        change = partial(add, said=said, video=library.about(id).name, times=library.times(id))
        return judged(id, library.judge(id, change))

    @app.patch("/api/recordings/{id}/events/{number}")
    def changed(id: str, number: int, body: dict[str, Any]) -> dict[str, Any]:
        said = validate_settings(AnnotationEdit, body, "judgment")
        change = partial(judge, number=number, said=said, times=library.times(id))
        return judged(id, library.judge(id, change))

    @app.post("/api/recordings/{id}/undo")
    def undone(id: str) -> dict[str, Any]:
        return judged(id, library.judge(id, Annotations.undone))

    @app.post("/api/recordings/{id}/second")
    async def second(request: Request, id: str, name: str = "") -> dict[str, Any]:
        text = (await request.body()).decode("utf-8", "replace")
        where = one_line(name)[:120] or "the second coder's file"
        return await run_in_threadpool(told.compared, library, id, text, where)
