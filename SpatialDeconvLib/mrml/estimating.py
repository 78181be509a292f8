"""Kernels measured from volume nodes: an original and its blurred image go in, kernels come out.

The panel, the console and ``spatialdeconv estimate`` call the same functions; the numbers are those of
`SpatialDeconvLib.estimate_kernel`, `estimate_kernels`, `fit_kernel` and `fit_pair` on the nodes' arrays.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..arrays.watch import IsCancelled, Progress
from ..errors import InputError, check_choice
from ..estimation import EstimatedField, estimate_kernel, estimate_kernels
from ..estimation.fits import FieldFit, KernelFit, fit_gaussians, fit_pair
from ..estimation.levels import levels_from_histogram
from ..kernels.field import KernelField
from ..kernels.kernel import Kernel
from ..kernels.shapes import identity_kernel
from ..methods.choices import INTERPOLATIONS_OF, OUTSIDES
from .geometry import geometryText, sameGeometry
from .nodes import volumeFromKernel
from .scene import createDisplay, describeNode, spacingOf, volumeArray
from .selections import guideArray, labelArray, maskArray

__all__ = [
    "estimateKernel",
    "estimateKernels",
    "fitKernel",
    "fitKernels",
    "histogramKeys",
    "kernelVolume",
    "levelKeys",
    "positionKeys",
    "regionKeys",
]


def estimateKernel(
    originalVolume,
    blurredVolume,
    shape: int | Sequence[int],
    mask=None,
    outputVolume=None,
    resample: bool = False,
    progress: Progress | None = None,
    cancelled: IsCancelled | None = None,
    **options,
):
    """Measure the one kernel that turns a volume into its blurred image.

    Parameters
    ----------
    originalVolume, blurredVolume : vtkMRMLScalarVolumeNode
        The same voxels at the same places, parent transforms included. Never modified.
    shape : int or sequence of int
        Voxels of the kernel, one number or one per axis (k, j, i). (1, n, n) measures a blur within slices.
    mask : see `selections.maskArray`, optional
        The voxels of the blurred image that count; or "unsaturated".
    outputVolume : vtkMRMLScalarVolumeNode, optional
        Node to overwrite with the kernel; a new node by default.
    resample : bool
        Resample a mask of another geometry. The two volumes are never resampled: that would blur them.
    progress : callable (fraction, text), optional
    cancelled : callable () -> bool, optional
    **options
        The keyword arguments of `SpatialDeconvLib.estimate_kernel`; the spacing is the volumes'.

    Returns
    -------
    (kernel volume node, EstimatedKernel)
        `kernel.estimate` says how good it is. Kernels of single-slice volumes are 2-D.

    Raises
    ------
    InputError
        If the volumes differ in geometry or determine no kernel, or an argument cannot be used.
    Cancelled
        If `cancelled` returned true. In every case of failure the scene and the given node are as before.
    """
    _checkOutput(outputVolume, (originalVolume, blurredVolume, mask))
    pair = VolumePair.fromNodes(originalVolume, blurredVolume, mask, resample, options)
    kernel = estimate_kernel(
        *pair.arrays, pair.shape(shape), spacing=pair.spacing, mask=pair.mask, progress=progress,
        cancelled=cancelled, **options,
    )  # fmt: skip
    return kernelVolume(kernel, outputVolume, f"{blurredVolume.GetName()} kernel"), kernel


def estimateKernels(
    originalVolume,
    blurredVolume,
    keys,
    shape: int | Sequence[int],
    labels=None,
    guide=None,
    mask=None,
    resample: bool = False,
    progress: Progress | None = None,
    cancelled: IsCancelled | None = None,
    **options,
) -> EstimatedField:
    """Measure one kernel per intensity level, region or position from a single pair of volumes.

    Parameters
    ----------
    originalVolume, blurredVolume, shape, mask, resample, progress, cancelled : see `estimateKernel`
    keys : KernelField or sequence of float
        What chooses the kernels (its own kernels are ignored; see `levelKeys`, `regionKeys`, `positionKeys`), or
        levels of intensity.
    labels : see `selections.labelArray`
        The regions, for keys by region. Voxels without a kernel do not count.
    guide : see `selections.guideArray`
        The image whose values choose; the original by default.
    **options
        The keyword arguments of `SpatialDeconvLib.estimate_kernels`; the spacing is the volumes'.

    Returns
    -------
    EstimatedField
        Goes into `deconvolveVolume` as it is; `field.estimate` says how good it is and what is not determined.

    Raises
    ------
    InputError, Cancelled
        As `estimateKernel`.
    """
    pair = VolumePair.fromNodes(originalVolume, blurredVolume, mask, resample, options)
    pair, keys, options = _keyed(pair, blurredVolume, keys, labels, guide, resample, options)
    return estimate_kernels(
        *pair.arrays, keys, pair.shape(shape), spacing=pair.spacing, mask=pair.mask, progress=progress,
        cancelled=cancelled, **options,
    )  # fmt: skip


def fitKernel(
    originalVolume,
    blurredVolume,
    shape: int | Sequence[int] | None = None,
    mask=None,
    resample: bool = False,
    progress: Progress | None = None,
    cancelled: IsCancelled | None = None,
    **options,
) -> KernelFit:
    """Fit a parametric kernel to a pair of volumes directly.

    Parameters as in `estimateKernel`; `options` are the keyword arguments of `SpatialDeconvLib.fit_pair`.

    Returns
    -------
    KernelFit
        ``fit.kernel`` goes into `deconvolveVolume` as it is.
    """
    pair = VolumePair.fromNodes(originalVolume, blurredVolume, mask, resample, options)
    return fit_pair(
        *pair.arrays, spacing=pair.spacing, shape=None if shape is None else pair.shape(shape),
        mask=_unsaturated(pair), progress=progress, cancelled=cancelled, **options,
    )  # fmt: skip


def fitKernels(
    originalVolume,
    blurredVolume,
    keys,
    shape: int | Sequence[int],
    labels=None,
    guide=None,
    mask=None,
    resample: bool = False,
    progress: Progress | None = None,
    cancelled: IsCancelled | None = None,
    **options,
) -> FieldFit:
    """Fit one Gaussian per intensity level, region or position to a pair of volumes directly, all together.

    Parameters as in `estimateKernels`; `options` are the keyword arguments of `SpatialDeconvLib.fit_gaussians`.

    Returns
    -------
    FieldFit
        ``fit.field`` goes into `deconvolveVolume` as it is.
    """
    pair = VolumePair.fromNodes(originalVolume, blurredVolume, mask, resample, options)
    pair, keys, options = _keyed(pair, blurredVolume, keys, labels, guide, resample, options)
    return fit_gaussians(
        *pair.arrays, keys, pair.shape(shape), spacing=pair.spacing, mask=_unsaturated(pair), progress=progress,
        cancelled=cancelled, **options,
    )  # fmt: skip


def _keyed(pair: VolumePair, blurredVolume, keys, labels, guide, resample: bool, options: dict[str, Any]):
    """The keys as a field with its labels, the pair within these, and the options with the guide."""
    if not isinstance(keys, KernelField):
        keys = levelKeys(keys)
    if labels is not None:
        keys = keys.with_labels(*labelArray(labels, blurredVolume, resample))
        pair = pair.within(keys)
    if guide is not None:
        options = dict(options, guide=pair.flat(guideArray(guide, blurredVolume, resample)))
    return pair, keys, options


def _unsaturated(pair: VolumePair) -> np.ndarray | None:
    if isinstance(pair.mask, str):
        check_choice(pair.mask, ("unsaturated",), "mask")
        return pair.arrays[1] < pair.arrays[1].max()
    return pair.mask


# -- what chooses the kernels


def levelKeys(levels: Sequence[float], interpolation: str = "linear", outside: str = "nearest") -> KernelField:
    """Return keys for one kernel per level of intensity; the kernels are placeholders."""
    check_choice(interpolation, INTERPOLATIONS_OF["intensity"], "interpolation")
    check_choice(outside, OUTSIDES, "outside")
    placeholder = identity_kernel()
    return KernelField.by_intensity([(level, placeholder) for level in levels], interpolation, outside)


def histogramKeys(volume, count: int, **options) -> KernelField:
    """Return keys for `count` levels around which a volume's intensities gather; `options` as for `levelKeys`."""
    return levelKeys(levels_from_histogram(volumeArray(volume), count), **options)


def regionKeys(labels, referenceVolume, resample: bool = False, feather: float = 0.0) -> KernelField:
    """Return keys for one kernel per region of a label map or segmentation, which is not part of them yet.

    Every label other than 0 that occurs gets a kernel; segments keep their names. Where there is no label, the
    kernels leave an image unchanged.

    Parameters
    ----------
    labels : see `selections.labelArray`
    referenceVolume : vtkMRMLScalarVolumeNode
    resample : bool
        Resample labels of another geometry.
    feather : float
        Width in mm of the transition between regions.

    Raises
    ------
    InputError
        If there is no region.
    """
    values, names = labelArray(labels, referenceVolume, resample)
    found = np.unique(values)
    byValue = {value: name for name, value in names.items()}
    regions = [byValue.get(int(value), int(value)) for value in found if value != 0]
    if not regions:
        raise InputError(
            "labels hold no region (only 0); give a label map or segmentation that lies in the volume", "labels"
        )
    placeholder = identity_kernel()
    outside = "unchanged" if np.any(found == 0) else "error"
    return KernelField.by_region(None, [(region, placeholder) for region in regions], feather, outside)


def positionKeys(volume, counts: Sequence[int], interpolation: str = "linear") -> KernelField:
    """Return keys for a grid of positions: the centres of `counts` (k, j, i) equal parts of a volume.

    Positions are in mm along the volume's own axes, from the centre of its first voxel.
    """
    counts = tuple(int(n) for n in counts)
    size = volume.GetImageData().GetDimensions()[::-1]
    if len(counts) != 3 or any(not 1 <= n <= m for n, m in zip(counts, size, strict=True)):
        raise InputError(f"positions {counts} must be three numbers (k, j, i) from 1 to the volume's voxels {size}")
    axes = [
        ((np.arange(n) + 0.5) * m / n - 0.5) * h for n, m, h in zip(counts, size, spacingOf(volume), strict=True)
    ]
    check_choice(interpolation, INTERPOLATIONS_OF["position"], "interpolation")
    placeholder = identity_kernel()
    grid = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3)
    return KernelField.by_position([(tuple(p.tolist()), placeholder) for p in grid], interpolation)


# -- kernels as nodes


def kernelVolume(kernel: Kernel, outputVolume=None, name: str | None = None):
    """Return a volume node with a kernel: a new one, or `outputVolume` with its content replaced."""
    node = volumeFromKernel(kernel, name)
    if outputVolume is None:
        return node
    try:
        outputVolume.SetAndObserveImageData(node.GetImageData())
        outputVolume.CopyOrientation(node)
        outputVolume.SetAndObserveTransformNodeID(None)
        if outputVolume.GetDisplayNode() is None:
            createDisplay(outputVolume)
    finally:
        display, scene = node.GetDisplayNode(), node.GetScene()
        for made in (node, display):
            if made is not None:
                scene.RemoveNode(made)
    return outputVolume


def _checkOutput(outputVolume, others: Sequence[Any]) -> None:
    """Refuse an output node before the work rather than after it."""
    if outputVolume is None:
        return
    isVolume = hasattr(outputVolume, "IsA") and outputVolume.IsA("vtkMRMLScalarVolumeNode")
    if not isVolume or outputVolume.IsA("vtkMRMLLabelMapVolumeNode") or outputVolume.IsA("vtkMRMLVectorVolumeNode"):
        raise InputError(
            f"outputVolume {describeNode(outputVolume)} cannot hold a kernel; give a scalar volume node or None"
        )
    if any(outputVolume is other for other in others):
        raise InputError(
            f"outputVolume {describeNode(outputVolume)} is one of the inputs, which are never modified; choose "
            "another node or a new one"
        )


# -- the pair


@dataclasses.dataclass(frozen=True)
class VolumePair:
    """The arrays of the two volumes and what counts, without the slice axis where there is one slice."""

    arrays: tuple[np.ndarray, np.ndarray]
    spacing: tuple[float, ...]
    mask: np.ndarray | str | None

    @classmethod
    def fromNodes(cls, originalVolume, blurredVolume, mask, resample: bool, options: dict[str, Any]) -> VolumePair:
        """Check that the nodes are a pair, and take their arrays.

        Raises
        ------
        InputError
            If a node is no scalar volume, or they differ in geometry.
        """
        arrays = []
        for node, argument in ((originalVolume, "original volume"), (blurredVolume, "blurred volume")):
            array = volumeArray(node, argument)
            if array.ndim == 4:
                raise InputError(
                    f"{argument} {describeNode(node)} has {array.shape[3]} channels; give a scalar volume"
                )
            arrays.append(array)
        if originalVolume is blurredVolume:
            raise InputError(
                f"original and blurred volume are both {describeNode(originalVolume)}; give two volumes"
            )
        if not sameGeometry(originalVolume, blurredVolume):
            raise InputError(
                f"original {describeNode(originalVolume)} and blurred {describeNode(blurredVolume)} have different "
                f"geometries: {geometryText(originalVolume)}; against {geometryText(blurredVolume)}; resample one "
                "onto the other first (the blurred one onto the original, with a good interpolation)"
            )
        if "spacing" in options:
            raise InputError(f"spacing {options['spacing']!r} was given; leave it out, the volumes' own is used")
        if mask is not None and not isinstance(mask, str):
            mask = maskArray(mask, blurredVolume, resample)
        pair = cls(tuple(arrays), spacingOf(blurredVolume), mask)
        if arrays[0].shape[0] > 1:
            return pair
        flat = mask if mask is None or isinstance(mask, str) else mask[0]
        return cls(tuple(array[0] for array in arrays), pair.spacing[1:], flat)

    def flat(self, array: np.ndarray) -> np.ndarray:
        """An array on the volumes' grid, without the slice axis where these have none."""
        return array.reshape(self.arrays[0].shape)

    def shape(self, shape: int | Sequence[int]) -> int | Sequence[int]:
        """The kernel's shape; (1, j, i) is right for a single slice as well."""
        if np.ndim(shape) == 1 and len(shape) == len(self.spacing) + 1 and shape[0] == 1:
            return tuple(shape[1:])
        return shape if np.ndim(shape) == 0 else tuple(shape)

    def within(self, keys: KernelField) -> VolumePair:
        """The pair without the voxels that no kernel is meant for."""
        values = [int((keys.label_names or {}).get(at, at)) if isinstance(at, str) else at for at in keys.at]
        inside = self.flat(np.isin(keys.labels, values))
        if inside.all():
            return self
        if not inside.any():
            raise InputError(f"no voxel has one of the labels {list(keys.at)}; check the labels", "labels")
        if isinstance(self.mask, str):
            blurred = self.arrays[1]
            return dataclasses.replace(self, mask=inside & (blurred < blurred[inside].max()))
        return dataclasses.replace(self, mask=inside if self.mask is None else inside & self.mask)
