"""Batches on a Dask cluster: a real scheduler and workers that are processes of their own."""

import contextlib
import csv
import json
import os
import queue
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

pytest.importorskip("slicer", reason="needs slicer-core or Slicer")
pytest.importorskip("distributed", reason="needs dask.distributed")

from SpatialDeconvLib.command import cli
from SpatialDeconvLib.command.batch import scheduling
from SpatialDeconvLib.errors import InputError

ROOT = Path(__file__).resolve().parents[2]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT), "DASK_DISTRIBUTED__SCHEDULER__WORKER_TTL": "60s"}


def dask(folder, *arguments):
    command = [sys.executable, "-m", "dask", *arguments]
    log = (folder / "dask.log").open("a")
    return subprocess.Popen(command, cwd=folder, env=ENVIRONMENT, stdout=log, stderr=log)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    """A scheduler file, and a function that starts a worker."""
    folder = tmp_path_factory.mktemp("cluster")
    path = folder / "scheduler.json"
    started = [dask(folder, "scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard",
                    "--scheduler-file", str(path))]  # fmt: skip

    def worker(name):
        options = ["--scheduler-file", str(path), "--nthreads", "1", "--no-nanny", "--no-dashboard", "--name", name]
        started.append(dask(folder, "worker", *options))
        return started[-1]

    end = time.monotonic() + 60
    while not path.exists():
        assert time.monotonic() < end, (folder / "dask.log").read_text()
        time.sleep(0.05)
    worker.scheduler = str(path)
    worker.running = lambda: any(process.poll() is None for process in started[1:])
    yield worker
    for process in started:
        process.kill()
        process.wait()


@pytest.fixture
def folder(tmp_path):
    kernels = [{"at": 0, "type": "gaussian", "sigma_mm": 1.0}, {"at": 100, "type": "gaussian", "sigma_mm": 2.0}]
    kernelSet = {"schema": "spatialdeconv-kernels/1", "key": "intensity", "kernels": kernels}
    (tmp_path / "set.json").write_text(json.dumps(kernelSet))
    values = np.random.default_rng(0).random((5, 16, 20)).astype(np.float32) * 100
    for number in range(2):
        sitk.WriteImage(sitk.GetImageFromArray(values + number), str(tmp_path / f"v{number}.nrrd"))
    (tmp_path / "cohort.csv").write_text("input,method\nv0.nrrd,wiener\nv1.nrrd,tikhonov\n")
    return tmp_path


def start(folder, scheduler):
    command = [sys.executable, "-m", "SpatialDeconvLib", "batch", "cohort.csv", "--output", "out"]
    command += ["--set", "kernels=set.json", "--scheduler", scheduler]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen(command, cwd=folder, env=ENVIRONMENT, **pipes)


def child_of(process):
    """The process that a Dask worker runs a case in, or None."""
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError, ValueError, IndexError):
            parent = int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1])
            if parent == process.pid and "command.batch.case" in (entry / "cmdline").read_text():
                return int(entry.name)
    return None


@pytest.mark.parametrize(
    "address",
    ["nonsense", "", "tcp://", "tcp://127.0.0.1", "tcp://127.0.0.1:x", "tcp://:1", "foo://a:1", "a:999999"],
)
def test_what_is_no_address_is_refused_at_once(address):
    with pytest.raises(InputError, match="is no address of a scheduler"):
        scheduling.DaskWorkers(address, queue.Queue())


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "cannot be read \\(No such file"),
        ("{", "is no valid JSON"),
        ("[]", "names no scheduler"),
        ('{"address": 3}', "names no scheduler"),
        ('{"address": "tcp://x"}', "is no address of a scheduler"),
    ],
)
def test_a_scheduler_file_that_is_not_there_or_is_none_is_refused_at_once(tmp_path, content, words):
    if content is not None:
        (tmp_path / "scheduler.json").write_text(content)
    with pytest.raises(InputError, match=words):
        scheduling.DaskWorkers(str(tmp_path / "scheduler.json"), queue.Queue())


def test_tiles_of_one_volume_are_worked_on_by_the_cluster(cluster, folder):
    worker = None if cluster.running() else cluster("of-tiles")
    values = np.random.default_rng(1).random((12, 60, 40)).astype(np.float32) * 100
    sitk.WriteImage(sitk.GetImageFromArray(values), str(folder / "large.nrrd"))
    options = ["--kernels", "set.json", "--strategy", "joint", "--method", "landweber", "--iterations", "1"]
    command = [sys.executable, "-m", "SpatialDeconvLib", "deconvolve", "large.nrrd"]
    tiles = ["--tiles", "40", "30", "40", "--quiet"]
    for output, where in (("alone.nrrd", []), ("many.nrrd", ["--scheduler", cluster.scheduler])):
        run = subprocess.run([*command, output, *options, *tiles, *where], cwd=folder, env=ENVIRONMENT, timeout=180,
                             capture_output=True, text=True, check=False)  # fmt: skip
        assert run.returncode == 0, run.stderr
    assert (folder / "many.nrrd").read_bytes() == (folder / "alone.nrrd").read_bytes()
    if worker is not None:
        worker.kill()
        worker.wait()


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc to see a worker at work")
def test_a_lost_worker_costs_its_case_a_second_try_and_results_are_the_same(cluster, folder):
    first = cluster("first")
    batch = start(folder, cluster.scheduler)
    end = time.monotonic() + 90
    while (case := child_of(first)) is None:
        assert time.monotonic() < end
        time.sleep(0.02)
    time.sleep(0.3)  # news of its start is on its way; loading the program takes longer
    first.kill()
    first.wait()
    cluster("second")
    out, err = batch.communicate(timeout=180)
    assert batch.returncode == 0, err
    assert "started again, on worker second" in err
    assert "2 of 2 cases are finished" in out
    assert not Path(f"/proc/{case}").exists()  # it ended with its worker
    with (folder / "out" / "results.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["status"] for row in rows] == ["done"] * 2
    assert sorted(row["attempts"] for row in rows) == ["1", "2"]
    for number, method in enumerate(("wiener", "tikhonov")):
        single = folder / f"single{number}.nrrd"
        arguments = ["--kernels", str(folder / "set.json"), "--method", method, "--quiet"]
        assert cli.main(["deconvolve", str(folder / f"v{number}.nrrd"), str(single), *arguments]) == 0
        assert single.read_bytes() == (folder / "out" / f"v{number}.nrrd").read_bytes()
    assert sorted(path.suffix for path in (folder / "out").iterdir()) == [".csv"] + [".json"] * 2 + [".nrrd"] * 2


def test_a_worker_with_another_version_is_refused(cluster, monkeypatch):
    if not cluster.running():
        cluster("other")
    monkeypatch.setattr(scheduling, "__version__", "99.0")
    import distributed

    with distributed.Client(scheduler_file=cluster.scheduler, set_as_default=False) as client:
        client.wait_for_workers(1, timeout=60)
    with pytest.raises(InputError, match=r"has version \d.*, here is 99\.0; install the same there"):
        scheduling.DaskWorkers(cluster.scheduler, queue.Queue())


def test_a_scheduler_that_is_not_there_is_said_to_be_so(monkeypatch):
    monkeypatch.setattr(scheduling, "_CONNECT_SECONDS", 1)
    with pytest.raises(InputError, match=r"the scheduler tcp://127\.0\.0\.1:1 does not answer"):
        scheduling.DaskWorkers("tcp://127.0.0.1:1", queue.Queue())


@pytest.mark.parametrize(
    ("answer", "words"),
    [(b"", "does not answer .nothing came"), (b"HTTP/1.0 400 Bad request\r\n" * 9, "no Dask scheduler")],
)
def test_who_says_nothing_or_something_else_is_no_scheduler(monkeypatch, answer, words):
    monkeypatch.setattr(scheduling, "_CONNECT_SECONDS", 1)
    with socket.create_server(("127.0.0.1", 0)) as server:
        callers = []

        def listen():
            with contextlib.suppress(OSError):
                callers.append(server.accept()[0])  # and held
                callers[0].sendall(answer)

        threading.Thread(target=listen, daemon=True).start()
        with pytest.raises(InputError, match=words):
            scheduling.DaskWorkers(f"tcp://127.0.0.1:{server.getsockname()[1]}", queue.Queue())
        for caller in callers:
            caller.close()


def test_without_dask_the_message_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(InputError, match=r"pip install 'spatialdeconv\[cluster\]'"):
        scheduling.DaskWorkers("tcp://127.0.0.1:1", queue.Queue())


def test_a_scheduler_that_is_gone_for_long_ends_the_batch(monkeypatch):
    workers = object.__new__(scheduling.DaskWorkers)
    workers._address, workers._seen = "tcp://there", time.monotonic()
    workers._client, workers._closing = type("Client", (), {"status": "connecting"}), False
    workers.events, workers._dropped = queue.Queue(), []
    task = type("Future", (), {"status": "cancelled"})
    workers._futures = {3: task}
    workers._done(3, task)
    workers.check()  # it may come back
    assert workers.events.empty()
    workers._client.status = "running"
    workers.check()
    assert workers.events.get_nowait() == scheduling.Event("lost", 3, "the scheduler was lost for a while")
    workers._client.status = "connecting"
    workers._seen -= scheduling._LOST_SECONDS + 1
    with pytest.raises(OSError, match="the scheduler tcp://there was lost"):
        workers.check()
