"""Helpers of the tutorials: a folder to work in, and objects as a notebook would show them."""

from __future__ import annotations

import base64
import html as html_module
import io
import os
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
"""The repository."""


def begin(name: str) -> None:
    """Work in a new empty folder; `end` returns to the repository."""
    os.environ.setdefault("TQDM_DISABLE", "1")
    os.chdir(tempfile.mkdtemp(prefix=f"microexpr-{name}-"))


def end() -> None:
    """Return to the repository and delete the folder."""
    import shutil

    folder = Path.cwd()
    os.chdir(ROOT)
    if folder.name.startswith("microexpr-"):
        shutil.rmtree(folder)


def show(thing: Any) -> str:
    """Return an object as HTML: its own form for notebooks, a figure as an image, anything else as text."""
    if hasattr(thing, "savefig"):
        return figure(thing)
    if hasattr(thing, "_repr_html_"):
        return f'<div class="notebook">{thing._repr_html_()}</div>'
    return text(str(thing))


def text(content: str) -> str:
    """Return text as HTML, letter by letter."""
    return f'<pre class="notebook"><code>{html_module.escape(content)}</code></pre>'


def figure(drawing: Any) -> str:
    """Return a figure of matplotlib as an image inside the page, and close it."""
    import matplotlib.pyplot as plt

    content = io.BytesIO()
    drawing.savefig(content, format="png", dpi=110, bbox_inches="tight")
    plt.close(drawing)
    encoded = base64.b64encode(content.getvalue()).decode()
    return f'<p><img class="notebook" alt="Figure" src="data:image/png;base64,{encoded}"></p>'
