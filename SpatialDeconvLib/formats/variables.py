"""Files that hold arrays under names: .npz of numpy and .mat of MATLAB and scipy."""

from __future__ import annotations

import math
import re
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..arrays import memory
from ..errors import InputError

_NUMERIC_CLASSES = (
    "double", "single", "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64", "logical",
    "sparse",
)  # fmt: skip
_MOST_NAMED = 12  # in a message


@dataclass(frozen=True)
class Variable:
    """An array in a file.

    Attributes
    ----------
    name : str
    shape : tuple of int
    numeric : bool
        Whether it holds numbers, real or complex; not texts, structures or cells.
    read : callable () -> ndarray
    spacing : tuple of float or None
        Voxel size in mm on its axes, where the file says one.
    """

    name: str
    shape: tuple[int, ...]
    numeric: bool
    read: Callable[[], np.ndarray]
    spacing: tuple[float, ...] | None = None

    @property
    def axes(self) -> int:
        """The number of axes with more than one element."""
        return sum(n > 1 for n in self.shape)

    def __str__(self) -> str:
        return f"{self.name} ({' x '.join(map(str, self.shape)) if self.shape else 'one value'})"


def chosen(path: Path, found: Sequence[Variable], name: str | None) -> Variable:
    """Return the variable of a name, or the one that may be a kernel where no name is given.

    That is the only numeric one with two or more axes; where there is none, the only one with more than one value.

    Raises
    ------
    InputError
        If there is none, or there are several: with their names.
    """
    if name is not None:
        wanted = next((variable for variable in found if variable.name == name), None)
        if wanted is None:
            raise InputError(f"{path} has no variable {name!r}; it has {listed(found)}")
        if not wanted.numeric:
            raise InputError(f"{path}: the variable {name!r} holds no numbers; save an array")
        return wanted
    candidates = kernels_among(found) or [v for v in found if v.numeric and math.prod(v.shape) > 1]
    if len(candidates) == 1:
        return candidates[0]
    if not candidates:
        raise InputError(f"{path} holds no array of numbers, only {listed(found)}; save one in it")
    raise InputError(
        f"{path} holds several arrays: {listed(candidates)}; name one, e.g. {path.name}:{candidates[0].name}"
    )


def kernels_among(found: Sequence[Variable]) -> list[Variable]:
    """Return the variables that may be kernels: numbers on two axes or more."""
    return [variable for variable in found if variable.numeric and variable.axes >= 2]


def listed(found: Sequence[Variable]) -> str:
    """Return the names of variables, for a message."""
    shown = ", ".join(map(str, found[:_MOST_NAMED])) or "nothing"
    return shown + (f" and {len(found) - _MOST_NAMED} more" if len(found) > _MOST_NAMED else "")


def require_room(path: Path, shape: Sequence[int], each: int = 8) -> None:
    """Refuse an array that does not fit into memory twice, before it is read.

    Raises
    ------
    NotEnoughMemory
    """
    memory.require(2.0 * each * math.prod(shape), f"that is what reading {path} takes; save a smaller array")


# -- .npz


def npz_variables(path: Path) -> list[Variable]:
    """Return what a .npz file holds, by its headers.

    Raises
    ------
    InputError
        If it is none, or damaged.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            names = [name for name in archive.namelist() if name.endswith(".npy")]
            return [_npz_variable(path, archive, name) for name in names]
    except Exception as error:  # of a damaged file: nearly any
        raise InputError(f"{path} is no readable .npz file ({error}); save it with numpy.savez") from error


def _npz_variable(path: Path, archive: zipfile.ZipFile, member: str) -> Variable:
    with archive.open(member) as file:
        version = np.lib.format.read_magic(file)
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, _fortran, kind = read(file)
    name = member.removesuffix(".npy")

    def values() -> np.ndarray:
        require_room(path, shape, kind.itemsize)
        try:
            with np.load(path, allow_pickle=False) as content:
                return np.array(content[name])
        except Exception as error:  # of a damaged file: nearly any
            raise InputError(f"{path}: {name!r} cannot be read ({error}); save it with numpy.savez") from error

    return Variable(name, shape, kind.kind in "biufc", values)


# -- .mat


def mat_variables(path: Path) -> list[Variable]:
    """Return what a .mat file of MATLAB's formats up to 7 holds, by its headers.

    Raises
    ------
    InputError
        If it is of format 7.3, which is HDF5; if it is none, or damaged.
    """
    with path.open("rb") as file:
        start = file.read(520)
    if b"MATLAB 7.3" in start[:128] or b"\x89HDF" in (start[:4], start[512:516]):
        raise InputError(
            f"{path} is of MATLAB's format 7.3, which is not read; save it in MATLAB with save(name, '-v7')"
        )
    content = _mat(path, lambda io: io.whosmat(path))
    return [_mat_variable(path, *entry) for entry in content if not re.fullmatch(r"__\w+__", entry[0])]


def _mat_variable(path: Path, name: str, shape: tuple[int, ...], kind: str) -> Variable:
    def values() -> np.ndarray:
        require_room(path, shape)
        array = _mat(path, lambda io: io.loadmat(path, variable_names=[name])[name])
        return np.asarray(array.toarray() if kind == "sparse" else array)

    return Variable(name, tuple(shape), kind in _NUMERIC_CLASSES, values)


def _mat(path: Path, read: Callable[[Any], Any]) -> Any:
    import scipy.io

    try:
        return read(scipy.io)
    except Exception as error:  # of a damaged file: nearly any
        raise InputError(
            f"{path} is no readable .mat file ({error}); save it with MATLAB's save or scipy.io.savemat"
        ) from error
