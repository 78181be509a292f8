"""Threads: how many there are, and buffers of their own."""

from __future__ import annotations

import math
import os
import threading

import numpy as np


class Scratch(threading.local):
    """Arrays to write intermediate results to, by name, kept from one part of a sweep to the next."""

    def __init__(self):
        self._arrays: dict[tuple, np.ndarray] = {}

    def __call__(self, name: str, shape: tuple[int, ...], dtype: np.typing.DTypeLike = np.float64) -> np.ndarray:
        size, key = math.prod(shape), (name, np.dtype(dtype))
        if key not in self._arrays or self._arrays[key].size < size:
            self._arrays[key] = np.empty(size, dtype)
        return self._arrays[key][:size].reshape(shape)


def usable_processors() -> int:
    """Number of processors that this process may use: those there are, or fewer by OMP_NUM_THREADS."""
    there = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    limit = os.environ.get("OMP_NUM_THREADS", "")
    return min(there, int(limit)) if limit.isdecimal() and int(limit) else there
