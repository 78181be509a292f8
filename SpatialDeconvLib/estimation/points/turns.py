"""Places from kernels and kernels from places, in turns; what is unlike the other points is left out on the way."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass

import numpy as np

from ...arrays.watch import Watch
from ...errors import InputError
from ..shift import centre_of_mass
from .average import regression, variation
from .denoise import ball_response, denoised
from .find import Candidates
from .record import reasons_text
from .register import Cutouts, fitted, moved, registered

# Turns are enough when kernels change by less than this share of their root of the sum of squares.
_ROUNDS, _SETTLED = 8, 3e-3
# A point's distance from the kernel at its place, relative and beyond its noise: more than so much is unlike the
# others, if it is so many times what half of them have. Where half of them have more, they are no points.
_UNLIKE, _UNLIKE_TIMES = 0.15, 3.0
_NO_POINTS = 0.35
# Values of all cut-outs together (320 MB), the brightest first, but at least of so many points.
_VALUES, _FEWEST = 40_000_000, 20
# Noise that cannot be told from rounding, relative to the range.
_LEAST_NOISE = 1e-9


def refuse_none(found: Candidates) -> None:
    """Raise InputError where no point can be used, with what most of them suffer from and what helps."""
    if found.good.any():
        return
    reasons = reasons_text(Counter(found.reasons))
    cures = {
        "saturated": "expose less, or give the value that still counts as saturation",
        "neighbour too near": "give a smaller size, or sparser points",
        "at the border": "give a smaller size, or a larger image",
        "too faint": "give a lower least_signal_to_noise, or expose more",
        "no point": "give an image of single points",
    }
    most = Counter(found.reasons).most_common(1)[0][0]
    raise InputError(f"none of the {len(found.reasons)} points can be used: {reasons}; {cures[most]}")


@dataclass
class Turns:
    """The points of an image, and kernels of a size that explain them.

    Parameters
    ----------
    image : ndarray
    mask : ndarray or None
    spacing : tuple of float
    noise : float
    found : Candidates
        Those that turn out not to be points are given a reason.
    size : tuple of int
        Of the kernels.
    widths : tuple of float
        Full widths at half maximum in voxels, to begin with.
    zones, degree
        See `average.variation`.
    """

    image: np.ndarray
    mask: np.ndarray | None
    spacing: tuple[float, ...]
    noise: float
    found: Candidates
    size: tuple[int, ...]
    widths: tuple[float, ...]
    zones: tuple[int, ...]
    degree: int | None

    def run(self, watch: Watch) -> None:
        """Find places, fluxes (`fits`) and what the kernels are (`variation`, `regression`)."""
        refuse_none(self.found)
        most = max(_FEWEST, _VALUES // math.prod(self.size))
        self.found.reject(np.cumsum(self.found.good) > most, "more than memory is taken for")
        self.chosen = np.flatnonzero(self.found.good)
        self.cutouts = Cutouts.around(self.image, self.mask, self.found.places[self.chosen], self.size)
        self.cut_shape = self.cutouts.values.shape[1:]
        self.offsets = np.zeros((len(self.chosen), len(self.size)))
        self.kernels = np.broadcast_to(self._start(), (len(self.chosen), *self.cut_shape))
        for number in range(_ROUNDS):
            watch.step((number + 1) / (_ROUNDS + 1), f"measuring {len(self.chosen)} points")
            before = self.kernels
            self._turn()
            if number == 1:
                self._reject_unlike()
            elif number > 1 and _change(before, self.kernels) < _SETTLED:
                break

    def places_mm(self) -> np.ndarray:
        """Of the points that are used, in mm from the centre of the first voxel."""
        return (self.cutouts.places + self.offsets) * np.array(self.spacing)

    def wanted(self, diameter: float) -> tuple[list[np.ndarray], list[float]]:
        """The kernels where they are wanted, without beads of a diameter in mm, and how uncertain each is."""
        response = ball_response(diameter, self.size, self.spacing) if diameter else None
        return self._kernels_at(self.variation.wanted, response)

    def _kernels_at(self, basis: np.ndarray, response: np.ndarray | None) -> tuple[list[np.ndarray], list[float]]:
        rows, of_row = np.unique(basis, axis=0, return_inverse=True)
        found = zip(self.regression.at(rows), self.regression.sigmas(rows), strict=True)
        clean = [denoised(values, sigma, response) for values, sigma in found]
        kernels = [_centred(one.values) for one in clean]
        return [kernels[n] for n in of_row], [clean[n].uncertainty for n in of_row]

    def _start(self) -> np.ndarray:
        """A Gaussian of the points' widths."""
        values = np.ones(())
        for n, width in zip(self.cut_shape, self.widths, strict=True):
            sigma = max(width, 1.0) / math.sqrt(8 * math.log(2))
            values = np.multiply.outer(values, np.exp(-0.5 * ((np.arange(n) - n // 2) / sigma) ** 2))
        return values / values.sum()

    def _turn(self) -> None:
        """Flux, background and place of every point, then the kernels."""
        self.fits = fitted(self.cutouts, self.kernels, self.offsets)
        astray = np.abs(self.fits.offset) > 0.5 * np.array(self.widths) + 1.5
        lost = (self.fits.flux <= 0) | astray.any(axis=1)
        self.offsets = np.where(lost[:, None], 0.0, self.fits.offset)
        if lost.any():
            self._drop(lost, "no point")
        extent = [(n - 1) * h for n, h in zip(self.image.shape, self.spacing, strict=True)]
        self.variation = variation(self.places_mm(), extent, self.zones, self.degree)
        self.aligned = registered(self.cutouts, self.fits, self.kernels)[self._inner()]
        self.sigmas = max(self.noise, _LEAST_NOISE * float(np.ptp(self.image))) / self.fits.flux
        self.regression = regression(self.aligned, self.variation.basis, self.sigmas)
        kernels, _ = self._kernels_at(self.variation.basis, None)
        margins = [((c - m) // 2,) * 2 for c, m in zip(self.cut_shape, self.size, strict=True)]
        self.kernels = np.pad(np.stack(kernels), [(0, 0), *margins])

    def _inner(self) -> tuple[slice, ...]:
        """The kernels' grid within the cut-outs'."""
        first = [(c - m) // 2 for c, m in zip(self.cut_shape, self.size, strict=True)]
        return (slice(None), *(slice(f, f + m) for f, m in zip(first, self.size, strict=True)))

    def _drop(self, which: np.ndarray, reason: str) -> None:
        self.found.reject(np.isin(np.arange(len(self.found.places)), self.chosen[which]), reason)
        refuse_none(self.found)
        keep = ~which
        self.chosen, self.cutouts, self.fits = self.chosen[keep], self.cutouts.of(keep), self.fits.of(keep)
        self.kernels, self.offsets = self.kernels[keep], self.offsets[keep]

    def _reject_unlike(self) -> None:
        """Leave out points that differ from the kernel at their place by more than noise."""
        fit = self.kernels[self._inner()]
        axes = tuple(range(1, fit.ndim))
        beyond = np.square(self.aligned - fit).sum(axis=axes) - np.square(self.sigmas) * fit[0].size
        misfit = np.sqrt(np.maximum(beyond, 0) / np.square(fit).sum(axis=axes))
        # In the mean of their weights: a faint point says little of what they are like.
        order = np.argsort(misfit)
        shares = np.cumsum(self.regression.weights[order]) / self.regression.weights.sum()
        typical = float(misfit[order[np.searchsorted(shares, 0.5)]])
        if typical > _NO_POINTS and len(misfit) > 1:
            raise InputError(
                f"the {len(misfit)} brightest places are not alike (half of them differ by more than {typical:.0%} "
                "from their mean): give an image of single points, or zones or a degree where the blur changes much"
            )
        unlike = misfit > max(_UNLIKE, _UNLIKE_TIMES * typical)
        if unlike.any():
            self._drop(unlike, "unlike the others")


def _change(before: np.ndarray, after: np.ndarray) -> float:
    """The largest change of a kernel relative to it; infinite where points were left out."""
    if before.shape != after.shape:
        return math.inf
    axes = tuple(range(1, after.ndim))
    return float(np.sqrt(np.square(after - before).sum(axis=axes) / np.square(after).sum(axis=axes)).max())


def _centred(values: np.ndarray) -> np.ndarray:
    """A kernel that is not negative and sums to 1, with its centre of mass at its middle."""
    values = np.maximum(values, 0.0)
    for _ in range(2):  # what counts for the centre of mass changes a little with the place
        offset = -np.array([centre_of_mass(values)])
        values = np.maximum(moved(values[None], offset)[0], 0.0)
    return values / values.sum()
