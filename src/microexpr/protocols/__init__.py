"""Who may see what: protocols, their folds, and the published ones by name."""

from .base import LEAKING, Example, Fold, Protocol, select_frames
from .published import PROTOCOLS, load_protocol

__all__ = ["LEAKING", "PROTOCOLS", "Example", "Fold", "Protocol", "load_protocol", "select_frames"]
