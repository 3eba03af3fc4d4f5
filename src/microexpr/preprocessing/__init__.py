"""Steps that make arrays of clips, one idea a file; a chain of them is cached."""

from .base import STEPS, Chain, SampleCache, Step

__all__ = ["STEPS", "Chain", "SampleCache", "Step"]
