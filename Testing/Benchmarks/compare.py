"""Set two result files of one benchmark side by side.

    python Testing/Benchmarks/compare.py BEFORE.json AFTER.json [--noise 0.1] [--decibels 0.1]

Rows with a ratio to a peer are compared by it, others by their value; "change" is the second over the first, or
their difference in decibels. What changed by more than the noise is called better or WORSE, or "differs" where
neither is better; of rounding errors only the target counts. The exit status is 1 when something is worse.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from pathlib import Path
from typing import Any

from results import SCHEMA, Table


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("before", type=Path)
    parser.add_argument("after", type=Path)
    parser.add_argument("--noise", type=float, default=0.1, help="share that a value may change by (default 0.1)")
    parser.add_argument("--decibels", type=float, default=0.1, help="the same for values in dB (default 0.1)")
    options = parser.parse_args(arguments)
    before, after = (read(path, parser) for path in (options.before, options.after))
    if before["benchmark"] != after["benchmark"]:
        parser.error(
            f"{options.before} is of benchmark {before['benchmark']}, {options.after} of {after['benchmark']}"
        )
    print(f"before: {origin(before)}\nafter:  {origin(after)}")
    for what in ("machine", "settings"):
        for line in differences(before[what], after[what]):
            print(f"{what} differs: {line}")
    return compare(before["rows"], after["rows"], options.noise, options.decibels)


def read(path: Path, parser: argparse.ArgumentParser) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        parser.error(f"{path} cannot be read: {error}")
    if not isinstance(content, dict) or content.get("schema") != SCHEMA:
        parser.error(f"{path} is no result file of a benchmark ({SCHEMA})")
    return content


def origin(content: dict[str, Any]) -> str:
    known = (content["commit"] or "unknown commit")[:12]
    changed = " with changes" if content["dirty"] else ""
    return f"{content['benchmark']}, {known}{changed}, {content['date']}, {content['machine']['processor']}"


def differences(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    keys = [*before, *(key for key in after if key not in before)]
    return [f"{k} {before.get(k)}, now {after.get(k)}" for k in keys if before.get(k) != after.get(k)]


def compare(before: list[dict], after: list[dict], noise: float, decibels: float) -> int:
    """Print every row of both; return 1 when one is worse."""
    width = max((len(row["name"]) for row in [*before, *after]), default=0)
    table = Table(
        [
            ("", f"<{width}"),
            ("before", ">10.4g"),
            ("after", ">10.4g"),
            ("unit", "<10"),
            ("change", ">8"),
            ("", "<8"),
        ]
    )
    news = {row["name"]: row for row in after}
    worse = False
    for old in before:
        new = news.pop(old["name"], None)
        if new is None:
            value, unit = judged(old)
            table.row(old["name"], value, "-", unit, "", "gone")
            continue
        by_ratio = None not in (old["ratio"], new["ratio"])
        (a, unit), (b, _) = (judged(row, by_ratio) for row in (old, new))
        change, word = judgement(a, b, unit, "more" if by_ratio else new["better"], noise, decibels)
        if new["better"] == "target":
            word = "WORSE" if old["reached"] and not new["reached"] else ""
        worse |= word == "WORSE"
        table.row(old["name"], a, b, unit, change, word)
    for new in news.values():
        value, unit = judged(new)
        table.row(new["name"], "-", value, unit, "", "new")
    return int(worse)


def judged(row: dict, by_ratio: bool = True) -> tuple[float, str]:
    """The number that a row is judged by, and its unit."""
    if by_ratio and row["ratio"] is not None:
        return row["ratio"], "x a peer"
    return row["value"], row["unit"]


def judgement(a: float, b: float, unit: str, better: str | None, noise: float, decibels: float) -> tuple[str, str]:
    """The change in words: by how much, and whether to the better."""
    if unit.startswith("dB"):
        change, least, shown = b - a, decibels, f"{b - a:+.2f} dB"
    elif a > 0 and b > 0:
        change, least, shown = math.log(b) - math.log(a), math.log1p(noise), f"{b / a:.3f}"
    else:
        change, least, shown = b - a, noise * abs(a), f"{b - a:+.3g}"
    if a == b or abs(change) <= least:
        return shown, ""
    if better is None:
        return shown, "differs"
    return shown, "better" if (change > 0 if better == "more" else change < 0) else "WORSE"


if __name__ == "__main__":
    sys.exit(main())
