"""Where the cases of a batch run: processes of this machine, or a Dask cluster.

Both kinds of workers have three methods. ``submit(number, task)`` starts a case as soon as there is room and
returns at once; what happens comes as an `Event` out of the queue that the workers were made with. ``check()``
raises OSError when no more will come, and ``close()`` ends whatever still runs. A case runs in a process of its own
on both, so that a crash, or the system's killing of what takes too much memory, costs this case only, and its peak
memory is its own.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ... import __version__
from ...arrays.memory import SHARE
from ...arrays.reading import read_json
from ...arrays.watch import IsCancelled, Progress
from ...errors import InputError

#: What the libraries below the engine read their number of threads from.
_THREADS = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS",
)
#: The share of the free memory that is given to the workers together: what they need besides the engine's volumes,
#: the interpreter and the libraries, is not in the engine's estimate.
MEMORY_SHARE = 0.9
# What the process of a case runs: this very package, wherever it lies, and nothing that lies in the current folder.
_PROGRAM = f"""\
import sys
root = {str(Path(__file__).resolve().parents[3])!r}
sys.path[:] = [root] + [path for path in sys.path if path]
import SpatialDeconvLib
sys.path.remove(root)
from SpatialDeconvLib.command.batch.case import main
sys.exit(main())
"""
_CONNECT_SECONDS = 5
# A scheduler that comes back within this time is still the same one to its client.
_LOST_SECONDS = 20


@dataclass(frozen=True)
class Event:
    """News of a case: "started", "progress" (fraction, text), "replied" (a reply) or "lost" (why, in words)."""

    kind: str
    number: int
    content: Any = None


# -- one case in a process


def run_in_process(task: Mapping[str, Any], report: Progress, stopped: IsCancelled) -> dict[str, Any]:
    """Run a task (see `case.run_case`) in a process of its own and return its reply.

    Parameters
    ----------
    task : mapping
        Also "threads" and "memory" (bytes or None), the process's share of the machine.
    report : callable (fraction, text)
    stopped : callable () -> bool
        Asked a few times a second; the process is killed when it returns true.

    Returns
    -------
    dict
        The reply; {"lost": why} when the process ended without one.
    """
    with tempfile.TemporaryFile() as errors:
        try:
            process = subprocess.Popen(
                [interpreter(), "-c", _PROGRAM],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                env=_environment(task),
                # Ctrl-C goes to whoever started this, who then ends it.
                **({"start_new_session": True} if os.name == "posix" else {"creationflags": 0x00000200}),
            )
        except OSError as error:
            return {"lost": f"its process could not be started ({error.strerror})"}
        ended = threading.Event()
        watcher = threading.Thread(target=_kill_when, args=(process, stopped, ended), daemon=True)
        watcher.start()
        try:
            reply = _conversation(process, task, report)
        finally:
            process.kill()  # it has replied, or is gone, or this side is being taken down
            process.wait()
            ended.set()
            watcher.join()
            process.stdout.close()
        return reply or {"lost": _how_it_ended(process.returncode, errors)}


def _conversation(process: Any, task: Mapping[str, Any], report: Progress) -> dict[str, Any] | None:
    try:
        process.stdin.write(json.dumps(dict(task)).encode() + b"\n")
        process.stdin.flush()
        for line in process.stdout:
            message = json.loads(line)
            if "reply" in message:
                return message["reply"]
            report(*message["progress"])
    except (OSError, ValueError):  # it died while we spoke, or in the middle of a line
        pass
    finally:
        if process.poll() is None and not process.stdout.closed:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(5)  # after the reply there is only the interpreter's end
        with contextlib.suppress(OSError):
            process.stdin.close()
    return None


def _kill_when(process: Any, stopped: IsCancelled, ended: threading.Event) -> None:
    while not ended.wait(0.25):
        if stopped():
            process.kill()
            return


def _how_it_ended(code: int, errors: Any) -> str:
    errors.seek(0)
    said = errors.read().decode(errors="replace").strip().splitlines()
    if code < 0:
        with contextlib.suppress(ValueError):
            name = signal.Signals(-code).name
            return f"its process was ended by {name}" + (" (out of memory?)" if name == "SIGKILL" else "")
    return f"its process ended with exit code {code}" + (f": {said[-1][:300]}" if said else "")


def _environment(task: Mapping[str, Any]) -> dict[str, str]:
    environment = {**os.environ, **dict.fromkeys(_THREADS, str(task["threads"]))}
    if task.get("memory"):
        environment[SHARE] = str(int(task["memory"]))
    return environment


def interpreter() -> str:
    """Return the Python to run cases with: this one; PythonSlicer inside Slicer.

    Raises
    ------
    InputError
        If Slicer's is not found.
    """
    if sys.executable and "python" in Path(sys.executable).name.lower():
        return sys.executable
    raise InputError(
        "PythonSlicer was not found, with which a batch inside Slicer runs its cases; start Slicer by its "
        "launcher, or run: PythonSlicer -m SpatialDeconvLib batch ..."
    )


# -- this machine


class LocalWorkers:
    """Up to `count` cases at a time in processes of this machine."""

    def __init__(self, count: int, events: queue.Queue):
        interpreter()
        self.events = events
        self._closing = threading.Event()
        self._pool = ThreadPoolExecutor(count, thread_name_prefix="case")

    def submit(self, number: int, task: Mapping[str, Any]) -> None:
        self._pool.submit(self._attend, number, task)

    def _attend(self, number: int, task: Mapping[str, Any]) -> None:
        self.events.put(Event("started", number))
        try:
            reply = run_in_process(
                _with_staging(task), lambda *news: self.events.put(Event("progress", number, news)), self._closed
            )
        except Exception as error:  # a case must not be lost without a word
            reply = {"lost": f"{type(error).__name__}: {error}"}
        kind = "lost" if "lost" in reply else "replied"
        self.events.put(Event(kind, number, reply.get("lost", reply)))

    def check(self) -> None:
        """Processes of this machine answer in any case."""

    def _closed(self) -> bool:
        return self._closing.is_set()

    def close(self) -> None:
        self._closing.set()
        self._pool.shutdown(wait=True, cancel_futures=True)


def _with_staging(task: Mapping[str, Any]) -> dict[str, Any]:
    """Give an attempt a folder of its own: an earlier one, believed dead, may still write."""
    staging = Path(task["root"]) / uuid.uuid4().hex
    return {**task, "staging": str(staging)}


# -- a cluster


class DaskWorkers:
    """Cases as tasks of an existing Dask cluster whose workers see the same files.

    The scheduler starts a task again when its worker is lost, up to its setting
    ``distributed.scheduler.allowed-failures``.

    Parameters
    ----------
    address : str
        "tcp://host:8786", or the path of a scheduler file (.json).
    events : queue.Queue

    Raises
    ------
    InputError
        If dask.distributed is missing here, the scheduler does not answer, or a worker lacks this program or has
        another version of it.
    """

    def __init__(self, address: str, events: queue.Queue):
        try:
            import distributed
        except ImportError as error:
            raise InputError(
                "--scheduler needs dask.distributed; install it with: pip install 'spatialdeconv[cluster]'"
            ) from error
        for name in [name for name in logging.root.manager.loggerDict if name.split(".")[0] == "distributed"]:
            logging.getLogger(name).setLevel(logging.CRITICAL)  # what goes wrong is said here, in one line
        self.events = events
        self._topic = f"spatialdeconv-{uuid.uuid4().hex}"
        self._futures: dict[int, Any] = {}
        self._dropped: list[int] = []  # cases whose tasks went with the connection to the scheduler
        self._closing = False
        self._address, self._seen = address, time.monotonic()
        _check_answers(_checked_address(address), address)
        where = {"scheduler_file": address} if address.endswith(".json") else {"address": address}
        try:
            self._client = distributed.Client(**where, timeout=_CONNECT_SECONDS, set_as_default=False)
        except (OSError, ValueError) as error:
            raise InputError(
                f"the scheduler {address} does not answer ({' '.join(str(error).split())[:200]}); start one with: "
                "dask scheduler"
            ) from error
        self._check_workers()
        self._client.subscribe_topic(self._topic, self._told)

    def _check_workers(self) -> None:
        """Ask the workers that are there; later ones are asked when they get a case."""
        answers = self._client.run(_version, on_error="return")
        for worker, version in answers.items():
            if version != __version__:
                self._client.close()
                found = f"version {version}" if isinstance(version, str) else f"no SpatialDeconv ({version})"
                raise InputError(f"worker {worker} has {found}, here is {__version__}; install the same there")

    @property
    def count(self) -> int:
        """Number of cases that run at a time: the workers' threads."""
        return sum(self._client.nthreads().values())

    def submit(self, number: int, task: Mapping[str, Any]) -> None:
        key = f"spatialdeconv-case-{number}-{uuid.uuid4().hex}"
        future = self._client.submit(_on_worker, dict(task), number, self._topic, key=key, pure=False)
        self._futures[number] = future
        future.add_done_callback(lambda done: self._done(number, done))

    def _told(self, event: tuple[float, Any]) -> None:
        kind, number, content = event[1]
        self.events.put(Event(kind, number, content))

    def _done(self, number: int, future: Any) -> None:
        if self._closing or self._futures.get(number) is not future:
            return
        if future.status == "cancelled":  # all are when the scheduler is lost; `check` sees whether it comes back
            self._dropped.append(number)
            return
        try:
            reply = future.result() if future.status == "finished" else {"lost": _why(future)}
        except Exception as error:
            reply = {"lost": f"{type(error).__name__}: {error}"}
        kind = "lost" if "lost" in reply else "replied"
        self.events.put(Event(kind, number, reply.get("lost", reply)))

    def check(self) -> None:
        """Raise OSError when the scheduler has been gone for a while: its client would wait for ever.

        When it is back, what went with it is lost, and may be started again.
        """
        if self._client.status == "running":
            self._seen = time.monotonic()
            while self._dropped:
                self.events.put(Event("lost", self._dropped.pop(0), "the scheduler was lost for a while"))
        elif time.monotonic() - self._seen > _LOST_SECONDS:
            raise OSError(f"the scheduler {self._address} was lost; start it, and then the batch again to go on")

    def close(self) -> None:
        self._closing = True
        with contextlib.suppress(Exception):  # the scheduler may be what is gone
            if self._client.status == "running":
                self._client.cancel(list(self._futures.values()), force=True)
        with contextlib.suppress(Exception):
            self._client.close(timeout=5)


def _checked_address(address: str) -> str:
    """The address that was given, or that a scheduler file names; a client of Dask would wait for one that is none.

    Raises
    ------
    InputError
    """
    from distributed.comm.addressing import parse_address, parse_host_port
    from distributed.comm.registry import get_backend

    told = f"--scheduler {address}"
    if address.endswith(".json"):
        content = read_json(Path(address), "scheduler file")
        address = content.get("address") if isinstance(content, dict) else None
        if not isinstance(address, str):
            raise InputError(f'{told} names no scheduler: it has no "address"; give what dask scheduler wrote')
    try:
        scheme, place = parse_address(address)
        get_backend(scheme)
        if scheme != "inproc":
            host, port = parse_host_port(place)
            if not host or not 0 < int(port) < 1 << 16:
                raise ValueError("host and port are needed")
    except ValueError as error:
        raise InputError(f"{told} is no address of a scheduler ({error}); give e.g. tcp://host:8786") from error
    return address


def _check_answers(address: str, given: str) -> None:
    """Refuse an address where nobody answers soon, or somebody else: a client of Dask would hang, or say it later.

    Raises
    ------
    InputError
    """
    failed: list[Exception] = []
    patience = _CONNECT_SECONDS + 1  # of whoever lets us in and says nothing

    def ask() -> None:
        try:
            asyncio.run(_greeted(address))
        except Exception as error:  # of what is no scheduler, whatever its bytes are taken for
            failed.append(error)

    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    asking.join(patience)
    if asking.is_alive():
        failed.append(OSError(f"nothing came within {patience} s"))
    if failed and isinstance(failed[0], OSError):
        raise InputError(
            f"the scheduler {given} does not answer ({' '.join(str(failed[0]).split())[:200]}); start one with: "
            "dask scheduler"
        )
    if failed:
        raise InputError(f"what answers at {given} is no Dask scheduler; check host and port") from failed[0]


async def _greeted(address: str) -> None:
    """Shake hands with the scheduler."""
    from distributed.comm import connect
    from distributed.security import Security

    comm = await connect(address, timeout=_CONNECT_SECONDS, **Security().get_connection_args("client"))
    comm.abort()


def _why(future: Any) -> str:
    if future.status == "error":
        error = future.exception()
        return f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"
    return f"its task is {future.status}"


def _version() -> str:
    return __version__


def _on_worker(task: Mapping[str, Any], number: int, topic: str) -> dict[str, Any]:
    """Run a case on a Dask worker; it stops when the batch's folder is gone, with which every batch ends."""
    from distributed import get_worker

    worker, root = get_worker(), Path(task["root"])
    worker.log_event(topic, ("started", number, worker.name))
    return run_in_process(
        _with_staging(task),
        lambda *news: worker.log_event(topic, ("progress", number, news)),
        lambda: not root.is_dir(),
    )
