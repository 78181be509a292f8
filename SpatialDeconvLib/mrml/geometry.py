"""Grids of voxels in space: whether two agree, and what to say when they do not."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
from vtkmodules.vtkCommonMath import vtkMatrix4x4

from ..errors import InputError
from .scene import describeNode, ijkToRas, matrixFromVtk, volumeArray

# Voxel positions that differ by less than this part of the largest coordinate are the same: NIfTI keeps
# its matrix in single precision.
_GEOMETRY_TOLERANCE = 1e-6


@dataclasses.dataclass(frozen=True)
class Grid:
    """A voxel grid: its size (i, j, k) and the 4 x 4 matrix from indices to world coordinates in mm."""

    size: tuple[int, int, int]
    matrix: np.ndarray

    def corners(self) -> np.ndarray:
        """Homogeneous index coordinates of the eight corner voxels, shape (4, 8)."""
        i, j, k = (np.array([0, n - 1]) for n in self.size)
        return np.array([[a, b, c, 1.0] for a in i for b in j for c in k]).T

    def distance(self, matrix: np.ndarray) -> float:
        """Largest distance in mm between a corner here and the same index under another matrix."""
        return float(np.linalg.norm(((self.matrix - matrix) @ self.corners())[:3], axis=0).max())

    def agreesWith(self, matrix: np.ndarray) -> bool:
        scale = np.abs((self.matrix @ self.corners())[:3]).max() + np.ptp((self.matrix @ self.corners())[:3])
        return self.distance(matrix) <= _GEOMETRY_TOLERANCE * scale


def localToWorld(node, reference, argument: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the matrices from two nodes' own coordinates to common ones.

    Under one and the same parent transform these are the nodes' own coordinates; a non-linear transform
    cannot be taken into account otherwise.
    """
    if node.GetParentTransformNode() is reference.GetParentTransformNode():
        return np.eye(4), np.eye(4)
    for transformed in (node, reference):
        parent = transformed.GetParentTransformNode()
        if parent is not None and not parent.IsTransformToWorldLinear():
            raise InputError(
                f"{argument} {describeNode(node)} cannot be compared with {describeNode(reference)} under the "
                f"non-linear transform {describeNode(parent)}; harden the transform first"
            )
    return parentMatrix(node), parentMatrix(reference)


def parentMatrix(node) -> np.ndarray:
    matrix = vtkMatrix4x4()
    parent = node.GetParentTransformNode()
    if parent is not None:
        parent.GetMatrixTransformToWorld(matrix)
    return matrixFromVtk(matrix)


def gridsOf(node, reference, argument: str) -> tuple[Grid, Grid]:
    own, others = localToWorld(node, reference, argument)
    return (
        Grid(node.GetImageData().GetDimensions(), own @ ijkToRas(node)),
        Grid(reference.GetImageData().GetDimensions(), others @ ijkToRas(reference)),
    )


def sameGeometry(a, b) -> bool:
    """Return whether two volume nodes have the same voxels at the same places in the world.

    The sizes agree, and no corner voxel differs by more than 1e-6 of the largest coordinate plus the extent;
    parent transforms are taken into account. Raises InputError when one is under a non-linear transform that
    the other is not under.
    """
    volumeArray(a, "first volume")
    volumeArray(b, "second volume")
    grid, reference = gridsOf(a, b, "volume")
    return grid.size == reference.size and reference.agreesWith(grid.matrix)


def geometryText(node) -> str:
    """Return the geometry of a volume node in one line: size, spacing, position (RAS), directions, transform."""
    return gridText(node.GetImageData().GetDimensions(), ijkToRas(node), node.GetParentTransformNode())


def gridText(size: Sequence[int], matrix: np.ndarray, transform=None) -> str:
    spacing = np.linalg.norm(matrix[:3, :3], axis=0)
    directions = matrix[:3, :3] / spacing
    text = (
        f"{' x '.join(str(n) for n in size)} voxels of {' x '.join(f'{s:.6g}' for s in spacing)} mm "
        f"at ({', '.join(f'{o:.6g}' for o in matrix[:3, 3])}), axes {_axesText(directions)}"
    )
    return text + (f", under transform {describeNode(transform)}" if transform is not None else "")


def _axesText(directions: np.ndarray) -> str:
    """Return the anatomical letters of the axes when they are straight, else their components."""
    letters = (("L", "R"), ("P", "A"), ("I", "S"))
    names = []
    for axis in directions.T:
        main = int(np.abs(axis).argmax())
        if abs(abs(axis[main]) - 1) > 1e-9:
            return " ".join("(" + ", ".join(f"{x:.4g}" for x in a) + ")" for a in directions.T)
        names.append(letters[main][int(axis[main] > 0)])
    return "".join(names)
