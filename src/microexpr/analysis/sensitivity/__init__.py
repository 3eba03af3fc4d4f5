"""How small a movement the spotter finds in a recording: movements of known size are injected at its quiet places."""

from .injected_track import inject_into_track
from .measure import measure_sensitivity
from .places import activity, is_found, quiet_places

__all__ = ["activity", "inject_into_track", "is_found", "measure_sensitivity", "quiet_places"]
