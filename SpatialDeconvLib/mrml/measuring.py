"""Kernels measured from volume nodes of beads, stars, edges or slits, with the numbers of the library."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from ..errors import InputError, check_choice
from ..estimation.edges import EdgeSpread, psf_from_edge, psf_from_slit
from ..estimation.points import PointSpreads, psfs_from_points
from ..kernels.field import KernelField
from .scene import createDisplay, describeNode, ensureScene, ijkToRas, spacingOf, volumeArray
from .selections import maskArray

__all__ = ["kernelFromEdge", "kernelsFromPoints", "pointMarks"]

_MOST_MARKS = 500  # Slicer draws more of them slowly
_USED, _LEFT_OUT = (0.2, 0.9, 0.3), (1.0, 0.4, 0.3)

TARGETS = {"edge": psf_from_edge, "slit": psf_from_slit}


def kernelsFromPoints(volume, mask=None, resample: bool = False, **options) -> PointSpreads:
    """Measure kernels from a volume of points: beads, stars, small bright things that are alike.

    Parameters
    ----------
    volume : vtkMRMLScalarVolumeNode
        Never modified.
    mask : see `selections.maskArray`
        Where points are looked for.
    resample : bool
        Resample a mask of another geometry.
    **options
        Keyword arguments of `SpatialDeconvLib.psfs_from_points` (``zones``, ``degree``, ``size``, ...), but for the
        spacing, which is the volume's.

    Returns
    -------
    PointSpreads
        ``found.field`` goes into `deconvolveVolume` as it is. Positions are along the volume's own axes.

    Raises
    ------
    InputError
        If the node is no scalar volume, or as `SpatialDeconvLib.psfs_from_points`.
    """
    image, spacing, chosen = _arrays(volume, mask, resample, options)
    flat = image.ndim == 2
    for name in ("size", "zones") if flat else ():
        value = options.get(name)
        if np.ndim(value) == 1 and len(value) == 3 and value[0] == 1:  # also right for a single slice
            options[name] = tuple(value[1:])
    found = psfs_from_points(image, spacing=spacing, mask=chosen, **options)
    return _inSlice(found) if flat else found


def kernelFromEdge(volume, target: str = "edge", mask=None, resample: bool = False, **options) -> EdgeSpread:
    """Measure a kernel and the MTF from a volume of one straight, slanted edge or slit.

    Parameters
    ----------
    volume : vtkMRMLScalarVolumeNode
        Never modified.
    target : {"edge", "slit"}
    mask : see `selections.maskArray`
        The part that counts; what is outside its bounding box is not looked at.
    resample : bool
        Resample a mask of another geometry.
    **options
        Keyword arguments of `SpatialDeconvLib.psf_from_edge` or `psf_from_slit`, but for the spacing.

    Returns
    -------
    EdgeSpread
        ``found.kernel`` goes into `deconvolveVolume` as it is; with two axes, with ``slicewise=True``.

    Raises
    ------
    InputError
        If the node is no scalar volume, or as these functions.
    """
    check_choice(target, TARGETS, "target")
    image, spacing, chosen = _arrays(volume, mask, resample, options)
    return TARGETS[target](image, spacing=spacing, mask=chosen, **options)


def pointMarks(found: PointSpreads, volume):
    """Return a new markups node with the points of a measurement, to be looked at in slice views.

    Those that were used are selected, the others have their reason for a label; of very many, the brightest. The
    node is hidden from selectors and not saved with the scene.

    Parameters
    ----------
    found : PointSpreads
        From `kernelsFromPoints`.
    volume : vtkMRMLScalarVolumeNode
        What it was measured from.
    """
    scene = volume.GetScene() or ensureScene()
    node = scene.CreateNodeByClass("vtkMRMLMarkupsFiducialNode")
    node.UnRegister(None)  # CreateNodeByClass leaves its reference to the caller
    node.SetName(scene.GetUniqueNameByString(f"{volume.GetName()} points"))
    node.SetHideFromEditors(True)
    node.SetSaveWithScene(False)
    node = scene.AddNode(node)
    matrix, spacing = ijkToRas(volume), np.array(spacingOf(volume))
    wasModifying = node.StartModify()
    try:
        for number, point in enumerate(found.points[:_MOST_MARKS]):
            world = [0.0, 0.0, 0.0]
            index = (np.array(point.position) / spacing)[::-1]
            volume.TransformPointToWorld([float(v) for v in (matrix @ [*index, 1.0])[:3]], world)
            node.AddControlPoint(world)
            node.SetNthControlPointLabel(number, point.rejected)  # "" has to replace the node's name
            node.SetNthControlPointSelected(number, not point.rejected)
        node.SetLocked(True)
    finally:
        node.EndModify(wasModifying)
    createDisplay(node)
    display = node.GetDisplayNode()
    if display is not None:
        display.SetSelectedColor(*_USED)
        display.SetColor(*_LEFT_OUT)
        display.SetTextScale(2.0)
        display.SetGlyphScale(2.0)
    return node


def _arrays(volume, mask, resample: bool, options: dict[str, Any]):
    """Image, spacing and mask, without the slice axis where there is one slice."""
    image = volumeArray(volume, "volume")
    if image.ndim == 4:
        raise InputError(
            f"volume {describeNode(volume)} has {image.shape[3]} channels; measure one of them, as a scalar volume"
        )
    if "spacing" in options:
        raise InputError(f"spacing {options['spacing']!r} was given; leave it out, the volume's own is used")
    chosen = None if mask is None else maskArray(mask, volume, resample)
    spacing = spacingOf(volume)
    if image.shape[0] > 1:
        return image, spacing, chosen
    return image[0], spacing[1:], None if chosen is None else chosen[0]


def _inSlice(found: PointSpreads) -> PointSpreads:
    """The same with positions of three coordinates, as a volume of one slice has them."""
    points = tuple(dataclasses.replace(p, position=(0.0, *p.position)) for p in found.points)
    made = found.field
    if made.key == "position":
        made = KernelField.by_position(
            [((0.0, *at), kernel) for at, kernel in zip(made.at, made.kernels, strict=True)], made.interpolation
        )
    return dataclasses.replace(found, field=made, points=points)
