"""Kernels looked at before a run, on volume nodes: what the command `check` prints, and `kernel refine` does."""

from __future__ import annotations

from typing import Any

from ..arrays.watch import IsCancelled, Progress, Watch
from ..errors import InputError
from ..estimation.check import KernelCheck, check_kernels
from ..estimation.refine import RefinedField, refine
from ..run.inputs import Inputs
from ..run.settings import ConvolveSettings
from .nodes import prepare, settingsFrom
from .selections import Selections


def checkKernels(
    inputVolume,
    kernels,
    mask=None,
    labels=None,
    guide=None,
    resample: bool = False,
    noise: Any = "auto",
    progress: Progress | None = None,
    cancelled: IsCancelled | None = None,
    **options,
) -> KernelCheck:
    """Say of kernels and a volume node what there is to say before they go into a deconvolution.

    Parameters
    ----------
    inputVolume : vtkMRMLScalarVolumeNode
        The blurred image. Never modified.
    kernels, mask, labels, guide, resample
        See `nodes.deconvolveVolume`.
    noise : float, array, "poisson", NoiseLaw or "auto"
    progress : callable (fraction, text), optional
    cancelled : callable () -> bool, optional
    **options
        ``model``, ``boundary``, ``slicewise`` and ``nonfinite``, as of `SpatialDeconvLib.deconvolve`.

    Returns
    -------
    KernelCheck

    Raises
    ------
    InputError
        If a run would be refused, or the volume has several channels.
    Cancelled
    """
    inputs, settings = _lookedAt(inputVolume, kernels, Selections(mask, labels, guide, resample), options)
    return check_kernels(inputs, settings, noise, Watch(progress, cancelled))


def refineKernels(
    inputVolume,
    kernels,
    each: bool = False,
    widen: bool = False,
    mask=None,
    labels=None,
    guide=None,
    resample: bool = False,
    noise: Any = "auto",
    progress: Progress | None = None,
    cancelled: IsCancelled | None = None,
    **options,
) -> RefinedField:
    """Make kernels as wide as the blur that a volume node shows.

    Parameters
    ----------
    each, widen
        See `SpatialDeconvLib.refine_kernels`.
    inputVolume, kernels, mask, labels, guide, resample, noise, progress, cancelled, **options
        See `checkKernels`.

    Raises
    ------
    InputError
        If the volume cannot say how wide its blur is, and as `checkKernels` does.
    Cancelled
    """
    inputs, settings = _lookedAt(inputVolume, kernels, Selections(mask, labels, guide, resample), options)
    return refine(inputs, settings, noise, each, widen, Watch(progress, cancelled))


def _lookedAt(inputVolume, kernels, selections: Selections, options: dict) -> tuple[Inputs, ConvolveSettings]:
    settings = settingsFrom("convolve", None, {**options, "normalize": True})
    assert isinstance(settings, ConvolveSettings)
    prepared = prepare(settings, inputVolume, kernels, selections)
    if prepared.inputs.image.ndim == 4:
        raise InputError(
            f"the volume has {prepared.inputs.image.shape[3]} values per voxel; check one of its channels"
        )
    return prepared.inputs, settings
