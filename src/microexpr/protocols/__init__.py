"""Protocols: which clips take part, their classes, how they are split, and what is revealed of a test clip."""

from .base import (
    LEAKING,
    LEAKING_IMAGES,
    LEAKING_VIDEOS,
    PROTOCOLS,
    TEST_ONLY,
    ZERO_SHOT,
    Example,
    Fold,
    Protocol,
    load_protocol,
    select_frames,
)

__all__ = [
    "LEAKING",
    "LEAKING_IMAGES",
    "LEAKING_VIDEOS",
    "PROTOCOLS",
    "TEST_ONLY",
    "ZERO_SHOT",
    "Example",
    "Fold",
    "Protocol",
    "load_protocol",
    "select_frames",
]
