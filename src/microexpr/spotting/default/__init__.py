"""The default spotter: what stands out in the curves of a face, and small movements of a calm face.

`points` follows points of the face, `head` removes the motion of the head, `curves` measures how far brows, cheeks,
mouth and lids have moved, `peaks` finds movements in the curves, and `scoring` scores them. `displacement`,
`candidates` and `features` do the same for small movements of all regions together, which `training` fits weights for
and `small` scores. `spotter` puts these together.
"""

from .spotter import Default

__all__ = ["Default"]
