"""Pictures for people: what a recognizer was shown, clips with their times, flow in colours; nothing learns from them.

`flows` and `keep` need numpy and cv2 only; `figures`, which draws for reports and papers, matplotlib too.
"""

from .flows import arrows_picture, channel_picture, flow_wheel, wheel_legend
from .keep import Kept, input_picture, keep_examples, kept

__all__ = [
    "Kept",
    "arrows_picture",
    "channel_picture",
    "flow_wheel",
    "input_picture",
    "keep_examples",
    "kept",
    "wheel_legend",
]
