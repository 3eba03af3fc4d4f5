"""The events of a camera as they come: capture -> faces -> a window of the last seconds -> spotting -> recognition.

`live` runs until the camera ends or is stopped, in memory that does not grow with time, and leaves the files that
`analyze` leaves.
"""

from .capture import Camera, Film, Source, open_source
from .session import FILES, Live, Status, live

__all__ = ["FILES", "Camera", "Film", "Live", "Source", "Status", "live", "open_source"]
