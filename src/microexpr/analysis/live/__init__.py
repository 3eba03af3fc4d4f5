"""The events of a camera as they come: capture -> faces -> a window of the last seconds -> spotting -> recognition.

`analyze_camera` runs until the camera ends or is stopped, in memory that does not grow with time, and leaves the files
of events that `analyze_video` leaves.
"""

from .capture import Camera, Source, VideoSource, open_camera_or_video
from .session import LiveOptions, Status, analyze_camera

__all__ = ["Camera", "LiveOptions", "Source", "Status", "VideoSource", "analyze_camera", "open_camera_or_video"]
