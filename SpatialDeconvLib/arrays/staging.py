"""Folders for files that are not yet whole, beside the places where they will lie; what killed runs left there.

A staging folder holds the new files, the old ones that they replace, and a journal with the moves that put the new
files into their places ("forward") or the old ones back ("back"). Those of one run belong together. Once all is
written, a marker in the first of them says which way to go, so that whoever finds them can do the rest of it;
before there is a marker nothing has been moved. A journal speaks of its own folder and the one around it only.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import IO

from .locks import HELD, lock

#: From where to where, relative to the staging folder and to the folder around it; None: nothing belongs there.
Move = tuple["str | None", str]

FORWARD, BACK = "forward", "back"

_PREFIX = ".spatialdeconv-"
# As tempfile makes them; a batch's own folder is none.
_NAME = re.compile(re.escape(_PREFIX) + r"[a-z0-9_]{8}(\..*)?")
_LOCK, _JOURNAL = "lock", "moves.json"
# Seconds after which what has no lock is left over: earlier versions made such.
_ABANDONED = 3600.0


class StagingFolder:
    """A folder beside files that are being made; locked while its process lives."""

    def __init__(self, around: Path):
        """Make it.

        Raises
        ------
        OSError
            If nothing can be written there.
        """
        settle(around)
        self.around = around
        made = None
        while made is None:  # until no other process has taken it for a left-over before it was locked
            made = _made(around)
        self.path, self._lock = made

    def new_part(self, number: int) -> Path:
        """Make a folder within it."""
        part = self.path / str(number)
        part.mkdir()
        return part

    def write_journal(
        self, all_of_it: Sequence[StagingFolder], forward: Sequence[Move], back: Sequence[Move]
    ) -> None:
        """Write the moves of this folder; `all_of_it` are the folders of the run, the one with the marker first."""
        content = {"folders": [str(folder.path) for folder in all_of_it], FORWARD: forward, BACK: back}
        (self.path / _JOURNAL).write_text(json.dumps(content), encoding="utf-8")

    def mark(self, way: str) -> None:
        """Decide: from now on every move of the journals goes this way."""
        if way == FORWARD:
            (self.path / FORWARD).touch()
        else:
            os.replace(self.path / FORWARD, self.path / way)

    def close(self, remove: bool = True) -> None:
        """Let it go and take it away; the marker first, because the moves are done."""
        if remove:
            for way in (FORWARD, BACK):
                (self.path / way).unlink(missing_ok=True)
            _empty(self.path)
        self._lock.close()
        if remove:
            shutil.rmtree(self.path, ignore_errors=True)


def _made(around: Path) -> tuple[Path, IO[bytes]] | None:
    """A new folder with its lock; None when it was taken away meanwhile."""
    path = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=around))
    try:
        file = (path / _LOCK).open("ab")
    except FileNotFoundError:
        return None
    except OSError:
        path.rmdir()
        raise
    try:
        lock(file)
    except OSError as error:  # of a file system without locks it is left over when it is old
        if error.errno not in HELD:
            return path, file
    if (path / _LOCK).exists():
        return path, file
    file.close()
    return None


def carry_out(folder: Path, moves: Sequence[Move]) -> None:
    """Do the moves of a staging folder; those that are done already are no error."""
    for source, name in moves:
        target = folder.parent / name
        if source is None:
            target.unlink(missing_ok=True)
        elif (folder / source).exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            if target.is_dir() and (folder / source).is_dir():  # which no system replaces in one step
                shutil.rmtree(target)
            os.replace(folder / source, target)


def settle(around: Path) -> None:
    """Bring to an end what killed runs have left in a folder: do their moves or forget them, remove the rest."""
    with contextlib.suppress(OSError):
        for entry in sorted(os.listdir(around)):
            if _NAME.fullmatch(entry):
                with contextlib.suppress(OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
                    _settle(around / entry)


def _settle(left: Path) -> None:
    if left.is_symlink() or not _is_mine(left):
        return
    held = left / _LOCK
    if not held.is_file():
        if time.time() - left.stat().st_mtime > _ABANDONED:
            shutil.rmtree(left) if left.is_dir() else left.unlink()
        elif left.is_dir():
            left.rmdir()  # when it is empty: its process ended at once
        return
    with held.open("ab") as file:
        try:
            lock(file)
        except OSError as error:
            if error.errno in HELD or time.time() - left.stat().st_mtime < _ABANDONED:
                return  # its run is at work
        folders = _finished(left)
    for folder in reversed(folders):  # that with the marker last
        _empty(folder)
        shutil.rmtree(folder, ignore_errors=True)


def _empty(folder: Path) -> None:
    """Remove all but the lock, so that whoever is killed here leaves a folder that is known to be left over."""
    with contextlib.suppress(OSError):
        for entry in list(folder.iterdir()):
            if entry.is_dir():
                shutil.rmtree(entry, ignore_errors=True)
            elif entry.name != _LOCK:
                entry.unlink(missing_ok=True)


def _finished(left: Path) -> list[Path]:
    """Do what is still to do in a folder and those that belong to it, and return them."""
    try:
        named = [Path(folder) for folder in json.loads((left / _JOURNAL).read_text(encoding="utf-8"))["folders"]]
    except (FileNotFoundError, ValueError):  # not written, or half: it was before the marker
        return [left]
    named = [left if folder.name == left.name else folder for folder in named]  # it may have been moved since
    folders = [f for f in named if _NAME.fullmatch(f.name) and f.is_dir() and not f.is_symlink() and _is_mine(f)]
    way = next((way for way in (FORWARD, BACK) if (named[0] / way).exists()), None)
    if left not in folders or way is None:
        return [left]
    for folder in folders:
        moves = json.loads((folder / _JOURNAL).read_text(encoding="utf-8"))[way]
        carry_out(folder, [move for move in moves if _stays_inside(*move)])
    return folders


def _stays_inside(source: str | None, target: str) -> bool:
    paths = [PurePosixPath(text.replace("\\", "/")) for text in (source, target) if text is not None]
    return not any(os.path.isabs(path) or ".." in path.parts or not path.parts for path in paths)


def _is_mine(path: Path) -> bool:
    return not hasattr(os, "getuid") or path.stat().st_uid == os.getuid()
