"""One paper, one file: an `Architecture` (settings) that builds a torch module."""

from .base import NETWORKS, Architecture, Dropout

__all__ = ["NETWORKS", "Architecture", "Dropout"]
