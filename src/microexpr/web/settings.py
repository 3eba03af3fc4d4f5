"""Settings of the server."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..core.errors import UsageError
from ..core.events import Analysis
from ..core.progress import ProgressCallback

AnalyzeFunction = Callable[[Path, Path, Mapping[str, Any], ProgressCallback], Analysis]
"""(video, output folder, settings, progress) -> analysis. Runs in a process of its own."""

LIMITS = {"port": (0, 65535), "max_upload_mb": (1, 10**6), "max_recordings": (1, 1000), "workers": (1, 64)}
MIN_TOKEN_LENGTH = 16

DEFAULT_STORAGE = Path("recordings")
"""Folder in the current one in which recordings and annotations stay unless another one is named."""


def default_analyze(source: Path, out: Path, values: Mapping[str, Any], progress: ProgressCallback) -> Analysis:
    """Analyze a video as `microexpr analyze` does."""
    from ..analysis import AnalysisOptions, analyze_video

    return analyze_video(source, out, AnalysisOptions.from_settings(values), progress)


@dataclass(frozen=True)
class ServerOptions:
    """Settings of `microexpr serve`.

    Attributes:
        host: address to listen on; any but this machine's own needs a token.
        port: port to listen on; 0 takes a free one.
        token: what a browser must present, at least 16 characters; empty admits everybody who can reach the port.
        max_upload_mb: largest upload in megabytes (10^6 bytes), 1 to 1,000,000.
        max_recordings: number of recordings that may exist at once, 1 to 1000.
        storage: folder in which recordings and annotations stay; None deletes them when the server ends.
        workers: number of recordings that are analyzed at once, 1 to 64.
        values: settings of the analysis, as `microexpr analyze --set` takes them.
        plugins: Python files that are imported before an analysis.
        analyze: the function that analyzes a video. It must be importable from a module, because it runs in another
            process.

    Raises:
        UsageError: a value is out of its range, or a host that other machines can reach has no token.
    """

    host: str = "127.0.0.1"
    port: int = 8765
    token: str = ""
    max_upload_mb: int = 2000
    max_recordings: int = 50
    storage: Path | None = DEFAULT_STORAGE
    workers: int = 1
    values: Mapping[str, Any] = field(default_factory=dict)
    plugins: tuple[Path, ...] = ()
    analyze: AnalyzeFunction = default_analyze

    def __post_init__(self) -> None:
        for name, (low, high) in LIMITS.items():
            value = getattr(self, name)
            if not low <= value <= high:
                raise UsageError(f"{name} = {value}: use {low} to {high}")
        if not self.local and len(self.token) < MIN_TOKEN_LENGTH:
            raise UsageError(
                f"host {self.host} can be reached from other machines; "
                f"set a token of at least {MIN_TOKEN_LENGTH} characters"
            )

    @property
    def local(self) -> bool:
        """Whether only this machine can reach the server."""
        return is_local(self.host)


def is_local(host: str) -> bool:
    """Whether a host name or address means this machine alone."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"
