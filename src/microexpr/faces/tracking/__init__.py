"""Faces in video: found, followed, smoothed, cut out, and what their heads and eyes do.

One pass over a recording of any length gives a `microexpr.core.track.FaceTrack` for every face.
"""

from .options import Tracking
from .track import track_faces

__all__ = ["Tracking", "track_faces"]
