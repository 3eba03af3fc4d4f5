"""What some tests need of a machine."""

import pytest

from microexpr.faces.mesh_files import CHECKSUMS, find_mesh_file

HAS_MESH = all(find_mesh_file(name) for name in CHECKSUMS)
needs_mesh = pytest.mark.skipif(not HAS_MESH, reason="`make install` could not fetch the face mesh")
