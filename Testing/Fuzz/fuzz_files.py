"""Kernel sets, recipes and manifests, changed at random: each is used, or refused in one line; no run hangs.

    python Testing/Fuzz/fuzz_files.py [--inputs 2000] [--seed 0] [KIND ...]

What the command makes of an input is checked as a user sees it: exit status 0, or 1 or 2 with a message of one line
that asks for no report of a fault; no warning of numpy's. An input that fails is kept, and named with its seed.
Exit status 1 when there is one.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import random
import signal
import sys
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import checkout  # noqa: F401  # before what it makes importable
import tampering

from SpatialDeconvLib.command import cli

_LONGEST = 900  # characters of a message
_MOST_SECONDS = 60


@dataclass(frozen=True)
class Kind:
    """A kind of file, and the command that reads it.

    Attributes
    ----------
    content : str or object
        What is changed: a text, what becomes JSON, or the name of the JSON file that has it.
    name : str
        What the changed file is called.
    command : sequence of str
    """

    content: Any
    name: str
    command: tuple[str, ...]

    def original(self, folder: Path) -> Any:
        if isinstance(self.content, Path):
            return json.loads((folder / self.content).read_text())
        return self.content

    def tampered(self, folder: Path, dice: random.Random) -> bytes:
        """An input."""
        content = self.original(folder)
        if isinstance(content, str):
            return tampering.garbled(content.encode(), dice)
        if dice.random() < 0.25:
            return tampering.garbled(json.dumps(content).encode(), dice)
        return json.dumps(tampering.tampered(content, dice)).encode("utf-8", "surrogatepass")


def _recipe(name: str, output: str) -> Kind:
    return Kind(Path(f"{name}.recipe.json"), "tampered.recipe.json", ("repeat", "tampered.recipe.json", output))


_RUN = ("image.nrrd", "out.nrrd", "--kernels", "tampered.json")
KINDS = {
    "kernel-set": Kind(tampering.KERNEL_SET, "tampered.json", ("convolve", *_RUN)),
    "recipe-deconvolve": _recipe("d.nrrd", "out.nrrd"),
    "recipe-convolve": _recipe("c.nrrd", "out.nrrd"),
    "recipe-estimate": _recipe("e.json", "out.json"),
    "manifest": Kind(tampering.MANIFEST, "tampered.json", ("batch", "tampered.json", "--output", "out", "--check")),
    "manifest-csv": Kind(tampering.TABLE, "tampered.csv", ("batch", "tampered.csv", "--output", "out", "--check")),
}


@dataclass
class Found:
    """How many inputs were used and refused, and what is wrong with the others, by seed."""

    ends: Counter = field(default_factory=Counter)
    faults: dict[int, str] = field(default_factory=dict)


def fuzz(kind: Kind, inputs: int, seed: int, folder: Path) -> Found:
    """Try inputs of a kind in a folder with `tampering.make_inputs`; what fails stays there as ``fault-SEED``."""
    found = Found()
    with tampering.inside(folder):
        for number in range(seed, seed + inputs):
            content = kind.tampered(folder, random.Random(number))
            (folder / kind.name).write_bytes(content)
            status, fault = tried([*kind.command, "--quiet"])
            found.ends[status] += 1
            if fault is not None:
                found.faults[number] = fault
                (folder / f"fault-{number}{Path(kind.name).suffix}").write_bytes(content)
    return found


def tried(command: list[str]) -> tuple[Any, str | None]:
    """The exit status of a command, and what a user must not see of it; None when that is nothing."""
    shown = io.StringIO()
    try:
        with contextlib.redirect_stdout(shown), contextlib.redirect_stderr(shown), _in_time():
            status = cli.main(command)
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt):
            raise
        return "raised", f"{type(error).__name__}: {error}"
    text = shown.getvalue()
    if status not in (0, 1, 2):
        return status, f"exit status {status}"
    wrong = next((word for word in ("Traceback", "please report it", "RuntimeWarning") if word in text), None)
    if wrong:
        return status, next(line for line in text.splitlines() if wrong in line)
    errors = [line for line in text.splitlines() if "error:" in line]
    if status and not errors:
        return status, "failed without a word"
    return status, next((f"a message of {len(line)}" for line in errors if len(line) > _LONGEST), None)


@contextlib.contextmanager
def _in_time() -> Iterator[None]:
    """Raise TimeoutError when the block takes too long."""
    if not hasattr(signal, "SIGALRM"):
        yield
        return

    def ring(number: int, frame: Any) -> None:
        raise TimeoutError(f"no end after {_MOST_SECONDS} s")

    before = signal.signal(signal.SIGALRM, ring)
    signal.alarm(_MOST_SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kinds", nargs="*", metavar="KIND", help=f"{', '.join(KINDS)} (default: all)")
    parser.add_argument("--inputs", type=int, default=2000, help="of each kind (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="of the first input (default: %(default)s)")
    options = parser.parse_args()
    warnings.simplefilter("always", RuntimeWarning)
    failed = False
    for name in options.kinds or KINDS:
        folder = Path(tempfile.mkdtemp(prefix=f"fuzz-{name}-"))
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            tampering.make_inputs(folder)
        start = time.perf_counter()
        found = fuzz(KINDS[name], options.inputs, options.seed, folder)
        ends = ", ".join(f"{count} ended with {status}" for status, count in sorted(found.ends.items(), key=str))
        print(f"{name}: {options.inputs} inputs, {time.perf_counter() - start:.0f} s: {ends}", flush=True)
        for seed, fault in found.faults.items():
            print(f"  seed {seed}: {fault[:300]} ({folder})")
        failed |= bool(found.faults)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
