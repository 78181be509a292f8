"""Runs that are killed at random moments: output, recipe and report are all old or all new after the next run.

    python Testing/Fuzz/kill_runs.py [--kills 200] [--seed 0]

Each run of the command gets SIGKILL, SIGTERM, SIGHUP or SIGINT, half of them near its end, where files are written.
Then another run writes beside the files, the three are looked at, and nothing of the killed run may be left. One
that was ended by a signal that can be heard leaves them all old, or has done its work. Exit status 1 when one did
not.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import multiprocessing
import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import checkout  # noqa: F401  # before what it makes importable
import numpy as np
import SimpleITK as sitk

from SpatialDeconvLib.command import cli

SIGNALS = ("SIGKILL", "SIGTERM", "SIGHUP", "SIGINT")
_SIGMAS = (1.0, 2.0)  # of the kernels that two runs apply: what they wrote can be told apart
_SHAPE = (24, 64, 64)
_OUTPUT, _REPORT = "o.nrrd", Path("rep", "report.html")


# Processes of their own that have all imported before they start: a run is killed at work, not at its imports.
_FORK = multiprocessing.get_context("forkserver")
_FORK.set_forkserver_preload(["SpatialDeconvLib.command.onfiles", "SpatialDeconvLib.report.page"])


def _run(folder: Path, command: list[str]) -> None:
    os.chdir(folder)
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        sys.exit(cli.main(command))


class Runs:
    """Runs that write the same three files in a folder, by the sigma of their kernel."""

    def __init__(self, folder: Path):
        self.folder = folder
        values = np.random.default_rng(0).random(_SHAPE).astype(np.float32)
        sitk.WriteImage(sitk.GetImageFromArray(values), str(folder / "image.nrrd"))
        self.outputs: dict[bytes, float] = {}  # what a run writes -> the sigma of its kernel
        for sigma in _SIGMAS:
            kernel = {"type": "gaussian", "sigma_mm": sigma}
            content = {"schema": "spatialdeconv-kernels/1", "key": "uniform", "kernels": [kernel]}
            (folder / f"sigma{sigma}.json").write_text(json.dumps(content))
            self.start(sigma).join()
            self.outputs[(folder / _OUTPUT).read_bytes()] = sigma

    def start(self, sigma: float) -> multiprocessing.process.BaseProcess:
        command = ["convolve", "image.nrrd", _OUTPUT, "--kernels", f"sigma{sigma}.json", "--quiet"]
        run = _FORK.Process(target=_run, args=(self.folder, [*command, "--report", str(_REPORT.parent)]))
        run.start()
        return run

    def whose(self) -> tuple[float | None, ...]:
        """The sigmas of the kernels of the runs that wrote output, recipe and report; None: nobody's, or half."""
        output = self.outputs.get((self.folder / _OUTPUT).read_bytes())
        recipe = json.loads((self.folder / f"{_OUTPUT}.recipe.json").read_text())["kernel_set"]["kernels"][0]
        page = (self.folder / _REPORT).read_text()
        named = [sigma for sigma in _SIGMAS if f"sigma{sigma}.json" in page and page.rstrip().endswith("</html>")]
        return output, recipe["sigma_mm"], named[0] if len(named) == 1 else None

    def left(self) -> list[str]:
        """What killed runs have left."""
        return [str(path) for path in self.folder.rglob(".spatialdeconv-*")]

    def write_beside(self) -> None:
        """Two other runs of the command, one in each of the folders."""
        for folder in (self.folder, self.folder / _REPORT.parent):
            command = ["kernel", "mean", "--shape", "3", "--output", str(folder / "other.npy")]
            with contextlib.redirect_stdout(io.StringIO()):
                assert cli.main(command) == 0


def kill(runs: Runs, kills: int, dice: random.Random) -> tuple[Counter, list[str]]:
    """Kill runs; return how they ended, and what is wrong."""
    seconds, ends, faults = _seconds(runs), Counter(), []
    old = _SIGMAS[-1]
    for number in range(kills):
        name = SIGNALS[number % len(SIGNALS)]
        moment = seconds * (dice.uniform(0, 1) if number // len(SIGNALS) % 2 else dice.uniform(0.7, 1))
        new = next(sigma for sigma in _SIGMAS if sigma != old)
        run = runs.start(new)
        run.join(moment)
        assert run.pid is not None
        if run.is_alive():
            os.kill(run.pid, getattr(signal, name))
        run.join()
        status = run.exitcode
        found, left = runs.whose(), bool(runs.left())
        runs.write_beside()
        settled = runs.whose()
        words = f"kill {number} ({name} after {moment:.3f} s, status {status}): {found}, then {settled}"
        if settled not in ((old,) * 3, (new,) * 3):
            faults.append(words)
        if name != "SIGKILL" and (found != settled or (left and status != -getattr(signal, name))):
            faults.append(f"{words}; a signal that can be heard left something half done")
        if status == 0 and settled != (new,) * 3:
            faults.append(f"{words}; it said that it was done")
        if runs.left():
            faults.append(f"{words}; left behind: {runs.left()}")
        how = "done before" if status == 0 else "all new" if settled[0] == new else "all old"
        ends[name, how + (", between before the next run" if found != settled else "")] += 1
        old = settled[0] if settled[0] is not None else _refreshed(runs)
        if sys.stderr.isatty():
            print(f"\r{number + 1} of {kills}", end="", file=sys.stderr)
    return ends, faults


def _seconds(runs: Runs) -> float:
    """How long a run takes."""
    start = time.perf_counter()
    runs.start(_SIGMAS[-1]).join()
    return time.perf_counter() - start


def _refreshed(runs: Runs) -> float:
    runs.start(_SIGMAS[-1]).join()
    return _SIGMAS[-1]


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=200, help="runs that are killed (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="of the moments (default: %(default)s)")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="kill-runs-") as folder:
        ends, faults = kill(Runs(Path(folder)), options.kills, random.Random(options.seed))
    for (name, how), count in sorted(ends.items()):
        print(f"{name}: {count} {how}")
    for fault in faults:
        print(f"  {fault}")
    return int(bool(faults))


if __name__ == "__main__":
    sys.exit(main())
