"""Batches, run as a user runs them: processes that are killed, disks that are full, cases that fail."""

import contextlib
import csv
import io
import json
import os
import queue
import signal
import subprocess
import sys
import time
import uuid
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import SimpleITK as sitk
from scipy import ndimage

pytest.importorskip("slicer", reason="needs slicer-core or Slicer")

from SpatialDeconvLib.command import cli
from SpatialDeconvLib.command.batch import case as batch_case
from SpatialDeconvLib.command.batch import command as batch
from SpatialDeconvLib.command.batch import folder as batch_folder
from SpatialDeconvLib.command.batch import manifest as batch_manifest
from SpatialDeconvLib.command.batch import scheduling
from SpatialDeconvLib.command.batch.progress import BatchProgress
from SpatialDeconvLib.errors import Cancelled, InputError

ROOT = Path(__file__).resolve().parents[2]
KERNELS = [{"at": at, "type": "gaussian", "sigma_mm": s} for at, s in ((20, 1.0), (60, 1.6), (90, 2.2))]
# A run that does not end by itself within any test.
ENDLESS = {"strategy": "joint", "method": "landweber", "iterations": 10**8}

posix = pytest.mark.skipif(os.name != "posix", reason="POSIX signals")
needs_proc = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc to find processes")


def write_kernels(path, scale=1.0):
    kernels = [{**kernel, "sigma_mm": kernel["sigma_mm"] * scale} for kernel in KERNELS]
    path.write_text(json.dumps({"schema": "spatialdeconv-kernels/1", "key": "intensity", "kernels": kernels}))


def write_volumes(folder, count, shape=(6, 20, 24)):
    rng = np.random.default_rng(0)
    for number in range(count):
        values = ndimage.gaussian_filter(rng.random(shape), 1.5)
        values = 100 * (values - values.min()) / np.ptp(values)
        image = sitk.GetImageFromArray(values.astype(np.float32))
        image.SetSpacing((1.0, 1.5, 2.0))
        sitk.WriteImage(image, str(folder / f"v{number}.nrrd"))
        sitk.WriteImage(sitk.Cast(image > 50, sitk.sitkUInt8), str(folder / f"m{number}.nrrd"))


@pytest.fixture
def folder(tmp_path):
    write_kernels(tmp_path / "set.json")
    write_volumes(tmp_path, 2)
    return tmp_path


def write_manifest(folder, rows):
    defaults = {"kernels": "set.json"}
    (folder / "cohort.json").write_text(json.dumps({"defaults": defaults, "cases": rows}))


def start(folder, *arguments, **options):
    command = [sys.executable, "-m", "SpatialDeconvLib", "batch", "cohort.json", "--output", "out", *arguments]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen(command, **pipes, cwd=folder, env=environment, **options)


def run(folder, capsys, *arguments):
    """Run a batch from this process, which is cheaper; return its exit status and all that it printed."""
    capsys.readouterr()
    status = cli.main(["batch", str(folder / "cohort.json"), "--output", str(folder / "out"), *arguments])
    return status, "".join(capsys.readouterr())


def table(folder):
    with (folder / "out" / "results.csv").open(encoding="utf-8", newline="") as file:
        return {row["case"]: row for row in csv.DictReader(file)}


def statuses(folder):
    return {name: row["status"] for name, row in table(folder).items()}


def files(folder):
    return sorted(path.name for path in (folder / "out").iterdir())


def wait_for(condition, seconds=60.0):
    end = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.02)
    return found


def processes_of_cases(parent):
    """Process numbers of the cases that a batch runs."""
    found = []
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError, ValueError):
            stat = (entry / "stat").read_text().rsplit(")", 1)[1].split()
            if (
                int(stat[1]) == parent
                and stat[0] != "Z"
                and "command.batch.case" in (entry / "cmdline").read_text()
            ):
                found.append(int(entry.name))
    return found


def is_running(number):
    with contextlib.suppress(OSError):
        return Path(f"/proc/{number}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    return False


# -- a cohort, and starting it again


def limit_files():
    """Let no file become larger than 1 MB: to those that would, the disk is full."""
    import resource

    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    """A cohort that was run once: four good cases, and a broken one.

    Where this can be done, the process of a case was killed, and there is one more case that finds the disk full.
    """
    folder = tmp_path_factory.mktemp("cohort")
    write_kernels(folder / "set.json")
    write_kernels(folder / "other.json", 1.3)
    write_volumes(folder, 5)
    whole = (folder / "v4.nrrd").read_bytes()
    (folder / "v4.nrrd").write_bytes(whole[: len(whole) // 2])
    rows = [
        {
            "case": "wiener", "input": "v0.nrrd", "method": "wiener", "mask": "m0.nrrd", "mask_range": [-1, 95],
            "reference": "v0.nrrd",
        },
        {"case": "lucy", "input": "v1.nrrd", "guide": "v0.nrrd", "method": "richardson-lucy", "iterations": 3},
        {
            "case": "joint", "input": "v2.nrrd", "strategy": "joint", "method": "tv", "iterations": 3,
            "output": "deep/joint.mhd",
        },
        {"case": "blur", "input": "v3.nrrd", "operation": "convolve", "kernels": "other.json", "report": "r"},
        {"case": "broken", "input": "v4.nrrd"},
    ]  # fmt: skip
    harmed = os.name == "posix" and Path("/proc/self/stat").exists()
    if harmed:
        noise = np.random.default_rng(0).random((30, 100, 110), np.float32)
        sitk.WriteImage(sitk.GetImageFromArray(noise), str(folder / "large.nrrd"))
        rows.append({"case": "large", "input": "large.nrrd", "operation": "convolve"})
    write_manifest(folder, rows)
    process = start(folder, "--workers", "2", "--threads", "1", **({"preexec_fn": limit_files} if harmed else {}))
    if harmed:
        os.kill(wait_for(lambda: processes_of_cases(process.pid))[0], signal.SIGKILL)
    said = "".join(process.communicate())
    return SimpleNamespace(
        folder=folder, rows=rows, status=process.returncode, said=said, whole=whole, harmed=harmed
    )


def test_a_batch_goes_on_past_a_broken_case_and_lists_it(cohort):
    assert cohort.status == 1
    assert "row 5 (broken) failed: " in cohort.said
    assert "v4.nrrd cannot be read: fread got only" in cohort.said
    failed = ["broken", "large"] if cohort.harmed else ["broken"]
    count = len(cohort.rows)
    assert f"spatialdeconv: error: {len(failed)} of {count} cases failed: {', '.join(failed)}\n" in cohort.said
    assert f"[{count}/{count}]" in cohort.said
    expected = {"wiener": "done", "lucy": "done", "joint": "done", "blur": "done"}
    assert statuses(cohort.folder) == expected | dict.fromkeys(failed, "failed")


@posix
@needs_proc
def test_a_killed_worker_costs_its_case_a_second_try(cohort):
    (name,) = (name for name, row in table(cohort.folder).items() if row["attempts"] == "2")
    assert f"{name}: its process was ended by SIGKILL (out of memory?); starting it again" in cohort.said
    assert statuses(cohort.folder)[name] == "done"


@posix
@needs_proc
def test_a_full_disk_fails_the_cases_it_meets_and_leaves_nothing(cohort):
    assert cohort.said.count("row 6 (large) failed: ") == 1
    assert f"{cohort.folder / 'out' / 'large.nrrd'} was not written" in cohort.said
    assert not list((cohort.folder / "out").glob("large*"))


def test_results_are_those_of_single_runs_bit_by_bit(cohort):
    here = os.getcwd()
    os.chdir(cohort.folder)
    try:
        single = {
            "wiener": ["--method", "wiener", "--mask", "m0.nrrd", "--mask-range", "-1", "95"],
            "lucy": ["--guide", "v0.nrrd", "--method", "richardson-lucy", "--iterations", "3"],
            "joint": ["--strategy", "joint", "--method", "tv", "--iterations", "3"],
        }
        for number, (name, options) in enumerate(single.items()):
            command = [
                "deconvolve",
                f"v{number}.nrrd",
                f"{name}.nrrd",
                "--kernels",
                "set.json",
                "--quiet",
                *options,
            ]
            assert cli.main(command) == 0
        assert cli.main(["convolve", "v3.nrrd", "blur.nrrd", "--kernels", "other.json", "--quiet"]) == 0
    finally:
        os.chdir(here)
    outputs = {"wiener": "wiener.nrrd", "lucy": "lucy.nrrd", "joint": "deep/joint.mhd", "blur": "blur.nrrd"}
    for name, output in outputs.items():
        expected, found = (
            sitk.ReadImage(str(p)) for p in (cohort.folder / f"{name}.nrrd", cohort.folder / "out" / output)
        )
        np.testing.assert_array_equal(sitk.GetArrayFromImage(expected), sitk.GetArrayFromImage(found))
        assert expected.GetSpacing() == found.GetSpacing()
        own = json.loads((cohort.folder / f"{name}.nrrd.recipe.json").read_text())
        theirs = json.loads((cohort.folder / "out" / f"{output}.recipe.json").read_text())
        note = theirs.pop("batch")
        assert len(note["fingerprint"]) == len(note["output_sha256"]) == 64
        own.pop("metrics", None), theirs.pop("metrics", None)
        assert own == theirs


def test_the_table_tells_time_memory_residual_and_metrics(cohort):
    rows = table(cohort.folder)
    assert [row["row"] for row in rows.values()] == [str(n + 1) for n in range(len(cohort.rows))]
    assert float(rows["wiener"]["seconds"]) > 0
    assert float(rows["wiener"]["psnr_after"]) > 10
    assert rows["wiener"]["psnr_before"] == "inf"
    assert float(rows["lucy"]["residual"]) > 0
    assert rows["lucy"]["iterations"] == "3"
    assert rows["joint"]["output"] == "deep/joint.mhd"
    assert rows["blur"]["method"] == ""
    assert "fread got only" in rows["broken"]["error"]
    assert sum(int(row["attempts"]) for row in rows.values()) == len(rows) + cohort.harmed
    if sys.platform != "win32":
        assert 0.05 < float(rows["joint"]["peak_memory_gib"]) < 4


def test_nothing_unfinished_is_left(cohort):
    names = [path.name for path in (cohort.folder / "out").rglob("*")]
    assert not [name for name in names if name.startswith(".") or "broken" in name]
    assert {"joint.mhd", "joint.mhd.recipe.json"} < set(names)


def test_a_report_tells_the_places_where_things_lie_in_the_end(cohort):
    (page,) = (cohort.folder / "out" / "r").iterdir()
    text = page.read_text(encoding="utf-8")
    assert str(cohort.folder / "out" / "blur.nrrd") in text
    assert ".spatialdeconv-batch" not in text


def test_a_recipe_of_a_batch_can_be_repeated(cohort):
    recipe = cohort.folder / "out" / "lucy.nrrd.recipe.json"
    again = cohort.folder / "again.nrrd"
    assert cli.main(["repeat", str(recipe), str(again), "--quiet"]) == 0
    assert again.read_bytes() == (cohort.folder / "out" / "lucy.nrrd").read_bytes()


def test_started_again_it_runs_what_failed_or_changed_and_nothing_else(cohort, capsys):
    folder = cohort.folder
    before = {path: path.stat().st_mtime_ns for path in (folder / "out").rglob("*.nrrd")}
    (folder / "v4.nrrd").write_bytes(cohort.whole)
    write_kernels(folder / "other.json", 1.4)  # the kernels of "blur"
    (folder / "v1.nrrd").rename(folder / "renamed.nrrd")  # the same content under another name
    rows = [dict(row) for row in cohort.rows[:5]]
    rows[1]["input"] = "renamed.nrrd"
    write_manifest(folder, rows)
    status, said = run(folder, capsys)
    assert status == 0, said
    assert {name for name in statuses(folder) if f"{name}: finished before" in said} == {"wiener", "lucy", "joint"}
    assert set(statuses(folder).values()) == {"done"}
    after = {path: path.stat().st_mtime_ns for path in before}
    assert [path.name for path in before if before[path] != after[path]] == ["blur.nrrd"]
    assert float(table(folder)["wiener"]["psnr_after"]) > 10  # kept from the first run


# -- what the state of a case hangs on


def test_a_fingerprint_changes_with_every_content_and_no_name(folder):
    def known_by(**changes):
        values = {"input": "v0.nrrd", "kernels": "set.json", **changes}
        arguments = ["deconvolve", str(folder / values.pop("input")), "x.nrrd"]
        arguments += [f"--{name}={folder / value if '.' in value else value}" for name, value in values.items()]
        request = batch_case.request_from_options(cli.command_parser().parse_args(arguments))
        inputs = {role: batch_case.recipes.describeFile(path) for role, path in request.files.items()}
        return batch_case.fingerprint(request, inputs)

    kernel = np.ones((3, 3))
    np.save(folder / "k.npy", kernel)
    first = known_by(kernels="k.npy")
    np.save(folder / "k.npy", kernel + np.eye(3))
    assert known_by(kernels="k.npy") != first
    np.save(folder / "other.npy", kernel)
    assert known_by(kernels="other.npy") == first

    plain = known_by()
    (folder / "copy.nrrd").write_bytes((folder / "v0.nrrd").read_bytes())
    (folder / "copy.json").write_bytes((folder / "set.json").read_bytes())
    assert known_by(input="copy.nrrd", kernels="copy.json") == plain
    different = [
        {"input": "v1.nrrd"}, {"mask": "m0.nrrd"}, {"mask": "m1.nrrd"}, {"guide": "v1.nrrd"}, {"method": "inverse"},
        {"reference": "v0.nrrd"}, {"reference": "v1.nrrd"}, {"noise": "3"},
    ]  # fmt: skip
    assert len({plain, *(known_by(**changes) for changes in different)}) == len(different) + 1


@pytest.mark.parametrize("name", ["plain.mhd", "two words.nhdr", "\u00e9t\u00e9.mhd", "pair.hdr"])
def test_a_hash_is_also_that_of_the_data_file_of_a_header(tmp_path, name):
    image = sitk.GetImageFromArray(np.ones((3, 4, 5), np.float32))
    sitk.WriteImage(image, str(tmp_path / name))
    first = batch_case.recipes.sha256(tmp_path / name)
    (data,) = (path for path in tmp_path.iterdir() if path.name != name)
    data.write_bytes(bytes(data.stat().st_size))
    assert batch_case.recipes.sha256(tmp_path / name) != first


@pytest.mark.parametrize("harm", ["cut", "remove", "recipe", "report"])
def test_an_output_that_was_harmed_is_not_finished(folder, harm):
    output = folder / "x.nrrd"
    arguments = ["convolve", str(folder / "v0.nrrd"), str(output), f"--kernels={folder / 'set.json'}"]
    task = {"arguments": arguments, "staging": str(folder / "staging")}
    reply = batch_case.run_case(task, lambda fraction, text: None)
    Path(reply["staging"], "output", "x.nrrd").rename(output)
    recipe = Path(f"{output}.recipe.json")
    Path(reply["staging"], "output", recipe.name).rename(recipe)
    options = cli.command_parser().parse_args(arguments)
    assert batch_case.finished(options) == reply["record"]
    if harm == "cut":
        output.write_bytes(output.read_bytes()[:-1])
    elif harm == "remove":
        output.unlink()
    elif harm == "recipe":
        recipe.write_text("{}")
    else:
        options.report = str(folder)  # which is there, but no page in it
    assert batch_case.finished(options) is None


def test_a_bug_is_the_failure_of_its_case_and_says_where(folder, monkeypatch):
    monkeypatch.setattr(batch_case, "run_on_files", lambda *a, **k: {}["nothing"])
    arguments = ["convolve", str(folder / "v0.nrrd"), str(folder / "x.nrrd"), f"--kernels={folder / 'set.json'}"]
    task = {"arguments": arguments, "staging": str(folder / "staging")}
    reply = batch_case.run_case(task, lambda fraction, text: None)
    assert reply["error"].startswith("unexpected KeyError: 'nothing' (test_batch.py, line ")
    assert not (folder / "staging").exists()


# -- ended from outside


@posix
@needs_proc
def test_interrupted_refused_killed_and_started_again(folder, capsys):
    rows = [{"case": "quick", "input": "v0.nrrd"}, {"case": "long", "input": "v1.nrrd", **ENDLESS}]
    write_manifest(folder, rows)

    process = start(folder, "--workers", "1")
    assert "[1/2] quick" in process.stderr.readline()
    (case,) = wait_for(lambda: processes_of_cases(process.pid))

    # A second batch leaves the first one alone.
    status, said = run(folder, capsys)
    assert status == 1
    assert f"another batch is writing into {folder / 'out'} (process {process.pid} on " in said

    process.send_signal(signal.SIGINT)
    said = process.communicate()[1]
    assert process.returncode == 130
    assert "interrupted, 1 of 2 cases are finished; start it again to go on" in said
    assert not is_running(case)
    assert files(folder) == ["quick.nrrd", "quick.nrrd.recipe.json", "results.csv"]
    assert statuses(folder) == {"quick": "done", "long": "interrupted"}

    # Killed, it can tidy nothing up; its processes end by themselves.
    process = start(folder)
    assert "quick: finished before" in process.stderr.readline()
    (case,) = wait_for(lambda: processes_of_cases(process.pid))
    process.kill()
    process.communicate()
    wait_for(lambda: not is_running(case))
    assert statuses(folder) in ({"quick": "done", "long": state} for state in ("waiting", "running"))

    rows[1].update(iterations=2)
    write_manifest(folder, rows)
    status, said = run(folder, capsys)
    assert status == 0, said
    assert f"an earlier batch was ended from outside (process {process.pid} on " in said
    assert files(folder) == sorted(
        [f"{name}.nrrd{end}" for name in ("quick", "long") for end in ("", ".recipe.json")] + ["results.csv"]
    )
    assert set(statuses(folder).values()) == {"done"}


# -- one batch a folder


def test_a_folder_belongs_to_one_batch_at_a_time(tmp_path):
    with batch_folder.exclusive(tmp_path) as earlier:
        assert earlier is None
        with pytest.raises(InputError, match="another batch is writing"), batch_folder.exclusive(tmp_path):
            pass
        with batch_folder.workplace(tmp_path) as root:
            (root / "half").write_text("done")
    assert list(tmp_path.iterdir()) == []


@posix
def test_a_full_disk_does_not_hide_what_the_batch_says(tmp_path):
    resource = pytest.importorskip("resource")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, limits[1]))
        with pytest.raises(batch.CasesFailed), batch_folder.exclusive(tmp_path):
            raise batch.CasesFailed
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, before)
    assert list(tmp_path.iterdir()) == []


def test_a_lock_that_nobody_holds_is_no_lock(tmp_path):
    owner = {"process": 1, "computer": "elsewhere", "started": "yesterday"}
    (tmp_path / batch_folder._LOCK).write_text(json.dumps(owner))
    (tmp_path / batch_folder.WORK).mkdir()
    (tmp_path / batch_folder.WORK / "half").write_text("half")
    with batch_folder.exclusive(tmp_path) as earlier, batch_folder.workplace(tmp_path) as root:
        assert earlier == "process 1 on elsewhere, started yesterday"
        assert list(root.iterdir()) == []


# -- what the batch makes of what happens to its cases, with workers that do as they are told


class Workers:
    """Workers that answer each submission with the next of the events that they were given for the case."""

    def __init__(self, script, root):
        self.script, self.root, self.submitted = script, root, []

    def __call__(self, count, events):
        self.events = events
        return self

    def submit(self, number, task):
        self.submitted.append((number, task["threads"], task["memory"]))
        self.events.put(scheduling.Event("started", number))
        kind, content = self.script[number].pop(0)
        if kind == "done":
            output = Path(task["arguments"][2])
            staging = self.root / "staging" / uuid.uuid4().hex
            (staging / "output").mkdir(parents=True)
            (staging / "output" / output.name).write_text("result")
            record = dict.fromkeys(("peak_memory_gib", "residual", "warnings"))
            content = {"staging": str(staging), "record": {**record, "seconds": 1.0, "warnings": []}}
            kind = "replied"
        self.events.put(scheduling.Event(kind, number, content))

    def check(self):
        pass

    def close(self):
        pass


def attend(folder, monkeypatch, script, *arguments, cancelled=lambda running: False):
    """Run a batch with such workers; return them and the batch's states."""
    write_manifest(folder, [{"case": f"c{n}", "input": "v0.nrrd"} for n in range(len(script))])
    workers = Workers(script, folder)
    monkeypatch.setattr(scheduling, "LocalWorkers", workers)
    monkeypatch.setattr(batch, "usable_processors", lambda: 8)
    made = []
    init = batch.Batch.__init__
    monkeypatch.setattr(batch.Batch, "__init__", lambda self, *a: (init(self, *a), made.append(self))[0])
    command = ["batch", str(folder / "cohort.json"), "--output", str(folder / "out"), "--workers", "4", *arguments]
    options = cli.command_parser().parse_args(command)
    try:
        batch.run(options, lambda: bool(made) and cancelled(made[0]))
    finally:
        workers.states = made[0].states if made else None
    return workers


LOST = ("lost", "its process was ended")
FULL = ("replied", {"error": "about 9 GiB are needed", "memory": True})
BAD = ("replied", {"error": "no good", "memory": False})
DONE = ("done", None)


def test_a_case_that_is_lost_again_runs_alone_at_last(folder, monkeypatch):
    workers = attend(folder, monkeypatch, [[LOST, LOST, DONE], [DONE]])
    shares = [(threads, memory is None) for number, threads, memory in workers.submitted if number == 0]
    assert shares == [(4, False), (4, False), (8, True)]
    assert workers.submitted[-1][0] == 0  # after all others
    assert [state["attempts"] for state in workers.states] == [3, 1]
    assert {state["status"] for state in workers.states} == {"done"}


def test_a_case_that_is_always_lost_fails(folder, monkeypatch, capsys):
    with pytest.raises(batch.CasesFailed, match="1 of 2 cases failed: c0"):
        attend(folder, monkeypatch, [[LOST, LOST, LOST], [DONE]])
    assert "row 1 (c0) failed: its process was ended; it was started 3 times" in capsys.readouterr().err
    assert statuses(folder) == {"c0": "failed", "c1": "done"}


def test_retries_can_be_switched_off(folder, monkeypatch):
    with pytest.raises(batch.CasesFailed):
        attend(folder, monkeypatch, [[LOST]], "--retries", "0")


def test_a_case_without_room_beside_others_runs_alone_and_fails_only_then(folder, monkeypatch):
    workers = attend(folder, monkeypatch, [[FULL, DONE], [DONE]])
    assert [(number, memory is None) for number, _, memory in workers.submitted] == [
        (0, False),
        (1, False),
        (0, True),
    ]
    with pytest.raises(batch.CasesFailed):
        attend(folder, monkeypatch, [[FULL, FULL], [DONE]], "--rerun")


def test_a_case_that_fails_is_not_tried_again(folder, monkeypatch):
    with pytest.raises(batch.CasesFailed):
        attend(folder, monkeypatch, [[BAD], [DONE]])
    assert table(folder)["c0"]["error"] == "no good"


def test_invalid_rows_can_be_skipped_and_count_as_failed(folder, monkeypatch, capsys):
    rows = [{"case": "good", "input": "v0.nrrd"}, {"case": "bad", "input": "none.nrrd"}]
    monkeypatch.setattr(scheduling, "LocalWorkers", Workers([[DONE]], folder))
    write_manifest(folder, rows)
    command = ["batch", str(folder / "cohort.json"), "--output", str(folder / "out"), "--skip-invalid"]
    assert cli.main(command) == 1
    assert statuses(folder) == {"good": "done", "bad": "failed"}
    assert "none.nrrd does not exist" in table(folder)["bad"]["error"]


def test_a_folder_that_cannot_be_made_fails_its_case_only(folder, monkeypatch):
    (folder / "out").mkdir()
    (folder / "out" / "c0").write_text("a file")
    monkeypatch.setattr(scheduling, "LocalWorkers", Workers([[], [DONE]], folder))
    write_manifest(folder, [{"input": "v0.nrrd", "output": f"c{n}/x.nrrd", "case": f"c{n}"} for n in range(2)])
    command = ["batch", str(folder / "cohort.json"), "--output", str(folder / "out")]
    assert cli.main(command) == 1
    assert statuses(folder) == {"c0": "failed", "c1": "done"}
    assert "cannot be made (File exists)" in table(folder)["c0"]["error"]


def test_an_output_folder_that_is_a_file_is_said_to_be_one(folder, capsys):
    write_manifest(folder, [{"input": "v0.nrrd"}])
    assert cli.main(["batch", str(folder / "cohort.json"), "--output", str(folder / "v1.nrrd")]) == 1
    assert "v1.nrrd cannot be made (File exists); choose another" in capsys.readouterr().err


def test_a_table_that_cannot_be_written_is_written_later(folder, monkeypatch, capsys):
    real, calls = batch_folder.write_table, []

    def write(*arguments):
        calls.append(1)
        if len(calls) in (2, 3):
            raise OSError("results.csv was not written (No space left on device)")
        real(*arguments)

    monkeypatch.setattr(batch_folder, "write_table", write)
    attend(folder, monkeypatch, [[DONE], [DONE]])
    assert capsys.readouterr().err.count("No space left on device") == 1
    assert set(statuses(folder).values()) == {"done"}


def test_cancelling_keeps_what_is_finished(folder, monkeypatch):
    def cancelled(running):
        return running.states[1]["status"] == "running"

    with pytest.raises(Cancelled, match="interrupted, 1 of 2 cases are finished"):
        attend(folder, monkeypatch, [[DONE], [("progress", (0.5, "half"))]], cancelled=cancelled)
    assert list(statuses(folder).values()) == ["done", "interrupted"]


def test_a_reply_that_comes_too_late_changes_nothing(folder):
    case = SimpleNamespace(problems=[], name="c")
    options = SimpleNamespace(quiet=True)
    running = batch.Batch([case], folder, folder, options, lambda: False)
    running.events.put(scheduling.Event("replied", 0, {"error": "late", "memory": False}))
    running._next_event(None, 0.1)
    assert running.states[0]["status"] == "waiting"


# -- processes


def test_a_process_that_cannot_load_the_program_says_why(monkeypatch, tmp_path):
    (tmp_path / "scipy.py").write_text("raise ImportError('no scipy here')")
    monkeypatch.setattr(scheduling, "_environment", lambda task: {**os.environ, "PYTHONPATH": f"{tmp_path}:{ROOT}"})
    reply = scheduling.run_in_process({"arguments": []}, print, lambda: False)
    assert reply["lost"].startswith("its process ended with exit code 1: ImportError: no scipy here")


def test_processes_get_their_share(monkeypatch):
    environment = scheduling._environment({"threads": 3, "memory": 5.5e9})
    assert environment["OMP_NUM_THREADS"] == environment["ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS"] == "3"
    assert environment["SPATIALDECONV_MEMORY"] == "5500000000"


def test_a_process_runs_this_package_and_nothing_from_the_current_folder(folder, monkeypatch):
    for name in ("SpatialDeconvLib", "json", "numpy"):
        (folder / f"{name}.py").write_text("raise ImportError('a file of the user')")
    monkeypatch.chdir(folder)
    arguments = ["convolve", str(folder / "v0.nrrd"), str(folder / "x.nrrd"), f"--kernels={folder / 'set.json'}"]
    task = {"arguments": arguments, "staging": str(folder / "staging"), "threads": 1}
    reply = scheduling.run_in_process(task, lambda fraction, text: None, lambda: False)
    assert Path(reply["staging"], "output", "x.nrrd").is_file(), reply


def test_inside_slicer_cases_need_pythonslicer(monkeypatch):
    monkeypatch.setattr(sys, "executable", "")  # what Slicer makes of it when it does not find PythonSlicer
    with pytest.raises(InputError, match="PythonSlicer was not found"):
        scheduling.LocalWorkers(1, queue.Queue())
    monkeypatch.setattr(sys, "executable", "/opt/Slicer/bin/PythonSlicer")
    assert scheduling.interpreter() == "/opt/Slicer/bin/PythonSlicer"


# -- what it shows


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_elsewhere_than_on_a_terminal_there_is_a_line_for_each_case():
    stream = io.StringIO()
    progress = BatchProgress(2, stream=stream)
    progress.progress(0, "a", 0.5, "half")
    progress.ended(0, "a: 1.0 s")
    progress.ended(1, "b: FAILED, no good")
    progress.close()
    lines = stream.getvalue().splitlines()
    assert [line.split(",")[0] for line in lines] == ["[1/2] a: 1.0 s", "[2/2] b: FAILED"]
    assert "\x1b" not in stream.getvalue()


def test_on_a_terminal_there_is_a_bar_for_each_case_and_the_total():
    stream = Terminal()
    progress = BatchProgress(3, stream=stream)
    progress.ended(0, "a: 1.0 s")
    progress.progress(1, "b", 0.25, "kernel 1 of 4")
    progress._draw()
    shown = stream.getvalue().rsplit("\x1b[J", 1)[-1].splitlines()
    assert shown[0].startswith("b     [#####...............]  25% kernel 1 of 4")
    assert shown[1].startswith("total [########............]  42% 1 of 3, about ")
    progress.ended(1, "b: 2.0 s")
    progress.close()
    assert stream.getvalue().endswith("\x1b[J")


def test_quiet_is_quiet():
    stream = Terminal()
    progress = BatchProgress(1, quiet=True, stream=stream)
    progress.progress(0, "a", 0.5, "half")
    progress.ended(0, "a: 1.0 s")
    progress.close()
    assert stream.getvalue() == ""


def test_the_manifest_of_the_documentation_lists_columns_that_exist():
    subparser, columns = batch_manifest._commands(cli.command_parser())["deconvolve"]
    assert {"mask", "labels", "guide", "method", "iterations", "mask-range", "report", "reference"} <= set(columns)
    assert subparser.prog.endswith("deconvolve")
