"""From a video to events: faces -> spotting -> recognition -> events.csv, events.json, events.eaf and a page.

`analyze_video` does one recording, `analyze_videos` several at once. Frames are read when they are needed; in memory
only a few numbers per frame grow with the length of the recording.
"""

from ..core.events import EVENT_FORMATS, Analysis
from .options import AnalysisOptions, Components
from .pipeline import AnalysisResult, analyze_video, analyze_videos
from .result import analysis_files, event_files
from .sources import recordings

__all__ = [
    "EVENT_FORMATS",
    "Analysis",
    "AnalysisOptions",
    "AnalysisResult",
    "Components",
    "analysis_files",
    "analyze_video",
    "analyze_videos",
    "event_files",
    "recordings",
]
