"""A first image for source-keyed kernels that differ so much that descending from the data gets stuck.

With F(x) = sum_k h_k * (w_k(x) x), a voxel's light is a function of its intensity alone. Let v_j be the share
of a voxel that has the intensity a_j of a list; then F is linear,

    F(v) = sum_j a_j h(a_j) * v_j,      v_j >= 0,  sum_j v_j = 1,      x = sum_j a_j v_j,

and the least-squares problem in v has no local minima (the lifting of T. Pock et al., "Global solutions of
variational models with convex regularization", SIAM J. Imaging Sciences 3, 2010). Its solution mixes
intensities. A growing price on their variance within the voxel, sum_j a_j^2 v_j - x^2, brings every voxel back
to one intensity (graduated non-convexity: A. Blake and A. Zisserman, "Visual Reconstruction", 1987).
Memory: two images for each intensity.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from ..arrays.inner import dot
from ..blur.selfkeyed import SelfKeyedBlur
from ..blur.slabfft import Read, Write
from .iteration import Iterate, Iterates
from .problem import Problem
from .totalvariation import TotalVariation

_MOST_INTENSITIES = 12  # their memory is then that of the descent which follows
_ROUNDING = 1e-5
STEPS = 120
#: Price of the variance in the first and the last step; that of the data's squared residual is 1.
_FIRST_PRICE, _LAST_PRICE = 0.01, 0.5
#: Weight of TV and its smoothing, in units of the span of the data.
_TV_WEIGHT, _TV_SMOOTHING = 0.002, 0.03


def changes_grow(model: SelfKeyedBlur, x: np.ndarray, size: float) -> bool:
    """Whether a small change of the image, white noise of this size, is larger in F(x) than in x.

    A blur makes it smaller. Where kernels change so fast with the intensity that |h + x h'| > 1, the image of a
    smooth object is rough, and the intensity can only be followed downhill from very near.
    """
    change = x.dtype.type(size) * np.random.default_rng(0).standard_normal(x.shape, np.float32)
    difference = model.forward(x + change)[0] - model.forward(x)[0]
    return float(np.mean(np.square(difference), dtype=np.float64)) > size**2


class LiftedBlur:
    """v -> F(v), its transpose, and steps downhill.

    Parameters
    ----------
    model : SelfKeyedBlur
        In the source model.
    low, high : float
        Range of the data; the intensities reach beyond the outermost levels by one interval, but to no
        negative value if `low` is not negative.
    """

    def __init__(self, model: SelfKeyedBlur, low: float, high: float):
        self.operator, self.group = model.operator, model.group
        levels = model.levels
        below = 2 * levels[0] - levels[1]
        bottom = min(max(below, 0.0) if low >= 0 else min(below, low), levels[0])
        levels = np.unique([bottom, *levels, max(high, 2 * levels[-1] - levels[-2])])
        if len(levels) > _MOST_INTENSITIES:
            places = np.linspace(0, len(levels) - 1, _MOST_INTENSITIES)
            levels = np.interp(places, np.arange(len(levels)), levels)
        self.dtype = self.operator.dtype
        self.intensities = levels.astype(self.dtype)
        self.light = self.intensities[:, None] * model.coefficients(self.intensities)

    def shares(self, value: float) -> np.ndarray:
        return np.full((len(self.intensities), *self.operator.domain_shape), value, self.dtype)

    def image(self, v: np.ndarray) -> np.ndarray:
        """The mean intensity of every voxel."""
        out = np.zeros(v.shape[1:], self.dtype)
        self._over_planes(v, lambda a, b: np.einsum("j,j...->...", self.intensities, v[:, a:b], out=out[a:b]))
        return out

    def forward(self, v: np.ndarray) -> np.ndarray:
        operator, geometry = self.operator, self.group.transform.geometry
        v = v.reshape(len(v), *operator.canonical_domain)
        out = np.zeros(operator.canonical_data, self.dtype)

        def read(r: int) -> Read:
            used = np.flatnonzero(self.light[:, r])
            return lambda a, b: sum(self.light[j, r] * v[j, a:b] for j in used)

        operator.gather(self.group, geometry.domain, lambda: out, geometry.data, False, read)
        return out.reshape(operator.data_shape)

    def add_transposed(self, v: np.ndarray, residual: np.ndarray, factor: float) -> None:
        """Add `factor` times the transpose of a residual to v, in place."""
        operator, geometry = self.operator, self.group.transform.geometry
        out = v.reshape(len(v), *operator.canonical_domain)
        light = self.dtype.type(factor) * self.light

        def write(r: int) -> Write:
            used = np.flatnonzero(light[:, r])

            def add(a: int, b: int, part: np.ndarray) -> None:
                for j in used:
                    out[j, a:b] += light[j, r] * part

            return add

        residual = residual.reshape(operator.canonical_data)
        operator.scatter(self.group, residual, geometry.data, geometry.domain, True, write)

    def norm(self, masked: Callable[[np.ndarray], np.ndarray], iterations: int = 12) -> float:
        """Largest eigenvalue of F F^T for changes of v that keep its sum, from below, by the power iteration."""
        z = masked(1 + 0.1 * np.random.default_rng(0).standard_normal(self.operator.data_shape, self.dtype))
        for _ in range(iterations):
            z /= self.dtype.type(math.sqrt(dot(z, z)))
            v = self.shares(0)
            self.add_transposed(v, z, 1.0)
            self._balance(v)
            z = masked(self.forward(v))
        return math.sqrt(dot(z, z))

    def _balance(self, v: np.ndarray) -> None:
        """Subtract the mean of every voxel's numbers from them, so that they sum to 0, in place."""
        self._over_planes(v, lambda a, b: np.subtract(v[:, a:b], v[:, a:b].mean(axis=0), out=v[:, a:b]))

    def project(self, v: np.ndarray, ahead: np.ndarray, slope: np.ndarray, bend: float, momentum: float) -> None:
        """Add a_j (`slope` + `bend` a_j) to `ahead` and project it on the shares: the new v; and `ahead` goes
        ahead of that. In place."""
        a_j = self.intensities.reshape(-1, *[1] * (v.ndim - 1))
        constant = self.dtype.type(bend) * a_j * a_j

        def work(a: int, b: int) -> None:
            there = ahead[:, a:b]
            there += a_j * slope[a:b]
            there += constant
            new = nearest_shares(there)
            np.subtract(new, v[:, a:b], out=there)
            there *= self.dtype.type(momentum)
            there += new
            v[:, a:b] = new

        self._over_planes(v, work)

    def _over_planes(self, v: np.ndarray, work: Callable[[int, int], object]) -> None:
        planes = v.shape[1]
        thickness = max(1, (1 << 18) * planes // v.size)
        chunks = [(a, min(a + thickness, planes)) for a in range(0, planes, thickness)]
        self.operator.run(lambda chunk: work(*chunk), chunks)


def nearest_shares(p: np.ndarray) -> np.ndarray:
    """The nearest point with v >= 0 and sum v = 1 along the first axis: max(p - t, 0), t by Newton from below.

    The sum is convex in t and piecewise linear, so t is exact after a few steps (as many as there are numbers
    at most).
    """
    t = np.maximum(p.max(axis=0) - 1, (p.sum(axis=0) - 1) / len(p))
    for _ in range(len(p)):
        v = np.maximum(p - t, 0)
        excess = v.sum(axis=0) - 1
        if excess.max() < _ROUNDING:
            break
        t += excess / np.maximum(np.count_nonzero(v, axis=0), 1)
    return v


class LiftedDescent:
    """Descends on the lifted problem, by projected gradients with Nesterov's momentum.

    Parameters
    ----------
    problem : Problem
    model : SelfKeyedBlur
        In the source model.
    variation : TotalVariation
        Of images on the domain.
    lower : float
        The image's least value; may be -inf.
    """

    def __init__(self, problem: Problem, model: SelfKeyedBlur, variation: TotalVariation, lower: float):
        self.problem, self.variation = problem, variation
        self.lifted = LiftedBlur(model, max(lower, problem.low), problem.high)
        self.shares = self.lifted.shares(1 / len(self.lifted.intensities))

    def image(self) -> np.ndarray:
        """The image reached."""
        return self.lifted.image(self.shares)

    def iterates(self) -> Iterates:
        """Yield what was reached after each step, without its image."""
        problem, lifted, v = self.problem, self.lifted, self.shares
        a = lifted.intensities
        weight, smoothing = _TV_WEIGHT * problem.span, _TV_SMOOTHING * problem.span
        spread = float(np.square(a - a.mean(), dtype=np.float64).sum())
        norm = problem.agreed("norm", lambda: lifted.norm(problem.masked))
        step = 1 / (1.02 * norm + 4 * weight / smoothing * spread)
        ahead = v.copy()
        moment = 1.0
        for number in range(STEPS):
            price = _FIRST_PRICE * (_LAST_PRICE / _FIRST_PRICE) ** (number / (STEPS - 1))
            x = lifted.image(ahead)
            slope = x * x.dtype.type(step * price)
            self.variation(x, smoothing, -step * weight, slope)
            del x
            difference = np.subtract(problem.y, lifted.forward(ahead))
            squared = dot(problem.masked(difference), difference)
            yield Iterate(None, squared)
            following = 0.5 * (1 + math.sqrt(1 + 4 * moment**2))
            lifted.add_transposed(ahead, difference, step)
            del difference
            lifted.project(v, ahead, slope, -0.5 * step * price, (moment - 1) / following)
            moment = following
        return "the price is paid"
