"""The output folder of a batch: whose it is at the moment, the table of results, and where unfinished work lies."""

from __future__ import annotations

import contextlib
import json
import os
import platform
import shutil
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from ...arrays.csvtext import csv_text
from ...arrays.locks import HELD, lock
from ...arrays.writing import write_text
from ...errors import InputError

TABLE = "results.csv"
COLUMNS = (
    "row", "case", "status", "operation", "method", "input", "output", "seconds", "peak_memory_gib", "noise",
    "residual", "iterations", "psnr_before", "psnr_after", "ssim_before", "ssim_after", "rmse_before",
    "rmse_after", "attempts", "finished", "host", "warnings", "error", "fingerprint",
)  # fmt: skip
_LOCK = ".spatialdeconv-batch.lock"
#: Where the cases write, below the output folder.
WORK = ".spatialdeconv-batch"


@contextlib.contextmanager
def exclusive(folder: Path) -> Iterator[str | None]:
    """Hold an output folder for one batch.

    The system lets go of the lock when the process ends, however it ends, so none is ever stale; what the file
    says is only for people.

    Yields
    ------
    str or None
        What is known of an earlier batch that ended without putting the folder in order.

    Raises
    ------
    InputError
        If another batch holds it.
    """
    path = folder / _LOCK
    file = _locked(path)
    try:
        earlier = _content(file)
        started = datetime.now().astimezone().isoformat(timespec="seconds")
        owner = {"process": os.getpid(), "computer": platform.node(), "started": started}
        with contextlib.suppress(OSError):  # a full disk; the lock itself takes no room
            file.truncate(0)
            file.write(json.dumps(owner).encode())
        yield _told(earlier) if earlier.strip() else None
    finally:
        # Empty says that all is in order. Where it can be, the file goes while it is still locked.
        with contextlib.suppress(OSError):
            file.truncate(0)
        if os.name == "posix":
            path.unlink(missing_ok=True)
        file.close()
        if os.name != "posix":
            with contextlib.suppress(OSError):
                path.unlink()


def _locked(path: Path) -> Any:
    while True:
        try:
            file = path.open("ab+", buffering=0)  # on a full disk nothing waits to be written when it is closed
        except OSError as error:
            raise InputError(f"output folder {path.parent} cannot be written ({error.strerror})") from error
        try:
            lock(file)
        except OSError as error:
            with file:
                if error.errno not in HELD:
                    raise InputError(
                        f"the file system of {path.parent} cannot lock files ({error.strerror}); "
                        "choose an output folder on another one"
                    ) from error
                raise InputError(
                    f"another batch is writing into {path.parent} ({_told(_content(file))}); wait for it, or "
                    "choose another output folder"
                ) from error
        with contextlib.suppress(OSError):
            if os.name != "posix" or os.stat(path).st_ino == os.fstat(file.fileno()).st_ino:
                return file
        file.close()  # its owner took it away between our opening and locking it


def _content(file: Any) -> str:
    try:
        file.seek(0)
        return file.read().decode(errors="replace")
    except OSError:
        return ""


def _told(text: str) -> str:
    try:
        owner = json.loads(text)
        return f"process {owner['process']} on {owner['computer']}, started {owner['started']}"
    except (ValueError, KeyError, TypeError):
        return "it has not said which"


@contextlib.contextmanager
def workplace(folder: Path) -> Iterator[Path]:
    """A folder for outputs that are not yet whole, on the disk where they will lie; gone afterwards.

    What an earlier batch left there is removed first. Only for the holder of the folder (`exclusive`).
    """
    root = folder / WORK
    shutil.rmtree(root, ignore_errors=True)
    root.mkdir()
    try:
        yield root
    finally:
        shutil.rmtree(root, ignore_errors=True)


def table_row(case: Any, state: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """Return one row of the table.

    Parameters
    ----------
    case : Case
    state : mapping
        "status", "attempts", "error", and "record" (see `case`) where there is one.
    folder : Path
        Outputs are told relative to it.
    """
    record = state.get("record") or {}
    row = {name: record[name] for name in COLUMNS if record.get(name) is not None}
    for when, metrics in (record.get("metrics") or {}).items():
        row.update({f"{name}_{when}": value for name, value in metrics.items()})
    row["warnings"] = " | ".join(record.get("warnings", ()))
    row.update(row=case.row, case=case.name, status=state["status"], error=state.get("error", ""))
    if state.get("attempts"):  # else those of an earlier batch, which the record tells
        row["attempts"] = state["attempts"]
    if case.options is not None:
        row.update(operation=case.options.operation, input=case.options.input)
        row["output"] = case.output.relative_to(folder).as_posix()
    return row


def write_table(folder: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write the table of results, whole or not at all. Raises OSError when it cannot be written."""
    write_text(folder / TABLE, csv_text(COLUMNS, rows))
