"""The default spotter: candidate movements, described by features and scored by a logistic model.

`displacement` measures how regions of the face move against the head, `candidates` finds movements that go and come
back, `features` describes each, `training` fits the weights that score them, `spotter` puts these together.
"""

from .spotter import Default

__all__ = ["Default"]
