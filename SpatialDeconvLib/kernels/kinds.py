"""What a kind of kernel is: its texts, the parameters it is made from, and its maker. The kinds are in `shapes`."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .kernel import Kernel

#: The suffixes of parameter names that tell their unit.
_SUFFIXES = {"mm": "_mm", "mm2": "_mm2", "deg": "_deg"}


@dataclass(frozen=True)
class Parameter:
    """A number, or several, that a kind of kernel is made from.

    Attributes
    ----------
    name : str
        The word of kernel-set files.
    meaning : str
        What it is, for the command's help.
    unit : {"mm", "mm2", "deg", "voxels", ""}
    count : {"one", "axes", "vector", "matrix"}
        One number; one, or one per axis (k, j, i); a vector; a square matrix, row by row.
    required : bool
    default : float, optional
        What is taken when it is left out.
    least : float
        The smallest value there is.
    in_plane : float, optional
        What the first of three values has to be on a 2-D image, where it is left out: others leave the plane. None:
        any value.
    half : bool
        Whether the kernel is twice as wide.
    label, word : str
        For the panel: its name before a field, and within a line; "" for a parameter that has no field there.
    start : float, optional
        What a kernel begins with before someone chooses; None for what may stay away.
    """

    name: str
    meaning: str
    unit: str = ""
    count: str = "one"
    required: bool = True
    default: float | None = None
    least: float = -math.inf
    in_plane: float | None = None
    half: bool = False
    label: str = ""
    word: str = ""
    start: float | None = None

    @property
    def stem(self) -> str:
        """The name without its unit; the command's option is "--" and this."""
        return self.name.removesuffix(_SUFFIXES.get(self.unit, ""))


@dataclass(frozen=True)
class Kind:
    """A kind of kernel.

    Attributes
    ----------
    name : str
        The word of kernel-set files ("type" there) and of the command.
    label, sentence : str
        For people: its name, and one sentence that says what it is.
    make : callable (parameters, spacing) -> Kernel, or None
        None for kernels that are stored somewhere rather than computed.
    parameters : tuple of Parameter
        The first one is the size, which the panel's table shows.
    planar : bool
        Whether it lies in the plane of the slice, whatever its parameters.
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
    make: Callable[[dict[str, Any], tuple[float, ...]], Kernel] | None = None
    parameters: tuple[Parameter, ...] = ()
    planar: bool = False
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
    def start(self) -> dict[str, float]:
        """The parameters of a kernel to begin with."""
        return {p.name: p.start for p in self.parameters if p.start is not None}

    @property
    def required(self) -> tuple[str, ...]:
        """The names of the parameters that it must have."""
        return tuple(parameter.name for parameter in self.parameters if parameter.required)

    @property
    def known(self) -> dict[str, Parameter]:
        """Its parameters by name, those that it must have first."""
        return {p.name: p for p in sorted(self.parameters, key=lambda p: not p.required)}
