"""What CONTRIBUTING and the README promise is run."""

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


def command(place: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    place_of_cache = {**os.environ, "MICROEXPR_CACHE": str(place / "cache")}
    line = [sys.executable, "-m", "microexpr", *arguments]
    return subprocess.run(line, cwd=place, env=place_of_cache, capture_output=True, text=True, timeout=200)


@pytest.mark.parametrize("on", ["local", "processes"])
def test_a_data_set_and_a_recognizer_in_one_file_each(tmp_path, on):
    recipe = str(ROOT / "examples/my_recipe.toml")
    done = command(tmp_path, "run", recipe, "--data", "synthetic", "--executor", on, *PLUGINS)
    assert done.returncode == 0, done.stderr
    assert "8 clips of 4 people" in done.stdout


def test_the_python_of_contributing_runs(tmp_path):
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", text, re.S)
    code = code.replace("an-empty-folder", str(tmp_path))
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_the_python_of_the_readme_runs(tmp_path):
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    first = re.findall(r"```python\n(.*?)```", readme, re.S)[0]
    place = {**os.environ, "MICROEXPR_CACHE": str(tmp_path / "cache")}
    done = subprocess.run(
        [sys.executable, "-c", first], cwd=tmp_path, env=place, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    assert "UF1" in done.stdout or "macro_f1" in done.stdout


def test_the_three_lines_of_the_readme_run(tmp_path):
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    code = re.findall(r"```python\n(.*?)```", readme, re.S)[1]
    samples, labels = synthetic_samples()
    chain = [{"name": "load-image"}, {"name": "resize", "size": samples[0].array("image").shape[0]}]
    learner = RECOGNIZERS.build({"name": "network", "epochs": 1}, classes=CLASSES).fit(samples, labels)
    to_onnx(learner, tmp_path / "model.onnx", {"chain": json.dumps(chain)})
    write_image(tmp_path / "apex.jpg", np.full((40, 40, 3), 90, np.uint8))
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0 and all(word in done.stdout for word in CLASSES), done.stderr


def test_the_commands_of_the_readme_exist(tmp_path):
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    names = set(re.findall(r"^(?:\.venv/bin/)?microexpr ([a-z]+)", readme, re.M))
    assert {"check", "run", "report"} <= names
    for name in names:
        assert command(tmp_path, name, "--help").returncode == 0


def test_the_tables_of_the_readme_are_the_registry():
    from microexpr.datasets import DATASETS
    from microexpr.recipes import shipped_recipes

    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    recipes = (ROOT / "docs" / "recipes.md").read_text(encoding="utf-8")
    assert all(f"| `{name}` |" in recipes for name in shipped_recipes())
    for name in [*DATASETS.names(), *shipped_recipes()]:
        assert f"`{name}`" in readme, f"{name} is missing; run python docs/tables.py"
