"""What the benchmarks share: options, clocks, tables, and results that say where they come from.

A result file holds one benchmark's rows: name, value, unit and, where another program did the same, the ratio of
its value to ours. With them stand the commit, the machine and the versions of what computes. `compare.py` sets two
such files side by side.
"""

from __future__ import annotations

import argparse
import datetime
import importlib.metadata
import json
import os
import platform
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
if str(ROOT) not in sys.path:  # a checkout need not be installed
    sys.path.insert(0, str(ROOT))

SCHEMA = "spatialdeconv-benchmark/1"

# What is better, by unit, where neither a target nor the benchmark says so.
_BETTER = {
    "s": "less", "ms": "less", "MiB": "less", "volumes": "less", "iterations": "less", "products": "less",
    "dB": "more", "dB more": "more",
}  # fmt: skip
_TARGET = re.compile(r"(<=|>=|<|>) ([\d.]+)")


# --------------------------------------------------------------------------------------------- options


def options_of(documentation: str, name: str) -> argparse.ArgumentParser:
    """A parser with the option that every benchmark has."""
    parser = argparse.ArgumentParser(
        description=documentation, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    default = Path(f"bench_{name}.json")
    parser.add_argument(
        "--json", type=Path, default=default, metavar="FILE", help=f"where to write the results (default {default})"
    )
    return parser


# ---------------------------------------------------------------------------------------------- clocks


@dataclass
class Timing:
    """Wall and processor seconds (over all threads) of the runs of one contestant, and what it returned."""

    wall: list[float] = field(default_factory=list)
    processor: list[float] = field(default_factory=list)
    result: Any = None

    @property
    def median(self) -> tuple[float, float]:
        return statistics.median(self.wall), statistics.median(self.processor)

    @property
    def least(self) -> tuple[float, float]:
        return min(self.wall), min(self.processor)


def take_turns(calls: Mapping[str, Callable[[], Any]], runs: int, warm_up: bool = False) -> dict[str, Timing]:
    """Time calls that take turns, so that a machine that slows down slows all of them."""
    found = {name: Timing() for name in calls}
    for run in range(-1 if warm_up else 0, runs):
        for name, call in calls.items():
            start, busy = time.perf_counter(), time.process_time()
            result = call()
            wall, processor = time.perf_counter() - start, time.process_time() - busy
            found[name].result = result
            if run >= 0:
                found[name].wall.append(wall)
                found[name].processor.append(processor)
    return found


# ---------------------------------------------------------------------------------------------- tables


class Table:
    """Prints a heading, then row after row as they come.

    Parameters
    ----------
    columns : sequence of (title, format)
        As for `format`: "<44", ">8.2f". A cell that is a text keeps only the alignment and the width.
    """

    def __init__(self, columns: Sequence[tuple[str, str]]):
        self._formats = [form for _, form in columns]
        self.row(*(title for title, _ in columns))

    def row(self, *cells: Any) -> None:
        shown = (self._shown(cell, form) for cell, form in zip(cells, self._formats, strict=True))
        print(" ".join(shown).rstrip(), flush=True)

    @staticmethod
    def _shown(cell: Any, form: str) -> str:
        if isinstance(cell, str):
            form = re.match(r"[<>^]?\d*", form).group()
        elif isinstance(cell, bool):
            cell, form = "yes" if cell else "NO", re.match(r"[<>^]?\d*", form).group()
        return format(cell, form)


# --------------------------------------------------------------------------------------------- results


class Results:
    """The rows of one benchmark.

    Parameters
    ----------
    name : str
        Of the benchmark.
    **settings
        Sizes, number of runs and the like: what has to agree before two files can be compared.
    """

    def __init__(self, name: str, **settings: Any):
        self.name, self.settings = name, settings
        self.rows: list[dict[str, Any]] = []

    def add(
        self,
        name: str,
        value: float,
        unit: str,
        *,
        ratio: float | None = None,
        target: str | None = None,
        better: str | None = None,
        **more: Any,
    ) -> dict[str, Any]:
        """Add a row, and return it.

        Parameters
        ----------
        name : str
            What was measured; the same in every file.
        value, unit : float, str
        ratio : float, optional
            A peer's value over ours. A row that has one is judged by it: it depends less on the machine.
        target : str, optional
            A bound, as "<= 1.4", of the ratio, or of the value where there is none.
        better : {"less", "more", "target"}, optional
            What is better; else as the target or the unit says. "target": nothing, as long as the target is reached
            (rounding errors).
        **more
            Other figures of the row.
        """
        if any(row["name"] == name for row in self.rows):
            raise ValueError(f"two rows are called {name!r}")
        judged = value if ratio is None else ratio
        if ratio is not None:
            better = "more"
        elif better is None and target:
            better = "less" if target.startswith("<") else "more"
        row = {
            "name": name,
            "value": plain(value),
            "unit": unit,
            "ratio": plain(ratio),
            "better": better or _BETTER.get(unit),
            "target": target,
            "reached": None if target is None else reaches(judged, target),
            "more": {key: plain(figure) for key, figure in more.items()},
        }
        self.rows.append(row)
        return row

    def print_targets(self) -> None:
        """Print which targets were reached."""
        bound = [row for row in self.rows if row["target"]]
        if not bound:
            return
        width = max(len(row["name"]) for row in bound)
        table = Table([("target", f"<{width}"), ("number", ">10.4g"), ("unit", "<9"), ("bound", "<9"), ("", "<8")])
        for row in bound:
            number, unit = (row["value"], row["unit"]) if row["ratio"] is None else (row["ratio"], "x a peer")
            table.row(row["name"], number, unit, row["target"], verdict(row))
        missed = sum(not row["reached"] for row in bound)
        print(f"{len(bound) - missed} targets reached, {missed} missed")

    def write(self, path: Path) -> None:
        content = {
            "schema": SCHEMA,
            "benchmark": self.name,
            "date": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
            **commit(),
            "machine": machine(),
            "settings": {key: plain(value) for key, value in self.settings.items()},
            "rows": self.rows,
        }
        path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
        print(f"written to {path}")


def reaches(value: float, target: str) -> bool:
    """Whether a value keeps a bound such as "<= 1.4"."""
    sign, bound = _TARGET.fullmatch(target).groups()
    value = float(value)  # of numpy's, comparisons would be what JSON does not know
    return {
        "<=": value <= float(bound),
        ">=": value >= float(bound),
        "<": value < float(bound),
        ">": value > float(bound),
    }[sign]


def verdict(row: Mapping[str, Any]) -> str:
    return {None: "", True: "reached", False: "MISSED"}[row["reached"]]


def plain(value: Any) -> Any:
    """A value as JSON knows it: numpy's numbers and arrays become Python's."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value.tolist() if hasattr(value, "tolist") else value


# ------------------------------------------------------------------------------------ where they are from


def commit() -> dict[str, Any]:
    """The commit that is checked out, and whether tracked files differ from it; None where git cannot tell."""

    def git(*arguments: str) -> str:
        command = ["git", "-C", str(ROOT), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    try:
        return {
            "commit": git("rev-parse", "HEAD"),
            "dirty": bool(git("status", "--porcelain", "--untracked-files=no")),
        }
    except (OSError, subprocess.CalledProcessError):
        return {"commit": None, "dirty": None}


def machine() -> dict[str, Any]:
    from SpatialDeconvLib.arrays.threads import usable_processors

    packages = ("numpy", "scipy", "SimpleITK")
    return {
        "processor": _processor(),
        "processors": os.cpu_count(),
        "threads": usable_processors(),
        "system": platform.platform(),
        "python": platform.python_version(),
        **{name: importlib.metadata.version(name) for name in packages},
    }


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()
