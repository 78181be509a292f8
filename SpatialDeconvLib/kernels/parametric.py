"""Kernels given by their kind and parameters, sampled when the image's grid is known."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..arrays.spacing import Spacing, numbers_in, spacing_tuple
from ..errors import InputError, is_auto
from .centres import GivenCentre, one_per_axis
from .kernel import Kernel, sizes_text
from .kinds import Kind
from .shapes import KINDS, STORED_KINDS


class ParametricKernel:
    """A kernel given by its parameters in mm, sampled on an image's grid when that is known.

    Parameters
    ----------
    type : str
        One of `shapes.KINDS`.
    centre : str or float, or one per axis
        See `Kernel`; only blocks of an even number of voxels ("mean", "sum") have more than one.
    **parameters
        The kind's own parameters, in the words of the kernel-set file: ``sigma_mm``, ``fwhm_mm`` or
        ``covariance_mm2`` of a Gaussian. Resources/Docs/kinds.md has them all.

    Raises
    ------
    InputError
        If the kind is unknown, a parameter is missing or unknown, or a value is impossible.
    """

    def __init__(self, type: str, /, centre: GivenCentre = "auto", **parameters: Any):
        if not isinstance(type, str) or type not in KINDS:
            raise InputError(f"unknown kernel type {type!r}; known: {', '.join([*KINDS, *STORED_KINDS])}")
        kind = KINDS[type]
        missing = [name for name in kind.required if name not in parameters]
        unknown = [name for name in parameters if name not in kind.known]
        if missing:
            raise InputError(f"a {type} kernel needs {', '.join(map(repr, missing))}")
        if unknown:
            allowed = ", ".join(kind.known) or "none"
            raise InputError(f"a {type} kernel has no parameter {unknown[0]!r}; its parameters: {allowed}")
        if one_per_axis(centre) and len(centre) not in (2, 3):
            raise InputError(f"centre {centre!r} of a {type} kernel must be one for all axes, or one for each")
        self.type = type
        self.centre = centre
        # Plain lists and numbers, so that the entry can be written to a kernel set.
        self.parameters = {
            n: v.tolist() if isinstance(v, np.ndarray | np.generic) else v for n, v in parameters.items()
        }
        self._check_alternatives()
        self.sampled(self._trial_spacing())  # bad values are reported here, not in mid-run

    def _check_alternatives(self) -> None:
        for group in self.kind.alternatives:
            given = [name for name in group if name in self.parameters]
            if len(given) != 1:
                *most, last = map(repr, group)
                has = f", not {' and '.join(map(repr, given))}" if given else ""
                raise InputError(f"a {self.type} kernel needs {', '.join(most)} or {last}, one of them{has}")

    def _trial_spacing(self) -> tuple[float, ...]:
        """A grid coarse enough for the kernel to be small on it."""
        for name, value in self.parameters.items():
            numbers_in(value, name)
        lengths = [1.0, *(length for length in self.lengths if np.isfinite(length))]
        return (max(lengths),) * self._trial_ndim()

    @property
    def lengths(self) -> list[float]:
        """The lengths in mm that its parameters say it has; see `Parameter.lengths`."""
        known = self.kind.known
        return [length for name, v in self.parameters.items() for length in known[name].lengths(v).tolist()]

    def _own_ndim(self) -> int:
        planar = one_per_axis(self.centre) and len(self.centre) == 2
        return 2 if planar or self._per_axis() == 2 else 3

    def _trial_ndim(self) -> int:
        """As few as it can have: a kernel that is one in a plane need not be one in space."""
        spatial = one_per_axis(self.centre) and len(self.centre) == 3
        return 3 if self.kind.solid or self._per_axis() == 3 or spatial else 2

    def _per_axis(self) -> int | None:
        """How many axes its parameters are for, where they say it."""
        for name, value in self.parameters.items():
            if self.kind.known[name].count in ("axes", "vector", "matrix") and np.shape(value)[:1] in ((2,), (3,)):
                return len(value)
        return None

    @property
    def kind(self) -> Kind:
        """What is known of its kind."""
        return KINDS[self.type]

    @property
    def sized(self) -> bool:
        """Whether it has a size in mm."""
        return self.kind.size is not None and self.kind.size.unit == "mm"

    @property
    def source(self) -> dict[str, Any]:
        centre = {} if is_auto(self.centre) else {"centre": self.centre}
        return {"type": self.type, **self.parameters, **centre}

    @property
    def name(self) -> str:
        values = ", ".join(
            f"{self.kind.known[name].stem} {_values_text(value, self.kind.known[name].count)}"
            for name, value in self.parameters.items()
        )
        return f"{self.type} {values}".strip()

    def __repr__(self) -> str:
        return f"ParametricKernel({self.name})"

    def sampled(self, spacing: Spacing) -> Kernel:
        """Return the kernel on a grid of `spacing`: mm, one value per axis of the image, or one for all.

        Parameters of three axes lose the first one on a 2-D image; parameters of two axes make a 2-D kernel
        on a 3-D image too.
        """
        axes = spacing_tuple(spacing, np.size(spacing) if np.ndim(spacing) else self._own_ndim())
        try:
            kernel = self.kind.sampled(self._parameters_for(len(axes)), axes[-self._own_ndim() :])
        except (TypeError, ValueError, ArithmeticError) as error:
            given = ", ".join(f"{name} {value}" for name, value in self.parameters.items())
            raise InputError(f"{self.type} kernel of {given or 'no parameters'}: {error}") from error
        centre = self.centre
        if one_per_axis(centre):  # a 2-D kernel takes the last two
            centre = centre[-kernel.ndim :]
        return Kernel(kernel.values, kernel.spacing, kernel.name, self.source, centre, notes=kernel.notes)

    def _parameters_for(self, ndim: int) -> dict[str, Any]:
        parameters = dict(self.parameters)
        if ndim == 2:
            for name, value in self.parameters.items():
                if self.kind.known[name].count == "list":
                    continue
                if np.ndim(value) == 1 and np.size(value) == 3:
                    if self.kind.known[name].in_plane not in (None, value[0]):
                        raise InputError(f"{name} {value} leaves the plane of a 2-D image; give two values")
                    parameters[name] = value[1:]
                elif np.shape(value) == (3, 3):  # seen along the slice axis: the blur within the plane
                    parameters[name] = [row[1:] for row in value[1:]]
        return parameters


def _values_text(value: Any, count: str) -> str:
    if count == "list":
        return f"of {np.size(value)} values" if np.size(value) > 4 else " ".join(f"{v:g}" for v in np.ravel(value))
    return sizes_text(np.atleast_1d(value))


AnyKernel = Kernel | ParametricKernel
