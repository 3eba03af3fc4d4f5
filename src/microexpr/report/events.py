"""What was found in a recording as one self-contained page."""

from __future__ import annotations

from collections.abc import Mapping

from ..events import Analysis
from .evidence import Evidence


def as_page(analysis: Analysis, pictures: Mapping[int, Evidence]) -> str:
    """The page."""
    return f"<!doctype html><title>{len(analysis.events)} events</title>{len(pictures)}"
