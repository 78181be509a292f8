"""The law of an image's noise: its variance where the signal is known."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from ..arrays.boxes import Box, slabs
from ..errors import InputError, check_number, check_squarable

_MANY = 1e9  # counts; drawn as Gaussian noise, which is the same and has no largest number


@dataclass(frozen=True, eq=False)
class NoiseLaw:
    """Independent noise of variance ``constant + slope * max(signal - origin, 0)``, or of a given sigma per voxel.

    Gaussian noise has slope 0. Photons and other counts have the gain as slope (1 for counts themselves) and
    variance 0 at the origin, where nothing is counted. A camera has both.

    Parameters
    ----------
    constant, slope : float
        In squared image units, and in image units; not negative.
    origin : float
        The signal at which the variance begins to rise.
    sigma : float
        Root of the mean variance over the image that the law belongs to: one number for all of it, for
        whoever needs one. NaN until `over` was told the image.
    image : array, optional
        Sigma at every voxel, in place of the formula.

    Examples
    --------
    >>> law = NoiseLaw.poisson(gain=2.0)
    >>> law.describe()
    'Poisson, variance 2 x signal'
    >>> law.variance(np.array([0.0, 10.0]))
    array([ 0., 20.])
    >>> law.shifted(100.0).scaled(0.5).describe()
    'Poisson, variance 1 x (signal - 50)'
    """

    constant: float = 0.0
    slope: float = 0.0
    origin: float = 0.0
    sigma: float = math.nan
    image: np.ndarray | None = None

    def __post_init__(self) -> None:
        check_number(self.constant, "noise law: constant", 0)
        check_number(self.slope, "noise law: slope", 0)
        check_number(self.origin, "noise law: origin")

    @classmethod
    def gaussian(cls, sigma: float) -> NoiseLaw:
        """Return the law of noise that is equally strong everywhere."""
        sigma = check_number(sigma, "noise", 0, "a standard deviation in image units")
        check_squarable(sigma, "the noise is", "noise")
        return cls(constant=sigma**2, sigma=sigma)

    @classmethod
    def poisson(cls, gain: float = 1.0, offset: float = 0.0) -> NoiseLaw:
        """Return the law of counts: image values are `gain` times a count, plus `offset`."""
        gain = check_number(gain, "gain", 0, "the image units of one count")
        if gain == 0:
            raise InputError("gain 0 must be positive: the image units of one count")
        return cls(slope=gain, origin=check_number(offset, "offset"))

    @classmethod
    def of_image(cls, sigma: np.ndarray) -> NoiseLaw:
        """Return the law that gives every voxel a sigma of its own, in image units."""
        sigma = np.asarray(sigma)
        if sigma.dtype.kind not in "fiu":
            raise InputError(f"noise: an image of {sigma.dtype} must be one of real sigmas, in image units")
        wrong = int(sigma.size - np.count_nonzero(np.isfinite(sigma) & (sigma >= 0)))
        if wrong:
            raise InputError(f"noise: {wrong} of {sigma.size} sigmas are negative or not finite; correct them")
        check_squarable(float(sigma.max(initial=0)), "noise: a sigma of", "noise")
        return cls(image=sigma)

    @classmethod
    def of(cls, parameters: Mapping[str, float]) -> NoiseLaw:
        """Return the law of which `parameters` were said."""
        unknown = sorted(set(parameters) - {"constant", "slope", "origin"})
        if unknown:
            raise InputError(f"noise law: {unknown[0]!r} is unknown; it has constant, slope and origin", "noise")
        constant, slope, origin = (parameters.get(name, 0.0) for name in ("constant", "slope", "origin"))
        return cls(constant, slope, origin)

    def parameters(self) -> dict[str, float]:
        """Return what the law is, in numbers that a recipe can hold."""
        if self.image is not None:
            raise InputError("noise: sigmas of every voxel are an image, which no recipe holds", "noise")
        return {"constant": float(self.constant), "slope": float(self.slope), "origin": float(self.origin)}

    @property
    def uniform(self) -> bool:
        """Whether the noise is equally strong everywhere."""
        return self.image is None and self.slope == 0

    def variance(self, signal: np.ndarray) -> np.ndarray:
        """Return the variance at every voxel, in float64.

        Parameters
        ----------
        signal : array
            What the image would be without its noise, or close to it, such as A x. The noisy image itself is a poor
            substitute: where its noise is low by chance, so is the variance.
        """
        signal = np.asarray(signal)
        if self.image is not None:
            self._check_shape(signal)
            return np.square(self.image, dtype=np.float64)
        if self.slope == 0:
            return np.full(signal.shape, self.constant)
        variance = np.subtract(signal, self.origin, dtype=np.float64)
        np.maximum(variance, 0, out=variance)
        variance *= self.slope
        variance += self.constant
        return variance

    def power(self, signal: np.ndarray, mask: np.ndarray | None = None) -> float:
        """Return the expected sum of the squared noise: the sum of `variance` over the voxels that count.

        ``sqrt(sum (y - A x)^2 / law.power(A x))`` is about 1 where x explains y.
        """
        signal = np.asarray(signal)
        if self.image is not None:
            self._check_shape(signal)
        if self.uniform:
            return self.constant * float(signal.size if mask is None else np.count_nonzero(mask))
        return math.fsum(self._powers(signal, mask))

    def _powers(self, signal: np.ndarray, mask: np.ndarray | None) -> Iterator[float]:
        for slab in slabs(signal.shape):
            part = self.part((slab,)).variance(signal[slab])
            yield float(part.sum() if mask is None else part.sum(where=mask[slab] != 0))

    def over(self, image: np.ndarray, mask: np.ndarray | None = None) -> NoiseLaw:
        """Return this law with the `sigma` it has over an image (its noise averages out), or over a part of it."""
        count = image.size if mask is None else np.count_nonzero(mask)
        if self.uniform or not count:
            return replace(self, sigma=math.sqrt(self.constant))
        return replace(self, sigma=math.sqrt(self.power(image, mask) / count))

    def scaled(self, factor: float) -> NoiseLaw:
        """Return the law of the image times a factor."""
        if factor < 0 and self.slope > 0:
            raise InputError(f"factor {factor!r} must not be negative: noise that rises with the signal would fall")
        return NoiseLaw(
            self.constant * factor * factor,  # not squared: of huge factors that is an error
            self.slope * abs(factor),
            self.origin * factor,
            self.sigma * abs(factor),
            None if self.image is None else self.image * abs(factor),
        )

    def shifted(self, offset: float) -> NoiseLaw:
        """Return the law of the image plus a constant."""
        return replace(self, origin=self.origin + offset)

    def part(self, box: Box) -> NoiseLaw:
        """Return the law of a part of the image; `sigma` stays that of the whole."""
        return self if self.image is None else replace(self, image=self.image[box])

    def noisy(self, signal: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Return the signal with noise drawn by this law: counts where it is that of counts, else Gaussian."""
        signal = np.asarray(signal)
        if self.image is None and self.constant == 0 < self.slope:
            counts = np.maximum(signal - self.origin, 0) / self.slope
            if counts.max(initial=0) < _MANY:
                return self.origin + self.slope * rng.poisson(counts)
        return signal + np.sqrt(self.variance(signal)) * rng.standard_normal(signal.shape)

    def describe(self) -> str:
        """Return the law in words."""
        if self.image is not None:
            low, high = float(self.image.min()), float(self.image.max())
            return f"given at every voxel, sigma {low:.3g} to {high:.3g}"
        if self.slope == 0:
            return f"Gaussian, sigma {math.sqrt(self.constant):.3g}" if self.constant else "none"
        at_zero = self.constant - self.slope * self.origin
        if self.origin <= 0 <= at_zero:  # one constant less to read
            constant, signal = at_zero, "signal"
        else:
            constant, sign = self.constant, "-" if self.origin > 0 else "+"
            signal = f"(signal {sign} {abs(self.origin):.3g})"
        if constant == 0:
            return f"Poisson, variance {self.slope:.3g} x {signal}"
        return f"Poisson-like, variance {constant:.3g} + {self.slope:.3g} x {signal}"

    def _check_shape(self, signal: np.ndarray) -> None:
        if self.image is not None and self.image.shape != signal.shape:
            raise InputError(
                f"noise: sigmas of shape {self.image.shape} do not fit an image of shape {signal.shape}; "
                "give one for every voxel, or one number"
            )
