"""Face tracking: faces of a video are detected, followed, smoothed and cropped, and their heads and eyes are measured.

One pass over a recording of any length gives a `microexpr.core.track.FaceTrack` for every face.
"""

from .options import Tracking
from .track import track_faces

__all__ = ["Tracking", "track_faces"]
