"""Entries of the cache that are damaged are made anew."""

import shutil

import numpy as np
import pytest

from microexpr.core.cache_files import cached_folder, discard, read_sealed, write_sealed
from microexpr.core.errors import DataError
from microexpr.core.tensor_files import read_metadata, read_tensors, write_tensors


def flip(path, position=-20):
    """Change one byte of a file."""
    content = bytearray(path.read_bytes())
    content[position] ^= 0x40
    path.write_bytes(content)


def test_a_sealed_file_is_read_or_none(tmp_path):
    path = tmp_path / "a" / "record.json"
    assert read_sealed(path) is None
    write_sealed(path, b'{"a": 1}')
    assert read_sealed(path) == b'{"a": 1}'
    for damage in (lambda: flip(path, 2), lambda: flip(path), lambda: path.write_bytes(path.read_bytes()[:-9])):
        write_sealed(path, b'{"a": 1}')
        damage()
        assert read_sealed(path) is None


def fill(made):
    """A function that fills a folder of the cache, and counts in `made`."""

    def make(folder):
        made.append(folder)
        (folder / "images").mkdir()
        (folder / "images" / "1.png").write_bytes(b"image" * 9)
        (folder / "list.csv").write_text("a,b\n")

    return make


@pytest.mark.parametrize(
    "damage",
    [
        lambda folder: flip(folder / "images" / "1.png"),
        lambda folder: (folder / "list.csv").unlink(),
        lambda folder: (folder / "list.csv").write_text("a"),
        lambda folder: (folder / "more.csv").write_text("a"),
        lambda folder: (folder / ".checksums.json").unlink(),
        lambda folder: flip(folder / ".checksums.json"),
        shutil.rmtree,
    ],
)
def test_a_damaged_folder_is_made_anew(damage, tmp_path):
    made = []
    folder = cached_folder(tmp_path / "entry", fill(made))
    assert cached_folder(folder, fill(made)) == folder and len(made) == 1
    damage(folder)
    cached_folder(folder, fill(made))
    assert len(made) == 2 and (folder / "images" / "1.png").read_bytes() == b"image" * 9
    assert [path.name for path in tmp_path.iterdir()] == ["entry"]


def test_of_two_runs_that_fill_one_entry_the_later_takes_what_is_there(tmp_path):
    made, target = [], tmp_path / "entry"

    def slower(folder):
        fill(made)(folder)
        cached_folder(target, fill(made))  # another run begins and ends meanwhile

    assert cached_folder(target, slower) == target and len(made) == 2
    assert cached_folder(target, fill(made)) == target and len(made) == 2
    assert [path.name for path in tmp_path.iterdir()] == ["entry"]


def test_what_is_gone_is_discarded_without_an_error(tmp_path):
    discard(tmp_path / "nothing")
    assert not list(tmp_path.iterdir())


def test_tensors_with_a_changed_byte_are_refused(tmp_path):
    path = tmp_path / "w.safetensors"
    write_tensors(path, {"a": np.arange(30.0)}, {"note": "first"})
    arrays, metadata = read_tensors(path)
    assert arrays["a"].tolist() == list(range(30)) and metadata == {"note": "first"} == read_metadata(path)
    again = path.read_bytes()
    for position in (-20, path.read_bytes().index(b"first")):
        path.write_bytes(again)
        flip(path, position)
        with pytest.raises(DataError, match="is damaged"):
            read_tensors(path)
