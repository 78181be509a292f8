"""The `batch` command: the cases of a manifest, several at a time, so that it can be stopped and started again."""

from __future__ import annotations

import argparse
import queue
import shutil
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

from ...arrays.memory import available_memory
from ...arrays.reading import given_path
from ...arrays.threads import usable_processors
from ...arrays.watch import IsCancelled
from ...arrays.writing import together
from ...errors import Cancelled, InputError
from ..arguments import count, path_name, printable
from ..overwriting import refuse_overwriting
from ..parser import new_command, operation_parser

_RETRIES = 2

_DESCRIPTION = """\
Runs every case of a manifest: a CSV (or JSON) table with one row a case. Columns: input and kernels; case (a name),
output (default: <case>.nrrd), operation (deconvolve or convolve), and any option of that operation by its name
(mask, labels, guide, method, iterations, mask-range ...). Paths are relative to the manifest, outputs to --output.
A sequence becomes <case>.seq.nrrd.

All rows are checked before the first case starts. A case that fails does not stop the others. Started again, the
batch leaves out the cases that are finished: those whose output is there and came from the same inputs, kernels
and options, compared by content. results.csv in the output folder tells time, memory, residual and metrics of
every case; a recipe lies beside every output.

exit status: 0 all cases are finished, 1 some failed or the manifest has errors, 2 wrong usage, 130 interrupted
"""


class CasesFailed(InputError):
    """Some cases failed; which, has been said."""


def add_command(commands: Any) -> None:
    """Add `batch` to the command line."""
    parser = new_command(commands, "batch", run, "run a table of cases, several at a time", _DESCRIPTION)
    parser.add_argument("manifest", type=path_name, metavar="MANIFEST", help="CSV or JSON table of the cases")
    parser.add_argument(
        "--output", type=path_name, required=True, metavar="DIR", help="folder for outputs and results.csv"
    )
    parser.add_argument(
        "--set",
        dest="defaults",
        action="append",
        default=[],
        metavar="COLUMN=VALUE",
        help="value for all rows that have none in this column, e.g. --set kernels=set.json --set method=tikhonov",
    )
    parser.add_argument("--report", action="store_true", help="a report of every case, in DIR/<output>-report")
    where = parser.add_argument_group("where it runs")
    where.add_argument(
        "--workers",
        type=count,
        metavar="N",
        help="cases at a time (default: one for every four processors)",
    )
    where.add_argument(
        "--threads",
        type=count,
        metavar="N",
        help="threads of each case (default: the processors, divided)",
    )
    where.add_argument(
        "--scheduler",
        type=path_name,
        metavar="ADDRESS",
        help="run the cases on this Dask cluster, whose workers see the same files: tcp://host:8786, or a "
        "scheduler file (.json). Threads of each case: 1 unless --threads is given",
    )
    again = parser.add_argument_group("what runs")
    again.add_argument(
        "--check", action="store_true", help="check the manifest and say what would run; run nothing"
    )
    again.add_argument("--rerun", action="store_true", help="run finished cases too")
    again.add_argument("--skip-invalid", action="store_true", help="run the other rows when some have errors")
    again.add_argument(
        "--retries",
        type=_not_negative,
        default=_RETRIES,
        metavar="N",
        help="times to start a case again whose process or machine was lost (default: %(default)s)",
    )


def _not_negative(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is no number of 0 or more")
    return int(text)


def run(options: argparse.Namespace, cancelled: IsCancelled) -> None:
    """Run the command.

    Raises
    ------
    InputError
        If the manifest has errors, the folder is in use, or the cluster cannot be used; nothing has run then.
    CasesFailed
        If cases failed; all others are finished.
    Cancelled
        If `cancelled` returned true; the finished cases are kept.
    """
    from . import folder as results
    from .manifest import read_manifest

    if options.scheduler and options.workers:
        raise InputError(f"--workers {options.workers} is for this machine; the cluster has its own, leave it out")
    folder = Path(options.output).absolute()
    refuse_overwriting([folder / results.TABLE], {"manifest": options.manifest})
    cases = read_manifest(options.manifest, folder, _defaults(options.defaults), operation_parser())
    if options.report:
        _add_reports(cases)
    _tell_problems(cases, options)
    if options.check:
        _tell_plan(cases, options)
        return
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"output folder {folder} cannot be made ({error.strerror}); choose another") from error
    with results.exclusive(folder) as earlier, results.workplace(folder) as root:
        if earlier:
            print(f"an earlier batch was ended from outside ({earlier}); going on after it", file=sys.stderr)
        Batch(cases, folder, root, options, cancelled).run()


def _defaults(settings: Sequence[str]) -> dict[str, str]:
    from .manifest import PATHS, column_name

    defaults = {}
    for setting in settings:
        name, equals, value = setting.partition("=")
        name = column_name(name)
        if not equals:
            raise InputError(f"--set {setting} needs a column and a value: COLUMN=VALUE")
        if value and name in ("input", *PATHS):  # typed here, so relative to here
            value = str(given_path(value).absolute())
        defaults[name] = value
    return defaults


def _add_reports(cases: Sequence[Any]) -> None:
    for case in cases:
        if case.options is not None and not case.options.report:
            case.options.report = f"{case.output}-report"
            case.arguments.append(f"--report={case.options.report}")


def _tell_problems(cases: Sequence[Any], options: argparse.Namespace) -> None:
    wrong = [case for case in cases if case.problems]
    for case in wrong:
        for problem in case.problems:
            print(printable(f"{case.label}: {problem}"), file=sys.stderr)
    if wrong and (not options.skip_invalid or len(wrong) == len(cases)):
        count = sum(len(case.problems) for case in wrong)
        raise InputError(
            f"{count} {'error' if count == 1 else 'errors'} in {len(wrong)} of {len(cases)} rows of "
            f"{options.manifest}; nothing was started. Correct them, or run the others with --skip-invalid"
        )


def _tell_plan(cases: Sequence[Any], options: argparse.Namespace) -> None:
    from .case import finished

    for case in cases:
        if case.problems:
            state = "has errors"
        else:
            state = "would run" if options.rerun or not finished(case.options) else "is finished"
        print(printable(f"{case.label} {state}"))


class Batch:
    """The run of a checked manifest."""

    def __init__(
        self, cases: Sequence[Any], folder: Path, root: Path, options: argparse.Namespace, cancelled: IsCancelled
    ):
        from .progress import BatchProgress

        self.cases = list(cases)
        self.folder, self.root, self.options, self.cancelled = folder, root, options, cancelled
        self.states: list[dict[str, Any]] = [{"status": "waiting", "attempts": 0} for _ in self.cases]
        self.events: queue.Queue = queue.Queue()
        self.progress = BatchProgress(len(self.cases), options.quiet)
        self.open: set[int] = set()
        self.lost = dict.fromkeys(range(len(self.cases)), 0)
        self.alone: list[int] = []
        self.table_problem = ""

    def run(self) -> None:
        """Run all cases that are not finished."""
        try:
            self._run_all([number for number in range(len(self.cases)) if self._prepared(number)])
            self._end()
        finally:
            self.progress.close()
            for state in self.states:
                if state["status"] == "running":
                    state["status"] = "interrupted"
            self._write_table()

    def _run_all(self, wanted: Sequence[int]) -> None:
        self._write_table()
        with ThreadPoolExecutor(usable_processors()) as checkers:
            checks = {} if self.options.rerun else {n: checkers.submit(self._finished, n) for n in wanted}
            workers = self._workers(len(wanted))
            try:
                self._check_and_submit(wanted, checks, workers)
                self._attend(workers)
            finally:
                for check in checks.values():
                    check.cancel()
                # What runs elsewhere ends when this is gone; and nobody waits for what nobody wants.
                self._remove_work()
                workers.close()
        while self.alone:
            self._run_alone(self.alone.pop(0))

    def _run_alone(self, number: int) -> None:
        """Once more, with the whole machine."""
        from .scheduling import LocalWorkers

        self.root.mkdir(exist_ok=True)
        self.share = (self.options.threads or usable_processors(), None)
        workers = LocalWorkers(1, self.events)
        try:
            self._submit(number, workers, *self.share)
            self._attend(workers)
        finally:
            self._remove_work()
            workers.close()

    def _remove_work(self) -> None:
        shutil.rmtree(self.root, ignore_errors=True)

    def _prepared(self, number: int) -> bool:
        """Make the folder of a case's output; a case that has problems, or gets one here, fails."""
        case = self.cases[number]
        if case.problems:
            self._fail(number, "; ".join(case.problems))
            return False
        try:
            case.output.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            self._fail(
                number, f"folder {case.output.parent} cannot be made ({error.strerror}); choose another output"
            )
            return False
        return True

    # -- workers

    def _workers(self, count: int) -> Any:
        from .scheduling import MEMORY_SHARE, DaskWorkers, LocalWorkers

        if self.options.scheduler:
            self.progress.note(f"asking the scheduler {self.options.scheduler}")
            workers = DaskWorkers(self.options.scheduler, self.events)
            self.share = (self.options.threads or 1, None)
            if not workers.count:
                self.progress.note(f"waiting for workers to join {self.options.scheduler}")
            return workers
        processors = usable_processors()
        at_a_time = max(1, min(self.options.workers or processors // 4, count))
        free = available_memory()
        memory = int(free * MEMORY_SHARE / at_a_time) if free is not None and at_a_time > 1 else None
        self.share = (self.options.threads or max(1, processors // at_a_time), memory)
        return LocalWorkers(at_a_time, self.events)

    def _submit(self, number: int, workers: Any, threads: int, memory: int | None) -> None:
        self.open.add(number)
        task = {"arguments": self.cases[number].arguments, "attempt": self.states[number]["attempts"] + 1}
        workers.submit(number, {**task, "root": str(self.root), "threads": threads, "memory": memory})

    # -- finished cases

    def _finished(self, number: int) -> dict[str, Any] | None:
        from .case import finished

        return finished(self.cases[number].options)

    def _check_and_submit(self, wanted: Sequence[int], checks: Mapping[int, Future], workers: Any) -> None:
        """Start what is not finished, in the order of the manifest."""
        for number in wanted:
            while number in checks and not checks[number].done():
                self._next_event(workers, 0.1)
            record = checks[number].result() if number in checks else None
            if record is None:
                self._submit(number, workers, *self.share)
            else:
                self.states[number].update(status="done", record=record)
                self.progress.ended(number, f"{self.cases[number].name}: finished before", ran=False)
        self._write_table()

    # -- what happens

    def _attend(self, workers: Any) -> None:
        while self.open:
            self._next_event(workers, 0.25)

    def _next_event(self, workers: Any, seconds: float) -> None:
        if self.cancelled():
            done = sum(state["status"] == "done" for state in self.states)
            raise Cancelled(f"interrupted, {done} of {len(self.cases)} cases are finished; start it again to go on")
        try:
            event = self.events.get(timeout=seconds)
        except queue.Empty:
            workers.check()
            return
        if event.number not in self.open:  # late news of an attempt that was given up
            return
        getattr(self, f"_on_{event.kind}")(event.number, event.content, workers)

    def _on_started(self, number: int, content: Any, workers: Any) -> None:
        self.states[number]["status"] = "running"
        self.states[number]["attempts"] += 1
        if content and self.states[number]["attempts"] > 1:
            self.progress.note(f"{self.cases[number].name}: started again, on worker {content}")
        self.progress.progress(number, self.cases[number].name, 0.0, "starting")

    def _on_progress(self, number: int, content: Any, workers: Any) -> None:
        fraction, text = content
        self.progress.progress(number, self.cases[number].name, fraction, text)

    def _on_replied(self, number: int, reply: Mapping[str, Any], workers: Any) -> None:
        self.open.discard(number)
        if "error" in reply:
            if reply["memory"] and not self.options.scheduler and self.share[1] is not None:
                self._later_alone(number, reply["error"])
                return
            self._fail(number, reply["error"])
        else:
            self._keep(number, reply)
        self._write_table()

    def _on_lost(self, number: int, why: str, workers: Any) -> None:
        self.open.discard(number)
        self.lost[number] += 1
        name = self.cases[number].name
        if self.lost[number] > self.options.retries:
            self._fail(number, f"{why}; it was started {self.lost[number]} times")
            self._write_table()
        elif self.lost[number] > 1 and not self.options.scheduler and self.share[1] is not None:
            self._later_alone(number, why)  # perhaps there is too little room beside others
        else:
            self.progress.note(f"{name}: {why}; starting it again")
            self.progress.paused(number)
            self._submit(number, workers, *self.share)

    def _later_alone(self, number: int, why: str) -> None:
        self.progress.note(f"{self.cases[number].name}: {why}; it will run again alone, after the others")
        self.progress.paused(number)
        self.alone.append(number)

    def _keep(self, number: int, reply: Mapping[str, Any]) -> None:
        """Move what a case has made to where it belongs."""
        from ...report import PAGE

        case, record = self.cases[number], reply["record"]
        staging = Path(reply["staging"])
        try:
            with together() as new:
                new.adopt(staging / "output", case.output)
                if case.options.report:
                    new.adopt(staging / "report", Path(case.options.report) / PAGE)
        except OSError as error:
            self._fail(number, str(error))
            return
        self.states[number].update(status="done", record=record, attempts=max(self.states[number]["attempts"], 1))
        facts = [f"{record['seconds']:.1f} s"]
        if record["peak_memory_gib"] is not None:
            facts.append(f"{record['peak_memory_gib']:.2f} GiB")
        if record["residual"] is not None:
            facts.append(f"residual {record['residual']:.3g}")
        if record["warnings"]:
            count = len(record["warnings"])
            facts.append(f"{count} warning{'s' if count > 1 else ''}")
        self.progress.ended(number, f"{case.name}: {', '.join(facts)}")

    def _fail(self, number: int, error: str) -> None:
        self.states[number].update(status="failed", error=error)
        shown = error if len(error) < 100 else f"{error[:96]} ..."
        self.progress.ended(number, f"{self.cases[number].name}: FAILED, {shown}")

    # -- results

    def _write_table(self) -> None:
        from . import folder as results

        states = zip(self.cases, self.states, strict=True)
        try:
            rows = [results.table_row(case, state, self.folder) for case, state in states]
            results.write_table(self.folder, rows)
            self.table_problem = ""
        except OSError as error:  # it is written again after the next case
            if not self.table_problem:
                self.progress.note(f"{error}; trying again after the next case")
            self.table_problem = str(error)

    def _end(self) -> None:
        from . import folder as results

        failed = [n for n, state in enumerate(self.states) if state["status"] == "failed"]
        self.progress.close()
        for number in failed:
            print(printable(f"{self.cases[number].label} failed: {self.states[number]['error']}"), file=sys.stderr)
        self._write_table()
        done = len(self.cases) - len(failed)
        print(f"{self.folder / results.TABLE}: {done} of {len(self.cases)} cases are finished")
        if failed:
            names = ", ".join(self.cases[n].name for n in failed[:10]) + (" ..." if len(failed) > 10 else "")
            raise CasesFailed(f"{len(failed)} of {len(self.cases)} cases failed: {names}")
        if self.table_problem:
            raise OSError(self.table_problem)
