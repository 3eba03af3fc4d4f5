"""The code and the commands of CONTRIBUTING and the README run."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from microexpr.imaging.images import write_image
from microexpr.recognizers import RECOGNIZERS
from microexpr.recognizers.checks import CLASSES, synthetic_samples
from microexpr.recognizers.onnx_export import to_onnx

ROOT = Path(__file__).parents[2]
PLUGINS = ["--plugin", str(ROOT / "examples/my_dataset.py"), "--plugin", str(ROOT / "examples/my_recognizer.py")]


README = (ROOT / "README.md").read_text(encoding="utf-8")
PYTHON_OF_README = re.findall(r"```python\n(.*?)```", README, re.S)


def run_command(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return run_python(folder, "-m", "microexpr", *arguments)


def run_python(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "MICROEXPR_CACHE": str(folder / "cache")}
    command = [sys.executable, *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=300)


@pytest.mark.parametrize("executor", ["local", "processes"])
def test_a_data_set_and_a_recognizer_in_one_file_each(tmp_path, executor):
    recipe = str(ROOT / "examples/my_recipe.toml")
    done = run_command(tmp_path, "run", recipe, "--data", "synthetic", "--executor", executor, *PLUGINS)
    assert done.returncode == 0, done.stderr
    assert re.search(r"8 clips of 4 (people|subjects)", done.stdout)


def test_the_python_of_contributing_runs(tmp_path):
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", text, re.S)
    code = code.replace("an-empty-folder", str(tmp_path))
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_the_experiment_of_the_readme_runs_twice_in_the_same_folder(tmp_path):
    first, second = (run_python(tmp_path, "-c", PYTHON_OF_README[0]) for _ in range(2))
    assert first.returncode == 0, first.stderr
    assert second.returncode == 0, second.stderr
    assert "UF1" in first.stdout and first.stdout == second.stdout


def test_the_model_of_the_page_of_weights_answers(tmp_path):
    samples, labels = synthetic_samples()
    chain = [{"name": "load-image"}, {"name": "resize", "size": samples[0].array("image").shape[0]}]
    recognizer = RECOGNIZERS.build({"name": "network", "epochs": 1}, classes=CLASSES).fit(samples, labels)
    to_onnx(recognizer, tmp_path / "model.onnx", {"chain": json.dumps(chain)})
    write_image(tmp_path / "apex.jpg", np.full((40, 40, 3), 90, np.uint8))
    page = (ROOT / "docs" / "how-to" / "weights.md").read_text(encoding="utf-8")
    code = next(code for code in re.findall(r"```python\n(.*?)```", page, re.S) if "load_model" in code)
    done = run_python(tmp_path, "-c", code)
    assert done.returncode == 0 and all(label in done.stdout for label in CLASSES), done.stderr


def test_the_commands_of_the_readme_exist(tmp_path):
    names = set(re.findall(r"^(?:\.venv/bin/)?microexpr ([a-z]+)", README, re.M))
    assert {"analyze", "demo"} <= names
    for name in names:
        assert run_command(tmp_path, name, "--help").returncode == 0
