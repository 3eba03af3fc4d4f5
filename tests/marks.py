"""What some tests need of a machine."""

import pytest

from microexpr.faces.mesh_files import DETECTOR, IRIS, MESH, find_mesh_file

HAS_MESH = all(find_mesh_file(name) for name in (DETECTOR, MESH))
needs_mesh = pytest.mark.skipif(not HAS_MESH, reason="`make install` could not fetch the face mesh")
needs_iris = pytest.mark.skipif(
    not HAS_MESH or find_mesh_file(IRIS) is None, reason="`make install` could not fetch the iris network"
)
