"""Types of numbers in files, and what they are read as."""

from __future__ import annotations

import numpy as np


def plain_type(dtype: np.dtype) -> np.dtype:
    """Return the type that values of a type are read as: truths are bytes, floats of 16 bits have 32; else itself.

    In the machine's byte order.
    """
    if dtype.kind == "b":
        return np.dtype(np.uint8)
    return np.dtype(np.float32) if dtype.kind == "f" and dtype.itemsize == 2 else dtype.newbyteorder("=")
