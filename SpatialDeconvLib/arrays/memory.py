"""How much memory there is, so that a run that cannot fit is refused before it starts."""

from __future__ import annotations

import contextlib
import ctypes
import math
import os
import sys
from pathlib import Path
from typing import Any

from ..errors import NotEnoughMemory
from ..texts import mark as _

# Limit, use, and the line of memory.stat that says how much of the use is file cache the kernel would drop.
_CGROUPS = (
    ("/sys/fs/cgroup", "memory.max", "memory.current", "inactive_file"),
    ("/sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
)


#: Environment variable with the bytes that a process may count on, where several share the memory there is.
SHARE = "SPATIALDECONV_MEMORY"


def available_memory() -> int | None:
    """Return the bytes a process can still take without swapping, or None where that cannot be told.

    No more than the environment variable SPATIALDECONV_MEMORY says, which a batch sets for its workers.
    """
    free, share = _free_memory(), os.environ.get(SHARE, "")
    if not share.isdecimal():
        return free
    return int(share) if free is None else min(free, int(share))


def _free_memory() -> int | None:
    if sys.platform == "win32":
        return _available_windows()
    known = [n for n in (_available_proc(), *(_available_cgroup(*paths) for paths in _CGROUPS)) if n is not None]
    if known:
        return min(known)
    try:  # macOS tells only what is built in; half of it is a fair guess of what is free
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2
    except (ValueError, OSError):
        return None


def peak_memory() -> int | None:
    """Return the most bytes of memory this process has held so far, or None where that cannot be told."""
    try:
        import resource
    except ImportError:  # Windows keeps it behind an interface of its own
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return int(peak) if sys.platform == "darwin" else int(peak) * 1024


def resident_memory() -> int | None:
    """Return the bytes of memory this process holds now, or None where that cannot be told."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError, AttributeError):
        return peak_memory()


def require(needed: float, what: str, limit: float | None = None, **cure: Any) -> None:
    """Raise when `needed` bytes are more than there are, or more than may be taken.

    Parameters
    ----------
    needed : float
        Estimate in bytes.
    what : str
        What the memory is for, and the remedy, for the message.
    limit : float, optional
        Bytes that may be taken, even where more are free.
    **cure
        Arguments that would help.

    Raises
    ------
    NotEnoughMemory
    """
    free_now = available_memory()
    limited = limit is not None and (free_now is None or limit < free_now)
    available = limit if limited else free_now
    if available is not None and needed > available:
        asked, free = needed / 2**30, available / 2**30
        least = min(asked - free, free) or asked  # enough digits to tell the two apart, and the less from 0
        digits = max(1, math.ceil(-math.log10(least)))
        if limited:
            text = _("about {asked} GiB of memory are needed, {free} GiB are allowed: {what}")
        else:
            text = _("about {asked} GiB of memory are needed, {free} GiB are free: {what}")
        amounts = {"asked": f"{asked:.{digits}f}", "free": f"{free:.{digits}f}"}
        raise NotEnoughMemory(text.format(**amounts, what=what), **cure)


def _available_proc() -> int | None:
    try:
        for line in Path("/proc/meminfo").read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    except (OSError, ValueError, IndexError):
        return None
    return None


def _available_cgroup(folder: str, limit: str, usage: str, cache: str) -> int | None:
    try:
        left = int((Path(folder) / limit).read_text()) - int((Path(folder) / usage).read_text())
    except (OSError, ValueError):  # no cgroup, or its limit is "max"
        return None
    with contextlib.suppress(OSError, ValueError):
        for line in (Path(folder) / "memory.stat").read_text().splitlines():
            name, _colon, value = line.partition(" ")
            if name == cache:
                left += int(value)
    return max(left, 0)


def _available_windows() -> int | None:
    if sys.platform != "win32":  # what follows is typed there only
        return None

    class Status(ctypes.Structure):
        _fields_ = [("length", ctypes.c_ulong), ("load", ctypes.c_ulong)] + [
            (name, ctypes.c_ulonglong)
            for name in ("total", "available", "page_total", "page_free", "virtual", "virtual_free", "extended")
        ]

    status = Status(length=ctypes.sizeof(Status))
    if not ctypes.windll.kernel32.GlobalMemoryStatusEx(ctypes.byref(status)):
        return None
    return int(status.available)
