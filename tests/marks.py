"""What some tests need of a machine."""

from importlib.util import find_spec

import pytest

needs_mesh = pytest.mark.skipif(find_spec("mediapipe") is None, reason="the wheel mediapipe is not installed")
