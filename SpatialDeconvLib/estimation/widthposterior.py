"""How wide a blur is, by the spectrum that it left of an image whose own spectrum is like that of others.

What a sharp image's spectrum looks like is known from many: its logarithm falls by a parabola in the logarithm of
the frequency, give or take. With that as a prior, and the share of the power that a blur of each width lets
through, the likelihood of the spectrum that was seen says how probable each width is.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

#: Log spectrum of sharp images, of ln(frequency / 0.1 cycles per voxel): slope and curvature in 2-D. On pictures
#: of scikit-image at 128 squares and slices of the brain ``bench_width.py --learn`` measures -2.70 and -0.45;
#: these are a third of a spread sharper, without which the same benchmark found one Gaussian 3 % too wide on
#: average.
SLOPE, CURVATURE = -2.5, -0.35
#: How much slope, curvature and the rest differ between images (standard deviations), and over how much of
#: ln(frequency) the rest stays alike. Less than `--learn` prints, whose few pictures of text, grass and cells
#: differ most: settled so that the errors that `bench_width.py` finds are of the size that is told.
SLOPE_SPREAD, CURVATURE_SPREAD, REST_SPREAD, REST_LENGTH = 0.5, 0.3, 0.3, 0.5
#: Correlation of that difference between parts of one image.
ALIKE = 0.5
#: Bands differ from the model by so much by themselves: leakage, simulation.
_UNMODELLED = 0.05
_LEVEL_SPREAD = 5.0  # of the level, of which nothing is known
_NOISE_SPREAD = 0.1  # relative, of the noise's power
#: Spread of ln(factor) of kernels as people give them: so wide that it only matters where the image says little.
FACTOR_SPREAD = 0.35
#: Neighbouring modes and overlapping patches are alike: no more patches than these count.
_MOST_PATCHES = 8.0
_STEPS = 60


@dataclass(frozen=True)
class Spectrum:
    """The mean spectrum of some patches, and what blurs of the trial widths let through of it.

    Attributes
    ----------
    power : ndarray, (bands,)
    noise : float
        The power of the noise in each band.
    passed : ndarray, (trials, bands)
        Share of the power of a typical image that passes a blur of each width.
    added : ndarray, (trials, bands)
        Power that is there because kernels change where the image does: steps, and sums of weights that are not 1.
    patches : float
        How many patches it is the mean of, by their shares in it.
    """

    power: np.ndarray
    noise: float
    passed: np.ndarray
    added: np.ndarray
    patches: float


def log_probabilities(
    spectra: list[Spectrum], frequency: np.ndarray, modes: np.ndarray, ndim: int, trials: np.ndarray
) -> np.ndarray:
    """The logarithm of the probability of each trial width (ln factor), but for a constant."""
    mean, covariance = prior(frequency, ndim, len(spectra))
    power = np.concatenate([s.power for s in spectra])
    noise = np.repeat([s.noise for s in spectra], frequency.size)
    counts = np.concatenate([modes / 2 * min(s.patches, _MOST_PATCHES) for s in spectra])
    fit = _Fit(power, noise, counts, mean, covariance)
    passed = np.log(np.concatenate([s.passed for s in spectra], axis=1))
    added = np.concatenate([s.added for s in spectra], axis=1)
    found = [fit.evidence(*each) for each in zip(passed, added, strict=True)]
    return np.array(found) - 0.5 * np.square(trials / FACTOR_SPREAD)


def expected_spectrum(frequency: np.ndarray, ndim: int) -> np.ndarray:
    """The mean log spectrum of sharp images, but for a constant."""
    x = np.log(frequency / 0.1)
    return (SLOPE - (ndim - 2)) * x + CURVATURE * x**2  # an edge in 3-D is one in every slice


def prior(frequency: np.ndarray, ndim: int, groups: int) -> tuple[np.ndarray, np.ndarray]:
    """Mean and covariance of the log spectra of some parts of one sharp image."""
    x = np.log(frequency / 0.1)
    curve = x**2 - np.mean(x**2)
    rest = np.exp(-0.5 * np.square(np.subtract.outer(x, x) / REST_LENGTH))
    own = SLOPE_SPREAD**2 * np.outer(x, x) + CURVATURE_SPREAD**2 * np.outer(curve, curve) + REST_SPREAD**2 * rest
    within = (1 - ALIKE) * own + _LEVEL_SPREAD**2 + _UNMODELLED**2 * np.eye(x.size)
    covariance = np.kron(np.ones((groups, groups)), ALIKE * own) + np.kron(np.eye(groups), within)
    return np.tile(expected_spectrum(frequency, ndim), groups), covariance


class _Fit:
    """Log spectra, and the noise's level, that explain the power in bands under a prior."""

    def __init__(
        self, power: np.ndarray, noise: np.ndarray, counts: np.ndarray, mean: np.ndarray, covariance: np.ndarray
    ):
        self._power, self._noise, self._counts = power, noise, counts
        size = power.size
        precision = np.zeros((size + 1, size + 1))  # the last unknown is the logarithm of the noise's factor
        precision[:size, :size] = np.linalg.inv(covariance)
        precision[size, size] = _NOISE_SPREAD**-2
        self._precision = precision
        self._mean = np.append(mean, 0.0)

    def evidence(self, log_passed: np.ndarray, added: np.ndarray) -> float:
        """The logarithm of the probability of the powers, given what passes the blur (Laplace's approximation)."""
        self._added = added
        level = np.log(np.maximum(self._power - self._noise, 1e-3 * self._power)) - log_passed - self._mean[:-1]
        unknown = self._mean.copy()
        unknown[:-1] += level.max() if level.size < 3 else np.median(level[:3])
        value = self._value(unknown, log_passed)
        for _ in range(_STEPS):
            gradient, curvature = self._slopes(unknown, log_passed)
            step = np.linalg.solve(curvature, gradient)
            step *= min(1.0, 2.0 / max(float(np.abs(step).max()), 1e-300))
            before = value
            unknown, value = self._shorter(unknown, step, log_passed, value)
            if before - value < 1e-6:
                break
        _, curvature = self._slopes(unknown, log_passed)
        return -value - 0.5 * float(np.linalg.slogdet(curvature)[1])

    def _shorter(
        self, unknown: np.ndarray, step: np.ndarray, log_passed: np.ndarray, value: float
    ) -> tuple[np.ndarray, float]:
        """The step, halved until it leads down."""
        for _ in range(20):
            trial = unknown - step
            found = self._value(trial, log_passed)
            if found <= value:
                return trial, found
            step = step / 2
        return unknown, value

    def _parts(self, unknown: np.ndarray, log_passed: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Expected power of the image and of the noise."""
        return np.exp(unknown[:-1] + log_passed), self._noise * np.exp(unknown[-1])

    def _value(self, unknown: np.ndarray, log_passed: np.ndarray) -> float:
        signal, noise = self._parts(unknown, log_passed)
        expected = signal + noise + self._added
        off = unknown - self._mean
        likelihood = self._counts * (np.log(expected) + self._power / expected)
        return float(likelihood.sum() + 0.5 * off @ self._precision @ off)

    def _slopes(self, unknown: np.ndarray, log_passed: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        signal, noise = self._parts(unknown, log_passed)
        expected = signal + noise + self._added
        share = np.column_stack([np.diag(signal / expected), noise / expected])
        gradient = share.T @ (self._counts * (1 - self._power / expected))
        gradient += self._precision @ (unknown - self._mean)
        return gradient, share.T @ (self._counts[:, None] * share) + self._precision
