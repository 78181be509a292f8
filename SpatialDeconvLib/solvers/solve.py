"""Solvers that invert the spatially variant blur itself (``strategy="joint"``).

The data are y = A x + b + noise, with A a `SpatiallyVariantBlur` (or, for "self-keyed", the nonlinear blur
of `selfkeyed`), b a known background, and only the voxels of a mask counted:

    richardson-lucy        x <- x A^T(y / (A x + b)) / A^T 1, accelerated (`richardsonlucy.conjugate`)
    landweber              x <- x + t A^T (y - A x - b), with Nesterov's acceleration
    projected-landweber    the same, with x >= 0 (FISTA)
    tikhonov               min |y - A x - b|^2 + l |grad x|^2, by conjugate gradients
    tv                     min 1/2 |y - A x - b|^2 + l TV(x), x >= a lower bound, by bounded L-BFGS
    self-keyed             the same with the kernels keyed to x itself

"tv" smooths TV by 1 % of the range of values for L-BFGS, which comes near its minimum with a fifth to two fifths
of the products with A that Chambolle and Pock's iteration takes for the exact one
(`Testing/Benchmarks/bench_joint.py --only tv`), has no step to tune and serves the nonlinear model as well.

Constants and stopping are automatic unless given; see `solve`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import scipy.fft as sfft

from ..arrays.inner import dot
from ..blur.operator import Cancel, Progress, SpatiallyVariantBlur
from ..blur.selfkeyed import SelfKeyedBlur
from ..errors import Cancelled, InputError, check_number, is_auto
from ..noise import estimate_noise, looks_nonnegative
from .lbfgs import minimise
from .lifting import changes_grow, lifted_start
from .richardsonlucy import conjugate, textbook
from .totalvariation import TotalVariation

Iterations = int | None

_WHITENESS_VOXELS = 1 << 18
#: Of the range of values: less noise makes automatic weights no weaker, as no model is exact to so many digits.
_LEAST_ERROR_TV, _LEAST_ERROR_TIKHONOV = 1e-4, 1e-3
_HELD_OUT = 4000  # voxels, within these shares of all:
_HELD_OUT_SHARES = (0.005, 0.05)
_HELD_OUT_MATTER = 0.01  # share above which the image is found once more with them (they cost up to 0.4 dB)


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
        y = y.astype(self.dtype, copy=False)  # never written to
        self.y = y - self.background if np.any(self.background) else y
        if not np.isfinite(self.y.sum(dtype=np.float64)):
            raise InputError("y holds NaN or infinite values; fill them and leave them out with mask")
        self.count = self.y.size if self.mask is None else int(np.count_nonzero(self.mask))
        seen = self.y if self.mask is None else self.y[self.mask]
        self.low, self.high = (float(v) for v in np.percentile(_sample(seen), (0.1, 99.9)))
        self.span = max(self.high - self.low, 1e-6 * abs(self.high), 1e-12)  # also of a constant image
        self.minimum = float(seen.min())
        self.noise = max(_sigma(noise, self.y, self.mask), 1e-6 * self.span)
        self.progress, self.cancelled = progress, cancelled
        self.held: np.ndarray | None = None
        self.whole = self.mask, self.count
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

    def hold_out(self) -> None:
        """Leave some voxels out of the data term, for a `_Judge`; a fixed random choice."""
        self.whole = self.mask, self.count
        self.held = np.random.default_rng(0).random(self.y.shape, np.float32) < np.clip(
            _HELD_OUT / self.count, *_HELD_OUT_SHARES
        )
        if self.mask is not None:
            self.held &= self.mask
        if not self.held.any():
            self.held.flat[int(np.flatnonzero(self.mask if self.mask is not None else ~self.held)[0])] = True
        self.mask = ~self.held if self.mask is None else self.mask & ~self.held
        self.count = int(np.count_nonzero(self.mask))

    def release(self) -> None:
        """Count the voxels again that `hold_out` left out."""
        self.mask, self.count = self.whole
        self.held = None

    def error(self, least: float) -> float:
        """The noise that automatic weights are tried for: from this share of the range of values to all of it."""
        return min(max(self.noise, least * self.span), self.span)

    def lower(self, given: Any) -> float:
        """The least value an image may have: the given one, or by what the data look like."""
        if given is None or is_auto(given):
            return 0.0 if looks_nonnegative(self.y, self.noise, self.whole[0]) else -math.inf
        return -math.inf if given == -math.inf else check_number(given, "lower", meaning="a number or 'auto'")

    def masked(self, image: np.ndarray) -> np.ndarray:
        """Set what does not count to 0, in place."""
        if self.mask is not None:
            image[~self.mask] = 0
        return image

    def start(self) -> np.ndarray:
        """The first guess: the data, with the mean where nothing is known."""
        if self.mask is None:
            return self.operator.extend(self.y)
        return self.operator.extend(np.where(self.mask, self.y, self.dtype.type(self.y[self.mask].mean())))

    def seen(self) -> np.ndarray:
        """A^T M 1: how much of every voxel of the image is in the data that count."""
        return self.adjoint(self.masked(np.ones(self.y.shape, self.dtype)))

    def calm_start(self, counts: np.ndarray | None = None) -> np.ndarray:
        """A first guess for methods that stop early and so keep what is in it: the data, less their noise.

        The data are shrunk towards A^T M y / A^T M 1 (the denominator is `counts`, if at hand) by the share of the
        difference that is noise, as James and Stein do. Nothing is taken from left-out voxels, or their own noise
        would be predicted too well.
        """
        counts = self.seen() if counts is None else counts
        guess = self.adjoint(self.masked(self.y.copy()))
        seen = counts > 1e-3 * float(counts.max())
        np.divide(guess, counts, out=guess, where=seen)
        guess[~seen] = self.y.mean() if self.mask is None else self.y[self.mask].mean()
        inside = self.operator.crop(guess)
        difference = self.masked(self.y - inside)
        share = 1 - self.noise**2 * self.count / max(dot(difference, difference), 1e-30)
        inside += self.dtype.type(max(0.0, share)) * difference
        return guess

    @property
    def keyed_to_data(self) -> bool:
        """Whether the data themselves choose the kernels, so that their noise and blur are in the weights."""
        bound = self.operator.bound
        if bound.field.key != "intensity" or len(bound.field.at) < 2:
            return False
        levels, k = bound.field.at, len(bound.field.at) // 2
        counts = slice(None) if self.whole[0] is None else _sample(self.whole[0])
        place = np.interp(_sample(self.y + self.background)[counts], levels, np.arange(len(levels)))
        if bound.field.interpolation == "nearest":
            place = np.rint(place)
        expected = np.maximum(0, 1 - np.abs(place - k))
        if not place.size:
            return False
        return float(np.mean(np.abs(_sample(bound.weight(k))[counts] - expected) < 1e-3)) > 0.99

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

    def judged(self, judge, **parameters) -> Solution:
        """The solution that a `_Judge` found best."""
        number, image, residual = judge.best
        del self.history[number:]
        return self.solution(image, residual, **parameters)

    def solution(self, x: np.ndarray, residual: float, **parameters) -> Solution:
        image = np.ascontiguousarray(self.operator.crop(x))
        return Solution(image, len(self.history), self.history, residual, {"noise": self.noise, **parameters})


def _sample(image: np.ndarray) -> np.ndarray:
    """Some of the voxels, evenly spread: at most 2^18."""
    flat = image.reshape(-1)
    return flat[:: max(1, math.ceil(flat.size / (1 << 18)))]


def _sigma(noise: float | None, y: np.ndarray, mask: np.ndarray | None) -> float:
    if noise is None or is_auto(noise):
        return float(estimate_noise(y, mask))
    return check_number(noise, "noise", 0, "the noise sigma in image units or 'auto'")


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


def correlation(difference: np.ndarray, mask: np.ndarray | None = None) -> float:
    """Return how far a residual is from white: the sum of its squared autocorrelations at all other lags,
    over that at lag 0 squared, in a block in the middle (A. Lanza et al., "Residual whiteness principle for
    parameter-free image restoration", ETNA 53, 2020)."""
    side = round(_WHITENESS_VOXELS ** (1 / max(1, sum(n > 1 for n in difference.shape))))
    box = tuple(slice(max(0, (n - side) // 2), max(0, (n - side) // 2) + min(n, side)) for n in difference.shape)
    d = difference[box]
    if mask is None:
        d = d - d.mean()
    elif mask[box].any():
        d = np.where(mask[box], d - d[mask[box]].mean(), 0)
    else:
        return 0.0
    power = np.square(np.abs(sfft.rfftn(d)))
    lags = sfft.irfftn(power, s=d.shape)
    zero = float(lags.flat[0])
    if zero <= 0:
        return 0.0
    lags /= zero
    return max(0.0, float(np.square(lags).sum(dtype=np.float64)) - 1.0)


_FALL = 0.004  # a smaller relative fall of the error per iteration is none
_FALL_KEYED_TO_DATA = 0.01


class _Judge:
    """Says which iterate is best, from voxels that the solver does not see and from the residual's whiteness.

    A few voxels chosen at random are left out of the data term. The error with which the iterates predict
    them falls as long as the iteration recovers the image and rises when it fits noise. Where the kernels
    are narrow the neighbours say little about a voxel, and that minimum comes early; the whitest residual
    comes early where they are wide. The best iterate has the smallest product of that error and the fourth
    root of `correlation`. Where the kernels or weights do not explain the data that minimum may never come,
    so the iteration also ends when the error all but ceases to fall.

    Parameters
    ----------
    pace : float
        How many times as fast the iteration is as Nesterov's.
    """

    def __init__(self, data: _Data, pace: float = 1.0, patience: int = 4):
        self.data, self.patience = data, patience
        # A left-out voxel still chooses its own weights then, and its error goes on falling for too long.
        self.fall = pace * (_FALL_KEYED_TO_DATA if data.keyed_to_data else _FALL)
        self.errors: list[float] = []
        self.least = math.inf
        self.best: tuple[int, Any, float] | None = None

    def reached(self, image: np.ndarray, difference: np.ndarray, residual: float) -> str | None:
        """Take an iterate and its residual image; return why to stop, or None."""
        held = difference[self.data.held]
        error = math.sqrt(float(np.square(held).mean(dtype=np.float64)))
        score = error * correlation(difference, self.data.mask) ** 0.25
        number = len(self.errors)
        if score < self.least or self.best is None:
            self.best = (number, image, residual)
            self.least = score
        self.errors.append(error)
        if number - self.best[0] >= self.patience:
            return "left-out voxels are predicted best"
        if number >= 4 and self.errors[-5] - error < 4 * self.fall * error:
            return "left-out voxels are not predicted better any more"
        return None


# ---------------------------------------------------------------------------------- Richardson-Lucy


def _richardson_lucy(data: _Data, iterations: Iterations, regularization, options) -> Solution:
    judge = None
    if iterations is None:
        data.hold_out()
        judge = _Judge(data, pace=2)
    penalty = _Tv(data, regularization, "richardson-lucy") if regularization != "auto" else None
    ascent = conjugate if options.get("accelerate", True) else textbook
    observe = options.get("observe")
    limit = iterations or 200
    reason = "iterations"
    iterates = ascent(data, penalty, judge is not None)
    for number, iterate in enumerate(iterates):
        residual = data.relative(iterate.squared)
        if number:
            data.step(residual, number / limit, f"Richardson-Lucy {number}")
        if observe is not None:
            observe(data.operator.crop(iterate.image))
        if judge is not None and (why := judge.reached(iterate.image, iterate.difference, residual)):
            reason = why
            break
        if number == limit:
            break
        if judge is not None:  # which keeps the best one
            iterate.image = iterate.difference = None
    else:
        reason = "the likelihood rises no more"
    parameters = {"regularization": penalty and penalty.weight, "stopped": reason}
    if judge is not None:
        best = judge.best[0]
        if best and data.whole[1] - data.count > _HELD_OUT_MATTER * data.count:
            data.release()
            data.history.clear()
            del iterates, iterate, judge  # and all their images
            again = _richardson_lucy(data, best, regularization, options)
            again.parameters.update(parameters)
            return again
        return data.judged(judge, **parameters)
    return data.solution(iterate.image, residual, **parameters)


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

    def along(self, x: np.ndarray, step: np.ndarray) -> tuple[float, float]:
        """Slope along a step, and a curvature with which the parabola nowhere falls below the penalty."""
        return dot(self.slope(x), step), self.weight * self.domain.curvature(x, step, self.eps)


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
    judge = None
    if iterations is None:
        data.hold_out()
        judge = _Judge(data)
    step = _landweber_step(data, regularization)
    limit = iterations or 300
    point = data.calm_start()
    if project:
        np.maximum(point, 0, out=point)
    x, momentum, reason, least = point, 1.0, "iterations", math.inf
    name = "projected Landweber" if project else "Landweber"
    for number in range(limit + 1):
        difference = data.forward(point)
        np.subtract(data.y, difference, out=difference)
        seen = data.masked(difference.copy()) if judge is not None else data.masked(difference)
        residual = data.relative(dot(seen, seen))
        if number:
            data.step(residual, number / limit, f"{name} {number}")
            if regularization != "auto" and not residual <= 2 * least + 1:
                raise InputError(_step_too_large(step, f"the residual grew from {least:.3g} to {residual:.3g}"))
        least = min(least, residual)
        if judge is not None and (why := judge.reached(point, difference, residual)):
            reason = why
            break
        if number == limit:
            break
        new = data.adjoint(seen)
        new *= dtype.type(step)
        new += point
        if project:
            np.maximum(new, 0, out=new)
        if dot(point - new, new - x) > 0:
            momentum = 1.0  # the momentum points uphill: start it again
        following = 0.5 * (1 + math.sqrt(1 + 4 * momentum**2))
        point = new + dtype.type((momentum - 1) / following) * (new - x)
        if project:
            np.maximum(point, 0, out=point)
        x, momentum = new, following
    if judge is not None:
        return data.judged(judge, regularization=step, stopped=reason)
    return data.solution(point, residual, regularization=step, stopped=reason)


def _landweber_step(data: _Data, given: Any) -> float:
    """0.98 / |A|^2, or the given step where Nesterov's momentum can converge with it: up to 4 / (3 |A|^2)."""
    if given == "auto":
        return 0.98 / max(power_norm(data.operator, data.mask), 1e-30)
    step = _weight(given, "landweber")
    if step == 0:
        raise InputError("regularization 0 of landweber is its step and must be positive, or 'auto'")
    largest = 4 / 3 / max(power_norm(data.operator, data.mask), 1e-30)
    if step > largest:
        raise InputError(_step_too_large(step, f"beyond {largest:.3g} it diverges"))
    return step


def _step_too_large(step: float, why: str) -> str:
    return f"regularization {step:g} is too large a step for landweber: {why}; take a smaller one or 'auto'"


# ---------------------------------------------------------------------------------------- Tikhonov


class _Gradient:
    """The normal operator of |grad x|^2 (zero flux across the faces), or the identity."""

    def __init__(self, data: _Data, penalty: str):
        if penalty not in ("gradient", "identity"):
            raise InputError(f"penalty {penalty!r} is unknown; choose gradient or identity")
        finest = min(data.operator.bound.spacing)
        self.scales = [(finest / h) ** 2 for h in data.operator.bound.spacing]
        self.identity = penalty == "identity"

    def add(self, x: np.ndarray, weight: float, out: np.ndarray) -> None:
        """Add `weight` times the operator applied to x, in place."""
        if self.identity:
            out += x.dtype.type(weight) * x
            return
        for axis, scale in enumerate(self.scales):
            d = np.diff(x, axis=axis)
            d *= x.dtype.type(weight * scale)
            head = (slice(None),) * axis
            out[(*head, slice(1, None))] += d
            out[(*head, slice(None, -1))] -= d


def _tikhonov(data: _Data, iterations: Iterations, regularization, options) -> Solution:
    """Conjugate gradients on (A^T M A + l D) x = A^T M y, warm-started."""
    penalty = _Gradient(data, options.get("penalty", "gradient"))
    limit = iterations or 40
    if regularization == "auto":

        def try_weight(weight, x):
            x = _conjugate_gradients(data, penalty, weight, x, 12, 0.1)
            return x, data.y - data.forward(x)

        unit = (data.error(_LEAST_ERROR_TIKHONOV) / data.span) ** 2
        path = [f * unit for f in _TIKHONOV_PATH]
        x, weight = _search(data, path, data.calm_start, try_weight, _SLACK_TIKHONOV)
    else:
        x, weight = data.start(), _weight(regularization, "tikhonov")
    x = _conjugate_gradients(data, penalty, weight, x, limit, options.get("tolerance", 1e-2))
    difference = data.masked(data.y - data.forward(x))
    residual = data.relative(dot(difference, difference))
    return data.solution(x, residual, regularization=weight, penalty=options.get("penalty", "gradient"))


def _conjugate_gradients(data, penalty, weight, x, steps, tolerance) -> np.ndarray:
    dtype = data.dtype

    def model(image):
        seen = data.masked(data.forward(image))
        out = data.adjoint(seen)
        penalty.add(image, weight, out)
        return out, seen

    x = x.copy()
    r = data.adjoint(data.masked(data.y.copy()))
    least = np.finfo(dtype).eps ** 2 * dot(r, r)
    product, seen = model(x)
    r -= product
    p = r.copy()
    rho = dot(r, r)
    # Of the first gradient, as far as rounding allows: near the solution a share of A^T y would be reached at once.
    target = max(tolerance**2 * rho, least)
    data.masked(np.subtract(data.y, seen, out=seen))  # the residual in the data, updated along
    del product
    for _ in range(steps):
        if rho <= target:
            break
        product, change = model(p)
        alpha = rho / dot(p, product)
        product *= dtype.type(alpha)
        r -= product
        change *= dtype.type(alpha)
        seen -= change
        x += np.multiply(p, dtype.type(alpha), out=product)
        del product, change
        before, rho = rho, dot(r, r)
        p *= dtype.type(rho / before)
        p += r
        data.step(data.relative(dot(seen, seen)), len(data.history) / (3 * steps), "Tikhonov")
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
        """y - F(x) at every voxel, also where the data do not count."""
        out, _ = self.model.forward(x)
        return np.subtract(self.data.y, out, out=out)


def _tv(data: _Data, iterations: Iterations, regularization, options) -> Solution:
    return _penalised(data, _Linear(data.operator), iterations, regularization, options, "TV")


def _self_keyed(data: _Data, iterations: Iterations, regularization, options) -> Solution:
    return _penalised(data, SelfKeyedBlur(data.operator), iterations, regularization, options, "self-keyed")


#: Weights of TV tried from strong to weak, in units of the noise sigma.
_TV_PATH = (0.8, 0.4, 0.2, 0.1, 0.05, 0.025, 0.0125)
#: Weights of |grad x|^2 tried, in units of (sigma / range of values)^2, so that the unit does not matter.
_TIKHONOV_PATH = tuple(1.28e4 * 0.4**i for i in range(11))


def _penalised(data, model, iterations, regularization, options, name) -> Solution:
    objective = _Penalised(data, model)
    lower = data.lower(options.get("lower"))
    limit = iterations or 60
    first = x = _first_image(data, objective, lower)
    if regularization == "auto":

        def try_weight(weight, x):
            x = _descend(data, objective, x, lower, weight, 25, 2e-4, name, 0.5).image
            return x, objective.difference(x)

        path = [f * data.error(_LEAST_ERROR_TV) for f in _TV_PATH]
        x, weight = _search(data, path, lambda: first, try_weight, _SLACK_TV)
    else:
        weight = _weight(regularization, name)
        if isinstance(model, SelfKeyedBlur):  # first the coarse image
            x = _descend(data, objective, x, lower, 4 * weight, 15, 1e-3, name, 0.2).image
    result = _descend(data, objective, x, lower, weight, limit, options.get("tolerance", 2e-5), name, 1.0)
    difference = data.masked(objective.difference(result.image))
    return data.solution(
        result.image,
        data.relative(dot(difference, difference)),
        regularization=weight,
        smoothing=objective.eps,
        lower=lower,
        stopped=result.reason,
    )


def _first_image(data: _Data, objective: _Penalised, lower: float) -> np.ndarray:
    """The data; for source-keyed kernels that differ too much to get from there to the image, a better one."""
    # Of all voxels, also those that the search for the weight leaves out: without them the start is worse.
    x, model = data.start(), objective.model
    if not (isinstance(model, SelfKeyedBlur) and model.source and changes_grow(model, x, 0.01 * data.span)):
        return x
    del x  # what follows takes the most memory
    return lifted_start(data, model, objective.tv, lower)


def _descend(data, objective, x, lower, weight, steps, tolerance, name, share):
    objective.weight = weight

    def after(step, value):
        data.step(objective.residual, share * step / steps, f"{name}, weight {weight:.3g}, step {step}")

    return minimise(objective, x, lower, math.inf, steps, tolerance=tolerance, after_step=after)


#: Mean squared errors of left-out voxels this share above the lowest count as equal to it; a quadratic penalty
#: lets noise through sooner than TV does.
_SLACK_TV, _SLACK_TIKHONOV = 0.003, 0.01
#: More slack, in units of what the residual's square exceeds 1 by: the share that the kernels do not explain.
_SLACK_UNEXPLAINED, _MOST_UNEXPLAINED = 0.4, 0.1


def _search(
    data: _Data, weights: list[float], start: Callable, try_weight: Callable, slack: float
) -> tuple[np.ndarray, float]:
    """Find the weight of a penalty that predicts left-out voxels well, on the way from strong to weak.

    ``try_weight(weight, x) -> (image, residual image)``; each solution starts the next, the first ``start()``.
    All voxels count again afterwards.
    """
    data.hold_out()
    x = start()
    errors: list[float] = []
    slacks: list[float] = []
    images: list[np.ndarray] = []
    for weight in weights:
        del images[:-3]
        x, difference = try_weight(weight, x)
        images.append(x)
        errors.append(float(np.square(difference[data.held]).mean(dtype=np.float64)))
        if not math.isfinite(errors[-1]):
            raise InputError(
                f"the weight {weight:.3g} tried for noise {data.noise:g} gives no finite image; check noise, the "
                f"values ({data.low:g} to {data.high:g}) and the kernels, or give regularization as a number"
            )
        data.masked(difference)
        unexplained = max(0.0, data.relative(dot(difference, difference)) ** 2 - 1)
        slacks.append(slack + min(_SLACK_UNEXPLAINED * unexplained, _MOST_UNEXPLAINED))
        if len(errors) > 2 and errors[-1] > errors[-2] and errors[-1] > min(errors):
            break
    data.release()
    chosen = _strongest(weights, errors, slacks[int(np.argmin(errors))])
    recent = np.asarray(weights[len(errors) - len(images) : len(errors)])
    return images[int(np.argmin(np.abs(np.log(recent / chosen))))], chosen


def _strongest(weights: list[float], errors: list[float], slack: float) -> float:
    """The largest weight whose error exceeds the lowest by no more than `slack` of it, on straight lines
    through the errors over log(weight): near its minimum the error says little, and noise is worse than
    blur. Where the kernels do not explain the data, it goes on falling as they are fitted all the same."""
    limit = (1 + slack) * min(errors)
    first = next(i for i, e in enumerate(errors) if e <= limit)
    if first == 0:
        return weights[0]
    share = (errors[first - 1] - limit) / (errors[first - 1] - errors[first])
    return weights[first - 1] * (weights[first] / weights[first - 1]) ** share


# ------------------------------------------------------------------------------------------- the door

METHODS: dict[str, Callable] = {
    "richardson-lucy": _richardson_lucy,
    "landweber": _landweber,
    "projected-landweber": _projected_landweber,
    "tikhonov": _tikhonov,
    "tv": _tv,
    "self-keyed": _self_keyed,
}

_OPTIONS = {
    "richardson-lucy": ("accelerate", "observe"),
    "tikhonov": ("penalty", "tolerance"),
    "tv": ("tolerance", "lower"),
    "self-keyed": ("tolerance", "lower"),
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
        the step, positive and at most 4 / (3 |A|^2).
    noise : float, optional
        Sigma of the noise in image units; estimated when None.
    mask : ndarray of bool, optional
        Voxels of y that count; nothing of the others enters the result.
    background : float or ndarray
        Added to A x in the model.
    progress, cancelled : callable, optional
    options
        "richardson-lucy": accelerate (True), observe (called with every iterate); "tikhonov": penalty
        ("gradient" or "identity"), tolerance (1e-2; the share of the first gradient at which to stop); "tv",
        "self-keyed": tolerance (2e-5; the relative fall of the objective in a step at which to stop), lower
        ("auto"; the image's least value: 0 where the data look like those of a non-negative image, else none).

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
    unknown = sorted(set(options) - set(_OPTIONS.get(method, ())))
    if unknown:
        known = ", ".join(_OPTIONS.get(method, ())) or "none"
        raise InputError(f"option {unknown[0]!r} is unknown for method {method!r}; it has: {known}")
    if iterations is not None and (int(iterations) != iterations or iterations < 1):
        raise InputError(f"iterations {iterations!r} must be a whole number, at least 1, or None for automatic")
    data = _Data(operator, y, noise, mask, background, progress, cancelled)
    return METHODS[method](data, iterations, regularization, options)
