"""How much memory there is, so that a run that cannot fit is refused before it starts."""

from __future__ import annotations

import ctypes
import os
import sys
from pathlib import Path

from .errors import NotEnoughMemory

_CGROUPS = (
    ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current"),
    ("/sys/fs/cgroup/memory/memory.limit_in_bytes", "/sys/fs/cgroup/memory/memory.usage_in_bytes"),
)


def available_memory() -> int | None:
    """Return the bytes a process can still take without swapping, or None where that cannot be told."""
    if sys.platform == "win32":
        return _available_windows()
    known = [n for n in (_available_proc(), *(_available_cgroup(*paths) for paths in _CGROUPS)) if n is not None]
    if known:
        return min(known)
    try:  # macOS tells only what is built in; half of it is a fair guess of what is free
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2
    except (ValueError, OSError):
        return None


def require(needed: float, what: str, available: int | None = None) -> None:
    """Raise when `needed` bytes are more than there are.

    Parameters
    ----------
    needed : float
        Estimate in bytes.
    what : str
        What the memory is for, and the remedy, for the message.
    available : int, optional
        Bytes there are; asked of the system when not given.

    Raises
    ------
    NotEnoughMemory
    """
    available = available_memory() if available is None else available
    if available is not None and needed > available:
        raise NotEnoughMemory(
            f"about {needed / 2**30:.1f} GiB of memory are needed, {available / 2**30:.1f} GiB are free: {what}"
        )


def _available_proc() -> int | None:
    try:
        for line in Path("/proc/meminfo").read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    except (OSError, ValueError, IndexError):
        return None
    return None


def _available_cgroup(limit: str, usage: str) -> int | None:
    try:
        return max(int(Path(limit).read_text()) - int(Path(usage).read_text()), 0)
    except (OSError, ValueError):  # no cgroup, or its limit is "max"
        return None


def _available_windows() -> int | None:
    class Status(ctypes.Structure):
        _fields_ = [("length", ctypes.c_ulong), ("load", ctypes.c_ulong)] + [
            (name, ctypes.c_ulonglong)
            for name in ("total", "available", "page_total", "page_free", "virtual", "virtual_free", "extended")
        ]

    status = Status(length=ctypes.sizeof(Status))
    if not ctypes.windll.kernel32.GlobalMemoryStatusEx(ctypes.byref(status)):
        return None
    return int(status.available)
