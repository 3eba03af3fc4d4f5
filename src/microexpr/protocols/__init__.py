"""Who may see what: protocols, their folds, and the published ones by name."""

from .base import LEAKING, Example, Fold, Protocol, stills
from .published import PROTOCOLS, protocol

__all__ = ["LEAKING", "PROTOCOLS", "Example", "Fold", "Protocol", "protocol", "stills"]
