"""Preprocessing: steps that turn clips into arrays, one step per file, and chains of steps with a cache."""

from .base import STEPS, Chain, SampleCache, Step

__all__ = ["STEPS", "Chain", "SampleCache", "Step"]
