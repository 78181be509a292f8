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
        return np.lib.format.open_memmap(path, mode="r")
    except Exception as error:  # of a damaged header: nearly any
        raise InputError(f"{path} is no readable .npy array ({error}); save it with numpy.save") from error
