"""Files and folders are whole or not there."""

import os

import pytest

from microexpr.core.files import is_empty, open_atomically, write_atomically, write_folder_atomically


def test_a_file_is_replaced_as_a_whole(tmp_path):
    path = tmp_path / "new" / "file.txt"
    write_atomically(path, b"first")
    with pytest.raises(ZeroDivisionError), open_atomically(path) as file:
        file.write(b"half of the sec")
        raise ZeroDivisionError
    assert path.read_bytes() == b"first" and list(path.parent.iterdir()) == [path]


def test_a_folder_is_renamed_when_it_is_complete(tmp_path):
    target = tmp_path / "copy"
    target.mkdir()
    with write_folder_atomically(target) as folder:
        (folder / "a.txt").write_text("a")
        assert not any(target.iterdir())
    assert (target / "a.txt").read_text() == "a" and list(tmp_path.iterdir()) == [target]


def test_an_error_leaves_no_folder(tmp_path):
    with pytest.raises(ZeroDivisionError), write_folder_atomically(tmp_path / "copy") as folder:
        (folder / "a.txt").write_text("a")
        raise ZeroDivisionError
    assert is_empty(tmp_path)


def test_the_first_of_two_writers_of_a_cache_wins(tmp_path):
    target = tmp_path / "entry"
    with write_folder_atomically(target, shared=True) as slower:
        (slower / "by").write_text("slower")
        target.mkdir()
        (target / "by").write_text("faster")
    assert (target / "by").read_text() == "faster" and list(tmp_path.iterdir()) == [target]


def test_a_folder_that_holds_something_is_not_replaced(tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "a.txt").write_text("a")
    with pytest.raises(OSError, match="not empty"), write_folder_atomically(tmp_path / "mine"):
        pass
    assert (tmp_path / "mine" / "a.txt").read_text() == "a"


def test_leftovers_of_killed_processes_are_removed(tmp_path):
    dead, own, alive = (tmp_path / f"entry.{pid}.tmp" for pid in (999999999, os.getpid(), os.getppid()))
    for leftover in (dead, own, alive):
        leftover.mkdir()
    with write_folder_atomically(tmp_path / "entry"):
        pass
    assert sorted(path.name for path in tmp_path.iterdir()) == ["entry", alive.name]
