"""From anybody's video to events: faces -> spotting -> recognition -> events.csv, .json, .eaf and a page.

`analyze` does one recording, `analyze_all` several at once. Frames are read when they are needed; nothing that grows
with the length of the recording is held but a few numbers a frame.
"""

from .options import AnalysisOptions, Components
from .pipeline import FILES, AnalysisResult, analyze_video, analyze_videos
from .sources import recordings

__all__ = ["FILES", "AnalysisOptions", "AnalysisResult", "Components", "analyze_video", "analyze_videos", "recordings"]
