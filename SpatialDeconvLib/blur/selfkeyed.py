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

from collections.abc import Callable

import numpy as np

from ..arrays.watch import Watch
from ..errors import InputError
from ..kernels.field import KernelField
from .operator import SpatiallyVariantBlur
from .slabfft import Read, Write

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
        self.values = _rows(np.vstack([matrix[:1], matrix]), operator.dtype)
        slopes = np.diff(matrix, axis=0) / np.diff(self.levels)[:, None]
        zero = np.zeros((1, matrix.shape[1]))
        self.slopes = _rows(np.vstack([zero, slopes, zero]), operator.dtype)
        self.origins = np.concatenate([self.levels[:1], self.levels]).astype(operator.dtype)

    def coefficients(self, values: np.ndarray) -> np.ndarray:
        """Weights of the kernels (of the compressed family's members) at some intensities, a row each."""
        cells = np.searchsorted(self.knots, values, side="right")
        return (self.values[:, cells] + self.slopes[:, cells] * (values - self.origins[cells])).T

    @property
    def source(self) -> bool:
        return self.operator.model == "source"

    def forward(self, x: np.ndarray, watch: Watch | None = None) -> tuple[np.ndarray, np.ndarray | None]:
        """Return F(x) and, in the detector model, sum_k w_k'(x) (h_k * x) (else None)."""
        operator = self.operator
        domain, data = self.group.transform.geometry.domain, self.group.transform.geometry.data
        x = x.reshape(operator.canonical_domain)
        out = np.zeros(operator.canonical_data, operator.dtype)
        if self.source:
            operator.gather(self.group, domain, lambda: out, data, False, self._weighted(x), watch)
            return out.reshape(operator.data_shape), None
        seen = np.ascontiguousarray(operator.canonical_crop(x))
        slope = np.zeros_like(out)
        cells = self._cells(seen)

        def write(r: int) -> Write:
            def add(a: int, b: int, part: np.ndarray) -> None:
                cell = cells(a, b)
                slope[a:b] += part * self.slopes[r][cell]
                part *= self._value(r, cell, seen[a:b])
                out[a:b] += part

            return add

        operator.scatter(self.group, x, domain, data, False, write, watch)
        return out.reshape(operator.data_shape), slope.reshape(operator.data_shape)

    def transposed(
        self, x: np.ndarray, residual: np.ndarray, slope: np.ndarray | None, watch: Watch | None = None
    ) -> np.ndarray:
        """Return F'(x)^T residual; `slope` is the second value that `forward` returned for x."""
        operator = self.operator
        domain, data = self.group.transform.geometry.domain, self.group.transform.geometry.data
        x = x.reshape(operator.canonical_domain)
        residual = residual.reshape(operator.canonical_data)
        out = np.zeros(operator.canonical_domain, operator.dtype)
        if self.source:
            cells = self._cells(x)

            def write(r: int) -> Write:
                def add(a: int, b: int, part: np.ndarray) -> None:
                    cell = cells(a, b)
                    here = x[a:b]
                    factor = self._value(r, cell, here)
                    factor += here * self.slopes[r][cell]
                    part *= factor
                    out[a:b] += part

                return add

            operator.scatter(self.group, residual, data, domain, True, write, watch)
            return out.reshape(operator.domain_shape)
        if slope is None:
            raise ValueError("the detector model needs the slope that `forward` returned")
        seen = np.ascontiguousarray(operator.canonical_crop(x))
        operator.gather(self.group, data, lambda: out, domain, True, self._weighted(seen, residual), watch)
        inner = operator.canonical_crop(out)
        inner += residual * slope.reshape(residual.shape)
        return out.reshape(operator.domain_shape)

    def _cells(self, x: np.ndarray) -> Read:
        """Interval of every voxel: 0 below the first level, i between levels i - 1 and i."""
        cells = np.zeros(x.shape, np.uint8 if len(self.knots) < 255 else np.uint16)

        def work(chunk: tuple[int, int]) -> None:
            a, b = chunk
            for knot in self.knots:  # faster than a binary search for tens of levels
                cells[a:b] += x[a:b] >= knot

        thickness = max(1, (1 << 16) // max(1, int(np.prod(x.shape[1:]))))
        self.operator.run(work, [(a, min(a + thickness, len(x))) for a in range(0, len(x), thickness)])
        return lambda a, b: cells[a:b].astype(np.intp)

    def _value(self, r: int, cell: np.ndarray, x: np.ndarray) -> np.ndarray:
        value = x - self.origins[cell]
        value *= self.slopes[r][cell]
        value += self.values[r][cell]
        return value

    def _weighted(self, x: np.ndarray, image: np.ndarray | None = None) -> Callable[[int], Read]:
        weighted = x if image is None else image
        cells = self._cells(x)

        def read(r: int) -> Read:
            return lambda a, b: weighted[a:b] * self._value(r, cells(a, b), x[a:b])

        return read


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
