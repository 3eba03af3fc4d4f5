"""File formats for events, one file a format: each registers a record in `EVENT_FORMATS`."""

from ...core.events import EVENT_FORMATS, EventFormat

__all__ = ["EVENT_FORMATS", "EventFormat"]
