"""The blur whose kernels are keyed to the true, unknown intensity: a nonlinear model of the image.

    source model:    F(x) = sum_k h_k * phi_k(x),       phi_k(x) = w_k(x) x
    detector model:  F(x) = sum_k w_k(x) (h_k * x)

with hats w_k over the levels, so each w_k(x) is piecewise linear in the voxel's own intensity. For a
residual r, the exact transpose of the derivative is

    source model:    F'(x)^T r = sum_k phi_k'(x) (h_k^T * r)
    detector model:  F'(x)^T r = sum_k h_k^T * (w_k(x) r) + r sum_k w_k'(x) (h_k * x)

at the cost of K + 1 real FFTs each for F and for F'^T; a compressed family takes its rank in place of K.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np

from ..arrays.threads import Scratch
from ..arrays.watch import Watch
from ..errors import InputError
from ..kernels.field import KernelField
from .operator import SpatiallyVariantBlur
from .slabfft import Read, Write

_PIECE = 1 << 16  # voxels whose weights are made at a time: with fewer, threads wait for each other
_CLOSEST = 1e-30  # between levels: its inverse is a number in float32, too


class SelfKeyedBlur:
    """F and the transpose of its derivative, for the field, model and boundary of a blur operator.

    Parameters
    ----------
    operator : SpatiallyVariantBlur
        Keyed by intensity with linear interpolation; its weights are not used, its kernels and FFTs are.

    Raises
    ------
    InputError
        If the kernels are not keyed by intensity, linearly, inside and outside the levels.
    """

    def __init__(self, operator: SpatiallyVariantBlur):
        field = operator.bound.field
        check_self_keyed(field)
        self.operator = operator
        self.group = operator.all_kernels()
        self.levels = np.asarray(field.at, float)
        count = len(self.levels)
        matrix = np.eye(count)
        if self.group.compression is not None:
            matrix = self.group.compression.coefficients
        # Below the first and above the last level the nearest kernel holds: slope 0 in two more intervals.
        self.knots = self.levels.astype(operator.dtype)
        slopes = np.diff(matrix, axis=0) / np.diff(self.levels)[:, None]
        zero = np.zeros((1, matrix.shape[1]))
        slopes = np.vstack([zero, slopes, zero])
        # A weight is `intercepts` + `slopes` x. What that rounds off is no more than x itself has rounded off.
        origins = np.concatenate([self.levels[:1], self.levels])
        self.intercepts = _rows(np.vstack([matrix[:1], matrix]) - slopes * origins[:, None], operator.dtype)
        self.slopes = _rows(slopes, operator.dtype)
        self.scratch = Scratch()

    def coefficients(self, values: np.ndarray) -> np.ndarray:
        """Weights of the kernels (of the compressed family's members) at some intensities, a row each."""
        cells = np.searchsorted(self.knots, values, side="right")
        return (self.intercepts[:, cells] + self.slopes[:, cells] * values).T

    @property
    def source(self) -> bool:
        return self.operator.model == "source"

    def forward(self, x: np.ndarray, watch: Watch | None = None) -> tuple[np.ndarray, Slope]:
        """Return F(x), and what `transposed` needs of it at the same x."""
        operator = self.operator
        domain, data = self.group.transform.geometry.domain, self.group.transform.geometry.data
        x = x.reshape(operator.canonical_domain)
        out = np.zeros(operator.canonical_data, operator.dtype)
        if self.source:
            places = _Places(self, x)
            operator.gather(self.group, domain, lambda: out, data, False, partial(places.reading, x), watch)
            return out.reshape(operator.data_shape), Slope(places)
        places, slope = _Places(self, operator.canonical_crop(x)), np.zeros_like(out)

        def write(r: int) -> Write:
            def add(here: _Weight, part: np.ndarray) -> None:
                slope[here.planes] += np.multiply(part, here.slope(), out=here.room)
                out[here.planes] += np.multiply(part, here.intercept(), out=here.room)

            return places.writing(r, add)

        operator.scatter(self.group, x, domain, data, False, write, watch)
        # As w_k(x) = w_k'(x) x + what is left, the slope that is wanted anyway makes up the rest of F.
        places.each(lambda planes: np.add(out[planes], places.x[planes] * slope[planes], out=out[planes]))
        return out.reshape(operator.data_shape), Slope(places, slope)

    def transposed(self, residual: np.ndarray, slope: Slope | None, watch: Watch | None = None) -> np.ndarray:
        """Return F'(x)^T residual; `slope` is the second value that `forward` returned for x."""
        if slope is None:
            raise ValueError("the derivative needs the slope that `forward` returned")
        operator = self.operator
        domain, data = self.group.transform.geometry.domain, self.group.transform.geometry.data
        residual = residual.reshape(operator.canonical_data)
        out = np.zeros(operator.canonical_domain, operator.dtype)
        places, x = slope.places, slope.places.x
        if slope.image is None:  # the source model

            def write(r: int) -> Write:
                def add(here: _Weight, part: np.ndarray) -> None:
                    factor = np.multiply(x[here.planes], here.slope(), out=here.room)
                    factor += here.value()
                    part *= factor
                    out[here.planes] += part

                return places.writing(r, add)

            operator.scatter(self.group, residual, data, domain, True, write, watch)
            return out.reshape(operator.domain_shape)
        operator.gather(self.group, data, lambda: out, domain, True, partial(places.reading, residual), watch)
        inner, steep = operator.canonical_crop(out), slope.image
        places.each(lambda planes: np.add(inner[planes], residual[planes] * steep[planes], out=inner[planes]))
        return out.reshape(operator.domain_shape)


@dataclass(frozen=True, eq=False)
class Slope:
    """What the derivative at an image and its blur have in common.

    Attributes
    ----------
    places : _Places
        Where the image's voxels lie between the levels; the image itself.
    image : ndarray, optional
        sum_k w_k'(x) (h_k * x), in canonical shape; of the detector model only.
    """

    places: _Places
    image: np.ndarray | None = None


class _Places:
    """Where the voxels of an image lie between the levels.

    Parameters
    ----------
    model : SelfKeyedBlur
    x : ndarray
        In canonical shape.
    """

    def __init__(self, model: SelfKeyedBlur, x: np.ndarray):
        self.model, self.x = model, x
        # The interval of every voxel: 0 below the first level, i between levels i - 1 and i.
        self.cells = np.zeros(x.shape, np.uint8 if len(model.knots) < 255 else np.uint16)

        def work(planes: slice) -> None:
            cells = self.cells[planes]
            for knot in model.knots:  # faster than a binary search for tens of levels
                cells += x[planes] >= knot

        self.each(work)

    def each(self, work: Callable[[slice], object]) -> None:
        """Call `work` on all planes, in lots."""
        self.model.operator.run(work, list(self._pieces(0, len(self.x))))

    def writing(self, r: int, add: Callable[[_Weight, np.ndarray], None]) -> Write:
        """What gives `add` the weight of kernel r in some planes, and these planes of an image that is written."""

        def write(a: int, b: int, part: np.ndarray) -> None:
            for planes in self._pieces(a, b):
                add(_Weight(self, r, planes), part[planes.start - a : planes.stop - a])

        return write

    def reading(self, image: np.ndarray, r: int) -> Read:
        """What gives planes of an image times the weight of kernel r."""

        def read(a: int, b: int) -> np.ndarray:
            out = np.empty_like(image[a:b])
            for planes in self._pieces(a, b):
                weight = _Weight(self, r, planes).value()
                np.multiply(image[planes], weight, out=out[planes.start - a : planes.stop - a])
            return out

        return read

    def _pieces(self, a: int, b: int) -> Iterator[slice]:
        """Planes a to b in lots for which all that is made of them stays in the processor's cache."""
        thickness = max(1, _PIECE // max(1, math.prod(self.x.shape[1:])))
        return (slice(start, min(start + thickness, b)) for start in range(a, b, thickness))


class _Weight:
    """A kernel's weight in some planes, w(x) = slope x + intercept.

    Arrays are the calling thread's until it makes the next.

    Attributes
    ----------
    planes : slice
    room : ndarray
        For another array like the weight.
    """

    def __init__(self, places: _Places, r: int, planes: slice):
        self.planes, self._x = planes, places.x[planes]
        self._slopes, self._intercepts = places.model.slopes[r], places.model.intercepts[r]
        shape, dtype, scratch = self._x.shape, self._x.dtype, places.model.scratch
        self._cells = scratch("cells", shape, np.intp)
        self._cells[...] = places.cells[planes]
        self.room, self._factor, self._rest = (scratch(n, shape, dtype) for n in ("room", "factor", "rest"))

    def slope(self) -> np.ndarray:
        """Gone when anything else is asked for."""
        return self._taken(self._slopes, self._factor)

    def intercept(self) -> np.ndarray:
        """Where the intensity is 0, as the slope here has it; gone as the slope is."""
        return self._taken(self._intercepts, self._factor)

    def value(self) -> np.ndarray:
        """The weight itself, likewise."""
        out = self.slope()
        out *= self._x
        out += self._taken(self._intercepts, self._rest)
        return out

    def _taken(self, row: np.ndarray, out: np.ndarray) -> np.ndarray:
        """The entries of a row for the cells: all are in it, and with "clip" numpy puts them into `out` at once."""
        return row.take(self._cells, out=out, mode="clip")


def _rows(table: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """One contiguous row of values per interval for every kernel."""
    return np.ascontiguousarray(table.T, dtype)


def follows_intensity(field: KernelField) -> bool:
    """Whether the kernels follow the intensity continuously."""
    try:
        check_self_keyed(field)
    except InputError:
        return False
    return True


def check_self_keyed(field: KernelField) -> None:
    """Refuse fields whose kernels do not follow the intensity continuously."""
    if field.key != "intensity":
        raise InputError(f"method 'self-keyed' needs kernels keyed by intensity, not by {field.key}")
    if len(field.at) < 2:
        raise InputError("method 'self-keyed' needs at least two levels; use 'tv' for a single kernel")
    gaps = np.diff(np.asarray(field.at, float))
    if gaps.min() < _CLOSEST:
        near = [f"{field.at[int(gaps.argmin()) + n]:g}" for n in (0, 1)]
        raise InputError(
            f"method 'self-keyed' needs levels that are apart, but {near[0]} and {near[1]} are nearly the same; "
            "leave one out, or give intensities in larger units"
        )
    if field.interpolation != "linear":
        raise InputError(
            f"interpolation {field.interpolation!r} has no derivative; use 'linear' for method 'self-keyed'"
        )
    if field.outside == "unchanged":
        raise InputError("outside 'unchanged' jumps at the outermost levels; use 'nearest' for 'self-keyed'")
