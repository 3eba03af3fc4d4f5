"""Files and folders are whole or not there."""

import errno
import os
import re
import subprocess
import sys

import pytest

from microexpr.core.files import (
    RESERVED_NAMES,
    is_empty,
    locked,
    open_atomically,
    unique_file_name,
    write_atomically,
    write_folder_atomically,
)


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


def leftover(folder, process):
    """What a writer of `folder / "entry"` in a process leaves behind."""
    with write_folder_atomically(folder / "entry") as unfinished:
        name = unfinished.name.replace(f".{os.getpid()}-", f".{process}-").replace("entry", f"entry{process}")
    return folder / name


def test_leftovers_of_killed_writers_are_removed(tmp_path):
    dead, own, alive = (leftover(tmp_path / "x", pid) for pid in (999999999, os.getpid(), os.getppid()))
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / dead.name).mkdir()
    for path in (own, alive):
        (tmp_path / "cache" / path.name).write_text("half")
    (tmp_path / "cache" / "mine.123.tmp").write_text("another program's")
    write_atomically(tmp_path / "cache" / "entry.txt", b"whole")
    assert {path.name for path in (tmp_path / "cache").iterdir()} == {"entry.txt", alive.name, "mine.123.tmp"}


def test_two_writers_in_one_process_do_not_disturb_each_other(tmp_path):
    target = tmp_path / "entry"
    with write_folder_atomically(target, shared=True) as first, write_folder_atomically(target, shared=True) as second:
        assert first != second
        (first / "a").write_text("a")
        (second / "a").write_text("a")
    assert (target / "a").read_text() == "a" and list(tmp_path.iterdir()) == [target]


def test_an_error_while_writing_names_the_file(tmp_path):
    with pytest.raises(OSError, match="No space left") as caught, open_atomically(tmp_path / "file.csv"):
        raise OSError(errno.ENOSPC, "No space left on device")
    assert caught.value.filename == str(tmp_path / "file.csv")


PLAIN = {"casme2/sub01": "casme2.sub01", "casme2/01_2": "casme2.01_2", "a-b": "a-b"}
HARD = [
    *("casme2/张三", "casme2/李四", "casme2/王五", "folder/Jörg", "folder/Jürg", "folder/Jo\u0308rg", "folder/Иван"),
    *("a b", "a/b", "a--b", "a.b", "A-b", "a-B", "a-b ", "a", "A", "", " ", "-", "/", "..", ".", "a/", "/a", "a//b"),
    *("con", "CON", "nul", "aux", "com1", "lpt9/x", "con.txt", "a:b", "a*b", 'a"b', "a\\b", "a|b", "a\nb", "a\0b"),
    *("x" * 300, "x" * 299 + "y", "张" * 300, "x" * 79, "x" * 81, "x.tmp", "~", "a~b", "\udce9", "😀", "عمر", "סבא"),
]


def test_file_names_are_made_one_to_one_from_names():
    names = [*PLAIN, *HARD]
    files = [unique_file_name(name) for name in names]
    assert len({file.lower() for file in files}) == len(names)
    assert {name: unique_file_name(name) for name in PLAIN} == PLAIN
    for file in files:
        assert re.fullmatch(r"[A-Za-z0-9_.~-]{1,100}", file) and file.isascii()
        assert not file.startswith((".", "-")) and not file.endswith((".", " ", ".tmp"))
        assert file.partition(".")[0].lower() not in RESERVED_NAMES


def test_a_locked_folder_cannot_be_locked_again(tmp_path):
    with locked(tmp_path / "a"):
        with pytest.raises(BlockingIOError) as caught, locked(tmp_path / "a"):
            pass
        assert f"process {os.getpid()} on " in caught.value.strerror and is_empty(tmp_path / "a")
    with locked(tmp_path / "a"):
        (tmp_path / "a" / "file").touch()
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["file"]


def test_a_folder_that_stays_empty_is_removed_with_its_lock(tmp_path):
    with pytest.raises(ZeroDivisionError), locked(tmp_path / "a"):
        raise ZeroDivisionError
    assert not list(tmp_path.iterdir())


def test_a_killed_process_holds_no_folder(tmp_path):
    text = "import os; from microexpr.core.files import Path, locked\nwith locked(Path('a')): os.kill(os.getpid(), 9)"
    subprocess.run([sys.executable, "-c", text], cwd=tmp_path)
    assert (tmp_path / "a" / "lock.tmp").is_file()
    with locked(tmp_path / "a"):
        assert (tmp_path / "a" / "lock.tmp").read_text().startswith(f"process {os.getpid()} ")


@pytest.mark.parametrize(("call", "number"), [("fcntl.flock", errno.ENOLCK), ("os.open", errno.EROFS)])
def test_where_nothing_can_be_locked_or_written_nothing_is_held(call, number, tmp_path, monkeypatch):
    def fail(*_):
        raise OSError(number, os.strerror(number))

    (tmp_path / "a").mkdir()
    with monkeypatch.context() as patched:
        patched.setattr(call, fail)
        with locked(tmp_path / "a"), locked(tmp_path / "a"):
            inside = sorted(path.name for path in (tmp_path / "a").iterdir())
    assert inside in ([], ["lock.tmp"])  # two at once came in: neither waits for a lock that no system gives
