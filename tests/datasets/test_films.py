"""Films and tables are found wherever they lie, and the images beside them are not looked at one by one."""

import os
from collections import Counter
from pathlib import Path

import pytest

from microexpr.datasets._films import DEPTH, find_below, find_films


@pytest.fixture
def root(tmp_path) -> Path:
    """Two films and a table among 3 folders of 50 images each, and what is not to be found."""
    for folder in ("a/frames/one", "a/frames/two", "b"):
        (tmp_path / folder).mkdir(parents=True)
        for number in range(50):
            (tmp_path / folder / f"{number}.jpg").touch()
    deep = tmp_path.joinpath(*"cdefgh"[:DEPTH])
    for path in ("a/one.mp4", "a/frames/two/two.AVI", "a/frames/one.mp4", "b/one_label.csv", ".hidden/three.mp4"):
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).touch()
    (tmp_path / "b" / "folder.mp4").mkdir()
    deep.mkdir(parents=True)
    (deep / "four.mp4").touch()
    return tmp_path


def test_of_two_films_of_one_name_the_first_by_its_path_is_found(root):
    assert find_films(root) == {"one": root / "a/frames/one.mp4", "two": root / "a/frames/two/two.AVI"}
    assert find_below(root, "*_label.csv") == [root / "b/one_label.csv"]
    assert find_below(root, "7.*") == [root / "a/frames/one/7.jpg", root / "a/frames/two/7.jpg", root / "b/7.jpg"]


def test_each_folder_is_listed_once_and_no_image_is_looked_at(root, monkeypatch):
    listed, looked_at = Counter[str](), Counter[str]()
    scandir, is_file = os.scandir, Path.is_file

    def scan(folder):
        listed[str(folder)] += 1
        return scandir(folder)

    def look(path, **options):
        looked_at[path.name] += 1
        return is_file(path, **options)

    monkeypatch.setattr(os, "scandir", scan)
    monkeypatch.setattr(Path, "is_file", look)
    find_films(root)
    assert set(listed.values()) == {1} and str(root / "a/frames/one") in listed and len(listed) == 7 + DEPTH - 1
    assert looked_at == {"one.mp4": 2, "two.AVI": 1, "folder.mp4": 1}
