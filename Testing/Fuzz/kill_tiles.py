"""Runs in tiles that are killed at random moments and begun again: the same bits, and no tile done twice.

    python Testing/Fuzz/kill_tiles.py [--kills 20] [--seed 0] [--workers N] [--ending nrrd]

The same command is started again and again, and gets SIGKILL, SIGTERM or SIGINT, with all that it has started, at a
random moment, until it has been killed so many times or has ended. Every tile that was written down as done before
a kill must be untouched after the next one, an output must not be there before it is complete, and in the end it
and its residual map must hold the bits of a run that nobody killed. Exit status 1 when one did not.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import checkout  # noqa: F401  # before what it makes importable
import numpy as np
import SimpleITK as sitk
from scipy import ndimage

SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT)
_SHAPE = (48, 96, 96)
_OPTIONS = ("--strategy", "joint", "--method", "richardson-lucy", "--iterations", "4", "--tiles", "24", "--quiet")


def prepared(folder: Path) -> None:
    """Write the input and the kernels."""
    image = ndimage.gaussian_filter(np.random.default_rng(0).normal(size=_SHAPE), 2)
    image = 5 + 95 * (image - image.min()) / np.ptp(image)
    sitk.WriteImage(sitk.GetImageFromArray(image.astype(np.float32)), str(folder / "image.nrrd"))
    kernels = [{"at": at, "type": "gaussian", "sigma_mm": s} for at, s in ((10, 0.5), (50, 0.7), (90, 0.9))]
    content = {"schema": "spatialdeconv-kernels/1", "key": "intensity", "kernels": kernels}
    (folder / "set.json").write_text(json.dumps(content))


def start(folder: Path, output: str, more: Sequence[str]) -> subprocess.Popen:
    """Start the run."""
    command = [
        sys.executable,
        "-m",
        "SpatialDeconvLib",
        "deconvolve",
        "image.nrrd",
        output,
        "--kernels",
        "set.json",
        "--residual-map",
        f"map-{output}",
    ]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    more_of_it = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "start_new_session": True}
    return subprocess.Popen([*command, *_OPTIONS, *more], cwd=folder, env=environment, **more_of_it)


def done(unfinished: Path) -> dict[str, int]:
    """When each tile was written down as done."""
    return {path.name: path.stat().st_mtime_ns for path in unfinished.glob("tiles/tile-*.json")}


def outputs(folder: Path, name: str) -> list[Path]:
    """The output of this name and its residual map."""
    return [folder / name, folder / f"map-{name}"]


def bits(path: Path) -> dict[str, bytes]:
    """All that an output holds, a file or a folder."""
    files = [path] if path.is_file() else sorted(file for file in path.rglob("*") if file.is_file())
    return {str(file.relative_to(path)): file.read_bytes() for file in files}


def removed(path: Path) -> None:
    """Remove an output, whatever it is."""
    if path.is_dir():
        shutil.rmtree(path)
    path.unlink(missing_ok=True)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", help="processes, as of the command")
    parser.add_argument("--ending", default="nrrd", help="of the outputs, which says their format")
    options = parser.parse_args(arguments)
    output = f"out.{options.ending}"
    more = ["--workers", options.workers] if options.workers else []
    dice, faults, kills, rounds = random.Random(options.seed), [], 0, 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        prepared(folder)
        began = time.perf_counter()
        assert start(folder, output, more).wait() == 0
        seconds = time.perf_counter() - began
        expected = [bits(path) for path in outputs(folder, output)]
        while kills < options.kills:
            rounds += 1
            for path in outputs(folder, output):
                removed(path)
            before: dict[str, int] = {}
            while True:
                run = start(folder, output, more)
                try:
                    run.wait(dice.uniform(0.3, 0.9) * seconds if kills < options.kills else None)
                except subprocess.TimeoutExpired:
                    os.killpg(run.pid, SIGNALS[kills % len(SIGNALS)])
                    run.wait()
                    kills += 1
                after = done(folder / f"{output}.unfinished")
                if run.returncode == 0:
                    break
                if (folder / output).exists():
                    faults.append(f"kill {kills}: the output is there before it is complete")
                changed = [tile for tile, when in before.items() if after.get(tile) != when]
                if changed:
                    faults.append(f"kill {kills}: done again: {', '.join(changed)}")
                before = after
            if [bits(path) for path in outputs(folder, output)] != expected:
                faults.append(f"after kill {kills}: other bits")
            if after:
                faults.append(f"after kill {kills}: the unfinished output is still there")
    print(f"{kills} kills in {rounds} runs of {seconds:.1f} s: {len(faults)} faults")
    print("\n".join(faults))
    return bool(faults)


if __name__ == "__main__":
    sys.exit(main())
