"""The reference pages of the site, written from the code: every registry, every setting, the command line.

`write_reference.py` calls this while the site is built. A public object without a docstring or a setting without a
meaning ends the build with a list of everything that is missing.
"""

from __future__ import annotations

from components import (
    executors_page,
    features_page,
    leak_checks_page,
    networks_page,
    recognizers_page,
    spotters_page,
    steps_page,
)
from docstrings import join, missing
from evaluation import datasets_page, metrics_page, protocols_page, recipes_page
from interfaces import analysis_page, api_page, command_line_page, formats_page, plug_ins_page
from leaderboards import leaderboards_page
from methods import methods_page
from speeds import speed_page

PAGES = {
    "api": ("Python API", api_page),
    "plug-ins": ("Classes for plug-ins", plug_ins_page),
    "command-line": ("Command line", command_line_page),
    "datasets": ("Data sets", datasets_page),
    "protocols": ("Protocols", protocols_page),
    "recipes": ("Recipes", recipes_page),
    "methods": ("Methods of the papers", methods_page),
    "leaderboards": ("Leaderboards", leaderboards_page),
    "steps": ("Preprocessing steps", steps_page),
    "features": ("Descriptors", features_page),
    "networks": ("Networks and their training", networks_page),
    "recognizers": ("Recognizers", recognizers_page),
    "spotters": ("Spotters", spotters_page),
    "analysis": ("Settings of the analysis", analysis_page),
    "metrics": ("Metrics", metrics_page),
    "leak-checks": ("Checks for leaks", leak_checks_page),
    "formats": ("Formats", formats_page),
    "executors": ("Executors and options of a run", executors_page),
    "speed": ("Speed", speed_page),
}
"""File name without `.md` -> title, function that writes the page."""


def index_page() -> str:
    """Return the first page of the reference."""
    lines = [f"* [{title}]({name}.md)" for name, (title, _) in PAGES.items()]
    text = (
        "Everything here is written from the code when the site is built: names, settings, defaults, limits and counts."
    )
    return join(["# Reference", text, "\n".join(lines)])


def all_pages() -> dict[str, str]:
    """Return every page: file name -> Markdown.

    Raises:
        SystemExit: an object has no docstring or a setting no meaning; the message lists all of them.
    """
    missing.clear()
    pages = {"index": index_page(), **{name: write() for name, (_, write) in PAGES.items()}}
    if missing:
        raise SystemExit("The reference cannot be written:\n" + "\n".join(f"  {line}" for line in missing))
    return pages
