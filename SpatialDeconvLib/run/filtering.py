"""What a kernel of a blend filters with, and the form in which a filter takes the image."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..arrays.watch import Watch
from ..errors import is_auto
from ..methods import registry as methods
from ..methods.registry import Method
from ..noise import NoiseLaw
from .job import Job
from .settings import DeconvolveSettings
from .units import working_exponent

#: The name, in facts, of leaving the image as it is.
NONE = "none"


@dataclass(frozen=True)
class Filtering:
    """What one kernel filters with.

    Attributes
    ----------
    method : str
        A method of strategy "blend", or "none": the image stays as it is.
    iterations : int or None
        Of a method that iterates.
    constant : float or None
        The method's own constant; Wiener's is what it takes for noise. None: the filter's own default.
    """

    method: str = NONE
    iterations: int | None = None
    constant: float | None = None

    @property
    def spec(self) -> Method | None:
        """What the registry knows of the method; None where the image stays as it is."""
        return None if self.method == NONE else methods.method("blend", self.method)

    def run(self, filters: Any, kernel: np.ndarray, watch: Watch, **options: Any) -> np.ndarray:
        """Filter with one kernel; `filters`: those of an engine, `options`: what else its ``run`` takes."""
        tuned = methods.method("blend", self.method).tuned or "constant"
        options[tuned] = self.constant
        return filters.run(self.method, kernel, iterations=self.iterations or 1, watch=watch, **options)


def given_filtering(settings: DeconvolveSettings, law: NoiseLaw) -> Filtering | None:
    """Return what the settings say that every kernel filters with; None where it has to be found."""
    spec = settings.spec
    if spec.automatic or settings.searches:
        return None
    if spec.tuned == "noise":
        constant: float | None = law.sigma
    else:
        constant = None if is_auto(settings.regularization) else float(settings.regularization)
    return Filtering(spec.name, settings.steps, constant)


def facts_of(taken: Mapping[int, Filtering], count: int) -> dict[str, list[Any]]:
    """Return what `Result.automatic` says of each of `count` kernels; None where no voxel takes the kernel."""
    each = [taken.get(k) for k in range(count)]
    return {
        "method_of_each_kernel": [f and f.method for f in each],
        "iterations_of_each_kernel": [f and f.iterations for f in each],
        "constant_of_each_kernel": [f and f.constant for f in each],
    }


@dataclass(frozen=True)
class Form:
    """The image as a filter takes it: less a level, times two to the power of an exponent."""

    level: float = 0.0
    exponent: int = 0

    @classmethod
    def of_method(cls, spec: Method, image: np.ndarray, level: float) -> Form:
        """Return the form of an image for a method, with the level at hand."""
        if spec.name != "richardson-lucy":
            return cls(level)
        # ITK's takes estimates below an absolute 1e-5 for zero, which would empty a very dim rest.
        return cls(level, working_exponent(cls(level).taken(image)))

    def taken(self, image: np.ndarray) -> np.ndarray:
        """Return the image in this form: the image itself, where that is no other."""
        taken = image - image.dtype.type(self.level) if self.level else image
        return np.ldexp(taken, self.exponent) if self.exponent else taken

    def back(self, filtered: np.ndarray) -> np.ndarray:
        """Bring what a filter made of an image in this form back, in place."""
        if self.exponent:
            np.ldexp(filtered, -self.exponent, out=filtered)
        if self.level:
            filtered += filtered.dtype.type(self.level)
        return filtered


def base_level(
    spec: Method,
    image: np.ndarray,
    *,
    offset: float | str,
    boundary: str,
    found: bool,
    mask: np.ndarray | None = None,
) -> float:
    """Return what is subtracted before a filter and added afterwards.

    Of a filter without negative values the minimum, where that is negative, unless it is given. Of one that damps
    the mean, that: or its constant would be one that leaves a large mean alone, and lets the noise through. Zeros
    beyond the border are zeros of the image itself, and a given constant means ITK's own filter: nothing then.

    Parameters
    ----------
    spec : Method
    image : ndarray
    offset, boundary
        Of the settings.
    found : bool
        Whether the filter's constant is found by a simulation.
    mask : ndarray of bool, optional
        The voxels that count.
    """
    if spec.nonnegative:
        return min(float(image.min()), 0.0) if is_auto(offset) else float(offset)
    if not (spec.damps and found) or boundary == "zero":
        return 0.0
    return float(image.mean(dtype=np.float64) if mask is None else image[mask].mean(dtype=np.float64))


def level_of(job: Job[DeconvolveSettings], spec: Method) -> float:
    """Return the `base_level` of a job's image for a method."""
    settings = job.settings
    found = settings.spec.automatic or settings.searches
    return base_level(
        spec, job.image, offset=settings.offset, boundary=settings.boundary, found=found, mask=job.mask
    )
