"""Parametric fits: the Gaussian, motion or defocus that comes closest to a measured kernel, or to a pair of images.

A fit samples the family exactly as its maker in `kernels` does (Gaussians at the voxel centres and cut off at 4
sigma, motion and defocus as exact shares of each voxel), so fitting a kernel that a maker made returns the maker's
parameters, and a fitted `ParametricKernel` put on the same grid is the kernel that was fitted.

A measured kernel may be displaced (a pair of images is never registered perfectly) and scaled. Both are fitted
along by default and reported, but are no part of the kernel that is returned, which is centred and of sum 1.

The fit minimises, over parameters p, displacement d and scale a,

    || a m(p, d) - h ||^2                                        for a kernel h   (`fit_kernel`)
    || a (m(p, d) * x) + b - y ||^2  over the valid region       for a pair x, y  (`fit_pair`)

a and b, which enter linearly, are eliminated (variable projection; G. H. Golub, V. Pereyra, "The differentiation of
pseudo-inverses and nonlinear least squares problems whose variables separate", SIAM J. Numer. Anal. 10, 1973). The
rest is left to `scipy.optimize.least_squares`, started from the best of a coarse grid.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy import fft, ndimage, optimize, signal

from ...arrays.inner import dot
from ...arrays.spacing import Spacing, spacing_tuple
from ...arrays.threads import usable_processors
from ...arrays.watch import UNWATCHED, IsCancelled, Progress, Watch
from ...errors import InputError
from ...kernels.kernel import Kernel
from ...kernels.parametric import ParametricKernel
from .families import Family, InSlices, family_of, family_on

# Neighbouring weights of an estimated kernel that are below this share of its peak say little about its place.
_FLOOR = 0.1


@dataclass(frozen=True)
class KernelFit:
    """A parametric kernel and how well it fits.

    Attributes
    ----------
    kernel : ParametricKernel
        Centred, of sum 1, in mm: goes wherever a kernel goes.
    errors : dict
        Standard error of each parameter, in the words and shapes of ``kernel.parameters``. From the residual, taken
        as independent between voxels, which errors of an estimated kernel are not quite.
    misfit : float
        Of a kernel: ||a m - h|| / ||h||. Of a pair: root mean square of what is left, over the standard deviation
        of the blurred image.
    scale : float
        a: the sum of the measured kernel as the fit sees it, or the gain between the images.
    offset : float
        b, of a pair.
    shift : tuple of float
        Displacement in mm per axis.
    fitted : Kernel
        a m(p, d) on the grid of the measured kernel, for comparison (of a pair: a = 1).
    iterations : int
    warnings : list of str
    """

    kernel: ParametricKernel
    errors: dict[str, Any]
    misfit: float
    scale: float
    offset: float
    shift: tuple[float, ...]
    fitted: Kernel = field(repr=False)
    iterations: int = 0
    warnings: list[str] = field(default_factory=list)

    @property
    def parameters(self) -> dict[str, Any]:
        return self.kernel.parameters

    def describe(self) -> str:
        """The parameters with their standard errors, in one line."""
        parts = []
        for word, value in self.parameters.items():
            if word in self.errors:
                parts.append(f"{word} {_with_error(value, self.errors[word])}")
        return f"{self.kernel.type}: {', '.join(parts)}, misfit {self.misfit:.2%}"


def _with_error(value: Any, error: Any) -> str:
    if np.ndim(value):
        return "[" + ", ".join(_with_error(v, e) for v, e in zip(value, error, strict=True)) + "]"
    return f"{value:.4g} ± {error:.2g}"


# ------------------------------------------------------------------------------------------- to a kernel


def fit_kernel(
    kernel: Kernel,
    type: str = "gaussian",
    *,
    form: str = "isotropic",
    shift: bool = True,
    scale: bool = True,
) -> KernelFit:
    """Return the parametric kernel closest to a measured one, by least squares over its voxels.

    Parameters
    ----------
    kernel : Kernel, 2-D (j, i) or 3-D (k, j, i)
        Measured or estimated. A 3-D kernel of one slice blurs within slices: it gets no blur along k.
    type : {"gaussian", "motion", "disk", "ball"}
        Motion: length and angle (2-D), or length and direction (3-D). A disk is 2-D, a ball 3-D.
    form : {"isotropic", "axes", "full"}
        Of a Gaussian: one sigma, one per axis, or a full covariance.
    shift : bool
        Let the kernel be displaced from its centre voxel.
    scale : bool
        Let it have any sum; otherwise it sums to 1 over its grid.

    Returns
    -------
    KernelFit
        A 2-D kernel gets parameters of two axes (``sigma_mm = [s, s]``), one of a single slice those of three
        (``[0, s, s]``), so that neither is ever taken for a 3-D one.

    Raises
    ------
    InputError
        If `kernel` is no `Kernel` or has too few voxels for the parameters, a choice is unknown, or the kind of
        kernel is one of the other dimension.
    """
    kernel, flat = _planar(kernel)
    family = family_of(type, form, kernel.shape, kernel.spacing, flat)
    problem = _KernelProblem(family, kernel, shift, scale)
    return _fit(problem)


def _planar(kernel: Any) -> tuple[Kernel, bool]:
    """The kernel, as 2-D when it has one slice, and whether it had."""
    kernel = measured_kernel(kernel)
    if kernel.ndim == 3 and kernel.shape[0] == 1:
        return Kernel(kernel.values[0], kernel.spacing[1:], kernel.name, centre=kernel.centre[1:]), True
    return kernel, False


def measured_kernel(kernel: Any) -> Kernel:
    """The kernel, with its centre at n // 2, or an error that says what is wanted."""
    if not isinstance(kernel, Kernel):
        raise InputError(f"kernel {kernel!r} is no Kernel; wrap an array as Kernel(values, spacing)")
    return kernel.centred()


class _KernelProblem:
    """Residuals of a model against a kernel."""

    polished, jacobian, tolerance = 3, "3-point", 1e-13
    watch = UNWATCHED  # a fraction of a second

    def __init__(self, family: Family, kernel: Kernel, shift: bool, scale: bool):
        self.family, self.kernel, self.shift, self.scale = family, kernel, shift, scale
        if kernel.values.size <= family.count + (kernel.ndim if shift else 0) + 1:
            raise InputError(
                f"a kernel of {kernel.values.size} voxels {kernel.shape} cannot determine the {family.count} "
                f"parameters of a {family.type}; give a larger kernel"
            )
        self.norm = float(np.linalg.norm(kernel.values))
        self.count = kernel.values.size
        places = np.argwhere(kernel.values)
        family.support = np.abs(places - np.array(kernel.centre)).max(axis=0).tolist()
        self.linear = int(scale)

    def amplitude(self, model: np.ndarray) -> tuple[float, float]:
        if not self.scale:
            return 1.0, 0.0
        power = dot(model, model)
        return (dot(model, self.kernel.values) / power if power > 0 else 0.0), 0.0

    def residual(self, model: np.ndarray) -> np.ndarray:
        return ((self.amplitude(model)[0] * model - self.kernel.values) / self.norm).ravel()

    def first_shift(self) -> np.ndarray:
        """Centre of gravity of what stands out around the peak, in mm from the centre voxel."""
        values = np.abs(self.kernel.values)
        strong = values >= max(_FLOOR, 1e-9) * values.max()
        parts, _ = ndimage.label(strong, np.ones((3,) * values.ndim))
        peak = np.unravel_index(int(values.argmax()), values.shape)
        part = np.where(parts == parts[peak], values, 0.0)
        middle = ndimage.center_of_mass(part)
        place = zip(middle, self.kernel.centre, self.kernel.spacing, strict=True)
        return np.array([(m - c) * h for m, c, h in place])

    def score(self, model: np.ndarray) -> float:
        """The size of the residual, for choosing starts."""
        return float(np.linalg.norm(self.residual(model)))

    def misfit(self, residual: np.ndarray) -> float:
        return float(np.linalg.norm(residual))

    def fitted(self, model: np.ndarray) -> np.ndarray:
        return self.amplitude(model)[0] * model


# --------------------------------------------------------------------------------------------- to a pair


def fit_pair(
    original: np.ndarray,
    blurred: np.ndarray,
    type: str = "gaussian",
    *,
    spacing: Spacing | None = None,
    shape: int | Sequence[int] | None = None,
    form: str = "isotropic",
    mask: np.ndarray | None = None,
    gain: bool = False,
    offset: bool = False,
    shift: bool = False,
    start: ParametricKernel | KernelFit | None = None,
    progress: Progress | None = None,
    cancelled: IsCancelled | None = None,
) -> KernelFit:
    """Return the parametric kernel that best turns an original into its blurred image, without a kernel between.

    With a handful of parameters it needs far less of a pair than `estimate_kernel` does, and its standard errors
    are those of the parameters themselves.

    Parameters
    ----------
    original, blurred : ndarray, 2-D (j, i) or 3-D (k, j, i)
        Same shape. Voxels of `blurred` count that depend on nothing outside `original`.
    type, form : see `fit_kernel`
    spacing : float or sequence of float
        Voxel size in mm; default 1.
    shape : int or sequence of int, optional
        Voxels per axis that hold the kernel; default large enough for `start`, or 15.
    mask : ndarray of bool, optional
        Voxels of the blurred image that count: leave out saturated ones.
    gain, offset, shift : bool
        Fit along a factor and a constant between the images, and a displacement of less than half of `shape`.
    start : ParametricKernel or KernelFit, optional
        Where to start; default a coarse grid of parameters.
    progress, cancelled : callables

    Returns
    -------
    KernelFit

    Raises
    ------
    InputError
        If the images differ in shape or hold NaN, the original is constant where it counts, or as `fit_kernel`.
    Cancelled
    """
    watch = Watch(progress, cancelled)
    original, blurred, spacings = check_pair(original, blurred, spacing)
    if isinstance(start, KernelFit):
        start = start.kernel
    family = family_on(type, form, support_of(shape, start, original.shape, spacings), spacings)
    problem = _PairProblem(family, original, blurred, mask, gain, offset, shift, watch)
    fit = _fit(problem, start)
    watch.step(1.0, "fitted")
    return fit


def check_pair(original: Any, blurred: Any, spacing: Any) -> tuple[np.ndarray, np.ndarray, tuple[float, ...]]:
    """Two real, finite arrays of one shape as float64, and the spacing; a single slice becomes 2-D."""
    arrays = []
    for name, given in (("original", original), ("blurred", blurred)):
        array = np.asarray(given)
        if array.ndim not in (2, 3) or array.size == 0 or array.dtype.kind not in "biuf":
            raise InputError(f"{name} of shape {array.shape} and type {array.dtype}: give a real 2-D or 3-D array")
        array = array.astype(np.float64)
        bad = array.size - np.count_nonzero(np.isfinite(array))
        if bad:
            raise InputError(f"{name} holds {bad} NaN or infinite of {array.size} voxels; repair it first")
        arrays.append(array)
    original, blurred = arrays
    if original.shape != blurred.shape:
        raise InputError(f"original {original.shape} and blurred {blurred.shape} differ in shape; give one grid")
    spacings = spacing_tuple(spacing, original.ndim)
    if original.ndim == 3 and original.shape[0] == 1:
        return original[0], blurred[0], spacings[1:]
    return original, blurred, spacings


def support_of(
    shape: Any, start: ParametricKernel | None, image: tuple[int, ...], spacing: tuple[float, ...]
) -> tuple[int, ...]:
    """The shape of the kernel\'s grid, checked."""
    if shape is None:
        if start is None:
            return tuple(min(15, n - 1 if n % 2 == 0 else n) for n in image)
        sampled = start.sampled(spacing)
        if sampled.ndim != len(image):
            raise InputError(f"start {start!r} is {sampled.ndim}-D, the image {len(image)}-D; give one of its own")
        return tuple(min(n + 2, size) for n, size in zip(sampled.shape, image, strict=True))
    given = np.atleast_1d(np.asarray(shape))
    if given.size == len(image) + 1 and given[0] == 1:
        given = given[1:]
    if given.size not in (1, len(image)) or given.dtype.kind not in "iu" or np.any(given < 1):
        raise InputError(f"shape {shape!r} must be one whole number of voxels, or one per axis ({len(image)})")
    sizes = tuple(int(n) for n in np.broadcast_to(given, len(image)))
    if any(n > size for n, size in zip(sizes, image, strict=True)):
        raise InputError(f"shape {sizes} of the kernel is larger than the image {image}; give fewer voxels")
    return sizes


class _PairProblem:
    """Residuals of a model against a pair of images: dear, so few starts and no more digits than images have."""

    jacobian, tolerance = "2-point", 1e-8

    def __init__(
        self,
        family: Family | InSlices,
        original: np.ndarray,
        blurred: np.ndarray,
        mask: np.ndarray | None,
        gain: bool,
        offset: bool,
        shift: bool,
        watch: Watch,
    ):
        self.family, self.shift, self.scale, self.offset = family, shift, gain, offset
        self.kernel = Kernel(np.ones(family.shape), family.spacing.tolist())
        self.watch = watch
        self.linear = int(gain) + int(offset)
        self.evaluated = 0
        self.workers = usable_processors()
        self.polished = 2 if family.type == "motion" else 1
        shape = family.shape
        self.size = [fft.next_fast_len(n, real=True) for n in original.shape]
        middle = float(original.mean())  # of sum 1, the kernel leaves it; without it, rounding stays small
        self.middle = middle
        self.spectrum = fft.rfftn(original - middle, self.size, workers=self.workers)
        # Voxel j of y needs x from j - (n - 1) + c to j + c, c = n // 2: the kernel's centre.
        self.valid = tuple(
            slice(n - 1 - n // 2, size - n // 2) for n, size in zip(shape, original.shape, strict=True)
        )
        self.taken = tuple(slice(n - 1, size) for n, size in zip(shape, original.shape, strict=True))
        self.blurred = blurred[self.valid]
        self.inside = None
        if mask is not None:
            mask = np.asarray(mask).reshape(original.shape) if np.size(mask) == original.size else np.asarray(mask)
            if mask.shape != original.shape:
                raise InputError(f"mask has shape {mask.shape}, the images {original.shape}; give one grid")
            self.inside = mask[self.valid] != 0
            self.blurred = self.blurred[self.inside]
        self.count = self.blurred.size
        if self.count <= family.count + 5:
            raise InputError(
                f"{self.count} voxels of the blurred image count (inside the mask and farther from the border than "
                f"the kernel {shape} reaches), too few; enlarge the mask or give a smaller shape"
            )
        spread = float(np.ptp(original[self.valid] if self.inside is None else original[self.valid][self.inside]))
        if spread <= 1e-9 * max(float(np.abs(original).max()), 1e-300):
            raise InputError(
                "the original is constant where it counts, which determines no kernel; give one with edges"
            )
        self.norm = float(np.std(self.blurred)) * math.sqrt(self.count)
        if self.norm == 0:
            raise InputError("the blurred image is constant where it counts, which determines no kernel")
        self._correlate(mask is not None)

    def _correlate(self, masked: bool) -> None:
        """Correlations of the images over the lags that the kernel spans, for `score`."""
        shape = self.family.shape
        full = np.zeros([s.stop + n // 2 for s, n in zip(self.valid, shape, strict=True)])
        place = np.zeros(full[self.valid].shape)
        if masked:
            place[self.inside] = self.blurred - self.blurred.mean()
        else:
            place[...] = self.blurred - self.blurred.mean()
        full[self.valid] = place
        # Twice the kernel beyond the image keeps the ends of the lags apart.
        size = [fft.next_fast_len(n + 2 * m, real=True) for n, m in zip(full.shape, shape, strict=True)]
        image = fft.irfftn(self.spectrum, self.size)[tuple(slice(0, n) for n in full.shape)]
        spectrum = fft.rfftn(image, size)
        power = fft.irfftn(np.abs(spectrum) ** 2, size)
        cross = fft.irfftn(np.conj(spectrum) * fft.rfftn(full, size), size)
        lags = [np.arange(-(n - 1), n) for n in shape]
        self.own = power[np.ix_(*lags)]
        self.cross = cross[np.ix_(*[np.arange(n) - n // 2 for n in shape])]

    def score(self, model: np.ndarray) -> float:
        """What the residual would be, up to a constant, were it not for borders: cheap, for choosing starts."""
        blurred = signal.fftconvolve(self.own, model, "valid")[(slice(None, None, -1),) * model.ndim]
        power, agreement = dot(model, blurred), dot(model, self.cross)
        # Free of scale, because the correlations are of different parts of the images.
        return -(agreement**2) / power if power > 0 and agreement > 0 else 0.0

    def predicted(self, model: np.ndarray) -> np.ndarray:
        """m * x on the voxels that count."""
        spectrum = self.spectrum * fft.rfftn(model, self.size, workers=self.workers)
        image = fft.irfftn(spectrum, self.size, workers=self.workers)[self.taken]
        image = image + self.middle * model.sum()
        return image if self.inside is None else image[self.inside]

    def amplitude_of(self, image: np.ndarray) -> tuple[float, float]:
        y = self.blurred
        if self.scale and self.offset:
            centred = image - image.mean()
            power = dot(centred, centred)
            a = dot(centred, y) / power if power > 0 else 0.0
            return a, float(y.mean() - a * image.mean())
        if self.scale:
            power = dot(image, image)
            return (dot(image, y) / power if power > 0 else 0.0), 0.0
        return 1.0, float(np.mean(y - image)) if self.offset else 0.0

    def amplitude(self, model: np.ndarray) -> tuple[float, float]:
        return self.amplitude_of(self.predicted(model))

    def residual(self, model: np.ndarray) -> np.ndarray:
        self.watch.check()
        image = self.predicted(model)
        a, b = self.amplitude_of(image)
        residual = ((a * image + b - self.blurred) / self.norm).ravel()
        # How many more there will be is not known: the fraction nears 1 and never reaches it.
        self.evaluated += 1
        self.watch.tell(1 - math.exp(-self.evaluated / 60), f"misfit {float(np.linalg.norm(residual)):.3%}")
        return residual

    def first_shift(self) -> np.ndarray:
        peak = np.unravel_index(int(self.cross.argmax()), self.cross.shape)
        return (np.array(peak) - np.array(self.cross.shape) // 2) * self.family.spacing

    def misfit(self, residual: np.ndarray) -> float:
        return float(np.linalg.norm(residual))

    def fitted(self, model: np.ndarray) -> np.ndarray:
        return model


# ------------------------------------------------------------------------------------------ the minimiser

Problem = _KernelProblem | _PairProblem


def _fit(problem: Problem, start: ParametricKernel | None = None) -> KernelFit:
    family, ndim = problem.family, len(problem.family.shape)
    shift = problem.first_shift() if problem.shift else np.zeros(0)
    found = []
    iterations = 0
    starts = _best_starts(problem, shift) if start is None else [family.from_kernel(start)]
    for q in starts:
        x, count = _minimise(problem, np.concatenate([q, shift]))
        iterations += count
        found.append((float(np.linalg.norm(_residual(problem, x))), x, family.radii))
    _, x, radii = min(found, key=lambda one: one[0])
    if radii is not None:
        family.radii = radii
    x = _simplest(problem, x)
    q, moved = x[: family.count], _shift_of(problem, x)
    model = family.model(q, moved)
    residual = problem.residual(model)
    amplitude, offset = problem.amplitude(model)
    warnings = family.warnings(q)
    if np.any(np.abs(moved) > 0.5 * np.array(family.shape) * family.spacing):
        warnings.append("the kernel lies outside its grid; give a larger one")
    errors = _errors(problem, x, residual, ndim)
    if not np.all(np.isfinite(errors)):
        warnings.append(f"the data do not determine all parameters of the {family.type}")
    name = f"fitted {family.type}"
    return KernelFit(
        family.kernel(q), family.words(errors), problem.misfit(residual), amplitude, offset,
        tuple(float(s) for s in moved), Kernel(problem.fitted(model), family.spacing.tolist(), name), iterations,
        warnings,
    )  # fmt: skip


def _best_starts(problem: Problem, shift: np.ndarray) -> list[np.ndarray]:
    scored = []
    moved = shift if problem.shift else np.zeros(len(problem.family.shape))
    for q in problem.family.starts():
        problem.watch.check()
        scored.append((problem.score(problem.family.model(q, moved)), tuple(q)))
    scored.sort(key=lambda pair: pair[0])
    return [np.array(q) for _, q in scored[: problem.polished]]


def _shift_of(problem: Problem, x: np.ndarray) -> np.ndarray:
    return x[problem.family.count :] if problem.shift else np.zeros(len(problem.family.shape))


def _residual(problem: Problem, x: np.ndarray) -> np.ndarray:
    return problem.residual(problem.family.model(x[: problem.family.count], _shift_of(problem, x)))


def _minimise(problem: Problem, x: np.ndarray) -> tuple[np.ndarray, int]:
    """Minimise, then again with the maker's cut-off for the sigma that was found, until that stays."""
    family = problem.family
    low, high = family.bounds()
    if problem.shift:
        reach = np.array(family.shape) * family.spacing
        low, high = np.concatenate([low, -reach]), np.concatenate([high, reach])
    count = 0
    if hasattr(family, "radii"):
        family.radii = None
    for _ in range(4):
        x = np.clip(x, low + 1e-9, high - 1e-9)
        found = optimize.least_squares(
            lambda v: _residual(problem, v), x, jac=problem.jacobian, bounds=(low, high), x_scale="jac",
            xtol=problem.tolerance, ftol=problem.tolerance, gtol=problem.tolerance, max_nfev=100,
        )  # fmt: skip
        x, count = found.x, count + found.nfev
        if not family.settle(x[: family.count]):
            break
    return x, count


def _simplest(problem: Problem, x: np.ndarray) -> np.ndarray:
    """Set to 0 what makes no difference: a line inside one layer of voxels may lie anywhere in it."""
    family = problem.family
    free = list(range(family.count)) if family.type == "motion" else []
    best = float(np.linalg.norm(_residual(problem, x)))
    for index in [*range(family.count, x.size), *free]:
        trial = x.copy()
        trial[index] = 0.0
        cost = float(np.linalg.norm(_residual(problem, trial)))
        if np.any(trial[: family.count]) and cost <= best * (1 + 1e-9) + 1e-12:
            x = trial
    return x


def _errors(problem: Problem, x: np.ndarray, residual: np.ndarray, ndim: int) -> np.ndarray:
    """Standard errors of the reported parameters: sqrt diag of D s^2 (J^T J)^-1 D^T, D the change of variables."""
    family = problem.family
    steps = np.maximum(1e-6, 1e-6 * np.abs(x))
    moves = list(zip(steps, np.diag(steps), strict=True))
    jacobian = np.stack(
        [(_residual(problem, x + e) - _residual(problem, x - e)) / (2 * s) for s, e in moves], axis=1
    )
    variance = dot(residual, residual) / max(1, problem.count - x.size - problem.linear)
    covariance = (variance * _inverse(jacobian))[: family.count, : family.count]
    q = x[: family.count]
    change = np.stack(
        [
            (family.parameters(q + e) - family.parameters(q - e)) / (2 * s)
            for s, e in zip(steps, np.diag(steps[: family.count]), strict=False)
        ],
        axis=1,
    )
    errors = np.sqrt(np.maximum(np.einsum("ac,cd,ad->a", change, covariance, change), 0.0))
    size = np.abs(change) @ np.maximum(np.abs(q), 1.0)
    return np.where(errors > 1e3 * size, np.inf, errors)


def _inverse(jacobian: np.ndarray) -> np.ndarray:
    """(J^T J)^-1, with very large values where the data determine nothing."""
    scale = np.maximum(np.linalg.norm(jacobian, axis=0), 1e-30)
    values, vectors = np.linalg.eigh((jacobian / scale).T @ (jacobian / scale))
    inverse = (vectors / np.maximum(values, 1e-14)) @ vectors.T
    return inverse / np.outer(scale, scale)
