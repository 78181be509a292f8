"""What a run in tiles keeps beside its unfinished output: what it is, what was chosen, and which tiles are done."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .. import __version__
from ..arrays.reading import read_json
from ..errors import InputError
from ..run.tiles.plan import Plan

SCHEMA = "spatialdeconv-tiles/3"
_RUN, _DONE, _PLACING = "run.json", "tiles", "placing"


class Journal:
    """The folder of an unfinished output, as a run in tiles uses it.

    Parameters
    ----------
    folder : Path
        Of the `StoredWriter`.
    """

    def __init__(self, folder: Path):
        self.folder = folder

    def begin(self, run: Mapping[str, Any]) -> None:
        """Write down what the run is; or take up what a killed one has begun, if it is the same.

        Parameters
        ----------
        run : mapping
            All that its result depends on, in what JSON holds.

        Raises
        ------
        InputError
            If another run has begun this output.
        """
        content = json.loads(json.dumps({"schema": SCHEMA, "program": __version__, **run}))
        if not self.is_begun:
            (self.folder / _DONE).mkdir(exist_ok=True)
            _write(self.folder / _RUN, content)
            return
        found = self.run()
        differing = [key for key in content if found.get(key) != content[key]]
        if differing:
            raise InputError(
                f"an unfinished output was begun with other {', '.join(differing)}; remove the folder "
                f"{self.folder} to begin anew, or repeat what was begun"
            )

    @property
    def is_begun(self) -> bool:
        """Whether it says what the run is."""
        return (self.folder / _RUN).exists()

    def run(self) -> dict[str, Any]:
        """Return what the run is.

        Raises
        ------
        InputError
        """
        found = read_json(self.folder / _RUN, "journal")
        if not isinstance(found, dict) or found.get("schema") != SCHEMA:
            raise InputError(f"{self.folder} was left by another version; remove it to begin anew")
        return found

    def plan(self, frame: int, channel: int) -> Plan | None:
        """Return what was chosen for one channel of one frame; None where nothing was yet."""
        path = self._plan_path(frame, channel)
        return Plan.of_json(read_json(path, "plan")) if path.exists() else None

    def keep_plan(self, frame: int, channel: int, plan: Plan) -> None:
        """Write down what was chosen."""
        _write(self._plan_path(frame, channel), plan.as_json())

    def begin_placing(self) -> None:
        """Write down that all is done, and that the residual map, the first of two outputs, takes its place."""
        (self.folder / _PLACING).touch()

    @property
    def is_placing(self) -> bool:
        """Whether it has begun to."""
        return (self.folder / _PLACING).exists()

    def done(self, frame: int, channel: int, number: int) -> dict[str, Any] | None:
        """Return what a tile said when it was written; None where it is still to do."""
        path = self._tile_path(frame, channel, number)
        return read_json(path, "tile") if path.exists() else None

    def keep_done(self, frame: int, channel: int, number: int, said: Mapping[str, Any]) -> None:
        """Write down that a tile lies in the output."""
        _write(self._tile_path(frame, channel, number), dict(said))

    def _plan_path(self, frame: int, channel: int) -> Path:
        return self.folder / _DONE / f"plan-{frame}-{channel}.json"

    def _tile_path(self, frame: int, channel: int, number: int) -> Path:
        return self.folder / _DONE / f"tile-{frame}-{channel}-{number}.json"


def _write(path: Path, content: Mapping[str, Any]) -> None:
    """Write a file that is there whole or not at all."""
    made = path.with_name(f"{path.name}.{os.getpid()}.new")
    try:
        made.write_text(json.dumps(content), encoding="utf-8")
        os.replace(made, path)
    except OSError as error:
        with contextlib.suppress(OSError):
            made.unlink(missing_ok=True)
        raise OSError(
            f"{path} was not written ({error.strerror or error}); free space or repair the folder, and run again: "
            "what is done stays there"
        ) from error
