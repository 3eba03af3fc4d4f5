"""How small a movement the spotter finds in a recording: movements of known size are injected at its quiet places."""

from .injected_track import inject_into_track
from .measure import measure_detection_limit
from .places import activity, is_found, quiet_places

__all__ = ["activity", "inject_into_track", "is_found", "measure_detection_limit", "quiet_places"]
