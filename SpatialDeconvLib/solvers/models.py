"""The linear model of the blur, with the interface of the one whose kernels are keyed to the image sought."""

from __future__ import annotations

import numpy as np

from ..arrays.watch import Watch
from ..blur.operator import SpatiallyVariantBlur
from ..blur.selfkeyed import SelfKeyedBlur, Slope


class LinearModel:
    """The model A x, with the interface of `SelfKeyedBlur`."""

    def __init__(self, operator: SpatiallyVariantBlur):
        self.operator = operator

    def forward(self, x: np.ndarray, watch: Watch | None = None) -> tuple[np.ndarray, None]:
        return self.operator.forward(x, watch), None

    def transposed(self, residual: np.ndarray, slope: Slope | None, watch: Watch | None = None) -> np.ndarray:
        return self.operator.adjoint(residual, watch)


Model = LinearModel | SelfKeyedBlur
