"""What the panel asks of regions and places in the scene: names of segments, ranges, boxes, positions."""

from __future__ import annotations

import os
from collections.abc import Sequence

import numpy as np
import slicer

from .scene import ijkToRas, spacingOf, volumeArray

__all__ = [
    "fitBox",
    "folderOf",
    "intensityRange",
    "isEmptyRegion",
    "positionInVolume",
    "regionNames",
    "segmentsOf",
    "sliceCount",
    "slicePosition",
]

_MOST_LABELS = 1000


def folderOf(node) -> str:
    """Return the folder of the file that a node was read from; "" where there is none, and for None."""
    storage = node.GetStorageNode() if node is not None else None
    return os.path.dirname(storage.GetFileName() or "") if storage is not None else ""


def segmentsOf(node) -> list[tuple[str, str]]:
    """Return (id, name) of the segments of a segmentation node in their order; [] for other nodes and None."""
    if node is None or not node.IsA("vtkMRMLSegmentationNode"):
        return []
    segmentation = node.GetSegmentation()
    ids = [segmentation.GetNthSegmentID(n) for n in range(segmentation.GetNumberOfSegments())]
    return [(segmentId, segmentation.GetSegment(segmentId).GetName() or segmentId) for segmentId in ids]


def isEmptyRegion(node, segmentIds: Sequence[str]) -> bool:
    """Return whether a label map, or these segments of a segmentation, hold no voxel, as far as is known."""
    if not node.IsA("vtkMRMLSegmentationNode"):
        image = node.GetImageData()
        return image is None or tuple(image.GetScalarRange()) == (0.0, 0.0)
    segmentation = node.GetSegmentation()
    if not segmentation.GetNumberOfSegments():
        return True
    name = slicer.vtkSegmentationConverter.GetSegmentationBinaryLabelmapRepresentationName()
    shapes = [segmentation.GetSegment(segmentId).GetRepresentation(name) for segmentId in segmentIds]
    return bool(shapes) and all(shape is not None and shape.IsEmpty() for shape in shapes)


def regionNames(node) -> list[str | int]:
    """Return what a kernel table can call a node's regions: names of segments, or label values other than 0."""
    if node is None:
        return []
    if node.IsA("vtkMRMLSegmentationNode"):
        return [name for _segmentId, name in segmentsOf(node)]
    if node.GetImageData() is None:
        return []
    array = volumeArray(node, "labels")
    if np.issubdtype(array.dtype, np.floating):
        array = array[np.isfinite(array)]
    values = np.unique(array)
    return [int(value) for value in values[values != 0][:_MOST_LABELS] if float(value).is_integer()]


def sliceCount(volume) -> int:
    """Return the number of slices of a volume; 0 without image data."""
    image = volume.GetImageData() if volume is not None else None
    return image.GetDimensions()[2] if image is not None else 0


def intensityRange(volume) -> tuple[float, float] | None:
    """Return the lowest and highest finite value of a volume, None when there is none."""
    if volume is None or volume.GetImageData() is None or not volume.GetImageData().GetNumberOfPoints():
        return None
    low, high = volume.GetImageData().GetPointData().GetScalars().GetFiniteRange(-1 if _isVector(volume) else 0)
    return (float(low), float(high)) if low <= high else None


def _isVector(volume) -> bool:
    return volume.GetImageData().GetNumberOfScalarComponents() > 1


def fitBox(box, volume) -> None:
    """Place a ROI box in the middle of a volume, half as long on every axis.

    A box never leaves out the only slice of an image: it is at least one and a half voxels thick.
    """
    bounds = [0.0] * 6
    volume.GetRASBounds(bounds)
    low, high = np.array(bounds[0::2]), np.array(bounds[1::2])
    thickest = 1.5 * max(spacingOf(volume))
    wasModifying = box.StartModify()
    try:
        box.SetCenter(*((low + high) / 2))
        box.SetSize(*np.maximum((high - low) / 2, thickest))
    finally:
        box.EndModify(wasModifying)


def positionInVolume(volume, ras: Sequence[float]) -> tuple[float, float, float]:
    """Return a place of the world (RAS, mm) as (z, y, x) in mm along the axes of a volume, from its first voxel."""
    local = [float(v) for v in ras]
    if volume.GetParentTransformNode() is not None:
        volume.TransformPointFromWorld([float(v) for v in ras], local)
    indices = np.linalg.solve(ijkToRas(volume), [*local, 1.0])[:3]
    return tuple(float(v) for v in np.round(indices[::-1] * spacingOf(volume), 3))


def slicePosition(scene=None) -> tuple[float, float, float] | None:
    """Return where the three standard slice views meet (RAS, mm), None when there are no such views."""
    scene = scene or slicer.mrmlScene
    normals, offsets = [], []
    for name in ("Red", "Yellow", "Green"):
        node = scene.GetSingletonNode(name, "vtkMRMLSliceNode")
        if node is None:
            return None
        matrix = node.GetSliceToRAS()
        normal = np.array([matrix.GetElement(row, 2) for row in range(3)])
        centre = np.array([matrix.GetElement(row, 3) for row in range(3)])
        normals.append(normal)
        offsets.append(normal @ centre)
    if abs(np.linalg.det(normals)) < 1e-6:  # two views show the same plane
        return None
    return tuple(float(v) for v in np.linalg.solve(normals, offsets))
