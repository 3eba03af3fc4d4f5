"""Functions of runs: scores with intervals, the majority's guess and the published numbers beside them."""

from __future__ import annotations

from collections.abc import Sequence

from ..core.errors import UnknownNameError
from ..experiments.recognition import RecognitionRun
from ..experiments.spotting import SpottingRun
from . import text
from .summary import Summary, summarize

__all__ = ["Summary", "render", "summarize"]


def render(groups: Sequence[Sequence[RecognitionRun]], form: str, spotted: Sequence[SpottingRun] = ()) -> str:
    """Reports of runs as text.

    Args:
        groups: runs; those of one group are the same recipe with several seeds.
        form: `json` (an object a line), `markdown`, `latex` or `html` (one self-contained page).
        spotted: runs of spotting, which are reported by themselves.
    """
    if spotted:
        from .spotting import render_spotting

        return render_spotting(spotted, form)
    summaries = [summarize(runs) for runs in groups]
    if form == "html":
        from .page import as_html

        return as_html(summaries)
    forms = {"json": text.as_json, "markdown": text.as_markdown, "latex": text.as_latex}
    if form not in forms:
        raise UnknownNameError("form of report", form, [*forms, "html"])
    return forms[form](summaries)
