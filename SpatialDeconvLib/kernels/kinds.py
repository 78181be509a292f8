"""What a kind of kernel is: its texts, the parameters it is made from, and its maker; see `shapes.registry`."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from .kernel import Kernel

#: The suffixes of parameter names that tell their unit.
_SUFFIXES = {"mm": "_mm", "mm2": "_mm2", "nm": "_nm", "deg": "_deg"}
#: The units of length in mm.
_IN_MM = {"mm": 1.0, "nm": 1e-6}


@dataclass(frozen=True)
class Parameter:
    """A number, or several, that a kind of kernel is made from.

    Attributes
    ----------
    name : str
        The word of kernel-set files.
    meaning : str
        What it is, for the command's help and the panel's tooltips.
    unit : {"mm", "mm2", "nm", "deg", "voxels", ""}
    count : {"one", "axes", "vector", "matrix", "list"}
        One number; one, or one per axis (k, j, i); a vector; a square matrix, row by row; any number of them.
    required : bool
    instead_of : str
        The parameter that it replaces: of the two (or more) exactly one is given. "" when it replaces none.
    default : float, optional
        What is taken when it is left out.
    least : float
        The smallest value there is.
    in_plane : float, optional
        What the first of three values has to be on a 2-D image, where it is left out: others leave the plane. None:
        any value.
    half : bool
        Whether the kernel is twice as wide.
    extent : float
        How many times its value the kernel is long, about; 0 for a length that says nothing of that.
    label, word : str
        For the panel: its name before a field, and within a line; "" for a parameter that has no field there.
    start : float or tuple of float, optional
        What a kernel begins with before someone chooses; None for what may stay away.
    """

    name: str
    meaning: str
    unit: str = ""
    count: str = "one"
    required: bool = True
    instead_of: str = ""
    default: float | None = None
    least: float = -math.inf
    in_plane: float | None = None
    half: bool = False
    extent: float = 1.0
    label: str = ""
    word: str = ""
    start: float | tuple[float, ...] | None = None

    @property
    def stem(self) -> str:
        """The name without its unit; the command's option is "--" and this."""
        return self.name.removesuffix(_SUFFIXES.get(self.unit, ""))

    def lengths(self, value: Any) -> np.ndarray:
        """The lengths in mm that its value says the kernel has, none of them negative; empty when it says none."""
        numbers = np.abs(np.asarray(value, dtype=float)).ravel() * self.extent
        if self.unit == "mm2":
            return np.sqrt(numbers)
        return numbers * _IN_MM[self.unit] if self.unit in _IN_MM and self.extent else np.empty(0)


@dataclass(frozen=True)
class Kind:
    """A kind of kernel.

    Attributes
    ----------
    name : str
        The word of kernel-set files ("type" there) and of the command.
    label, sentence : str
        For people: its name, and one sentence that says what it is.
    formula : str
        Its values, up to a factor; r is the distance from the centre.
    make : callable (parameters, spacing) -> Kernel, or None
        None for kernels that are stored somewhere rather than computed.
    parameters : tuple of Parameter
        The first one is the size, which the panel's table shows.
    planar : bool
        Whether it lies in the plane of the slice, whatever its parameters.
    solid : bool
        Whether it has three dimensions, whatever its parameters.
    normalised : bool
        Whether it sums to 1.
    fitted : bool
        Whether measured kernels can be fitted by it (`estimation.fits`).
    aliases : tuple of str
        Other words that people write for it.
    """

    name: str
    label: str
    sentence: str
    formula: str = ""
    make: Callable[[dict[str, Any], tuple[float, ...]], Kernel] | None = None
    parameters: tuple[Parameter, ...] = ()
    planar: bool = False
    solid: bool = False
    normalised: bool = True
    fitted: bool = False
    aliases: tuple[str, ...] = ()

    @property
    def stored(self) -> bool:
        """Whether its values are stored somewhere rather than computed."""
        return self.make is None

    def sampled(self, parameters: dict[str, Any], spacing: tuple[float, ...]) -> Kernel:
        """Make a kernel of this kind."""
        if self.make is None:
            raise TypeError(f"kernels of kind {self.name!r} are stored, not computed")
        return self.make(parameters, spacing)

    @property
    def size(self) -> Parameter | None:
        """The parameter that says how large it is, its first; None when it has none."""
        return self.parameters[0] if self.parameters and not self.stored else None

    @property
    def directed(self) -> bool:
        """Whether it has an angle, or a direction."""
        return any(parameter.count == "vector" for parameter in self.parameters)

    @property
    def start(self) -> dict[str, Any]:
        """The parameters of a kernel to begin with."""
        return {
            p.name: list(p.start) if isinstance(p.start, tuple) else p.start
            for p in self.parameters
            if p.start is not None
        }

    @property
    def required(self) -> tuple[str, ...]:
        """The names of the parameters that it must have."""
        return tuple(parameter.name for parameter in self.parameters if parameter.required)

    @property
    def alternatives(self) -> tuple[tuple[str, ...], ...]:
        """The names of parameters of which exactly one is given, group by group."""
        groups = []
        for parameter in self.parameters:
            others = [other.name for other in self.parameters if other.instead_of == parameter.name]
            if others:
                groups.append((parameter.name, *others))
        return tuple(groups)

    @property
    def known(self) -> dict[str, Parameter]:
        """Its parameters by name, those that it must have first."""
        return {p.name: p for p in sorted(self.parameters, key=lambda p: not p.required)}
