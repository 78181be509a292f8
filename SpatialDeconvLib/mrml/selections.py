"""Masks, labels and guides, given as nodes, on the grid of a volume."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
import SimpleITK as sitk
import slicer
from vtkmodules.util import numpy_support
from vtkmodules.vtkCommonMath import vtkMatrix4x4

from ..errors import InputError
from ..selection import mask_from_range
from ..texts import mark as _
from .channels import lastIsOpacity
from .files import registerConverterRules
from .geometry import Grid, geometryText, gridsOf, gridText, localToWorld, parentMatrix
from .scene import describeNode, ijkToRas, matrixFromVtk, quietly, volumeArray, vtkFromMatrix


@dataclasses.dataclass(frozen=True)
class Selections:
    """What a run takes besides the volume and its kernels.

    Attributes
    ----------
    mask, labels, guide
        See `maskArray`, `labelArray` and `guideArray`; None: not given.
    resample : bool
        Resample them onto the volume when their geometry differs; otherwise that is an error.
    noise
        Sigma at every voxel, for settings whose noise is "image"; like a guide.
    """

    mask: Any = None
    labels: Any = None
    guide: Any = None
    resample: bool = False
    noise: Any = None


@dataclasses.dataclass(frozen=True)
class ThresholdRange:
    """A selection: the voxels with lower <= value <= upper; None leaves a side open.

    The values are those of `volume`, or of the volume that is worked on when there is none. In a vector volume
    the mean of the channels counts, without the opacity of an RGBA volume. NaN is never selected.
    """

    lower: float | None = None
    upper: float | None = None
    volume: Any = None


def maskArray(selection, referenceVolume, resample: bool = False) -> np.ndarray:
    """Return where a selection is non-zero, on the voxels of a volume node.

    Parameters
    ----------
    selection : volume node, segmentation node, (segmentation node, [segments]), markups ROI node,
            ThresholdRange, or array
        A segmentation alone stands for all its segments, a list of names or ids for these. A ROI selects the
        voxels whose centre lies in its box (faces included), however it is turned, or those outside the box
        when it is set inside out. An array has the shape of the reference (k, j, i), or (j, i) when that is
        one slice.
    referenceVolume : vtkMRMLScalarVolumeNode
    resample : bool
        Bring a selection of another geometry onto the reference (nearest neighbour; outside it: not selected).
        Linear parent transforms are taken into account. A ROI has no grid of its own and needs no resampling.

    Returns
    -------
    ndarray of bool, shape (k, j, i)

    Raises
    ------
    InputError
        If the geometry differs and `resample` is false; if a segment does not exist; if a ROI has no box yet;
        if it selects nothing.
    """
    array = _selected(selection, referenceVolume, resample, "mask")[0]
    if np.issubdtype(array.dtype, np.floating) and not np.isfinite(array).all():
        raise InputError(
            f"mask has {np.count_nonzero(~np.isfinite(array))} NaN or infinite voxels; replace them by 0"
        )
    mask = array != 0
    if not mask.any():
        raise InputError(f"mask selects no voxel of the volume; check {_whatSelects(selection)}")
    return mask


def _whatSelects(selection) -> str:
    if isinstance(selection, ThresholdRange):
        return "the range of the threshold"
    if _isRoi(selection):
        return f"the size of the ROI {describeNode(selection)}, and where it lies"
    return "the segment, and where it lies"


def labelArray(selection, referenceVolume, resample: bool = False) -> tuple[np.ndarray, dict[str, int]]:
    """Return the label of every voxel, and the names of the labels.

    Segments are numbered 1, 2, ... in the order in which they are given (a segmentation alone: its own order).
    Where segments overlap, the first of them wins. 0 is where there is no segment.

    Parameters as in `maskArray`.

    Returns
    -------
    labels : ndarray of int, shape (k, j, i)
    names : dict
        Segment name -> label. For a label map, the names in its colour table of the labels it holds; empty
        for arrays and for volumes without one.

    Raises
    ------
    InputError
        As `maskArray`; also when the values are not integers.
    """
    array, names = _selected(selection, referenceVolume, resample, "labels")
    if np.issubdtype(array.dtype, np.floating):
        whole = np.isfinite(array) & (array == np.round(array))
        if not whole.all():
            raise InputError(
                f"labels have {np.count_nonzero(~whole)} voxels that are no whole number, e.g. "
                f"{array[~whole][0]:g}; give a label map",
                "labels",
            )
        array = array.astype(np.int64)
    return array.astype(np.uint8) if array.dtype == bool else array, names


def guideArray(
    guide, referenceVolume, resample: bool = False, name: str = "guide", channel: int | None = None
) -> np.ndarray:
    """Return the values of a guide, or another image (scalar volume node or array), on the voxels of a volume node.

    With `resample`, a guide of another geometry is interpolated linearly; beyond its border its nearest value
    is taken. Of a vector volume, a `channel` has to be named. Raises InputError as `maskArray` does.
    """
    if isinstance(guide, np.ndarray):
        return _plainArray(guide, referenceVolume, name)
    array = volumeArray(guide, name)
    if array.ndim == 4 and channel is not None:
        array = np.ascontiguousarray(array[..., channel])
    if array.ndim == 4:
        raise InputError(f"{name} {describeNode(guide)} has {array.shape[3]} channels; give a scalar volume", name)
    return _volumeOnto(guide, array, referenceVolume, resample, name, linear=True)


def _selected(selection, reference, resample: bool, argument: str) -> tuple[np.ndarray, dict[str, int]]:
    volumeArray(reference, "reference volume")
    if isinstance(selection, np.ndarray):
        return _plainArray(selection, reference, argument), {}
    node, segments = selection, None
    if isinstance(selection, (tuple, list)):
        if len(selection) != 2:
            raise InputError(f"{argument} {selection!r} is no (segmentation node, [segments])")
        node, segments = selection
    if hasattr(node, "IsA") and node.IsA("vtkMRMLSegmentationNode"):
        return _segmentLabels(node, segments, reference, resample, argument)
    if _isRoi(selection):
        return _insideRoi(selection, reference, argument), {}
    if isinstance(selection, ThresholdRange):
        return _insideRange(selection, reference, resample, argument), {}
    if segments is not None:
        raise InputError(f"{argument} {describeNode(node)} is no segmentation, so it has no segments {segments!r}")
    array = volumeArray(node, argument)
    if array.ndim == 4:
        raise InputError(f"{argument} {describeNode(node)} has {array.shape[3]} channels; give a scalar volume")
    names = _colourNames(node, array)
    return _volumeOnto(node, array, reference, resample, argument), names


def _plainArray(array: np.ndarray, reference, argument: str) -> np.ndarray:
    shape = reference.GetImageData().GetDimensions()[::-1]
    if shape[0] == 1 and array.shape == shape[1:]:
        array = array[np.newaxis]
    if array.shape != shape:
        raise InputError(f"{argument} has shape {array.shape}, the volume {shape} (k, j, i); give the same shape")
    return array


def _colourNames(node, array: np.ndarray) -> dict[str, int]:
    """Return {name: label} from the colour table of a label map, for the labels that occur."""
    display = node.GetDisplayNode() if node.IsA("vtkMRMLLabelMapVolumeNode") else None
    colours = display.GetColorNode() if display is not None else None
    if colours is None or not np.issubdtype(array.dtype, np.integer):
        return {}
    names = {}
    for value in np.unique(array):
        name = colours.GetColorName(int(value)) if 0 < value < colours.GetNumberOfColors() else None
        if name:
            names.setdefault(name, int(value))
    return names


def _volumeOnto(node, array, reference, resample: bool, argument: str, linear: bool = False) -> np.ndarray:
    grid, target = gridsOf(node, reference, argument)
    if grid.size == target.size and target.agreesWith(grid.matrix):
        return array
    if not resample:
        raise _otherGeometry(argument, node, geometryText(node), reference, grid, target)
    return _resampled(array, grid.matrix, target, linear)


def _otherGeometry(argument: str, node, text: str, reference, grid: Grid, target: Grid) -> InputError:
    apart = _("of another size")
    if grid.size == target.size:
        apart = _("up to {distance:.3g} mm apart").format(distance=target.distance(grid.matrix))
    said = _(
        "{argument} {node} has another geometry than {reference} ({apart}): {text}; against {geometry}; resample "
        "it, or let it be resampled"
    ).format(
        argument=argument, node=describeNode(node), reference=describeNode(reference), apart=apart, text=text,
        geometry=geometryText(reference),
    )  # fmt: skip
    return InputError(said, resample=True)


def _resampled(array: np.ndarray, matrix: np.ndarray, target: Grid, linear: bool) -> np.ndarray:
    """Sample an array whose indices lie at `matrix` (index -> world) on the target grid."""
    indices = np.linalg.solve(matrix, target.matrix)  # target index -> index in `array`
    transform = sitk.AffineTransform(3)
    transform.SetMatrix(indices[:3, :3].ravel())
    transform.SetTranslation(indices[:3, 3])
    if array.dtype == bool:
        array = array.astype(np.uint8)
    image = sitk.GetImageFromArray(np.ascontiguousarray(array))
    resample = sitk.ResampleImageFilter()
    resample.SetSize([int(n) for n in target.size])
    resample.SetTransform(transform)
    resample.SetInterpolator(sitk.sitkLinear if linear else sitk.sitkNearestNeighbor)
    resample.SetUseNearestNeighborExtrapolator(linear)
    if linear:
        resample.SetOutputPixelType(sitk.sitkFloat64 if array.dtype.itemsize > 4 else sitk.sitkFloat32)
    return sitk.GetArrayFromImage(resample.Execute(image))


def _isRoi(selection) -> bool:
    return hasattr(selection, "IsA") and selection.IsA("vtkMRMLMarkupsROINode")


def _insideRoi(node, reference, argument: str) -> np.ndarray:
    """Return which voxel centres lie in the box of a markups ROI node.

    With o = M^-1 x the position x in the box's own frame (origin in its middle, axes along its edges of length
    s), a voxel is inside where |o_a| <= s_a / 2 on each axis a. M is the ROI's object-to-world matrix: the box
    as Slicer draws it, which stays rectangular where a parent transform shears.
    """
    half = np.array(node.GetSize()) / 2
    if not (half > 0).all():
        raise InputError(
            f"{argument} {describeNode(node)} has no box yet (size {' x '.join(f'{2 * h:g}' for h in half)} mm); "
            "place the ROI in a slice view"
        )
    parent = reference.GetParentTransformNode()
    if parent is None or parent.IsTransformToWorldLinear():
        box, voxels = node.GetObjectToWorldMatrix(), parentMatrix(reference) @ ijkToRas(reference)
    else:  # the box can follow a warp only as the volume does
        localToWorld(node, reference, argument)
        box, voxels = node.GetObjectToNodeMatrix(), ijkToRas(reference)
    toObject = np.linalg.solve(matrixFromVtk(box), voxels)
    i, j, k = (np.arange(n, dtype=float) for n in reference.GetImageData().GetDimensions())
    inside = np.ones((len(k), len(j), len(i)), dtype=bool)
    slack = 1e-9 * (1 + np.abs(half).max())  # a centre that lies on a face up to rounding is inside
    for (byI, byJ, byK, start), reach in zip(toObject[:3], half, strict=True):
        plane = byJ * j[:, np.newaxis] + byI * i + start
        for number, depth in enumerate(byK * k):  # slice by slice: no volume of coordinates
            inside[number] &= np.abs(plane + depth) <= reach + slack
    return ~inside if node.GetInsideOut() else inside


def _insideRange(selection: ThresholdRange, reference, resample: bool, argument: str) -> np.ndarray:
    volume = reference if selection.volume is None else selection.volume
    array = volumeArray(volume, argument)
    if array.ndim == 4:
        colours = array[..., :3] if lastIsOpacity(volume, array) else array
        array = colours.mean(axis=3)
    inside = mask_from_range(array, selection.lower, selection.upper)
    return _volumeOnto(volume, inside, reference, resample, argument)


def _segmentLabels(node, segments, reference, resample: bool, argument: str) -> tuple[np.ndarray, dict[str, int]]:
    """Return labels 1, 2, ... of the segments in their order, the first on top, and {name: label}."""
    ids = _segmentIds(node, segments, argument)
    segmentation = node.GetSegmentation()
    own, others = localToWorld(node, reference, argument)
    target = Grid(reference.GetImageData().GetDimensions(), others @ ijkToRas(reference))
    labels = np.zeros(target.size[::-1], dtype=np.uint8 if len(ids) < 256 else np.int32)
    names: dict[str, int] = {}
    for value, segmentId in reversed(list(enumerate(ids, 1))):
        name = segmentation.GetSegment(segmentId).GetName() or segmentId
        if name in names:
            raise InputError(f"{argument}: two segments of {describeNode(node)} are named '{name}'; rename one")
        names[name] = value
        inside = _segmentOnto(node, segmentId, own, reference, target, resample, argument)
        labels[inside] = value
    return labels, dict(reversed(names.items()))


def _segmentIds(node, segments, argument: str) -> list[str]:
    segmentation = node.GetSegmentation()
    every = [segmentation.GetNthSegmentID(n) for n in range(segmentation.GetNumberOfSegments())]
    if not every:
        raise InputError(
            f"{argument} {describeNode(node)} has no segments; add one, or choose another segmentation"
        )
    if segments is None:
        return every
    segments = [segments] if isinstance(segments, str) else list(segments)
    byName = {segmentation.GetSegment(segmentId).GetName(): segmentId for segmentId in reversed(every)}
    ids = [segment if segment in every else byName.get(segment) for segment in segments]
    if not ids or None in ids:
        missing = [str(segment) for segment, found in zip(segments, ids, strict=True) if found is None]
        raise InputError(
            f"{argument} {describeNode(node)} has no segment {', '.join(missing) or '(none was given)'}; "
            f"it has: {', '.join(byName)}"
        )
    if len(set(ids)) < len(ids):
        raise InputError(
            f"{argument} names a segment of {describeNode(node)} twice: {', '.join(map(str, segments))}"
        )
    return ids


def _segmentOnto(node, segmentId, own, reference, target: Grid, resample: bool, argument: str) -> np.ndarray:
    """Return where a segment is on the target grid. The segment's own array may cover any part of the grid."""
    array, matrix = _segmentArray(node, segmentId, np.linalg.solve(own, target.matrix), target.size)
    if array.size == 0:
        return np.zeros(target.size[::-1], dtype=bool)
    matrix = own @ matrix
    offset = np.round(np.linalg.solve(target.matrix, matrix)[:3, 3]).astype(int)  # in target voxels
    shift = np.eye(4)
    shift[:3, 3] = -offset
    grid = Grid(array.shape[::-1], matrix)
    if target.agreesWith(matrix @ shift):
        return _pasted(array, offset[::-1], target.size[::-1])
    if not resample:
        text = gridText(grid.size, matrix) + " (cropped to the segment)"
        raise _otherGeometry(argument, node, text, reference, grid, target)
    return _resampled(array, matrix, target, linear=False) != 0


def _pasted(array: np.ndarray, offset: Sequence[int], shape: Sequence[int]) -> np.ndarray:
    """Return `array` != 0 placed at `offset` in an array of `shape`, cut at its borders."""
    result = np.zeros(shape, dtype=bool)
    here, there = [], []
    for start, length, available in zip(offset, array.shape, shape, strict=True):
        first, last = max(start, 0), min(start + length, available)
        here.append(slice(first, max(last, first)))
        there.append(slice(first - start, max(last, first) - start))
    result[tuple(here)] = array[tuple(there)] != 0
    return result


def _segmentArray(node, segmentId: str, matrix: np.ndarray, size) -> tuple[np.ndarray, np.ndarray]:
    """Return a segment's voxels (k, j, i) and the matrix from their indices to the node's coordinates.

    A segment that exists only as a surface is turned into voxels of the grid given by `matrix` and `size`,
    in a copy: the segmentation node is not changed.
    """
    labelmap = slicer.vtkSegmentationConverter.GetSegmentationBinaryLabelmapRepresentationName()
    image = slicer.vtkOrientedImageData()
    if node.GetSegmentation().ContainsRepresentation(labelmap):
        node.GetBinaryLabelmapRepresentation(segmentId, image)
    else:
        image.DeepCopy(_voxelised(node, segmentId, matrix, size, labelmap))
    extent = image.GetExtent()
    if any(extent[2 * axis] > extent[2 * axis + 1] for axis in range(3)):
        return np.zeros((0, 0, 0), dtype=np.uint8), np.eye(4)
    scalars = numpy_support.vtk_to_numpy(image.GetPointData().GetScalars())
    toWorld = vtkMatrix4x4()
    image.GetImageToWorldMatrix(toWorld)
    first = np.eye(4)
    first[:3, 3] = extent[0::2]  # array index 0 is the first voxel of the extent
    return scalars.reshape(image.GetDimensions()[::-1]).copy(), matrixFromVtk(toWorld) @ first


def _voxelised(node, segmentId: str, matrix: np.ndarray, size, labelmap: str):
    registerConverterRules()
    grid = slicer.vtkOrientedImageData()
    grid.SetDimensions(*size)
    grid.SetImageToWorldMatrix(vtkFromMatrix(matrix))
    converter = slicer.vtkSegmentationConverter
    copy = slicer.vtkSegmentation()
    copy.SetSourceRepresentationName(node.GetSegmentation().GetSourceRepresentationName())
    copy.CopySegmentFromSegmentation(node.GetSegmentation(), segmentId)
    copy.SetConversionParameter(
        converter.GetReferenceImageGeometryParameterName(), converter.SerializeImageGeometry(grid)
    )
    with quietly():
        made = copy.CreateRepresentation(labelmap)
    if not made:
        raise InputError(
            f"segment '{segmentId}' of {describeNode(node)} cannot be turned into voxels; create its binary label "
            "map in the Segmentations module"
        )
    return copy.GetSegment(segmentId).GetRepresentation(labelmap)
