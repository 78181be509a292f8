"""Voxel sizes that a file does not say: given, or those of the image that the file belongs to."""

from __future__ import annotations

from collections.abc import Sequence

from ..arrays.reading import given_path
from ..arrays.spacing import spacing_tuple
from ..formats.images import has_spacing
from .files import PathLike, isFolder


def setVoxelSize(node, spacing: Sequence[float] | None) -> None:
    """Give a volume node a voxel size; its directions and the position of its first voxel stay.

    Parameters
    ----------
    node : vtkMRMLScalarVolumeNode
    spacing : sequence of float or None
        In mm on the axes (k, j, i), or (j, i) of a single slice, or one for all. None: as it is.

    Raises
    ------
    InputError
        If these are no positive numbers, or too few.
    """
    if spacing is None:
        return
    if len(spacing) == 2 and node.GetImageData().GetDimensions()[2] == 1:
        spacing = [node.GetSpacing()[2], *spacing]
    if len(spacing) == 1:
        spacing = spacing[0]
    node.SetSpacing(*spacing_tuple(spacing, 3)[::-1])


def adoptGeometry(node, path: PathLike, reference) -> None:
    """Lay the volume that was read from a file without a voxel size onto the voxels of another of its size."""
    path = given_path(path)
    if not node.IsA("vtkMRMLScalarVolumeNode") or isFolder(path) or has_spacing(path):
        return
    if node.GetImageData().GetDimensions() == reference.GetImageData().GetDimensions():
        node.CopyOrientation(reference)
