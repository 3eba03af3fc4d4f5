"""A full disk, damaged files and hanging uploads: a line, no lost judgment, and the server goes on."""

import asyncio
import errno

import pytest

from microexpr.web import uploads
from microexpr.web.jobs import JobQueue
from tests.web import serve_stub
from tests.web.test_serve import Page


@pytest.fixture(scope="module")
def film(tmp_path_factory) -> bytes:
    return serve_stub.film(tmp_path_factory.mktemp("film") / "v.mp4").read_bytes()


def full(*arguments, **named):
    raise OSError(errno.ENOSPC, "No space left on device", "/disk/file")


def test_a_full_disk_during_an_upload_is_told_and_leaves_no_files(tmp_path, film, monkeypatch):
    page = Page(tmp_path)
    with page.client:
        with monkeypatch.context() as patch:
            patch.setattr("microexpr.web.store.write_atomically", full)
            answer = page.client.post("/api/recordings", params={"name": "b"}, content=film)
        assert answer.status_code == 507 and "the disk is full; make room" in answer.json()["error"]
        with monkeypatch.context() as patch:
            patch.setattr(uploads, "_write", full)
            assert page.client.post("/api/recordings", params={"name": "b"}, content=film).status_code == 507
        assert page.upload(film)["state"] == "done"


def test_a_worker_survives_a_full_disk(tmp_path, film, monkeypatch):
    page, real = Page(tmp_path), JobQueue._run
    monkeypatch.setattr(JobQueue, "_run", full)
    with page.client:
        lost = page.upload(film)
        assert lost["state"] == "failed" and "the disk is full" in lost["error"]
        monkeypatch.setattr(JobQueue, "_run", real)
        assert page.upload(film)["state"] == "done"


def test_a_judgment_on_a_full_disk_is_refused_and_the_others_stay(tmp_path, film, monkeypatch):
    page = Page(tmp_path)
    with page.client:
        events = f"/api/recordings/{page.upload(film)['id']}/events"
        assert page.client.patch(f"{events}/1", json={"coder": "a", "verdict": "confirm"}).status_code == 200
        with monkeypatch.context() as patch:
            patch.setattr("microexpr.web.store.write_atomically", full)
            answer = page.client.patch(f"{events}/2", json={"coder": "a", "verdict": "reject"})
        assert answer.status_code == 507 and "the disk is full" in answer.json()["error"]
        after = page.client.patch(f"{events}/2", json={"coder": "a", "verdict": "reject"}).json()
        assert [event["status"] for event in after["events"]] == ["confirmed", "rejected"]


@pytest.mark.parametrize(
    ("file", "part"),
    [
        ("times.npy", "times"),
        ("timestamps.npy", "frames/3.jpg"),
        ("analysis.json", ""),
        ("annotations.json", ""),
        ("video.mp4", "video"),
        ("video.mp4", "frames/3.jpg"),
    ],
)
@pytest.mark.parametrize("damage", [lambda path: path.write_bytes(b"{"), lambda path: path.unlink(missing_ok=True)])
def test_damaged_files_are_a_line_and_no_crash(tmp_path, film, file, part, damage):
    page = Page(tmp_path)
    with page.client:
        id = page.upload(film)["id"]
        damage(next(path.parent for path in tmp_path.rglob("analysis.json")) / file)
        answer = page.client.get(f"/api/recordings/{id}/{part}".rstrip("/"))
        assert answer.status_code < 500
        assert answer.status_code == 200 or "\n" not in answer.json()["error"]


def test_an_upload_that_hangs_is_broken_off(monkeypatch):
    class Hanging:
        async def stream(self):
            yield b"first"
            await asyncio.sleep(60)

    async def read():
        return [chunk async for chunk in uploads._chunks(Hanging())]

    monkeypatch.setattr(uploads, "MAX_WAIT_SECONDS", 0.01)
    with pytest.raises(uploads._UploadError, match="nothing of the upload arrived"):
        asyncio.run(read())
