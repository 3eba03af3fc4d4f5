"""Steps that make arrays of clips, one idea a file; a chain of them is cached."""

from .base import STEPS, Chain, Samples, Step

__all__ = ["STEPS", "Chain", "Samples", "Step"]
