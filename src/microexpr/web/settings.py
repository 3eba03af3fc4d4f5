"""How to serve."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..core.errors import UsageError
from ..core.events import Analysis
from ..core.progress import ProgressCallback

Analyze = Callable[[Path, Path, Mapping[str, Any], ProgressCallback], Analysis]
"""(video, folder to write in, settings, progress) -> what was found. Runs in a process of its own."""


def analyze_here(source: Path, out: Path, values: Mapping[str, Any], progress: ProgressCallback) -> Analysis:
    """What `microexpr analyze` does."""
    from ..analysis import AnalysisOptions, analyze_video

    return analyze_video(source, out, AnalysisOptions.from_settings(values), progress)


@dataclass(frozen=True)
class ServerOptions:
    """How to serve.

    Attributes:
        host: address to listen on; any but this machine's own needs a token.
        port: 0 for a free one.
        token: what a visitor must show; empty lets everybody in who can reach the port.
        most_mb: the largest upload in megabytes (10^6 bytes).
        most: how many recordings there may be at once.
        keep: a folder that keeps recordings and judgments; without it they are deleted at the end.
        workers: how many analyzes run at once.
        values: settings of the analysis, as `microexpr analyze --set` takes them.
        plugins: Python files that the analysis imports first.
        analyze: what analyzes; a function of a module, so that another process can import it.
    """

    host: str = "127.0.0.1"
    port: int = 8765
    token: str = ""
    max_upload_mb: int = 2000
    max_recordings: int = 50
    storage: Path | None = None
    workers: int = 1
    values: Mapping[str, Any] = field(default_factory=dict)
    plugins: tuple[Path, ...] = ()
    analyze: Analyze = analyze_here

    def __post_init__(self) -> None:
        for name, low, high in (
            ("port", 0, 65535),
            ("max_upload_mb", 1, 10**6),
            ("max_recordings", 1, 1000),
            ("workers", 1, 64),
        ):
            if not low <= getattr(self, name) <= high:
                raise UsageError(f"{name} = {getattr(self, name)}: use {low} to {high}")
        if not self.local and len(self.token) < 16:
            raise UsageError(f"host {self.host} can be reached from other machines: a token of 16 letters is needed")

    @property
    def local(self) -> bool:
        """Whether only this machine can reach it."""
        return is_local(self.host)


def is_local(host: str) -> bool:
    """Whether a name or address means this machine alone."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"
