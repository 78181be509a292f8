"""The two functions that measure kernels.

`estimate_kernel` finds the one kernel h of y = h * x, `estimate_kernels` all kernels of a field at once. Both
solve the least-squares problem on the voxels of y that depend on nothing outside x, so that edges need no
assumption.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..arrays.spacing import Spacing
from ..arrays.watch import IsCancelled, Progress, Watch
from ..errors import check_choice
from ..kernels.centres import GivenCentre
from ..kernels.field import KernelField
from ..kernels.kernel import Kernel
from ..methods.choices import MODELS
from .pair import Pair, kernel_shape
from .record import EstimatedField, EstimatedKernel
from .run import Estimation, Keyed, Options, constraint_of, key_field, key_name, strength_of


def estimate_kernel(
    original: np.ndarray,
    blurred: np.ndarray,
    shape: int | Sequence[int],
    *,
    spacing: Spacing | None = None,
    method: str = "least-squares",
    constraint: str | None = None,
    regularization: float | str = "auto",
    penalty: str = "gradient",
    noise: float | str = "auto",
    mask: np.ndarray | str | None = None,
    register: bool = False,
    gain: bool = False,
    offset: bool = False,
    iterations: int | None = None,
    centre: GivenCentre = "itk",
    progress: Progress | None = None,
    cancelled: IsCancelled | None = None,
) -> EstimatedKernel:
    r"""Estimate the kernel that turns one image into another, blurred = kernel * original + noise.

    Method "least-squares" minimises

    .. math:: \tfrac12 \sum_{i \in V} (y_i - (h*x)_i)^2 + \tfrac{\lambda}{2} \sigma_x^2 |V| \, |L h|^2

    over the voxels V of y that depend on nothing outside x and that the mask lets count; L is the identity or
    the gradient (with h zero beyond its support). Without constraints by Lanczos' process, which is conjugate
    gradients for all weights of the penalty at once; with them by accelerated projected gradients (FISTA,
    restarted) and conjugate gradients among the voxels that are not zero.

    Method "fourier" divides regularised spectra; fast, and right when both images vanish (or are flat) towards
    their border.

    Parameters
    ----------
    original, blurred : ndarray, 2-D (j, i) or 3-D (k, j, i)
        x and y, on one grid.
    shape : int or sequence of int
        Of the kernel in voxels, odd or even; one number for all axes longer than one voxel.
    spacing : float or sequence of float
        Voxel size in mm.
    method : {"least-squares", "fourier"}
    constraint : {None, "non-negative", "sum-one", "simplex"}
        "simplex" is non-negative and of sum 1. Method "fourier" projects its result. ("auto" and "equal-sums" are
        for fields; they mean None here.)
    regularization : float or "auto"
        The weight lambda, free of the images' units; "auto" takes the smallest score of generalised
        cross-validation, 0 takes none.
    penalty : {"gradient", "identity"}
    noise : float or "auto"
        Standard deviation of y's noise; `Estimate.residual` is relative to it. It does not change the kernel.
        "auto": see `Estimate.noise`.
    mask : ndarray, "unsaturated" or None
        The voxels of y that count (not 0). "unsaturated" leaves out those at exactly y's maximum.
    register : bool
        Estimate the displacement of y's content as well, whole voxels and fractions; the kernel's centre of
        mass then lies at its centre.
    gain : bool
        Estimate a factor between the images: the kernel sums to 1 and `Estimate.gain` is the factor. Otherwise
        the kernel's sum contains it.
    offset : bool
        Estimate a constant added to y.
    iterations : int, optional
        Most steps; it stops by itself, nearly always before the 300 that it may take otherwise.
    centre : {"itk", "middle"}, or one per axis
        Where the kernel is to have its centre: at index n // 2, or in its middle, (n - 1) / 2. They differ where n
        is even; then the middle is between voxels, and a blur has as much room on either side of it.
    progress : callable (fraction, text), optional
    cancelled : callable () -> bool, optional

    Returns
    -------
    EstimatedKernel
        A `Kernel` with the attribute `estimate`, an `Estimate`.

    Raises
    ------
    InputError
        If the images differ in shape, are constant or hold NaN; if the kernel does not fit into the images; if
        the original does not determine a kernel (structure along one axis only, say); if an option is unknown
        or impossible.
    Cancelled
        If `cancelled` returned true.
    """
    watch = Watch(progress, cancelled)
    options = Options.checked(
        method, constraint_of(constraint), regularization, penalty, register, gain, offset, iterations, centre
    )
    pair = Pair.checked(original, blurred, spacing, mask, noise)
    size = kernel_shape(shape, pair.original.shape)
    watch.step(0.0, "estimating a kernel")
    estimation = Estimation(pair, size, options)
    result = estimation.run(watch)
    watch.step(1.0, "kernel estimated")
    return EstimatedKernel(
        result.kernels[0], pair.spacing, "estimated kernel", centre=estimation.centre, estimate=result.record(pair)
    )


def estimate_kernels(
    original: np.ndarray,
    blurred: np.ndarray,
    keys: KernelField | Sequence[float],
    shape: int | Sequence[int],
    *,
    model: str = "detector",
    guide: np.ndarray | None = None,
    neighbours: float | str = "auto",
    spacing: Spacing | None = None,
    constraint: str | None = "auto",
    regularization: float | str = "auto",
    penalty: str = "gradient",
    noise: float | str = "auto",
    mask: np.ndarray | str | None = None,
    register: bool = False,
    gain: bool = False,
    offset: bool = False,
    iterations: int | None = None,
    centre: GivenCentre = "itk",
    progress: Progress | None = None,
    cancelled: IsCancelled | None = None,
) -> EstimatedField:
    r"""Estimate all kernels of a field from one pair of images, jointly.

    With the weights w_k that the keys give, the equations are

        detector model:  y = sum_k w_k (h_k * x)        source model:  y = sum_k h_k * (w_k x)

    linear in the kernels in both; they are solved like those of `estimate_kernel`, without forming a matrix,
    under the penalty

    .. math:: \sum_k |L h_k|^2 + \nu \sum_{(k,l)} a_{kl} |L (h_k - h_l)|^2

    over pairs of neighbours: adjacent levels (a_kl falls with their distance), the nearest positions, or all
    pairs of regions or weight images.

    Parameters
    ----------
    original, blurred, shape, spacing, regularization, penalty, noise, mask, register, offset
        As for `estimate_kernel`.
    keys : KernelField or sequence of float
        What chooses the kernels; the field's own kernels are ignored, and where it leaves voxels unchanged they
        count as unblurred. Numbers are levels of intensity, linear in between.
    model : {"detector", "source"}
    guide : ndarray, optional
        The image whose values choose, for keys of intensity; the original unless given.
    neighbours : float or "auto"
        nu. 0 estimates every kernel by itself; "auto" lets the kernels that the data do not determine follow
        their neighbours and leaves the others alone.
    constraint : {"auto", None, "non-negative", "equal-sums", "sum-one", "simplex"}
        "equal-sums": all kernels have one sum, whatever it is. "auto" takes it where the original's own intensity
        chooses (see the notes), and None elsewhere. Others as for `estimate_kernel`; with `gain`, "sum-one" and
        "simplex" hold after its division.
    gain : bool
        As for `estimate_kernel`: the mean of the kernels' sums, by their share of the evidence, is divided out.
    iterations, centre, progress, cancelled
        As for `estimate_kernel`.

    Returns
    -------
    EstimatedField
        A `KernelField` like `keys` with the kernels found, and with the attribute `estimate`, an `Estimate`
        that says which of them the data determine.

    Raises
    ------
    InputError
        As for `estimate_kernel`, or if the data determine none of the kernels.
    Cancelled
        If `cancelled` returned true.

    Notes
    -----
    Where the original's own intensity chooses, two things limit what any pair can tell. In the detector model the
    voxel in the middle of a window always has about the intensity of its level, so that a kernel's centre shows
    only in its sum; a blur keeps the sum, up to one factor between the images, and that makes the centres known:
    therefore "equal-sums". In the source model w_k x is, at the levels, the level times the indicator of its
    voxels; if these fill the image, as much can be moved from one kernel to the others, and only an original with a
    background of zero tells the kernels apart.
    """
    watch = Watch(progress, cancelled)
    check_choice(model, MODELS, "model")
    pair = Pair.checked(original, blurred, spacing, mask, noise)
    size = kernel_shape(shape, pair.original.shape)
    keyed = Keyed(key_field(keys, pair), guide, model, strength_of(neighbours))
    options = Options.checked(
        "least-squares", constraint_of(constraint, keyed), regularization, penalty, register, gain, offset,
        iterations, centre,
    )  # fmt: skip
    watch.step(0.0, "estimating kernels")
    estimation = Estimation(pair, size, options, keyed)
    result = estimation.run(watch)
    watch.step(1.0, "kernels estimated")
    field_ = keyed.field
    kernels = tuple(
        Kernel(h, pair.spacing, f"estimated kernel at {key_name(at)}", centre=estimation.centre)
        for h, at in zip(result.kernels, field_.at, strict=True)
    )
    values = {name: getattr(field_, name) for name in KernelField.__dataclass_fields__} | {"kernels": kernels}
    return EstimatedField(**values, estimate=result.record(pair))
