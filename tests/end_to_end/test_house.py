"""The house is as the design says: floors, cycles, sizes, light imports."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "microexpr"
FILES = sorted(SOURCE.rglob("*.py"))


def top(path: Path) -> str:
    return path.relative_to(SOURCE).parts[0].removesuffix(".py")


def imports(path: Path) -> set[str]:
    """Modules of the package that a file imports anywhere, functions included: `datasets.base`."""
    package = path.relative_to(SOURCE).with_suffix("").parts[:-1]
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.level:
            base = [*package[: len(package) - node.level + 1], *(node.module or "").split(".")]
            name = ".".join(part for part in base if part)
            found |= {name} if node.module else {".".join(filter(None, (name, alias.name))) for alias in node.names}
    return found


def test_folders_have_floors():
    """Each folder can be laid on a floor above all that it imports: the graph of folders has no circle."""
    folders = {path.name for path in SOURCE.iterdir() if (path / "__init__.py").is_file()}
    below = {
        name: {name.split(".")[0] for path in (SOURCE / name).rglob("*.py") for name in imports(path)}
        for name in folders
    }
    left = {name: (names & folders) - {name} for name, names in below.items()}
    while free := [name for name, names in left.items() if not names & left.keys()]:
        for name in free:
            del left[name]
    assert not left, f"these folders import each other: {left}"


def test_data_sets_and_steps_do_not_know_of_each_other():
    for path in FILES:
        tops = {name.split(".")[0] for name in imports(path)}
        assert not (top(path) == "datasets" and "preprocessing" in tops)
        assert not (top(path) == "preprocessing" and "datasets" in tops)


def test_no_cycles():
    modules = {".".join(p.relative_to(SOURCE).with_suffix("").parts).removesuffix(".__init__"): p for p in FILES}
    graph = {name: {i for i in imports(path) if i in modules and i != name} for name, path in modules.items()}
    graph.pop("__init__")
    while free := [name for name, below in graph.items() if not below & graph.keys()]:
        for name in free:
            del graph[name]
    # A package's __init__ gathers its own modules: only what goes beyond that is a cycle.
    packages = {name for name in graph if (SOURCE / name.replace(".", "/")).is_dir()}
    left = {
        n: {b for b in below & graph.keys() if b not in packages or not n.startswith(b)} for n, below in graph.items()
    }
    while free := [name for name, below in left.items() if not below & left.keys()]:
        for name in free:
            del left[name]
    assert not left, f"these import each other: {left}"


@pytest.mark.parametrize("package", ["torch", "ray", "fastapi"])
def test_heavy_packages_have_one_home(package):
    homes = {"torch": {"networks", "recognizers"}, "ray": {"core"}, "fastapi": {"web"}}[package]
    for path in FILES:
        tree = ast.parse(path.read_text())
        names = {a.name for n in ast.walk(tree) if isinstance(n, ast.Import) for a in n.names}
        names |= {n.module for n in ast.walk(tree) if isinstance(n, ast.ImportFrom) and not n.level and n.module}
        if any(name.split(".")[0] == package for name in names):
            assert top(path) in homes


@pytest.mark.parametrize(
    "code", ["import microexpr", "import sys; from microexpr.cli.main import main; main(['--help'])"]
)
def test_light_imports(code):
    heavy = "{'torch', 'ray', 'fastapi', 'cv2', 'sklearn', 'pandas', 'matplotlib'}"
    text = f"import sys, atexit; atexit.register(lambda: print('LOADED', {heavy} & set(sys.modules))); {code}"
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "LOADED set()"


def test_the_readme_is_short():
    assert (ROOT / "README.md").read_text().count("\n") <= 150


def test_nothing_large_is_committed():
    names = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert not [n for n in names.split("\0") if n and (ROOT / n).is_file() and (ROOT / n).stat().st_size > 1_000_000]
