"""Locks on files, which the system lets go when their process ends, however it ends."""

from __future__ import annotations

import contextlib
import errno
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

#: What `lock` fails with when somebody else holds the file; other errors say that its file system has no locks.
HELD = (errno.EACCES, errno.EAGAIN, errno.EDEADLK)
_POLL = 0.01  # seconds between two tries


def lock(file: IO[Any]) -> None:
    """Lock an open file for this process, or raise OSError at once."""
    if os.name == "posix":
        import fcntl

        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    else:
        import msvcrt

        file.seek(1 << 20)  # far behind the text, which others may then still read
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock of a file, which is made, within the block; wait for it while another process or thread has it.

    Raises
    ------
    OSError
        If the file cannot be made, or its file system has no locks.
    """
    with path.open("ab") as file:
        while True:
            try:
                lock(file)
                break
            except OSError as error:
                if error.errno not in HELD:
                    raise
                time.sleep(_POLL)
        yield
