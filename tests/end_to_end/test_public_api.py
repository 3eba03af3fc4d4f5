"""What `import microexpr` offers: lists that agree, light imports, help, types."""

import ast
import pydoc
import subprocess
import sys
from pathlib import Path
from typing import assert_type

import pytest

import microexpr

SOURCE = Path(microexpr.__file__)


def imported_for_type_checkers() -> dict[str, str]:
    """Name -> module, as the block `if TYPE_CHECKING` imports it."""
    blocks = [node for node in ast.parse(SOURCE.read_text()).body if isinstance(node, ast.If)]
    imports = [node for node in blocks[0].body if isinstance(node, ast.ImportFrom)]
    return {alias.name: node.module or "" for node in imports for alias in node.names}


def test_the_three_lists_of_public_names_agree():
    assert imported_for_type_checkers() == microexpr._MODULE_OF
    assert sorted(microexpr.__all__) == sorted([*microexpr._MODULE_OF, "__version__"])


def test_every_public_name_is_there():
    namespace: dict[str, object] = {}
    exec("from microexpr import *", namespace)
    assert set(microexpr.__all__) <= set(namespace)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        getattr(microexpr, "nothing")  # noqa: B009


def test_importing_loads_no_module_before_it_is_used():
    code = "import sys, microexpr; dir(microexpr); print([m for m in sys.modules if m.startswith('microexpr.')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_help_shows_the_functions_and_their_signatures():
    text = pydoc.plain(pydoc.render_doc(microexpr))
    for name in (name for name in microexpr.__all__ if name[0].islower()):
        assert f"{name}(" in text
    assert "analyze_video(" in text and "class Recognizer" in text


def read_by_mypy_alone() -> None:
    """The types of public names are known, and a wrong name is an error: an unused `ignore` is an error too."""
    assert_type(microexpr.load_model("model.safetensors"), microexpr.Model)
    assert_type(microexpr.open_dataset("casme2").clips(), list[microexpr.Clip])
    microexpr.nothing_like_it  # type: ignore[attr-defined]  # noqa: B018
