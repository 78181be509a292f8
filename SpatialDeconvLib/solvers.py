"""Solvers that invert the spatially variant blur itself (``strategy="joint"``).

The data are y = A x + b + noise, with A a `SpatiallyVariantBlur` (or, for "self-keyed", the nonlinear blur
of `selfkeyed`), b a known background, and only the voxels of a mask counted:

    richardson-lucy        x <- x A^T(y / (A x + b)) / A^T 1, accelerated, its likelihood never falling
    landweber              x <- x + t A^T (y - A x - b), with Nesterov's acceleration
    projected-landweber    the same, with x >= 0 (FISTA)
    tikhonov               min |y - A x - b|^2 + l |grad x|^2, by conjugate gradients
    tv                     min 1/2 |y - A x - b|^2 + l TV(x), x >= 0, by bounded L-BFGS
    self-keyed             the same with the kernels keyed to x itself

Constants and stopping are automatic unless given; see `solve`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import scipy.fft as sfft

from .errors import Cancelled, InputError
from .operators import Cancel, Progress, SpatiallyVariantBlur
from .quasinewton import dot, minimise
from .selfkeyed import SelfKeyedBlur
from .variation import TotalVariation

Iterations = int | None


@dataclass
class Solution:
    """A restored image and how it was reached.

    Attributes
    ----------
    image : ndarray, shape of the data, the operator's dtype
    iterations : int
    history : list of float
        The residual after each iteration.
    residual : float
        |y - A x - b| / (sigma sqrt(N)) over the N voxels that count: about 1 when the kernels explain the
        image, more when they do not, less when noise has been fitted.
    parameters : dict
        What was chosen: regularization, step, bounds, why the iteration stopped.
    """

    image: np.ndarray
    iterations: int
    history: list[float]
    residual: float
    parameters: dict[str, Any] = field(default_factory=dict)


# ------------------------------------------------------------------------------------- what is solved


class _Data:
    """The data, its noise and mask, and sums over them that run in threads plane by plane."""

    def __init__(self, operator, y, noise, mask, background, progress, cancelled):
        self.operator = operator
        self.dtype = operator.dtype
        y = np.asarray(y)
        if y.shape != operator.data_shape:
            raise InputError(f"y has shape {y.shape}, the operator's data {operator.data_shape}")
        if np.iscomplexobj(y):
            raise InputError(f"y is complex ({y.dtype}); give real values")
        self.background = self._background(background)
        self.mask = self._mask(mask)
        self.y = y.astype(self.dtype) - self.background
        if not np.isfinite(self.y.sum(dtype=np.float64)):
            raise InputError("y holds NaN or infinite values; fill them and leave them out with mask")
        self.count = self.y.size if self.mask is None else int(np.count_nonzero(self.mask))
        seen = self.y if self.mask is None else self.y[self.mask]
        self.low, self.high = (float(v) for v in np.percentile(seen, (0.1, 99.9)))
        self.span = max(self.high - self.low, 1e-30)
        self.minimum = float(seen.min())
        self.noise = max(_sigma(noise, self.y), 1e-6 * self.span)
        self.progress, self.cancelled = progress, cancelled
        self.history: list[float] = []

    def _background(self, background) -> Any:
        array = np.asarray(background, self.dtype)
        if array.ndim and array.shape != self.operator.data_shape:
            raise InputError(f"background has shape {array.shape}, the data {self.operator.data_shape}")
        if not np.all(np.isfinite(array)):
            raise InputError("background must be finite")
        return array

    def _mask(self, mask) -> np.ndarray | None:
        if mask is None:
            return None
        mask = np.asarray(mask)
        if mask.shape != self.operator.data_shape:
            raise InputError(f"mask has shape {mask.shape}, the data {self.operator.data_shape}")
        mask = mask.astype(bool)
        if not mask.any():
            raise InputError("mask is empty; at least one voxel must count")
        return None if mask.all() else mask

    @property
    def nonnegative(self) -> bool:
        """Whether the data look like those of a non-negative image."""
        return self.minimum >= -6 * self.noise

    def masked(self, image: np.ndarray) -> np.ndarray:
        """Set what does not count to 0, in place."""
        if self.mask is not None:
            image[~self.mask] = 0
        return image

    def start(self) -> np.ndarray:
        """The first guess: the data, with the mean where nothing is known."""
        y = self.y
        if self.mask is not None:
            y = np.where(self.mask, y, self.dtype.type(y[self.mask].mean()))
        return self.operator.extend(y)

    def forward(self, x: np.ndarray) -> np.ndarray:
        return self.operator.forward(x, cancelled=self.cancelled)

    def adjoint(self, y: np.ndarray) -> np.ndarray:
        return self.operator.adjoint(y, cancelled=self.cancelled)

    def relative(self, squared: float) -> float:
        """The residual from its squared norm."""
        return math.sqrt(squared / self.count) / self.noise

    def check(self) -> None:
        if self.cancelled is not None and self.cancelled():
            raise Cancelled

    def step(self, residual: float, fraction: float, text: str) -> None:
        """Record an iteration, report it, and stop when asked to."""
        self.check()
        self.history.append(residual)
        if self.progress is not None:
            self.progress(min(fraction, 1.0), f"{text}, residual {residual:.3f}")

    def planes(self, work: Callable[[slice], None], length: int) -> None:
        """Call `work` on slices of planes, in threads."""
        thickness = max(1, (1 << 16) * length // max(1, self.y.size))
        self.operator.run(work, [slice(a, min(a + thickness, length)) for a in range(0, length, thickness)])

    def solution(self, x: np.ndarray, residual: float, **parameters) -> Solution:
        image = np.ascontiguousarray(self.operator.crop(x))
        return Solution(image, len(self.history), self.history, residual, {"noise": self.noise, **parameters})


def _sigma(noise: float | None, y: np.ndarray) -> float:
    if noise is None or (isinstance(noise, str) and noise == "auto"):
        from .noise import estimate_noise

        return float(estimate_noise(y))
    sigma = float(noise)
    if not math.isfinite(sigma) or sigma < 0:
        raise InputError(f"noise {noise!r} must be the noise sigma in image units, 0 or more")
    return sigma


def power_norm(operator: SpatiallyVariantBlur, mask: np.ndarray | None = None, iterations: int = 12) -> float:
    """Return an estimate of |A|^2, the largest eigenvalue of A^T M A, from below, by the power iteration.

    The start is an image of ones with a fixed pattern added, so the result is reproducible.
    """
    x = np.random.default_rng(0).standard_normal(operator.domain_shape).astype(operator.dtype)
    x *= operator.dtype.type(0.1)
    x += operator.dtype.type(1)
    value = 0.0
    for _ in range(iterations):
        x /= operator.dtype.type(math.sqrt(dot(x, x)))
        z = operator.forward(x)
        if mask is not None:
            z[~mask] = 0
        previous, value = value, dot(z, z)
        if value == 0 or abs(value - previous) < 1e-3 * value:
            break
        x = operator.adjoint(z)
    return value


class _Stopping:
    """Stops an iteration that fits less and less of the image and more and more of the noise.

    It stops when the residual reaches 1 (the discrepancy principle), or when it is still above and has
    all but ceased to fall: then the kernels or the weights do not explain the rest.
    """

    def __init__(self, fall: float, level: float = 1.0):
        self.fall, self.level = fall, level
        self.values: list[float] = []

    def reached(self, residual: float) -> str | None:
        self.values.append(residual)
        if residual <= self.level:
            return "the residual reached the noise"
        recent = self.values[-4:]
        if len(recent) == 4 and recent[0] - recent[-1] < 3 * self.fall * recent[-1]:
            return "the residual ceased to fall"
        return None


# ---------------------------------------------------------------------------------- Richardson-Lucy


def _richardson_lucy(data: _Data, iterations: Iterations, regularization, options) -> Solution:
    """Biggs and Andrews' acceleration (Applied Optics 36, 1997), with restarts whenever the likelihood
    would fall. The likelihood is evaluated where the step starts, so it costs nothing."""
    operator, dtype = data.operator, data.dtype
    # Data around 0 are lifted, and the model with them: the background then is `lift`.
    lift = dtype.type(max(0.0, -data.minimum) + options.get("lift", 0.0) * data.noise)
    y = data.y + lift
    ones = np.ones(operator.data_shape, dtype)
    weights = data.adjoint(data.masked(ones))
    floor = dtype.type(1e-3 * float(weights.max()))
    tv = _Tv(data, regularization, "richardson-lucy") if regularization != "auto" else None
    accelerate = options.get("accelerate", True)
    limit = iterations or 200
    stopping = None if iterations else _Stopping(options.get("fall", 0.01))
    x = np.maximum(data.start(), dtype.type(1e-3 * data.span))
    point, correction = x, None
    best, restarts, reason = -math.inf, 0, "iterations"
    while len(data.history) < limit:
        ratio, likelihood, squared = _ratio(data, data.forward(point), y, lift)
        if tv is not None:
            likelihood -= tv.weight * tv.value(point)
        if likelihood < best and point is not x:
            point, correction = x, None  # too far: from the last iterate, without extrapolation
            restarts += 1
            continue
        best = likelihood
        residual = data.relative(squared)
        if stopping is not None and (reason_now := stopping.reached(residual)):
            reason = reason_now
            x = point
            data.step(residual, 1.0, f"Richardson-Lucy {len(data.history) + 1}")
            break
        factor = data.adjoint(ratio)
        new, change = _rl_update(data, point, factor, weights, floor, tv)
        data.step(residual, len(data.history) / limit, f"Richardson-Lucy {len(data.history) + 1}")
        along = 0.0
        if accelerate and correction is not None:
            along = dot(change, correction) / max(dot(correction, correction), 1e-300)
            along = min(max(along, 0.0), 0.999)
        correction = change
        if along > 0:
            point = np.maximum(new + dtype.type(along) * (new - x), dtype.type(0))
            x = new
        else:
            point = x = new
    parameters = {"accelerated": accelerate, "restarts": restarts, "stopped": reason}
    if tv is not None:
        parameters["regularization"] = tv.weight
    return data.solution(x, data.history[-1], **parameters)


def _ratio(data: _Data, model: np.ndarray, y: np.ndarray, lift) -> tuple[np.ndarray, float, float]:
    """y / model, the Poisson log-likelihood and |y - model|^2, all over the mask. Overwrites `model`."""
    tiny = data.dtype.type(1e-6 * data.span)
    out = np.empty_like(model)
    sums = {}

    def work(rows):
        m = model[rows]
        m += lift
        np.maximum(m, tiny, out=m)
        data_part = y[rows]
        part = np.divide(data_part, m, out=out[rows])
        inside = slice(None) if data.mask is None else data.mask[rows]
        likelihood = np.log(m[inside])
        likelihood *= data_part[inside]
        likelihood -= m[inside]
        difference = data_part[inside] - m[inside]
        sums[rows.start] = (
            float(likelihood.sum(dtype=np.float64)),
            float(np.square(difference).sum(dtype=np.float64)),
        )
        if data.mask is not None:
            part[~inside] = 0

    data.planes(work, len(model))
    parts = [sums[start] for start in sorted(sums)]
    return out, sum(p[0] for p in parts), sum(p[1] for p in parts)


def _rl_update(data, point, factor, weights, floor, tv) -> tuple[np.ndarray, np.ndarray]:
    """The new iterate and its change; unseen voxels, with next to no weight, stay. Overwrites `factor`."""
    change = np.empty_like(point)
    penalty = tv.slope(point) if tv is not None else None

    def work(rows):
        f, w = factor[rows], weights[rows]
        f += np.maximum(floor - w, 0)
        w = np.maximum(w, floor)
        if penalty is not None:
            # Green's one-step-late rule; the denominator stays positive.
            w = np.maximum(w + penalty[rows], 0.1 * w)
        f /= w
        f *= point[rows]
        np.subtract(f, point[rows], out=change[rows])

    data.planes(work, len(point))
    return factor, change


class _Tv:
    """A TV penalty of fixed weight on the domain."""

    def __init__(self, data: _Data, weight: Any, method: str):
        self.weight = _weight(weight, method)
        self.eps = 0.01 * data.span
        self.domain = TotalVariation(data.operator.domain_shape, data.operator.bound.spacing, data.operator.run)

    def value(self, x: np.ndarray) -> float:
        return self.domain(x, self.eps, 0.0, None)

    def slope(self, x: np.ndarray) -> np.ndarray:
        out = np.zeros_like(x)
        self.domain(x, self.eps, self.weight, out)
        return out


def _weight(value: Any, method: str) -> float:
    try:
        weight = float(value)
    except (TypeError, ValueError) as error:
        raise InputError(f"regularization {value!r} of {method} must be 'auto' or a number") from error
    if not math.isfinite(weight) or weight < 0:
        raise InputError(f"regularization {value!r} of {method} must be 0 or positive")
    return weight


# --------------------------------------------------------------------------------------- Landweber


def _landweber(data: _Data, iterations: Iterations, regularization, options) -> Solution:
    return _gradient_descent(data, iterations, regularization, options, project=False)


def _projected_landweber(data: _Data, iterations: Iterations, regularization, options) -> Solution:
    return _gradient_descent(data, iterations, regularization, options, project=True)


def _gradient_descent(data, iterations, regularization, options, project: bool) -> Solution:
    """FISTA (Beck and Teboulle, SIAM J. Imaging Sciences 2, 2009) with O'Donoghue and Candes' restarts.

    `regularization` is the step alpha; automatic: 1 / |A|^2.
    """
    dtype = data.dtype
    if regularization == "auto":
        step = 0.98 / max(power_norm(data.operator, data.mask), 1e-30)
    else:
        step = _weight(regularization, "landweber")
    limit = iterations or 300
    stopping = None if iterations else _Stopping(options.get("fall", 0.01))
    x = data.start()
    if project:
        np.maximum(x, 0, out=x)
    point, momentum, reason = x, 1.0, "iterations"
    name = "projected Landweber" if project else "Landweber"
    while len(data.history) < limit:
        difference = data.forward(point)
        np.subtract(data.y, difference, out=difference)
        residual = data.relative(dot(data.masked(difference), difference))
        if stopping is not None and (reason_now := stopping.reached(residual)):
            data.step(residual, 1.0, name)
            reason, x = reason_now, point
            break
        new = data.adjoint(difference)
        new *= dtype.type(step)
        new += point
        if project:
            np.maximum(new, 0, out=new)
        data.step(residual, len(data.history) / limit, f"{name} {len(data.history) + 1}")
        if dot(point - new, new - x) > 0:
            momentum = 1.0  # the momentum points uphill: start it again
        following = 0.5 * (1 + math.sqrt(1 + 4 * momentum**2))
        point = new + dtype.type((momentum - 1) / following) * (new - x)
        if project:
            np.maximum(point, 0, out=point)
        x, momentum = new, following
    return data.solution(x, data.history[-1], regularization=step, stopped=reason)


# ---------------------------------------------------------------------------------------- Tikhonov


class _Gradient:
    """The normal operator of |grad x|^2 (zero flux across the faces), or the identity."""

    def __init__(self, data: _Data, penalty: str):
        if penalty not in ("gradient", "identity"):
            raise InputError(f"penalty {penalty!r} is unknown; choose gradient or identity")
        finest = min(data.operator.bound.spacing)
        self.scales = [(finest / h) ** 2 for h in data.operator.bound.spacing]
        self.identity = penalty == "identity"

    def __call__(self, x: np.ndarray) -> np.ndarray:
        if self.identity:
            return x.copy()
        out = np.zeros_like(x)
        for axis, scale in enumerate(self.scales):
            d = np.diff(x, axis=axis)
            d *= x.dtype.type(scale)
            head = (slice(None),) * axis
            out[(*head, slice(1, None))] += d
            out[(*head, slice(None, -1))] -= d
        return out


def _tikhonov(data: _Data, iterations: Iterations, regularization, options) -> Solution:
    """Conjugate gradients on (A^T M A + l D) x = A^T M y, warm-started.

    Automatic l: the ratio of the noise's variance to the mean of |grad x|^2, which is that of the
    Gaussian prior with the same mean square gradient, found by a fixed-point iteration over x.
    """
    penalty = _Gradient(data, options.get("penalty", "gradient"))
    right = data.adjoint(data.masked(data.y.copy()))
    x = data.start()
    automatic = regularization == "auto"
    rounds = 3 if automatic else 1
    limit = iterations or 40
    weight = None if automatic else _weight(regularization, "tikhonov")
    for number in range(rounds):
        if automatic:
            energy = max(dot(x, penalty(x)), 1e-30) if number else dot(x, penalty(x)) * 1.0
            weight = options.get("theta", 1.0) * data.noise**2 * x.size / max(energy, 1e-30)
        steps = limit if number == rounds - 1 else max(4, limit // 4)
        x = _conjugate_gradients(data, penalty, weight, right, x, steps, tolerance=1e-3)
    difference = data.masked(data.y - data.forward(x))
    residual = data.relative(dot(difference, difference))
    if not data.history:
        data.history.append(residual)
    return data.solution(x, residual, regularization=weight, penalty=options.get("penalty", "gradient"))


def _conjugate_gradients(data, penalty, weight, right, x, steps, tolerance) -> np.ndarray:
    dtype = data.dtype

    def model(image):
        seen = data.masked(data.forward(image))
        out = data.adjoint(seen)
        out += dtype.type(weight) * penalty(image)
        return out, seen

    product, seen = model(x)
    r = right - product
    p = r.copy()
    rho = dot(r, r)
    target = tolerance**2 * dot(right, right) * 1e-2
    seen = data.masked(data.y - seen)  # the residual in the data, updated along
    for _ in range(steps):
        if rho <= target:
            break
        product, change = model(p)
        alpha = rho / dot(p, product)
        x = x + dtype.type(alpha) * p
        r -= dtype.type(alpha) * product
        seen -= dtype.type(alpha) * change
        before, rho = rho, dot(r, r)
        p *= dtype.type(rho / before)
        p += r
        data.step(data.relative(dot(seen, seen)), len(data.history) / (2 * steps), "Tikhonov")
    return x


# -------------------------------------------------------------------------- total variation, self-keyed


class _Linear:
    """The model A x, with the interface of `SelfKeyedBlur`."""

    def __init__(self, operator: SpatiallyVariantBlur):
        self.operator = operator

    def forward(self, x):
        return self.operator.forward(x), None

    def transposed(self, x, residual, slope):
        return self.operator.adjoint(residual)


class _Penalised:
    """1/2 |y - F(x)|^2 + l TV(x) and its gradient."""

    def __init__(self, data: _Data, model: Any):
        self.data, self.model = data, model
        self.tv = TotalVariation(data.operator.domain_shape, data.operator.bound.spacing, data.operator.run)
        self.eps = 0.01 * data.span
        self.weight = 0.0
        self.residual = math.nan

    def __call__(self, x: np.ndarray) -> tuple[float, np.ndarray]:
        self.data.check()
        difference, slope = self.model.forward(x)
        difference -= self.data.y
        self.data.masked(difference)
        squared = dot(difference, difference)
        gradient = self.model.transposed(x, difference, slope)
        variation = self.tv(x, self.eps, self.weight, gradient)
        self.residual = self.data.relative(squared)
        return 0.5 * squared + self.weight * variation, gradient

    def difference(self, x: np.ndarray) -> np.ndarray:
        out, _ = self.model.forward(x)
        return self.data.masked(self.data.y - out)


def correlation(difference: np.ndarray, mask: np.ndarray | None = None) -> float:
    """Return how far a residual is from white: the sum of its squared autocorrelations at all other lags,
    over that at lag 0 squared (A. Lanza et al., "Residual whiteness principle for parameter-free image
    restoration", ETNA 53, 2020)."""
    d = difference - difference.mean() if mask is None else np.where(mask, difference - difference[mask].mean(), 0)
    power = sfft.rfftn(d.astype(np.float32, copy=False), workers=1)
    power = np.square(np.abs(power))
    lags = sfft.irfftn(power, s=d.shape, workers=1)
    zero = float(lags.flat[0])
    if zero <= 0:
        return 0.0
    lags /= zero
    return float(np.square(lags).sum(dtype=np.float64)) - 1.0


def _tv(data: _Data, iterations: Iterations, regularization, options) -> Solution:
    return _penalised(data, _Linear(data.operator), iterations, regularization, options, "TV")


def _self_keyed(data: _Data, iterations: Iterations, regularization, options) -> Solution:
    return _penalised(data, SelfKeyedBlur(data.operator), iterations, regularization, options, "self-keyed")


#: Weights of TV, in units of the noise sigma, tried from strong to weak.
_PATH = (0.4, 0.2, 0.1, 0.05)
#: The weight that is best on average, in the same units.
_USUAL = 0.1


def _penalised(data, model, iterations, regularization, options, name) -> Solution:
    objective = _Penalised(data, model)
    lower = 0.0 if data.nonnegative else -math.inf
    limit = iterations or 60
    x = data.start()
    if regularization == "auto":
        x, weight = _walk(data, objective, x, lower, name)
    else:
        weight = _weight(regularization, name)
        if isinstance(model, SelfKeyedBlur):
            x = _descend(data, objective, x, lower, 4 * weight, 10, 1e-3, name, 0.2)  # first the coarse image
    result = _descend(
        data, objective, x, lower, weight, limit, options.get("tolerance", 2e-5), name, 1.0, full=True
    )
    difference = objective.difference(result.image)
    residual = data.relative(dot(difference, difference))
    return data.solution(
        result.image, residual, regularization=weight, smoothing=objective.eps, lower=lower, stopped=result.reason
    )


def _descend(data, objective, x, lower, weight, steps, tolerance, name, share, full=False):
    objective.weight = weight

    def after(step, value):
        data.step(objective.residual, share * step / steps, f"{name}, weight {weight:.3g}, step {step}")

    result = minimise(objective, x, lower, math.inf, steps, tolerance=tolerance, after_step=after)
    return result if full else result.image


def _walk(data, objective, x, lower, name) -> tuple[np.ndarray, float]:
    """Find the weight of TV on the way from strong to weak, each solution starting the next.

    Whiteness of the residual alone prefers weights about twice too strong, and is flat where the kernels
    do not explain the data; half of it is therefore averaged (geometrically) with the usual weight.
    """
    best, chosen = math.inf, None
    images = {}
    for factor in _PATH:
        x = _descend(data, objective, x, lower, factor * data.noise, 25, 2e-4, name, 0.5)
        white = correlation(objective.difference(x), data.mask)
        images[factor] = x
        if white < best:
            best, chosen = white, factor
        elif white > 1.02 * best:
            break
    factor = math.sqrt(0.5 * chosen * _USUAL)
    start = min(images, key=lambda f: abs(math.log(f / factor)))
    return images[start], factor * data.noise


# ------------------------------------------------------------------------------------------- the door

METHODS: dict[str, Callable] = {
    "richardson-lucy": _richardson_lucy,
    "landweber": _landweber,
    "projected-landweber": _projected_landweber,
    "tikhonov": _tikhonov,
    "tv": _tv,
    "self-keyed": _self_keyed,
}


def solve(
    operator: SpatiallyVariantBlur,
    y: np.ndarray,
    method: str = "richardson-lucy",
    *,
    iterations: int | None = None,
    regularization: float | str = "auto",
    noise: float | None = None,
    mask: np.ndarray | None = None,
    background: float | np.ndarray = 0.0,
    progress: Progress | None = None,
    cancelled: Cancel | None = None,
    **options: Any,
) -> Solution:
    """Invert the spatially variant blur.

    Parameters
    ----------
    operator : SpatiallyVariantBlur
        The blur; its boundary "extended" also estimates what lies outside the image.
    y : ndarray of shape `operator.data_shape`
        The blurred image.
    method : str
        One of `METHODS`.
    iterations : int, optional
        How many; by default until the method's own rule stops it. For "tv" and "self-keyed" the steps of
        the last stage.
    regularization : float or "auto"
        "tikhonov": weight of |grad x|^2. "tv", "self-keyed" and "richardson-lucy": weight of TV ("auto"
        is none for Richardson-Lucy, which is regularised by stopping). "landweber", "projected-landweber":
        the step.
    noise : float, optional
        Sigma of the noise in image units; estimated when None.
    mask : ndarray of bool, optional
        Voxels of y that count; nothing of the others enters the result.
    background : float or ndarray
        Added to A x in the model.
    progress, cancelled : callable, optional
    options
        "richardson-lucy": accelerate (True); "tikhonov": penalty ("gradient" or "identity").

    Returns
    -------
    Solution

    Raises
    ------
    InputError
        If the arguments do not fit each other or the method.
    Cancelled
        If `cancelled` returned true.
    """
    if method not in METHODS:
        raise InputError(f"method {method!r} is unknown for strategy 'joint'; choose one of {', '.join(METHODS)}")
    if iterations is not None and (int(iterations) != iterations or iterations < 1):
        raise InputError(f"iterations {iterations!r} must be a whole number, at least 1, or None for automatic")
    data = _Data(operator, y, noise, mask, background, progress, cancelled)
    return METHODS[method](data, iterations, regularization, options)
