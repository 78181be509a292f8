"""Parametric kernels for a whole field, and Gaussians whose sigma is a smooth function of the key."""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import interpolate

from ...errors import InputError, check_choice, check_number
from ...kernels.field import KernelField
from ...kernels.parametric import ParametricKernel
from ...methods.choices import FORMS, SMOOTHERS
from .single import KernelFit, fit_kernel, measured_kernel


@dataclass(frozen=True)
class FieldFit:
    """Parametric kernels for a whole field.

    Attributes
    ----------
    field : KernelField
        The fitted kernels under the keys of the measured ones: goes wherever a field goes.
    fits : tuple of (KernelFit or None)
        One per measured kernel; None where the pair did not determine it.
    at : tuple
        What each belongs to, in the order of `fits`.
    warnings : list of str
    """

    field: KernelField
    fits: tuple[KernelFit | None, ...]
    at: tuple[Any, ...]
    warnings: list[str] = dataclasses.field(default_factory=list)


def fit_kernels(kernels: KernelField, type: str = "gaussian", **options: Any) -> FieldFit:
    """Fit every kernel of a measured field.

    Parameters
    ----------
    kernels : KernelField
        As `estimate_kernels` returns it: kernels that the pair did not determine (``kernels.estimate.determined``)
        are left out. Levels are then interpolated across them; a position takes the fit of the nearest one that
        was determined, so that the positions stay a complete grid.
    type, **options : see `fit_kernel`

    Returns
    -------
    FieldFit

    Raises
    ------
    InputError
        If no kernel was determined, the label of one that was not would be left without a kernel, or as
        `fit_kernel`.
    """
    if not isinstance(kernels, KernelField):
        raise InputError(f"kernels {kernels!r} is no KernelField; for a single kernel, use fit_kernel")
    known = _determined(kernels)
    return field_fit(
        kernels,
        [
            fit_kernel(measured_kernel(kernel), type, **options) if good else None
            for kernel, good in zip(kernels.kernels, known, strict=True)
        ],
    )


def field_fit(kernels: KernelField, fits: Sequence[KernelFit | None]) -> FieldFit:
    """Put fits, one per kernel or None where it is not determined, in the place of a field's kernels."""
    known = [fit is not None for fit in fits]
    missing = [at for at, good in zip(kernels.at, known, strict=True) if not good]
    warnings = [f"{_place(kernels, at)}: not determined by the images, so not fitted" for at in missing]
    for at, fit in zip(kernels.at, fits, strict=True):
        warnings += [f"{_place(kernels, at)}: {text}" for text in (fit.warnings if fit else [])]
    if not any(known):
        raise InputError(
            "the images determine none of the kernels, so there is nothing to fit; see the estimate's warnings"
        )
    if missing and kernels.key not in ("intensity", "position"):
        raise InputError(
            f"{_place(kernels, missing[0])} was not determined by the images and would have no kernel; leave it "
            "out of the estimation, or enlarge it"
        )
    pairs = [(at, fit.kernel) for at, fit in zip(kernels.at, fits, strict=True) if fit]
    if kernels.key == "position":
        pairs += [(at, _nearest(at, pairs)) for at in missing]
        pairs = [(at, dict(pairs)[at]) for at in kernels.at]
    made = _rekeyed(kernels, pairs)
    return FieldFit(made, tuple(fits), kernels.at, warnings)


def _determined(kernels: KernelField) -> list[bool]:
    estimate = getattr(kernels, "estimate", None)
    known = getattr(estimate, "determined", None)
    return [True] * len(kernels.kernels) if known is None else [bool(k) for k in known]


def _nearest(at: Sequence[float], pairs: Sequence[tuple[Any, Any]]) -> Any:
    return min(pairs, key=lambda pair: math.dist(pair[0], at))[1]


def _rekeyed(kernels: KernelField, pairs: Sequence[tuple[Any, ParametricKernel]]) -> KernelField:
    """The field with other kernels (and, for levels and positions, other places), without its estimate."""
    if kernels.key == "intensity":
        return KernelField.by_intensity(pairs, kernels.interpolation, kernels.outside, kernels.of)
    if kernels.key == "position":
        return KernelField.by_position(pairs, kernels.interpolation)
    if kernels.key == "uniform":
        return KernelField.uniform(pairs[0][1])
    if kernels.key == "weights":
        return KernelField.by_weights(kernels.weight_arrays, [kernel for _, kernel in pairs])
    return KernelField.by_region(kernels.labels, pairs, kernels.feather, kernels.outside, kernels.label_names)


def _place(kernels: KernelField, at: Any) -> str:
    """What a kernel belongs to, in words."""
    if kernels.key == "intensity":
        return f"level {at:g}"
    if kernels.key == "position":
        return f"position [{', '.join(f'{v:g}' for v in at)}] mm"
    return f"{ {'region': 'label', 'weights': 'weight image'}.get(kernels.key, 'kernel') } {at}"


# --------------------------------------------------------------------------- sigma as a function of the key


@dataclass(frozen=True)
class SmoothGaussians:
    """Gaussians whose sigma is a smooth function of intensity or position.

    Attributes
    ----------
    field : KernelField
        Gaussians at the places asked for: goes wherever a field goes.
    at : ndarray, shape (K,) or (K, axes)
        Where kernels were measured and used.
    measured, errors : ndarray, shape (K, S)
        Their sigma in mm (S = 1, or one per axis) and its standard error.
    smooth : ndarray, shape (K, S)
        The function there.
    how : str
        What the function is, in words: the polynomial's coefficients, the smoothing that was chosen.
    misfit : float
        Root mean square of (smooth - measured) / measured.
    sigma : callable
        The function itself: places, shape (n,) or (n, axes), to sigma in mm, shape (n, S).
    warnings : list of str
    """

    field: KernelField
    at: np.ndarray
    measured: np.ndarray
    errors: np.ndarray
    smooth: np.ndarray
    how: str
    misfit: float
    sigma: Callable[[Any], np.ndarray] = dataclasses.field(repr=False)
    warnings: list[str] = dataclasses.field(default_factory=list)


def smooth_gaussians(
    kernels: KernelField | FieldFit,
    smoother: str = "polynomial",
    *,
    degree: int | None = None,
    form: str = "isotropic",
    at: Sequence[Any] | None = None,
    **options: Any,
) -> SmoothGaussians:
    """Return a field of Gaussians whose sigma follows a smooth function of intensity or position.

    A Gaussian is fitted to every determined kernel, then the function to their sigmas, each with the weight
    1 / (its standard error)^2, where errors below a tenth of the median count as that tenth.

    Parameters
    ----------
    kernels : KernelField or FieldFit
        Measured kernels keyed by intensity or position, or their fits (Gaussians).
    smoother : {"polynomial", "monotone", "smoothing"}
        A polynomial of `degree` (of all coordinates together, for positions); the closest function that only
        rises or only falls (intensity only; pool adjacent violators), linear between the levels; or a smoothing
        spline (intensity) or thin-plate spline (position), its smoothness chosen by leaving out one kernel at a
        time.
    degree : int, optional
        Of the polynomial; default 2 where there are enough kernels, else 1.
    form : {"isotropic", "axes"}
        One sigma, or one per axis with a function each.
    at : sequence, optional
        Levels or positions of the new field; default those of the measured kernels, all of them.
    **options : see `fit_kernel`

    Returns
    -------
    SmoothGaussians

    Raises
    ------
    InputError
        If the key is another, there are too few kernels for the function, or it is not positive where it is needed.
    """
    check_choice(smoother, SMOOTHERS, "smoother")
    if isinstance(kernels, FieldFit):
        fitted = kernels
    else:
        check_choice(form, FORMS[:2], "form")
        fitted = fit_kernels(kernels, "gaussian", form=form, **options)
    source = fitted.field
    if source.key not in ("intensity", "position"):
        raise InputError(f"kernels keyed by {source.key!r} have no smooth function; take intensity or position")
    if degree is not None and smoother != "polynomial":
        raise InputError(f"degree {degree!r} is for a polynomial; with smoother {smoother!r} leave it out")
    used = [(place, fit) for place, fit in zip(fitted.at, fitted.fits, strict=True) if fit]
    if any("sigma_mm" not in fit.parameters for _, fit in used):
        raise InputError(
            "the fits are not of Gaussians with a sigma; fit type='gaussian', form 'isotropic' or 'axes'"
        )
    places = np.array([place for place, _ in used], dtype=float)
    measured, errors = _sigmas([fit for _, fit in used])
    curves = [_smoother(smoother, places, m, e, degree) for m, e in zip(measured.T, errors.T, strict=True)]

    def sigma(where: Any) -> np.ndarray:
        return np.stack([curve(np.asarray(where, dtype=float)) for curve, _ in curves], axis=-1)

    wanted = list(fitted.at if at is None else at)
    values = sigma(np.array(wanted, dtype=float))
    if not np.all(values > 0):
        worst = wanted[int(np.argmin(values.min(axis=1)))]
        raise InputError(
            f"sigma would be {values.min():.3g} mm at {worst}; take a lower degree, smoother 'monotone', or other "
            "places"
        )
    shape = np.atleast_1d(used[0][1].parameters["sigma_mm"])
    pairs = [(place, _gaussian(row, shape)) for place, row in zip(wanted, values, strict=True)]
    smooth = sigma(places)
    misfit = float(np.sqrt(np.mean(((smooth - measured) / measured) ** 2)))
    warnings = list(fitted.warnings) + _extrapolation(source.key, places, wanted, smoother)
    return SmoothGaussians(
        _rekeyed(source, pairs), places, measured, errors, smooth, "; ".join(how for _, how in curves), misfit,
        sigma, warnings,
    )  # fmt: skip


def _gaussian(row: np.ndarray, like: np.ndarray) -> ParametricKernel:
    """A Gaussian of these sigmas, on the axes on which `like` has one."""
    sigmas = np.where(like > 0, 1.0, 0.0)
    sigmas[like > 0] = row
    return ParametricKernel("gaussian", sigma_mm=sigmas.tolist() if sigmas.size > 1 else float(sigmas[0]))


def _sigmas(fits: Sequence[KernelFit]) -> tuple[np.ndarray, np.ndarray]:
    """Sigmas and errors, shape (K, S): one column where all axes of every fit agree."""
    values = np.stack([np.atleast_1d(fit.parameters["sigma_mm"]) for fit in fits])
    errors = np.stack([np.broadcast_to(fit.errors["sigma_mm"], values.shape[1:]) for fit in fits])
    blurred = values.any(axis=0)  # not the axis across the slices of a kernel that lies in them
    values, errors = values[:, blurred], errors[:, blurred]
    if np.all(values == values[:, :1]):
        values, errors = values[:, :1], errors[:, :1]
    finite = np.where(np.isfinite(errors), errors, np.nan)
    typical = float(np.nanmedian(finite)) if np.any(np.isfinite(finite)) else 0.0
    largest = np.nanmax(finite) if np.any(np.isfinite(finite)) else 1.0
    errors = np.where(np.isfinite(errors), errors, 10 * max(largest, 1e-12))
    # A tiny error speaks of a kernel that is a Gaussian, not of a function that must pass through it.
    return values, np.maximum(errors, max(0.1 * typical, 1e-9 * float(values.max())))


def _extrapolation(key: str, places: np.ndarray, wanted: Sequence[Any], smoother: str) -> list[str]:
    asked = np.array(wanted, dtype=float).reshape(len(wanted), -1)
    known = places.reshape(len(places), -1)
    beyond = np.any((asked < known.min(axis=0) - 1e-9) | (asked > known.max(axis=0) + 1e-9), axis=1)
    if not beyond.any() or smoother == "monotone":
        return []
    what = "levels" if key == "intensity" else "positions"
    count = np.count_nonzero(beyond)
    return [f"{count} of {len(wanted)} {what} lie outside the measured ones: sigma is extrapolated"]


Curve = Callable[[np.ndarray], np.ndarray]


def _smoother(
    kind: str, places: np.ndarray, values: np.ndarray, errors: np.ndarray, degree: int | None
) -> tuple[Curve, str]:
    """The function places -> values, and what it is in words."""
    if kind == "monotone":
        if places.ndim > 1:
            raise InputError("smoother 'monotone' is for intensity; for positions take 'polynomial' or 'smoothing'")
        return _monotone(places, values, errors)
    normalised = _normalisation(places)
    make = _polynomial if kind == "polynomial" else _spline
    function, how = make(normalised(places), values, errors, degree)
    return lambda where: function(normalised(where)), how


def _normalisation(places: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """The function that brings places between -1 and 1, without the axes on which they do not differ."""
    points = places.reshape(len(places), -1)
    middle, scale = points.mean(axis=0), np.ptp(points, axis=0)
    used = np.flatnonzero(scale > 0)  # positions of one slice say nothing along the slice axis

    def normalised(where: np.ndarray) -> np.ndarray:
        where = where.reshape(-1, points.shape[1])
        return (where[:, used] - middle[used]) / (0.5 * scale[used])

    return normalised


def polynomial_basis(places: np.ndarray, degree: int) -> np.ndarray:
    """The powers of a polynomial at places, shape (K, F), the constant first.

    Raises
    ------
    InputError
        If the places do not determine a polynomial of that degree.
    """
    points = _normalisation(places)(places)
    powers = _powers(points, degree)
    basis = _power_matrix(points, powers)
    if np.linalg.matrix_rank(basis) < len(powers):
        raise InputError(
            f"the places of the kernels do not determine a polynomial of degree {degree}; take a lower one"
        )
    return basis


def _power_matrix(points: np.ndarray, powers: Sequence[Sequence[int]]) -> np.ndarray:
    return np.stack([np.prod(points ** np.array(p), axis=1) for p in powers], axis=1)


def _powers(points: np.ndarray, degree: Any) -> list[tuple[int, ...]]:
    """The exponents of every term, which the places must be able to tell apart."""
    degree = int(check_number(degree, "degree", minimum=0))
    # Two planes of positions carry a slope along their axis, three a curvature.
    highest = [min(degree, np.unique(column).size - 1) for column in points.T]
    if degree > max(highest, default=0):
        raise InputError(
            f"degree {degree} needs more than {degree} kernels along an axis, measured were {len(points)} kernels; "
            "take a lower degree"
        )
    powers = [p for p in itertools.product(*(range(h + 1) for h in highest)) if sum(p) <= degree]
    if len(powers) > len(points):
        raise InputError(
            f"a polynomial of degree {degree} has {len(powers)} coefficients, but only {len(points)} kernels were "
            "measured; take a lower degree"
        )
    return powers


def _polynomial(
    points: np.ndarray, values: np.ndarray, errors: np.ndarray, degree: int | None
) -> tuple[Curve, str]:
    if degree is None:
        most = max((np.unique(column).size - 1 for column in points.T), default=0)
        degree = 2 if len(values) > math.comb(2 + points.shape[1], 2) else 1
        degree = min(degree, most) if len(values) > points.shape[1] + 1 else 0
    powers = _powers(points, degree)
    basis = _power_matrix(points, powers)
    solution, _, rank, _ = np.linalg.lstsq(basis / errors[:, None], values / errors, rcond=1e-10)
    if rank < len(powers):
        raise InputError(
            f"the places of the kernels do not determine a polynomial of degree {degree}; take a lower one"
        )
    return lambda where: _power_matrix(where, powers) @ solution, f"polynomial of degree {degree}"


def _monotone(places: np.ndarray, values: np.ndarray, errors: np.ndarray) -> tuple[Curve, str]:
    order = np.argsort(places)
    x, y, weights = places[order], values[order], 1 / errors[order] ** 2
    rising, falling = _pooled(y, weights), -_pooled(-y, weights)
    costs = [float(np.sum(weights * (v - y) ** 2)) for v in (rising, falling)]
    chosen, how = (rising, "rising") if costs[0] <= costs[1] else (falling, "falling")
    return lambda where: np.interp(where.reshape(-1), x, chosen), f"{how} with intensity"


def _pooled(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Weighted least-squares fit that never falls: pool adjacent violators."""
    blocks: list[list[float]] = []  # mean, weight, count
    for value, weight in zip(values, weights, strict=True):
        blocks.append([float(value), float(weight), 1])
        while len(blocks) > 1 and blocks[-2][0] > blocks[-1][0]:
            upper, lower = blocks.pop(), blocks.pop()
            total = upper[1] + lower[1]
            blocks.append([(upper[0] * upper[1] + lower[0] * lower[1]) / total, total, upper[2] + lower[2]])
    return np.repeat([b[0] for b in blocks], [int(b[2]) for b in blocks])


def _spline(points: np.ndarray, values: np.ndarray, errors: np.ndarray, degree: int | None) -> tuple[Curve, str]:
    """A (thin-plate) smoothing spline; how smooth is what predicts best the kernels left out one at a time."""
    least = points.shape[1] + 2
    if len(values) <= least or points.shape[1] == 0:
        raise InputError(
            f"{len(values)} kernels are too few for smoother 'smoothing' (at least {least + 1}); take 'polynomial'"
        )
    kind = "cubic" if points.shape[1] == 1 else "thin_plate_spline"
    relative = (errors / np.median(errors)) ** 2
    weights = 1 / relative

    def spline(chosen: np.ndarray, smoothing: float) -> Curve:
        return interpolate.RBFInterpolator(
            points[chosen], values[chosen], kernel=kind, degree=1, smoothing=smoothing * relative[chosen]
        )

    everything = np.ones(len(values), bool)
    best = None
    for smoothing in np.geomspace(1e-6, 1e4, 21):
        cost = 0.0
        try:
            for left_out in range(len(values)):
                others = everything.copy()
                others[left_out] = False
                predicted = float(spline(others, smoothing)(points[left_out : left_out + 1])[0])
                cost += weights[left_out] * (predicted - values[left_out]) ** 2
        except np.linalg.LinAlgError:  # what is left may lie on a line
            continue
        if best is None or cost < best[0] * (1 - 1e-9):
            best = (cost, smoothing)
    if best is None:
        raise InputError("the places of the kernels do not determine a smoothing spline; take 'polynomial'")
    return spline(everything, best[1]), f"smoothing spline, smoothing {best[1]:.3g}"
