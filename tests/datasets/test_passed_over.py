"""What a reader passes over is named by `check`; what a file manager adds changes nothing; a changed image does."""

import shutil

import numpy as np
import pytest

from microexpr.datasets import DATASETS, Dataset
from microexpr.imaging.images import write_image
from tests.cli.test_cli import call


@pytest.fixture(params=DATASETS.names())
def dataset(request, synthetic_datasets, tmp_path) -> Dataset:
    """A copy of the small synthetic release, which a test may change."""
    made = synthetic_datasets[request.param]
    return type(made)(shutil.copytree(made.root, tmp_path / request.param))


def notes(dataset: Dataset) -> list[str]:
    return [str(issue) for issue in dataset.check() if issue.note]


def test_every_reader_names_folders_and_files_that_it_passes_over(dataset):
    assert notes(dataset) == []
    issues = [issue for issue in dataset.check() if not issue.note]
    clip = dataset.clips()[0]
    write_image(dataset.root / "extra" / "deep" / "img1.png", np.zeros((8, 8), np.uint8))
    (dataset.root / "license.pdf").write_bytes(b"text")
    expected = {f"{dataset.name}: file = license.pdf: is passed over"}
    if clip.source.is_dir():
        (clip.source / "notes.txt").write_text("a coder's")
        name = (clip.source / "notes.txt").relative_to(dataset.root).as_posix()
        expected.add(f"{dataset.name}: file = {name}: is passed over")
    found = dataset.check()
    assert expected <= {str(issue) for issue in found}
    assert any(issue.value == "extra" for issue in found)
    assert [i for i in found if not i.note and i.value != "extra"] == issues  # a note is no fault


def test_what_a_file_manager_leaves_is_no_part_of_a_release(dataset):
    before, clip = dataset.fingerprint(), dataset.clips()[0]
    for folder in {dataset.root, clip.source if clip.source.is_dir() else clip.source.parent}:
        if folder.is_relative_to(dataset.root):
            for name in (".DS_Store", "Thumbs.db", "desktop.ini", "._img1.jpg"):
                (folder / name).write_bytes(bytes(6000))
    assert dataset.fingerprint() == before and notes(dataset) == []


def test_another_content_of_the_same_size_is_another_fingerprint(synthetic_datasets, tmp_path):
    for name in ("casme2", "megc2019", "folder"):
        made = synthetic_datasets[name]
        copy = type(made)(shutil.copytree(made.root, tmp_path / name))
        assert copy.fingerprint() == made.fingerprint()
        source = copy.clips()[0].source
        path = sorted(source.iterdir())[0] if source.is_dir() else source
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 1
        path.write_bytes(content)
        assert copy.fingerprint() != made.fingerprint()


def test_of_a_large_film_begin_middle_and_end_are_read(synthetic_datasets, tmp_path):
    from microexpr.datasets._fingerprint import WHOLE, source_digest

    film = tmp_path / "film.mp4"
    film.write_bytes(bytes(5 * WHOLE))
    digests = {source_digest(film)}
    for position in (10, 5 * WHOLE // 2, 5 * WHOLE - 10):
        content = bytearray(5 * WHOLE)
        content[position] = 1
        film.write_bytes(content)
        digests.add(source_digest(film))
    film.write_bytes(bytes(5 * WHOLE + 1))
    assert len(digests | {source_digest(film)}) == 5


def test_the_second_sheet_of_a_release_is_named_where_the_first_is_read(synthetic_datasets, tmp_path):
    made = synthetic_datasets["casme2"]
    root = shutil.copytree(made.root, tmp_path / "casme2")
    shutil.copy(root / "CASME2-coding-20140508.xlsx", root / "CASME2-coding-20190701.xlsx")
    shutil.copytree(root / "Cropped", root / "CASME2_RAW_selected")
    files = sum(path.is_file() for path in (root / "Cropped").rglob("*"))
    assert notes(type(made)(root)) == [
        f"casme2: folder = CASME2_RAW_selected: is passed over ({files} files)",
        "casme2: file = CASME2-coding-20190701.xlsx: is passed over",
    ]


def test_many_files_are_named_by_their_first_and_their_number(synthetic_datasets, tmp_path):
    made = synthetic_datasets["megc2019"]
    root = shutil.copytree(made.root, tmp_path / "megc2019")
    folder = root / "STSNet_whole_norm_u_v_os"
    for n in range(10):
        write_image(folder / f"zz_{n} .png", np.zeros((28, 28, 3), np.uint8))
    [note] = notes(type(made)(root))
    assert note.startswith("megc2019: file = STSNet_whole_norm_u_v_os/zz_0 .png, ")
    assert note.endswith("/zz_7 .png and 2 more: are passed over")


def test_the_command_names_them_and_finds_no_fault(synthetic_datasets, tmp_path, capsys):
    root = shutil.copytree(synthetic_datasets["folder"].root, tmp_path / "own")
    (root / "SYNTHETIC.json").unlink()
    (root / "plan.docx").write_bytes(b"text")
    code, out, _ = call(capsys, "check", "folder", "--root", f"folder={root}")
    assert code == 0 and "file = plan.docx: is passed over" in out
