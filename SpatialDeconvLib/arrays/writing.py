"""Files that are written whole or not at all."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Callable
from pathlib import Path


def atomically(path: Path, write: Callable[[Path], object]) -> None:
    """Call ``write(temporary)`` on a file beside `path`, then move it there: no half-written file remains.

    Raises
    ------
    OSError
        If the folder does not exist or cannot be written, or whatever `write` raises.
    """
    if not path.parent.is_dir():
        raise OSError(f"cannot write {path}: the folder {path.parent} does not exist; create it first")
    suffix = "".join(path.suffixes[-2:]) if path.suffix == ".gz" else path.suffix
    try:
        handle, name = tempfile.mkstemp(suffix=suffix, prefix=".spatialdeconv-", dir=path.parent)
    except OSError as error:
        raise OSError(f"cannot write {path}: {error.strerror}; choose another folder") from error
    os.close(handle)
    temporary = Path(name)
    try:
        _write_or_say(write, temporary, path)
        # mkstemp makes private files; the result gets what a plainly created file would have had.
        umask = os.umask(0)
        os.umask(umask)
        temporary.chmod(0o666 & ~umask)
        os.replace(temporary, path)
    finally:
        with contextlib.suppress(FileNotFoundError):
            temporary.unlink()


def _write_or_say(write: Callable[[Path], object], temporary: Path, path: Path) -> None:
    """Call ``write(temporary)``; what the system says when it fails names no file, or the temporary one."""
    try:
        write(temporary)
    except OSError as error:
        if error.errno is None:  # a message of our own
            raise
        raise OSError(f"{path} was not written ({error.strerror}); free space or choose another folder") from error


def write_text(path: str | os.PathLike, text: str) -> None:
    """Write a text file atomically, as UTF-8."""
    atomically(Path(path), lambda temporary: temporary.write_text(text, encoding="utf-8"))
