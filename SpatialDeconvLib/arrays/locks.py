"""Locks on files, which the system lets go when their process ends, however it ends."""

from __future__ import annotations

import errno
import os
from typing import IO, Any

#: What `lock` fails with when somebody else holds the file; other errors say that its file system has no locks.
HELD = (errno.EACCES, errno.EAGAIN, errno.EDEADLK)


def lock(file: IO[Any]) -> None:
    """Lock an open file for this process, or raise OSError at once."""
    if os.name == "posix":
        import fcntl

        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    else:
        import msvcrt

        file.seek(1 << 20)  # far behind the text, which others may then still read
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
