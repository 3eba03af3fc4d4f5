"""Where the files of the face mesh come from; pip is a stand-in, no network is used."""

import hashlib
import subprocess
import zipfile
from pathlib import Path

import pytest

from microexpr.core.errors import MissingDataError
from microexpr.faces import mesh_files
from microexpr.faces.mesh_files import DETECTOR, IRIS, MESH, find_mesh_file, mesh_file

CONTENTS = {DETECTOR: b"a detector", MESH: b"a mesh", IRIS: b"an iris"}


@pytest.fixture
def downloads(monkeypatch, tmp_path):
    """A machine without the files, whose pip writes a wheel that has them; the list of pip's command lines."""
    checksums = {name: hashlib.sha256(content).hexdigest() for name, content in CONTENTS.items()}
    monkeypatch.setattr(mesh_files, "CHECKSUMS", checksums)
    monkeypatch.setattr(mesh_files.importlib.util, "find_spec", lambda name: None)  # type: ignore[attr-defined]
    monkeypatch.delenv("MICROEXPR_FACE_MESH")
    monkeypatch.setenv("MICROEXPR_CACHE", str(tmp_path / "cache"))
    commands: list[list[str]] = []

    def pip(command, **options):
        commands.append(command)
        with zipfile.ZipFile(Path(command[command.index("--dest") + 1], "mediapipe.whl"), "w") as wheel:
            for name, content in CONTENTS.items():
                wheel.writestr(f"mediapipe/modules/{name}", content)
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(mesh_files.subprocess, "run", pip)  # type: ignore[attr-defined]
    return commands


def test_all_files_are_fetched_once(downloads, tmp_path, capsys):
    path = mesh_file(MESH)
    assert path == tmp_path / "cache" / "face-mesh" / MESH and path.read_bytes() == b"a mesh"
    assert mesh_file(DETECTOR).read_bytes() == b"a detector" and mesh_file(MESH) == path
    assert len(downloads) == 1 and "--no-deps" in downloads[0] and downloads[0][-1] == "mediapipe==0.10.21"
    assert capsys.readouterr().err.splitlines() == [
        "fetching the face mesh (three files of the wheel mediapipe==0.10.21, 36 MB, once) ..."
    ]


def test_a_file_that_an_older_cache_lacks_is_fetched_when_it_is_needed(downloads):
    mesh_file(MESH).parents[1].joinpath(IRIS).unlink()
    assert mesh_file(MESH).read_bytes() == b"a mesh" and len(downloads) == 1
    assert mesh_file(IRIS).read_bytes() == b"an iris" and len(downloads) == 2


def test_a_damaged_file_is_fetched_again(downloads):
    path = mesh_file(MESH)
    path.write_bytes(b"a mes")
    assert find_mesh_file(MESH) is None
    assert mesh_file(MESH).read_bytes() == b"a mesh" and len(downloads) == 2


def test_files_with_another_checksum_are_refused(downloads, monkeypatch, tmp_path):
    monkeypatch.setitem(CONTENTS, MESH, b"another mesh")
    with pytest.raises(MissingDataError, match=r"face_landmark\.tflite in the wheel has the checksum"):
        mesh_file(MESH)
    assert find_mesh_file(MESH) is None


def test_an_installed_wheel_comes_first(downloads, monkeypatch, tmp_path):
    class Installed:
        submodule_search_locations = (str(tmp_path),)

    (tmp_path / "modules" / MESH).parent.mkdir(parents=True)
    (tmp_path / "modules" / MESH).write_bytes(CONTENTS[MESH])
    monkeypatch.setattr(mesh_files.importlib.util, "find_spec", lambda name: Installed)  # type: ignore[attr-defined]
    assert mesh_file(MESH) == tmp_path / "modules" / MESH and not downloads


def test_without_a_network_the_error_names_the_reason_and_what_to_do(downloads, monkeypatch):
    reason = "WARNING: Retrying\nERROR: Could not find a version\nERROR: No matching distribution\n"
    monkeypatch.setattr(
        mesh_files.subprocess,  # type: ignore[attr-defined]
        "run",
        lambda command, **options: subprocess.CompletedProcess(command, 1, "", reason),
    )
    with pytest.raises(MissingDataError, match=r"pip: Could not find a version\); with a network, run") as caught:
        mesh_file(MESH)
    assert "\n" not in str(caught.value) and "without them, step 'crop-face' cuts faces by" in str(caught.value)


def test_nothing_is_fetched_into_a_folder_of_the_user(downloads, monkeypatch, tmp_path):
    monkeypatch.setenv("MICROEXPR_FACE_MESH", str(tmp_path / "mine"))
    with pytest.raises(MissingDataError, match="MICROEXPR_FACE_MESH names that folder"):
        mesh_file(MESH)
    assert not downloads
