"""Files that are written whole or not at all, one by one or several together."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .staging import BACK, FORWARD, Move, StagingFolder, carry_out


@contextlib.contextmanager
def together() -> Iterator[Together]:
    """Write several files: when the block ends all are new, and when it fails, or is killed, all are old.

    All files of this package that are written within the block belong to it, in whichever function they are
    written; they are at their places when the outermost block ends. A process that is killed in the very moment of
    the moves leaves a folder beside the files from which the next one that writes there does the rest.

    Raises
    ------
    OSError
        If a file cannot take its place.
    """
    outer = _current.get()
    if outer is not None:
        yield outer
        return
    files = Together()
    token = _current.set(files)
    try:
        yield files
        files._commit()
    finally:
        _current.reset(token)
        files._discard()


@dataclass
class _Part:
    """A folder with what is being made, a file or a store, perhaps with others that belong to it, and its place."""

    staging: StagingFolder
    folder: Path
    name: str
    target: Path

    def moves(self) -> list[tuple[Path, Path]]:
        """From where to where, the file itself first."""
        made = sorted(self.folder.iterdir(), key=lambda file: file.name != self.name)
        return [(m, self.target if m.name == self.name else self.target.with_name(m.name)) for m in made]


@dataclass
class _Moves:
    """What a staging folder's journal will say, and the old files that could not be kept by a second name."""

    forward: list[Move] = field(default_factory=list)
    back: list[Move] = field(default_factory=list)
    aside: list[tuple[Path, Path]] = field(default_factory=list)

    def go(self, staging: StagingFolder) -> None:
        """Do the moves one by one, so that an error says which file it is."""
        for target, old in self.aside:
            with _saying(target):
                os.replace(target, old)
        for move in self.forward:
            with _saying(staging.around / move[1]):
                carry_out(staging.path, [move])


class Together:
    """Files that take their places at once; see `together`."""

    def __init__(self) -> None:
        self._staging: dict[Path, StagingFolder] = {}
        self._parts: list[_Part] = []
        self._gone: list[Path] = []
        self._finished = True  # else the old files lie in the staging folders, for the next run to put them back

    def place(self, path: Path, make_folder: bool = False) -> Path:
        """Return where to write what will be at `path`; other files written beside it will be beside `path`.

        A link is followed. With `make_folder`, folders that are missing are made in the end.

        Raises
        ------
        OSError
            If the folder does not exist or cannot be written.
        """
        target = _followed(path)
        around = target.parent
        while make_folder and not around.exists():
            around = around.parent
        if not around.is_dir():
            raise OSError(f"cannot write {path}: the folder {around} does not exist; create it first")
        try:
            staging = self._staging.get(around) or StagingFolder(around)
            self._staging[around] = staging
            part = _Part(staging, staging.new_part(len(self._parts)), path.name, target)
        except OSError as error:
            raise OSError(f"cannot write {path}: {error.strerror}; choose another folder") from error
        self._parts.append(part)
        return part.folder / path.name

    def adopt(self, folder: Path, path: Path) -> None:
        """Take all files of a folder on the same disk, as if `place` had been asked for one of them, `path`."""
        place = self.place(path, make_folder=True).parent
        for file in list(folder.iterdir()):
            os.replace(file, place / file.name)

    def remove(self, path: Path) -> None:
        """Let an old file go when the new ones come."""
        self._gone.append(_followed(path))

    # -- the end

    def _commit(self) -> None:
        moves = {target: (part.staging, source) for part in self._parts for source, target in part.moves()}
        for target, (_, source) in moves.items():
            if target.is_dir() and not source.is_dir():
                raise IsADirectoryError(f"{target} was not written: it is a folder; choose another name")
        gone = [path for path in self._gone if path not in moves and path.parent in self._staging and path.exists()]
        planned = self._planned(moves, gone)
        missing = _missing_folders(planned)
        try:
            if _is_one_step(moves, gone):
                for staging, planned_moves in planned.items():
                    planned_moves.go(staging)
            elif moves or gone:
                self._commit_several(planned)
        except BaseException:
            for folder in missing:
                with contextlib.suppress(OSError):  # not made yet, or somebody else's file lies in it
                    folder.rmdir()
            raise

    def _planned(
        self, moves: dict[Path, tuple[StagingFolder, Path]], gone: list[Path]
    ) -> dict[StagingFolder, _Moves]:
        """The moves of each folder, the last files first, so that the first one is the last."""
        planned = {staging: _Moves() for staging in self._staging.values()}
        alone = _is_one_step(moves, gone)
        for number, (target, (staging, source)) in enumerate(reversed(moves.items())):
            self._plan(planned[staging], staging, str(source.relative_to(staging.path)), target, number, alone)
        for number, path in enumerate(gone, len(moves)):
            staging = self._staging[path.parent]
            self._plan(planned[staging], staging, None, path, number, alone)
        return planned

    @staticmethod
    def _plan(
        moves: _Moves, staging: StagingFolder, source: str | None, target: Path, number: int, alone: bool
    ) -> None:
        name = os.path.relpath(target, staging.around)
        moves.forward.append((source, name))
        if alone:
            return
        old = staging.path / f"old-{number}"
        try:
            os.link(target, old)  # the file stays at its place as well, until the new one takes that
        except FileNotFoundError:
            moves.back.append((None, name))
            return
        except OSError:  # a file system without links
            moves.aside.append((target, old))
        moves.back.append((old.name, name))

    def _commit_several(self, planned: dict[StagingFolder, _Moves]) -> None:
        folders = list(planned)
        with _undisturbed():
            for staging, moves in planned.items():
                staging.write_journal(folders, moves.forward, moves.back)
            folders[0].mark(FORWARD)
            try:
                for staging, moves in reversed(planned.items()):
                    moves.go(staging)
            except BaseException:
                self._finished = False
                folders[0].mark(BACK)
                for staging, moves in planned.items():
                    carry_out(staging.path, moves.back)
                self._finished = True
                raise

    def _discard(self) -> None:
        for staging in self._staging.values():
            staging.close(remove=self._finished)


_current: ContextVar[Together | None] = ContextVar("together", default=None)


def _is_one_step(moves: Mapping[Path, Any], gone: Sequence[Path]) -> bool:
    """Whether the system does all moves in one step: those of one file, or of a folder to where there is none."""
    return len(moves) + len(gone) == 1 and not any(target.is_dir() for target in moves)


def _followed(path: Path) -> Path:
    """The file that a path means: what a link leads to, of which links are the folders, too."""
    target = Path(os.path.realpath(path))
    if target.is_symlink():
        raise OSError(f"cannot write {path}: it is a link that leads to itself; remove it")
    if target.exists() and not (target.is_file() or target.is_dir()):  # it must not be replaced by a file
        raise OSError(f"cannot write {path}: {target} is a device or a pipe; give a file name")
    return target


def _missing_folders(planned: dict[StagingFolder, _Moves]) -> list[Path]:
    """The folders that the moves will make, the innermost first."""
    targets = [staging.around / name for staging, moves in planned.items() for _, name in moves.forward]
    found = {folder for target in targets for folder in target.parents if not folder.exists()}
    return sorted(found, key=lambda folder: len(folder.parts), reverse=True)


@contextlib.contextmanager
def _saying(target: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise OSError(
            f"{target} was not written ({error.strerror}); close programs that use it, or choose another name"
        ) from error


@contextlib.contextmanager
def _undisturbed() -> Iterator[None]:
    """Hold back the signals that end a program until the block is over."""
    if threading.current_thread() is not threading.main_thread():  # signals are the main thread's
        yield
        return
    came: list[int] = []
    before: dict[int, Any] = {}
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        handler = signal.SIG_IGN if number is None else signal.getsignal(number)
        if number is not None and handler not in (None, signal.SIG_IGN):
            before[number] = signal.signal(number, lambda number, frame: came.append(number))
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        for number in dict.fromkeys(came):
            signal.raise_signal(number)


def atomically(path: Path, write: Callable[[Path], object], make_folder: bool = False) -> None:
    """Call ``write(temporary)`` on a file beside `path`, then move it there: no half-written file remains.

    Within `together` it is moved with the others. With `make_folder`, folders that are missing are made.

    Raises
    ------
    OSError
        If the folder does not exist or cannot be written, or whatever `write` raises.
    """
    with together() as files:
        _write_or_say(write, files.place(path, make_folder), path)


def _write_or_say(write: Callable[[Path], object], temporary: Path, path: Path) -> None:
    """Call ``write(temporary)``; what the system says when it fails names no file, or the temporary one."""
    try:
        write(temporary)
    except OSError as error:
        if error.errno is None:  # a message of our own
            raise
        raise OSError(f"{path} was not written ({error.strerror}); free space or choose another folder") from error


def write_text(path: str | os.PathLike, text: str, make_folder: bool = False) -> None:
    """Write a text file atomically, as UTF-8."""
    atomically(Path(path), lambda temporary: temporary.write_text(text, encoding="utf-8"), make_folder)
