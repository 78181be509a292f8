"""One case of a batch: what it is known by, whether it is finished, and how it is run, in a process of its own.

The process (`main`) takes one task as a line of JSON on its standard input and answers in lines of JSON on its
standard output: its progress, and at last its reply. When the other end of its standard input closes, whoever
wanted the case is gone, and the process ends.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import shutil
import sys
import threading
import time
from collections.abc import Mapping
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from ... import __version__
from ...arrays.memory import peak_memory
from ...arrays.reading import read_json
from ...arrays.watch import Progress
from ...errors import NotEnoughMemory
from ...kernels.sets import field_to_dict
from ...kernels.weightfiles import path_of
from ...large import tile_task
from ...mrml import recipe as recipes
from ...report import PAGE
from ..arguments import message_of
from ..onfiles import run_on_files
from ..parser import PROGRAM, operation_parser
from ..request import RunRequest, request_from_options

#: Entry of a recipe with what a batch knows of the case.
NOTE = "batch"

# Of several reports within this time, in seconds, only the last is sent.
_REPORT_EVERY = 0.2


def fingerprint(request: RunRequest, inputs: Mapping[str, Mapping[str, Any]]) -> str:
    """Return a hash of everything that the result of a run depends on.

    The operation and its parameters, the kernels, the contents of all files that are read (not their names), and
    the version of this program.

    Parameters
    ----------
    request : RunRequest
    inputs : mapping
        Role -> description with "sha256", as in a recipe.
    """
    kernels = field_to_dict(request.kernels)
    for entry in kernels["kernels"]:
        if entry["type"] == "file":
            entry["path"] = recipes.sha256(entry["path"])
        weights = path_of(entry.get("at")) if request.kernels.key == "weights" else None
        if weights is not None:
            at = entry["at"]
            entry["at"] = recipes.sha256(weights) if at == weights else [recipes.sha256(weights), at[1]]
    content = {
        "program": __version__,
        "operation": request.operation,
        "parameters": request.settings.parameters(),
        "selection": request.selection,
        "kernels": kernels,
        "inputs": {role: entry["sha256"] for role, entry in inputs.items()},
        "reference": recipes.describeFile(request.reference)["sha256"] if request.reference else None,
    }
    text = json.dumps(recipes.plain(content), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def finished(options: Any) -> dict[str, Any] | None:
    """Return the record of a case whose output is there and came from the same inputs and recipe; else None.

    Contents are compared, of the output too: a file that was cut short or replaced is made again.
    """
    output = Path(options.output)
    report = getattr(options, "report", None)
    if not output.exists() or (report and not Path(report, PAGE).is_file()):
        return None
    try:
        note = read_json(Path(f"{output}.recipe.json"), "recipe")[NOTE]
        request = request_from_options(options)
        inputs = {role: recipes.describeFile(path) for role, path in request.files.items()}
        same = note["fingerprint"] == fingerprint(request, inputs)
        return note if same and note["output_sha256"] == recipes.sha256(output) else None
    except (OSError, ValueError, KeyError, TypeError):  # no recipe, or not of a batch: not finished
        return None


def run_case(task: Mapping[str, Any], report: Progress) -> dict[str, Any]:
    """Run a task and return the reply.

    Parameters
    ----------
    task : mapping
        "arguments": the command line of the run, with the places where output and report will lie; "staging":
        a folder that is made, in which they are written into the folders "output" and "report"; "attempt": its
        number, for the record.
    report : callable (fraction, text)

    Returns
    -------
    dict
        {"record": {...}, "staging": the folder}; or, when the case failed, {"error": one line, "memory":
        whether it would not fit}, and the folder is gone.
    """
    staging = Path(task["staging"])
    started = time.perf_counter()
    try:
        options = operation_parser().parse_args(task["arguments"])
        request = request_from_options(options)
        output = staging / "output" / Path(options.output).name
        output.parent.mkdir(parents=True)
        run = run_on_files(
            request, str(output), report,
            report=staging / "report" if options.report else None, command=[PROGRAM, *task["arguments"]],
            destination=options.output,
        )  # fmt: skip
        record = _noted(request, run, time.perf_counter() - started, task.get("attempt", 1))
        return {"record": record, "staging": str(staging)}
    except NotEnoughMemory as error:
        reply = {"error": message_of(error), "memory": True}
    except Exception as error:
        reply = {"error": message_of(error), "memory": False}
    shutil.rmtree(staging, ignore_errors=True)
    shown = reply["error"].replace(str(staging / "output"), str(Path(task["arguments"][2]).parent))
    return {**reply, "error": " ".join(shown.split())}


def _noted(request: RunRequest, run: Any, seconds: float, attempt: int) -> dict[str, Any]:
    """Add what the batch wants to know to the recipe, and return it."""
    result = run.result
    peak = peak_memory()
    record = {
        "fingerprint": fingerprint(request, run.recipe["inputs"]),
        "output_sha256": recipes.sha256(run.output),
        "method": result.method.name if result.method else None,
        "seconds": round(seconds, 2),
        "peak_memory_gib": None if peak is None else round(peak / 2**30, 3),
        "noise": result.noise,
        "residual": result.residual,
        "iterations": result.iterations,
        "attempts": attempt,
        "metrics": run.recipe.get("metrics"),
        "warnings": run.warnings,
        "finished": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "host": platform.node(),
    }
    record = recipes.plain(record)
    recipes.writeBeside(run.output, {**run.recipe, NOTE: record})
    return record


# -- the process


def main() -> int:
    """Run the task that comes on standard input."""
    # Libraries print to standard output; the answers keep a way of their own.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    task = json.loads(sys.stdin.readline())
    threading.Thread(target=_end_with_the_other_side, daemon=True).start()
    sent = [0.0]

    def report(fraction: float, text: str) -> None:
        if time.monotonic() - sent[0] > _REPORT_EVERY:
            sent[0] = time.monotonic()
            _send(answers, {"progress": [fraction, text]})

    run = tile_task if task.get("kind") == "tile" else run_case
    _send(answers, {"reply": run(task, report)})
    return 0


def _send(answers: Any, message: Mapping[str, Any]) -> None:
    answers.write(json.dumps(message) + "\n")
    answers.flush()


def _end_with_the_other_side() -> None:
    sys.stdin.read()
    os._exit(1)
