"""What is solved: the blur, the data and their noise, and which voxels count."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import Any

import numpy as np

from ..arrays.boxes import Box
from ..arrays.inner import dot
from ..arrays.watch import UNWATCHED, Watch
from ..blur.operator import SpatiallyVariantBlur
from ..errors import InputError, check_number, is_auto
from ..noise import as_noise_law, looks_nonnegative
from .agreement import Agreement
from .balance import balance

_LEAST_BALANCED = 3e-3  # noise, of the range of values
_HELD_OUT = 4000  # voxels, within these shares of all:
_HELD_OUT_SHARES = (0.005, 0.05)


class Problem:
    """Find x with y = A x + b + noise at the voxels that count.

    Arrays of the data have the shape `operator.data_shape`, images the shape `operator.domain_shape`; both have
    the operator's dtype. Sums over them run in threads plane by plane.

    Parameters
    ----------
    operator : SpatiallyVariantBlur
        A.
    y : ndarray
    noise : NoiseLaw, what `noise.as_noise_law` makes one of, or None
        Of y; estimated when None or "auto".
    mask : ndarray of bool, optional
        Voxels of y that count.
    background : float or ndarray
        b.
    watch : Watch
        Asked whether to stop at every kernel of every product with A. What is kept of it is told nothing.
    agreed : Agreement, optional
        Where the numbers come from that belong to all of the image; measured when None.

    Attributes
    ----------
    y : ndarray
        The data less the background.
    mask, count : ndarray of bool or None, int
        The voxels that count now, None for all, and how many they are.
    given_mask : ndarray of bool or None
        The same without regard to `held_out`.
    held : ndarray of bool or None
        The voxels that are left out in `held_out`.
    low, high, span : float
        Range of the data that count, without outliers, and its length.
    minimum : float
        Of the data that count.
    noise : float
        Sigma over the data that count, at least 1e-6 of the span.
    power : float
        What |y - A x|^2 is expected to be over the voxels that count now, where x explains the data. By the law of
        the noise, whose sum over the data is that over A x but for the noise, which averages out.
    box, judged : tuple of slice or None, ndarray of bool or None
        Of a part: where it lies in the whole, and the voxels in it that tell how good an image is.
    """

    def __init__(
        self,
        operator: SpatiallyVariantBlur,
        y: np.ndarray,
        noise: Any = None,
        mask: np.ndarray | None = None,
        background: float | np.ndarray = 0.0,
        watch: Watch = UNWATCHED,
        agreed: Agreement | None = None,
    ):
        self.operator = operator
        self.agreed = Agreement() if agreed is None else agreed
        self.dtype = operator.dtype
        self.watch = watch.quiet()
        y = np.asarray(y)
        if y.shape != operator.data_shape:
            raise InputError(f"y has shape {y.shape}, the operator's data {operator.data_shape}")
        if np.iscomplexobj(y):
            raise InputError(f"y is complex ({y.dtype}); give real values")
        self.background = self._checked_background(background)
        self.given_mask = self.mask = self._checked_mask(mask)
        y = y.astype(self.dtype, copy=False)  # never written to
        self.y = y - self.background if np.any(self.background) else y
        if not np.isfinite(self.y.sum(dtype=np.float64)):
            raise InputError("y holds NaN or infinite values; fill them and leave them out with mask")
        self.count = self.y.size if self.mask is None else int(np.count_nonzero(self.mask))
        seen = self.y if self.mask is None else self.y[self.mask]
        self.low, self.high = (self._percentile(seen, share) for share in (0.1, 99.9))
        self.span = max(self.high - self.low, 1e-6 * abs(self.high), 1e-12)  # also of a constant image
        self.minimum = self.agreed("minimum", lambda: float(seen.min()))
        self._law = as_noise_law("auto" if noise is None else noise, y, self.mask)
        self.noise = max(self.agreed("noise", lambda: self._law.sigma), 1e-6 * self.span)
        self.power = self._power()
        self.held: np.ndarray | None = None
        self.box: Box | None = None
        self.judged: np.ndarray | None = None

    def _checked_background(self, background: float | np.ndarray) -> np.ndarray:
        array = np.asarray(background, self.dtype)
        if array.ndim and array.shape != self.operator.data_shape:
            raise InputError(f"background has shape {array.shape}, the data {self.operator.data_shape}")
        if not np.all(np.isfinite(array)):
            raise InputError("background must be finite")
        return array

    def _checked_mask(self, mask: np.ndarray | None) -> np.ndarray | None:
        if mask is None:
            return None
        mask = np.asarray(mask)
        if mask.shape != self.operator.data_shape:
            raise InputError(f"mask has shape {mask.shape}, the data {self.operator.data_shape}")
        mask = mask.astype(bool)
        if not mask.any():
            raise InputError("mask is empty; at least one voxel must count")
        return None if mask.all() else mask

    # -- products, and sums over voxels

    def forward(self, x: np.ndarray) -> np.ndarray:
        """A x."""
        return self.operator.forward(x, self.watch)

    def adjoint(self, y: np.ndarray) -> np.ndarray:
        """A^T y."""
        return self.operator.adjoint(y, self.watch)

    def masked(self, data: np.ndarray) -> np.ndarray:
        """Set what does not count to 0, in place."""
        if self.mask is not None:
            data[~self.mask] = 0
        return data

    def residual(self, squared: float) -> float:
        """|y - A x| over what the noise makes of it, from |y - A x|^2 over the voxels that count."""
        return math.sqrt(squared / self.power)

    def _power(self) -> float:
        data = self.y if self._law.uniform or not np.any(self.background) else self.y + self.background
        return max(self._law.power(data, self.mask), self.count * (1e-6 * self.span) ** 2)

    @cached_property
    def balance(self) -> np.ndarray | None:
        """What differences from the data are multiplied with (see `balance.balance`); None: nothing.

        Weak noise is left alone: fine texture adds to its law, and little is to be gained.
        """
        if self.noise < _LEAST_BALANCED * self.span:
            return None
        data = self.y + self.background if np.any(self.background) else self.y
        return balance(self._law, data, self.given_mask, self.agreed)

    def weighted(self, data: np.ndarray) -> np.ndarray:
        """Data times the square of the balance: a new array, where there is one."""
        if self.balance is None:
            return data
        out = data * self.balance
        out *= self.balance
        return out

    def variance(self) -> np.ndarray:
        """Of the noise at every voxel of the data, by its law."""
        return self._law.variance(self.y + self.background if np.any(self.background) else self.y)

    def with_data(self, y: np.ndarray, agreed: Agreement) -> Problem:
        """The same problem, its balance too, with other data, less the background, and numbers from elsewhere."""
        self.balance  # noqa: B018 - found before the copy, from these data
        other = copy.copy(self)
        other.y, other.agreed = y.astype(self.dtype, copy=False), agreed
        return other

    def squares(self, difference: np.ndarray, where: np.ndarray) -> np.ndarray:
        """The squares of y - A x at some voxels, balanced."""
        seen = difference[where]
        if self.balance is not None:
            seen *= self.balance[where]
        return np.square(seen, dtype=np.float64)

    # -- parts

    def part(self, box: Box, inner: Box, boundary: str) -> Problem | None:
        """Return the problem in a box of the data, with the noise and the range of values of the whole.

        Parameters
        ----------
        box : tuple of slice
        inner : tuple of slice
            What of it is judged: voxels whose surroundings are in the box, too.
        boundary : str
            Of the box.

        Returns
        -------
        Problem, or None where the mask leaves nothing to judge
        """
        judged = np.zeros([s.stop - s.start for s in box], bool)
        judged[tuple(slice(i.start - s.start, i.stop - s.start) for i, s in zip(inner, box, strict=True))] = True
        counts = None if self.given_mask is None else self.given_mask[box]
        if counts is not None:
            judged &= counts
        if not judged.any():
            return None
        part = copy.copy(self)
        part.box, part.judged = box, judged
        part.operator = self.operator.part(box, boundary)
        part.y = np.ascontiguousarray(self.y[box])
        part.background = self.background[box] if self.background.ndim else self.background
        part.given_mask = part.mask = None if counts is None or counts.all() else counts
        part.count = part.y.size if part.mask is None else int(np.count_nonzero(part.mask))
        part._law = self._law.part(box)
        part.balance = None if self.balance is None else np.ascontiguousarray(self.balance[box])
        part.power = part._power()
        return part

    def cut(self, x: np.ndarray, whole: Problem) -> np.ndarray:
        """Cut what belongs to this part out of an image on the domain of the whole."""
        return x if self.box is None else self.operator.extend(whole.operator.crop(x)[self.box])

    # -- voxels that are left out for a while

    @property
    def _judging(self) -> np.ndarray | None:
        """The voxels that tell how good an image is; None: all."""
        return self.mask if self.judged is None else self.judged

    def held_out_share(self, wanted: float = _HELD_OUT, most: float = _HELD_OUT_SHARES[1]) -> float:
        """Return the share of voxels that `held_out` leaves out."""
        count = self.y.size if self._judging is None else np.count_nonzero(self._judging)
        return float(np.clip(wanted / count, _HELD_OUT_SHARES[0], most))

    @contextmanager
    def held_out(self, wanted: float = _HELD_OUT, most: float = _HELD_OUT_SHARES[1]) -> Iterator[None]:
        """Leave some voxels out of those that count, to see how well they are predicted; a fixed random choice.

        Parameters
        ----------
        wanted : float
            How many.
        most : float
            Share of the voxels that count which is left out at most.
        """
        before = self.mask, self.count, self.power
        usable = self._judging
        share = self.held_out_share(wanted, most)
        self.held = np.random.default_rng(0).random(self.y.shape, np.float32) < share
        if usable is not None:
            self.held &= usable
        if not self.held.any():
            self.held.flat[int(np.flatnonzero(usable if usable is not None else ~self.held)[0])] = True
        left = ~self.held if self.mask is None else self.mask & ~self.held
        if left.any():  # a single voxel is not left out, or nothing would count
            self.mask, self.count = left, int(np.count_nonzero(left))
        self.power = self._power()
        try:
            yield
        finally:
            self.mask, self.count, self.power = before
            self.held = None

    # -- first images

    def start(self) -> np.ndarray:
        """The data, with their mean where nothing is known."""
        if self.mask is None:
            return self.operator.extend(self.y)
        return self.operator.extend(np.where(self.mask, self.y, self.dtype.type(self._mean())))

    def even_start(self) -> np.ndarray:
        """The mean of the data: what the strongest of ever weaker penalties leaves of an image."""
        return np.full(self.operator.domain_shape, self._mean(), self.dtype)

    def seen(self) -> np.ndarray:
        """A^T M 1: how much of every voxel of the image is in the data that count."""
        return self.adjoint(self.masked(np.ones(self.y.shape, self.dtype)))

    def calm_start(self, counts: np.ndarray | None = None) -> np.ndarray:
        """A first image for methods that stop early and so keep what is in it: the data, less their noise.

        The data are shrunk towards A^T M y / A^T M 1 (the denominator is `counts`, if at hand) by the share of the
        difference that is noise, as James and Stein do. Nothing is taken from left-out voxels, or their own noise
        would be predicted too well.
        """
        counts = self.seen() if counts is None else counts
        guess = self.adjoint(self.masked(self.y.copy()))
        seen = counts > 1e-3 * self.agreed("most seen", lambda: float(counts.max()))
        np.divide(guess, counts, out=guess, where=seen)
        guess[~seen] = self._mean()
        inside = self.operator.crop(guess)
        difference = self.masked(self.y - inside)
        share = self.agreed("share", lambda: 1 - self.power / max(dot(difference, difference), 1e-30))
        inside += self.dtype.type(max(0.0, share)) * difference
        return guess

    # -- what the data look like

    def _mean(self) -> float:
        return self.agreed("mean", lambda: float((self.y if self.mask is None else self.y[self.mask]).mean()))

    def _percentile(self, seen: np.ndarray, share: float) -> float:
        return self.agreed(f"percentile {share}", lambda: float(np.percentile(_sample(seen), share)))

    def error(self, least: float) -> float:
        """The noise that automatic weights are tried for: from this share of the range of values to all of it."""
        return min(max(self.noise, least * self.span), self.span)

    def lower(self, given: Any) -> float:
        """The least value an image may have: the given one, or by what the data look like."""
        if given is None or is_auto(given):
            return 0.0 if looks_nonnegative(self.y, self.noise, self.given_mask) else -math.inf
        return -math.inf if given == -math.inf else check_number(given, "lower", meaning="a number or 'auto'")

    @property
    def keyed_to_data(self) -> bool:
        """Whether the data themselves choose the kernels, so that their noise and blur are in the weights."""
        bound = self.operator.bound
        if bound.field.key != "intensity" or len(bound.field.at) < 2:
            return False
        levels, k = bound.field.at, len(bound.field.at) // 2
        counts = slice(None) if self.given_mask is None else _sample(self.given_mask)
        place = np.interp(_sample(self.y + self.background)[counts], levels, np.arange(len(levels)))
        if bound.field.interpolation == "nearest":
            place = np.rint(place)
        expected = np.maximum(0, 1 - np.abs(place - k))
        if not place.size:
            return False
        return float(np.mean(np.abs(_sample(bound.weight(k))[counts] - expected) < 1e-3)) > 0.99


def _sample(image: np.ndarray) -> np.ndarray:
    """Some of the voxels, evenly spread: at most 2^18."""
    flat = image.reshape(-1)
    return flat[:: max(1, math.ceil(flat.size / (1 << 18)))]
