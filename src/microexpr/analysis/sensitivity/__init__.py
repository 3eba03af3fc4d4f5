"""How small a movement the spotter finds in a recording: movements of known size are injected at its quiet places."""

from .places import activity, is_found, quiet_places

__all__ = ["activity", "is_found", "quiet_places"]
