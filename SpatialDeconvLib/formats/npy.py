"""Files of numpy's own format, .npy."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..errors import InputError


def mapped_npy(path: Path) -> np.memmap:
    """Return the array of an .npy file, of which nothing is read yet.

    Raises
    ------
    InputError
        If the file is damaged, or not as long as its header says.
    """
    try:
        array = np.lib.format.open_memmap(path, mode="r")
    except Exception as error:  # of a damaged header: nearly any
        raise InputError(f"{path} is no readable .npy array ({error}); save it with numpy.save") from error
    behind = path.stat().st_size - array.offset - array.nbytes
    if behind:
        raise InputError(f"{path} holds {behind} bytes behind its array; save every array in a file of its own")
    return array


def volume_npy(path: Path) -> np.memmap:
    """Return the array of an .npy file that is a volume: (y, x), (z, y, x) or (frame, z, y, x), unread.

    Raises
    ------
    InputError
        If it is damaged, or something else.
    """
    array = mapped_npy(path)
    if array.dtype.kind not in "biuf" or array.dtype.itemsize > 8 or not 2 <= array.ndim <= 4 or not array.size:
        raise InputError(
            f"{path} holds {' x '.join(map(str, array.shape)) or 'no'} values of type {array.dtype}; save real "
            "numbers of up to 64 bits with the axes (y, x), (z, y, x) or (frame, z, y, x)"
        )
    return array
