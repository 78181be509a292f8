"""Threads: how many there are, and buffers of their own."""

from __future__ import annotations

import math
import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from typing import TypeVar

import numpy as np

Item = TypeVar("Item")
Result = TypeVar("Result")


class Crew:
    """Threads that share out work: the calling one alone, or a pool that is made when it is first needed.

    The pool goes with the crew's last reference. What works with a crew therefore holds it and is not held by it:
    a circle of references would keep threads, and what they work on, until Python's garbage collector runs.

    Parameters
    ----------
    workers : int, optional
        Threads; all that this process may use by default.
    """

    def __init__(self, workers: int | None = None):
        self.workers = workers or usable_processors()
        self._pool: ThreadPoolExecutor | None = None

    def __call__(
        self, work: Callable[[Item], Result], items: Sequence[Item], check: Callable[[], object] | None = None
    ) -> list[Result]:
        """Return ``work(item)`` of every item, in the items' order; the first error that this meets is raised.

        `check` is called in the calling thread after every item. When it or an item raises, items that have not
        begun do not, and none goes on: what they work on is the caller's again.
        """
        check = check or _nothing
        if self.workers == 1 or len(items) <= 1:
            return [_checked(work(item), check) for item in items]
        if self._pool is None:
            self._pool = ThreadPoolExecutor(self.workers)
        running = [self._pool.submit(work, item) for item in items]
        try:
            return [_checked(each.result(), check) for each in running]
        except BaseException:
            for each in running:
                each.cancel()
            wait(running)
            raise

    def __reduce__(self) -> tuple:
        return Crew, (self.workers,)  # threads are not carried


def _nothing() -> None:
    """What is called where nothing is to be checked."""


def _checked(result: Result, check: Callable[[], object]) -> Result:
    check()
    return result


class Lock:
    """A lock that a thread may take again while it holds it; its copies are locks of their own."""

    def __init__(self) -> None:
        self._lock = threading.RLock()

    def __enter__(self) -> None:
        self._lock.acquire()

    def __exit__(self, *_: object) -> None:
        self._lock.release()

    def __reduce__(self) -> tuple:
        return Lock, ()


class Scratch(threading.local):
    """Arrays to write intermediate results to, by name, kept from one part of a sweep to the next."""

    def __init__(self) -> None:
        self._arrays: dict[tuple, np.ndarray] = {}

    def __call__(self, name: str, shape: tuple[int, ...], dtype: np.typing.DTypeLike = np.float64) -> np.ndarray:
        size, key = math.prod(shape), (name, np.dtype(dtype))
        if key not in self._arrays or self._arrays[key].size < size:
            self._arrays[key] = np.empty(size, dtype)
        return self._arrays[key][:size].reshape(shape)

    def __reduce__(self) -> tuple:
        return Scratch, ()  # nor are buffers


def usable_processors() -> int:
    """Number of processors that this process may use: those there are, or fewer by OMP_NUM_THREADS."""
    there = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    limit = os.environ.get("OMP_NUM_THREADS", "")
    return min(there, int(limit)) if limit.isdecimal() and int(limit) else there
