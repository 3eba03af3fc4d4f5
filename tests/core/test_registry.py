"""Registries find what registers itself: in the package, in a plug-in file, in an installed package."""

import os
import subprocess
import sys
import zipfile
from dataclasses import dataclass

import pytest

from microexpr.core.errors import RecipeError, UnknownNameError, UsageError
from microexpr.core.registry import RecordRegistry, Registry

PLUGIN = """
from dataclasses import dataclass
from microexpr.preprocessing import STEPS, Step

@STEPS.register("identity")
@dataclass(frozen=True)
class Identity(Step):
    '''Return the sample as it is.'''

    def __call__(self, sample):
        return sample
"""


def run_python(code, **environment):
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env={**os.environ, **environment}
    )
    return done.stdout.strip(), done.stderr.strip().splitlines()[-1:]


def install(folder, plugin, name="mylab"):
    """Install a package with an entry point into `folder`, as pip does it."""
    wheel = folder / f"{name}-1.0-py3-none-any.whl"
    info = f"{name}-1.0.dist-info"
    with zipfile.ZipFile(wheel, "w") as file:
        file.writestr(f"{name}/__init__.py", "")
        file.writestr(f"{name}/plugin.py", plugin)
        file.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        file.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        file.writestr(f"{info}/entry_points.txt", f"[microexpr.plugins]\n{name} = {name}.plugin\n")
        file.writestr(f"{info}/RECORD", "")
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps"]
    subprocess.run([*command, "--target", str(folder / "site"), str(wheel)], check=True, capture_output=True)
    return str(folder / "site")


def test_a_class_is_registered_under_its_name_and_built_from_settings():
    registry: Registry = Registry("thing", "microexpr.core")

    @registry.register("first")
    @dataclass
    class First:
        size: int = 1

    assert registry.get("first") is First
    assert First.name == "first"  # type: ignore[attr-defined]
    assert registry.build({"name": "first", "size": 3}) == First(3)
    with pytest.raises(RecipeError, match=r"thing 'first' has no setting 'sise'; did you mean 'size'"):
        registry.build({"name": "first", "sise": 3})


def test_two_classes_cannot_share_a_name():
    registry: Registry = Registry("thing", "microexpr.core")
    registry.register("same")(type("A", (), {}))
    with pytest.raises(UsageError, match="two things are called 'same'"):
        registry.register("same")(type("B", (), {}))


def test_records_are_registered_once():
    registry: RecordRegistry[int] = RecordRegistry("number", "microexpr.core.executors")
    assert registry.add("one", 1) == 1
    assert registry.add("one", 1) == 1
    with pytest.raises(UsageError, match="two numbers are called 'one'"):
        registry.add("one", 2)
    with pytest.raises(UnknownNameError, match="unknown number 'onee'; did you mean 'one'"):
        registry.get("onee")


def test_a_name_is_looked_up_without_importing_other_modules():
    code = "import sys; from microexpr.recognizers import RECOGNIZERS; RECOGNIZERS.get('majority')"
    assert run_python(f"{code}; print('torch' in sys.modules)")[0] == "False"


def test_an_installed_package_registers_by_entry_point(tmp_path):
    site = install(tmp_path, PLUGIN)
    code = "from microexpr.preprocessing import STEPS; print(STEPS.get('identity').__module__, 'identity' in STEPS)"
    paths = os.pathsep.join([site, os.environ.get("PYTHONPATH", "")])
    assert run_python(code, PYTHONPATH=paths)[0] == "mylab.plugin True"
    assert run_python(code)[0] == ""


def test_a_broken_installed_package_is_named(tmp_path):
    site = install(tmp_path, "import nothing_of_that_name")
    paths = os.pathsep.join([site, os.environ.get("PYTHONPATH", "")])
    error = run_python("from microexpr.preprocessing import STEPS; STEPS.names()", PYTHONPATH=paths)[1]
    assert "plugin 'mylab' of the installed package 'mylab' cannot be imported: ModuleNotFoundError" in error[0]
