"""The command line as a user meets it: what works, and one helpful line for what does not."""

import json
import re
import shutil
import signal

import numpy as np
import pytest

from microexpr.cli.main import main
from microexpr.datasets import DATASETS
from microexpr.imaging.images import write_image
from microexpr.recipes import shipped_recipes
from tests.conftest import RECIPE


def call(capsys, *arguments: str) -> tuple[int, str, str]:
    try:
        main(arguments)
        code = 0
    except SystemExit as end:
        code = int(end.code or 0)
    out = capsys.readouterr()
    return code, out.out, out.err


@pytest.fixture
def workspace(synthetic_datasets, tmp_path, monkeypatch):
    """A folder to work in, with the synthetic releases where the user keeps data."""
    monkeypatch.chdir(tmp_path)
    used = ("megc2019", "casme2", "ckplus")
    (root,) = {synthetic_datasets[name].root.parent for name in used}  # made where they are missing
    monkeypatch.setenv("MICROEXPR_DATA", str(root))
    monkeypatch.setenv("COLUMNS", "200")
    (tmp_path / "mine.toml").write_text(RECIPE)
    (tmp_path / "bytes.toml").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "bad.py").write_text("1 / 0")
    return tmp_path


def test_run_and_report(capsys, workspace):
    code, out, err = call(capsys, "run", "mine.toml", "--allow-subset", "--set", "recognizer.C=1")
    assert code == 0 and "UF1" in out and "SUBSET" in out and "wrote runs/mine" in err
    code, out, _ = call(capsys, "report", "runs/mine", "--json")
    assert code == 0 and json.loads(out)["metrics"]["macro_f1"] > 0
    code, _, err = call(capsys, "report", "runs/mine", "--html")
    assert code == 0 and (workspace / "runs" / "mine" / "report.html").is_file()
    code, out, _ = call(capsys, "report", "runs/mine", "--markdown", "--out", "x.md")
    assert (workspace / "x.md").read_text().startswith("## test")


def test_datasets_lists_all_and_shows_one(capsys, workspace):
    code, out, _ = call(capsys, "datasets")
    assert code == 0 and all(name in out for name in ("casme2", "samm", "smic", "megc2019", "folder"))
    code, out, _ = call(capsys, "datasets", "casme2")
    assert "255 clips of 26 subjects" in out and "license agreement" in out


def test_recipes_lists_all_and_prints_one(capsys, workspace):
    code, out, _ = call(capsys, "recipes")
    assert code == 0 and "megc2019-svm" in out
    code, out, _ = call(capsys, "recipes", "megc2019-svm")
    assert out.startswith("# ") and "[[stages]]" in out


def test_names_are_printed_whole_in_80_columns(capsys, workspace, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    _, out, _ = call(capsys, "recipes")
    assert [line for line in out.splitlines() if not line.startswith(" ")] == shipped_recipes()
    _, out, _ = call(capsys, "datasets")
    assert all(re.search(rf"\b{name}\b", out) for name in DATASETS.names())


def test_check_lists_issues_and_exits_1(capsys, workspace):
    code, out, err = call(capsys, "check", "casme2")
    assert code == 1 and "is synthetic" in out and re.search(r"\d+ issues in", err)


def test_train_aam_prints_the_error_on_people_it_has_not_seen(capsys, workspace):
    arguments = ("--faces", "ckplus", "--frames", "1", "--landmarks", "release")
    code, out, err = call(capsys, "train-aam", "mine", *arguments)
    assert code == 0 and re.search(r"│ 1 +│ 8 +│ \d+ +│ \d+ +│ 0\.\d{4}", out)
    assert "trained on 16 images of 2 people" in err and "aam/mine.npz" in err


def test_synthesize_writes_what_check_reads(capsys, workspace):
    code, _, err = call(capsys, "synthesize", "smic_vis", "copy", "--subjects", "1", "--image-scale", "0.25")
    assert code == 0 and "synthetic clips in copy" in err
    code, out, _ = call(capsys, "check", "smic_vis", "--root", "smic_vis=copy")
    assert code == 1 and "SYNTHETIC.json" in out


def test_check_counts_a_folder_of_which_nothing_is_published(capsys, workspace):
    (workspace / "own").mkdir()
    lines = ["clip,subject,source"]
    for number in range(6):
        write_image(workspace / "own" / f"{number}.png", np.full((8, 8, 3), 40 * number, np.uint8))
        lines.append(f"c{number},p{number % 2},{number}.png")
    (workspace / "own" / "clips.csv").write_text("\n".join(lines) + "\n")
    code, out, _ = call(capsys, "check", "folder", "--root", "folder=own")
    assert code == 0 and "holds 6 clips of 2 subjects, without an issue; no numbers are published" in out


def wrong(capsys, *arguments: str) -> tuple[int, str]:
    """The exit code and the one line."""
    code, out, err = call(capsys, *arguments)
    lines = [line for line in err.splitlines() if line.startswith("microexpr: ")]
    assert "Traceback" not in out + err and len(lines) == 1, err
    return code, lines[0]


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (("run", "mine.toml"), 1, "--allow-subset runs on what is here"),
        (("run", "megc2019-smv"), 2, "did you mean 'megc2019-svm'"),
        (("run", "nowhere.toml"), 1, "is not a file"),
        (("run", "mine.toml", "--set", "recognizer.c=1"), 2, "no setting 'c'"),
        (("run", "mine.toml", "--set", "recognizer"), 2, "write --set NAME=VALUE"),
        (("run", "mine.toml", "--set", "recognizer.seed=1"), 2, "recognizer 'svm' has no setting 'seed'"),
        (("datasets", "casme2", "--root", "casm2=copy"), 2, "unknown data set 'casm2'; did you mean 'casme2'?"),
        (("check", "casme2", "--root", "casme3=copy"), 2, "unknown data set 'casme3'; did you mean 'casme3"),
        (("run", "mine.toml", "--root", "megc=copy"), 2, "unknown data set 'megc'"),
        (("train", "mine.toml", "--root", "megc=copy"), 2, "unknown data set 'megc'"),
        (("check", "casme2", "--root", "samm=copy"), 2, "reads 'casme2' only"),
        (("check", "casme2", "--root", "casme2=a", "--root", "casme2=b"), 2, "given twice ('a' and 'b')"),
        (("run", "mine.toml", "--root", "megc2019=/nowhere"), 1, "--root names '/nowhere', which is not a folder"),
        (("run", "mine.toml", "--allow-subset", "--workers", "0"), 2, "workers = 0"),
        (("run", "mine.toml", "--address", "x:1", "--allow-subset"), 2, "goes with --executor ray"),
        (("run", "mine.toml", "--plugin", "nowhere.py"), 1, "plugin 'nowhere.py' is not a file"),
        (("run", "mine.toml", "--plugin", "bad.py"), 2, "cannot be imported: ZeroDivisionError"),
        (("run", "bytes.toml"), 2, "is no text in UTF-8"),
        (
            ("run", "mine.toml", "--allow-subset", "--out", "mine.toml/x"),
            1,
            "cannot be read or written: Not a directory",
        ),
        (("check", "casme3"), 2, "did you mean 'casme3"),
        (("check", "folder", "--root", "folder=."), 1, "clips.csv' is not there"),
        (("report", "nowhere"), 1, "holds no run"),
        (("run", "mine.toml", "--allow-subset", "--executor", "procesess"), 2, "did you mean 'processes'"),
        (("run", "mine.toml", "--allow-subset", "--executor", "x"), 2, "known: batched, local, processes, ray"),
        (("report", "x", "--format", "pdf", "--json"), 2, "--json and --format exclude each other"),
        (("report", "x", "--json", "--html"), 2, "exclude each other: choose one"),
        (("synthesize", "smic", "."), 2, "not an empty folder"),
        (("run", "mine.toml", "--set", "recognizer.C=-1"), 2, "C = -1: Input should be greater than 0"),
        (("run",), 2, "`microexpr run --help` shows what it takes"),
        (("report", "x", "--jsn"), 2, "--json"),
    ],
)
def test_an_error_is_one_line_that_says_what_to_do(capsys, workspace, arguments, code, text):
    if arguments[:2] == ("check", "folder"):
        found, out, _ = call(capsys, *arguments)
        assert found == code and text in out
        return
    assert wrong(capsys, *arguments)[0] == code
    assert text in wrong(capsys, *arguments)[1]
    assert not (workspace / "runs").exists() or not list((workspace / "runs").glob("*/folds"))


@pytest.mark.parametrize("damage", ["broken image", "empty image", "no list", "list without a column", "unknown label"])
def test_damaged_data_are_one_line(capsys, workspace, synthetic_datasets, damage):
    root = shutil.copytree(synthetic_datasets["megc2019"].root, workspace / "megc2019")
    image, sheet = sorted((root / "STSNet_whole_norm_u_v_os").iterdir())[0], next(root.glob("*.csv"))
    if "image" in damage:
        image.write_bytes(b"" if "empty" in damage else image.read_bytes()[:60])
    elif damage == "no list":
        sheet.unlink()
    else:
        old, new = ("filename_o", "file") if "column" in damage else (",0,", ",7,")
        sheet.write_text(sheet.read_text().replace(old, new, 1))
    code, line = wrong(capsys, "run", "mine.toml", "--allow-subset", "--root", f"megc2019={root}")
    assert code == 1 and re.search(r"is broken|has no list|lacks the column 'filename_o|label = 7", line)


def test_wrong_use_exits_with_2(capsys):
    assert call(capsys, "nothing")[0] == 2
    code, _, err = call(capsys)
    assert code == 2 and "Usage: microexpr" in err and "demo" in err
    assert call(capsys, "--version")[1].startswith("microexpr ")


def test_ctrl_c_exits_with_130(capsys, monkeypatch):
    monkeypatch.setattr("microexpr.recipes.shipped_recipes", lambda: signal.raise_signal(signal.SIGINT))
    code, _, err = call(capsys, "recipes")
    assert code == 130 and "the same command continues from here" in err


def test_debug_shows_the_traceback():
    with pytest.raises(Exception, match="unknown recipe"):
        main(["--debug", "run", "nothing-like-it"])


@pytest.mark.parametrize("command", [(), ("run",), ("weights",), ("weights", "fetch")])
def test_short_and_long_option_print_the_same_help(capsys, command):
    short, long = call(capsys, *command, "-h"), call(capsys, *command, "--help")
    assert short == long and short[0] == 0 and "Usage: microexpr" in short[1]


def test_the_help_of_every_command_fits_its_line(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    _, out, _ = call(capsys, "-h")
    commands = out.split("Commands:")[1].splitlines()[1:]
    assert len(commands) >= 14 and not [line for line in commands if line.endswith("...")]


@pytest.mark.parametrize(
    ("line", "completed"),
    [
        ("microexpr synth", "synthesize"),
        ("microexpr run megc2019-sv", "megc2019-svm"),
        ("microexpr check casme", "casme2"),
        ("microexpr run x --executor p", "processes"),
    ],
)
def test_the_shell_completes_commands_and_names(capsys, monkeypatch, line, completed):
    monkeypatch.setenv("_MICROEXPR_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", line)
    monkeypatch.setenv("COMP_CWORD", str(line.count(" ")))
    assert completed in call(capsys)[1].split()


def test_a_report_in_an_unknown_format_names_the_known_ones(capsys, workspace):
    call(capsys, "run", "mine.toml", "--allow-subset")
    code, line = wrong(capsys, "report", "runs/mine", "--format", "pdf")
    assert code == 2 and "pdf" in line and "markdown" in line
