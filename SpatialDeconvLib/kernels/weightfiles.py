"""Weight images in files: one file each, or all in one of an axis more, as of tissue fractions."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..arrays.reading import given_path
from ..errors import InputError
from ..formats.parts import View, is_in_parts, open_parts
from ..formats.stored import read_whole, split_variable

#: Bytes of weight images up to which all are read at once.
LARGE = 1 << 26

#: A file, or a file and the number of the image in it, from 0 on.
WeightFile = str | tuple[str, int]


def weight_file(at: Any, folder: Path) -> WeightFile:
    """Return what a kernel set says of a weight image, checked, with an absolute path."""
    number = None
    if isinstance(at, tuple | list):
        if len(at) != 2 or isinstance(at[1], bool) or not isinstance(at[1], int) or at[1] < 0:
            raise InputError(f"weights {at!r} must be a file, or [file, number of the image in it from 0 on]")
        at, number = at
    path = str((folder / given_path(str(at))).resolve())
    return path if number is None else (path, number)


def path_of(at: Any) -> str | None:
    """The file of a weight image; None where it came from none."""
    name = str(at[0]) if isinstance(at, tuple | list) else at
    return split_variable(name)[0] if isinstance(name, str) else None


def weight_paths(key: str, at: Sequence[Any]) -> list[str]:
    """Return the files of the weight images of kernels with this key and these places; each once."""
    found = map(path_of, at) if key == "weights" else ()
    return list(dict.fromkeys(path for path in found if path is not None))


def read_weights(files: Sequence[WeightFile]) -> list[np.ndarray | View]:
    """Read weight images, each file once; large ones stay in their files, where these are read in parts.

    Raises
    ------
    InputError
        If a file cannot be read, or holds fewer images than are asked of it.
    """
    stored = [_stored(file) for file in files]
    views = [view for view in stored if view is not None]
    if len(views) == len(files) and sum(view.nbytes for view in views) > LARGE:
        return list(views)
    known: dict[str, np.ndarray] = {}
    return [_image_of(file, known) for file in files]


def _stored(file: WeightFile) -> View | None:
    """A weight image as it lies in its file; None where it has to be read whole."""
    path, number = (file, 0) if isinstance(file, str) else file
    name, variable = split_variable(path)
    if variable is not None or not is_in_parts(name):
        return None
    volume = open_parts(name)
    images = volume.frames * volume.channels
    if isinstance(file, str) != (images == 1) or number >= images or volume.shape[0] == 1:
        return None  # what is wrong is said there; a single slice may belong to an image of two axes
    if volume.frames > 1 and volume.channels > 1:
        return None
    return View(volume, number, 0) if volume.channels > 1 else View(volume, 0, number)


def _image_of(file: WeightFile, known: dict[str, np.ndarray]) -> np.ndarray:
    path, number = (file, None) if isinstance(file, str) else file
    if path not in known:
        known[path] = _values(path)
    values = known[path]
    if number is None:
        while values.ndim > 2 and values.shape[0] == 1:  # a single time point, a single slice
            values = values[0]
        if values.ndim > 3:
            raise InputError(
                f"weight image {path} holds {values.shape[0]} images; say which one, e.g. [{Path(path).name!r}, 0]"
            )
        return values
    if number >= values.shape[0]:
        raise InputError(
            f"weight image {path} holds {values.shape[0]} images, counted from 0; there is no {number}"
        )
    return values[number]


def _values(path: str) -> np.ndarray:
    """The values of a file; several images, or several values per voxel, lie along the first axis."""
    name, variable = split_variable(path)
    return read_whole(Path(name), variable, "weight image", components=True).in_order()
