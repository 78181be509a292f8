"""A law from the coefficients of an image: strata of intensity, and a line through their variances."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ..arrays.watch import Watch
from .coefficients import TAPS, Coefficients, Values

_STRATA = 8
_FLATTEST = 0.3  # of the places in a stratum
_FEWEST = 10000  # coefficients in all strata, where there are as many
_FEWEST_EACH = 300  # coefficients in a stratum
_CLIP = 2.5
# Neighbouring coefficients have taps in common: per axis, so many of them tell as much as one that stands alone.
_ALIKE = float(np.square(np.correlate(TAPS, TAPS, mode="full")).sum())
_FOURTH = float((TAPS**4).sum())
_MODEL = 0.1  # relative error of a stratum's variance, besides its scatter: texture, edges
_UPWARDS, _DOWNWARDS = 2.0, 6.0  # errors in units of their size that weigh half; what is no noise adds variance
_WORTH = 3.0  # what a slope must take off the misfit
# The least range of the signal in strata of counts, and the one that alone tells enough: neither clipping nor edges
# make a variance that follows the signal so far.
_SPREAD, _WIDE_SPREAD = 4.0, 100.0
_ALMOST_NO_NOISE = 0.1  # of the smallest variance above 0 stands for 0, whose logarithm nobody can take


@dataclass(frozen=True)
class Stratum:
    """The coefficients of the flattest places of one range of intensity."""

    detail: np.ndarray
    signal: np.ndarray


def flat_strata(found: Coefficients, watch: Watch) -> list[Stratum]:
    """Return the coefficients of the flattest places in strata of intensity.

    Eight have equal counts of voxels, and the brightest is halved again as long as its parts are large enough:
    stars are few, and yet most of the noise of their image is theirs. The gradient is an odd filter and the
    differences are an even one, so for white noise the choice of places does not bias them.
    """
    alike = _ALIKE ** (found.axes - 2)
    each, fewest = _FEWEST_EACH * alike, _FEWEST * alike
    count = int(np.clip(3 * len(found) // each, 1, _STRATA))
    parts = np.array_split(np.argsort(found.intensity, kind="stable"), count)
    while count == _STRATA and len(parts[-1]) * _FLATTEST >= 2 * each:
        brightest = parts.pop()
        parts += np.array_split(brightest, 2)
    share = max(_FLATTEST, fewest / len(found))
    strata = []
    for part in parts:
        watch.check()
        steep = found.gradient[part]
        limit = np.quantile(steep, min(1.0, max(share, each / len(part))))
        flat = part[steep <= limit]
        strata.append(Stratum(found.detail[flat], found.signal[flat]))
    return strata


def clipped_variance(detail: np.ndarray) -> tuple[float, float]:
    """Return the variance of Gaussian noise among larger values, and the limit of what is taken for noise.

    By iterated clipping at 2.5 sigma.
    """
    magnitude = np.abs(detail)
    sigma = float(np.median(magnitude)) / 0.6744897501960817
    if sigma == 0.0:  # more than half of an integer image's differences vanish
        sigma = float(np.sqrt(np.mean(magnitude**2)))
    density = math.exp(-0.5 * _CLIP**2) / math.sqrt(2 * math.pi)
    kept_variance = 1.0 - 2.0 * _CLIP * density / math.erf(_CLIP / math.sqrt(2.0))
    for _ in range(50):
        kept = magnitude[magnitude < _CLIP * sigma]
        if kept.size == 0:
            break
        previous, sigma = sigma, math.sqrt(float(np.mean(kept**2)) / kept_variance)
        if abs(sigma - previous) <= 1e-6 * previous:
            break
    return sigma**2, _CLIP * sigma


def gain_of_counts(strata: list[Stratum], axes: int, values: Values) -> float:
    """Return the gain, if the image is one of counts whose many empty voxels have the lowest value; else 0.

    Counts have a variance of the gain times the signal in every stratum. Values that are multiples of a step
    tell the gain, and then it is enough that a part of the strata has this variance and hardly one has less:
    points and edges have more. Without a step all must agree, and single counts stand apart from none.
    """
    step = values.step
    signal = np.array([stratum.signal.mean() for stratum in strata]) - float(values.low)
    plain = np.array([np.mean(stratum.detail**2) for stratum in strata])
    largest = max(float(np.abs(stratum.detail).max()) for stratum in strata)
    idle = [np.mean(np.abs(stratum.detail) <= 1e-9 * largest) for stratum in strata]
    if signal.min() <= 0 or plain.min() <= 0 or np.mean(idle) > 0.5:  # straight edges of a picture without noise
        return 0.0
    gain = step or float(np.median(plain / signal))
    # Clipping takes Gaussian tails for granted; few counts have heavier ones.
    heavy_tails = _FOURTH**axes * gain > 0.1 * signal
    clipped = np.array([clipped_variance(stratum.detail)[0] for stratum in strata])
    clipped = np.where(heavy_tails | (clipped == 0), plain, clipped)
    gain = step or float(np.exp(np.median(np.log(clipped / signal))))
    error = np.minimum(np.abs(np.log(clipped / (gain * signal))), np.abs(np.log(plain / (gain * signal))))
    scatter = _scatter(strata, axes)
    beyond = error - 0.5 * scatter
    if step:
        missing = np.log(plain / (gain * signal)) < -0.4 - 1.5 * scatter
        return gain if np.mean(beyond < 0.3) >= 0.3 and np.mean(missing) <= 0.1 else 0.0
    spread = signal.max() / signal.min()
    agree = np.median(beyond) < 0.15 and np.quantile(beyond, 0.75) < 0.3 and spread > _SPREAD
    return gain if agree and (spread > _WIDE_SPREAD or values.has_single_counts(gain)) else 0.0


def _scatter(strata: list[Stratum], axes: int) -> np.ndarray:
    """Relative standard error of every stratum's variance."""
    return np.sqrt([2.5 * _ALIKE**axes / len(stratum.detail) for stratum in strata])


@dataclass(frozen=True)
class Line:
    """A variance of ``level + slope * (signal - start)``, neither negative."""

    level: float
    slope: float
    start: float

    def __call__(self, signal: np.ndarray) -> np.ndarray:
        return self.level + self.slope * np.maximum(signal - self.start, 0)


def line_through(strata: list[Stratum], axes: int, rounding: float = 0.0) -> Line:
    """Return the line that most of the strata lie on; without slope where that explains them as well.

    A standard deviation of at most `rounding` in most of the strata is none.
    """
    points = [_clipped(stratum) for stratum in strata]
    if np.median([variance for _, variance in points]) <= rounding**2:
        return Line(0.0, 0.0, 0.0)
    level, sloped, _ = _lines(points, _scatter(strata, axes))
    if sloped.slope == 0:
        return level
    # Where the signal varies within a stratum, so does the variance: clip what is left when it is divided out.
    level, sloped, gained = _lines([_clipped(stratum, sloped) for stratum in strata], _scatter(strata, axes))
    return sloped if gained > _WORTH else level


def _clipped(stratum: Stratum, line: Line | None = None) -> tuple[float, float]:
    """The clipped mean of the signal, and the clipped variance: as that follows a line, if there is one."""
    expected = np.ones_like(stratum.signal) if line is None else line(stratum.signal)
    if expected.any():
        expected = np.maximum(expected, 0.05 * float(np.median(expected[expected > 0])))
    else:
        expected += 1.0
    detail = stratum.detail / np.sqrt(expected)
    variance, limit = clipped_variance(detail)
    kept = np.abs(detail) <= limit
    return float(stratum.signal[kept].mean()), variance * float(expected[kept].mean())


def _lines(points: list[tuple[float, float]], scatter: np.ndarray) -> tuple[Line, Line, float]:
    """The best line without slope, the best of all, and what the slope takes off the misfit."""
    signal, variances = np.array(points).T
    start, span = float(signal.min()), float(np.ptp(signal))
    unit = float(np.median(variances[variances > 0]))
    fit = _Points((signal - start) / (span or 1.0), variances / unit, np.hypot(scatter, _MODEL))
    level, misfit = fit.fitted([(v, 0.0) for v in fit.variance])
    sloped, less = fit.fitted(fit.lines_through_pairs()) if span else (level, misfit)
    return (
        Line(float(level[0]) * unit, 0.0, start),
        Line(float(sloped[0]) * unit, float(sloped[1]) * unit / (span or 1.0), start),
        misfit - less,
    )


class _Points:
    """Variances at signals from 0 to 1, and lines (level, slope) through most of them."""

    def __init__(self, signal: np.ndarray, variance: np.ndarray, scatter: np.ndarray):
        self.signal, self.scatter = signal, scatter
        self.least = _ALMOST_NO_NOISE * float(variance[variance > 0].min())
        self.variance = np.maximum(variance, self.least)

    def lines_through_pairs(self) -> list[tuple[float, float]]:
        """Lines that rise; those that would begin below 0 begin at 0."""
        lines = []
        for i, j in zip(*np.triu_indices(len(self.signal), 1), strict=True):
            (x, u), (z, v) = sorted([(self.signal[i], self.variance[i]), (self.signal[j], self.variance[j])])
            if z > x and v > u:
                slope = (v - u) / (z - x)
                lines.append((u - slope * x, slope) if u >= slope * x else (0.0, v / z))
        return lines

    def fitted(self, lines: list[tuple[float, float]]) -> tuple[tuple[float, float], float]:
        """The best of some lines, improved by reweighted least squares, and its misfit."""
        if not lines:
            return (0.0, 0.0), math.inf
        misfit, best = min((self._misfit(line), line) for line in lines)
        for _ in range(20):
            better = self._reweighted(best)
            less = self._misfit(better)
            if less >= misfit:
                break
            best, misfit = better, less
        return best, misfit

    def _errors(self, line: tuple[float, float]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        expected = np.maximum(line[0] + line[1] * self.signal, 0.1 * self.least)
        error = np.log(self.variance / expected) / self.scatter
        return expected, error**2, np.where(error > 0, _UPWARDS, _DOWNWARDS)

    def _misfit(self, line: tuple[float, float]) -> float:
        _, square, limit = self._errors(line)
        return float(np.sum(limit * np.log1p(square / limit)))

    def _reweighted(self, line: tuple[float, float]) -> tuple[float, float]:
        expected, square, limit = self._errors(line)
        weight = 1 / ((1 + square / limit) * (self.scatter * expected) ** 2)
        if line[1] == 0:
            return float(weight @ self.variance / weight.sum()), 0.0
        return _rising_line(self.signal, self.variance, weight)


def _rising_line(x: np.ndarray, y: np.ndarray, weight: np.ndarray) -> tuple[float, float]:
    """Weighted least squares of a line whose level at 0 and slope are not negative."""
    mean_x, mean_y = weight @ x / weight.sum(), weight @ y / weight.sum()
    slope = float(weight @ ((x - mean_x) * (y - mean_y)) / (weight @ (x - mean_x) ** 2))
    if slope <= 0:
        return float(mean_y), 0.0
    level = float(mean_y - slope * mean_x)
    return (level, slope) if level >= 0 else (0.0, float(weight @ (x * y) / (weight @ x**2)))
