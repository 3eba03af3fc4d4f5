"""Classes of emotions that data sets, protocols, metrics and what is drawn have in common."""

from __future__ import annotations

COARSE_CLASSES = ("negative", "positive", "surprise")
"""The three classes of MEGC 2019 and of spot-then-recognize, in the order of the challenge's labels 0 to 2."""
