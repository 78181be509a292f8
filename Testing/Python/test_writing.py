"""Files that are written together: all new or all old, whatever fails and whenever the process is killed."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from SpatialDeconvLib.arrays.staging import settle
from SpatialDeconvLib.arrays.writing import atomically, together, write_text

ROOT = Path(__file__).resolve().parents[2]
posix = pytest.mark.skipif(os.name != "posix", reason="POSIX only")


def contents(folder):
    return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()}


def write_all(folder, text="new"):
    """An output with its data file, the recipe beside it, a report in a folder that is made, one file that goes."""
    with together() as files:
        temporary = files.place(folder / "o.mhd")
        temporary.write_text(text)
        temporary.with_name("o.raw").write_text(text)
        write_text(folder / "o.recipe.json", text)
        write_text(folder / "deep" / "er" / "report.html", text, make_folder=True)
        files.remove(folder / "superseded")


OLD = {"o.mhd": "old", "o.recipe.json": "old", "superseded": "old", "notes": "mine"}
NEW = {"o.mhd": "new", "o.raw": "new", "o.recipe.json": "new", "deep/er/report.html": "new", "notes": "mine"}


@pytest.fixture
def folder(tmp_path):
    for name, text in OLD.items():
        (tmp_path / name).write_text(text)
    return tmp_path


def test_files_that_are_written_together_come_together(folder):
    with together():
        write_all(folder)
        assert {name: text for name, text in contents(folder).items() if ".spatialdeconv-" not in name} == OLD
    assert contents(folder) == NEW


@pytest.mark.parametrize(
    ("links", "number"), [*((True, n) for n in range(4)), *((False, n) for n in range(7))]
)  # without links the three old files are moved aside, too
def test_a_move_that_fails_leaves_all_files_old(folder, monkeypatch, links, number):
    replace, done = os.replace, []

    def failing(source, target):
        done.append(source)
        if len(done) == number + 1:
            raise PermissionError(13, "Permission denied")
        replace(source, target)

    def no_links(source, target):
        raise PermissionError(1, "Operation not permitted") if os.path.exists(source) else FileNotFoundError

    monkeypatch.setattr(os, "replace", failing)
    if not links:
        monkeypatch.setattr(os, "link", no_links)
    with pytest.raises(OSError, match=r"was not written \(Permission denied\)"):
        write_all(folder)
    assert contents(folder) == OLD
    assert not (folder / "deep").exists()


def test_old_files_that_cannot_be_put_back_are_kept_for_the_next_run(folder, monkeypatch):
    replace = os.replace

    def failing(source, target):
        if Path(target).name == "o.mhd":
            raise PermissionError(13, "Permission denied")
        replace(source, target)

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", failing)
        patch.setattr(os, "link", replace)
        with pytest.raises(OSError, match="Permission denied"):
            write_all(folder)
    assert not (folder / "o.mhd").exists()
    settle(folder)
    assert contents(folder) == OLD


def test_a_writer_that_fails_leaves_all_files_old(folder):
    def write():
        with together():
            write_all(folder)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write()
    assert contents(folder) == OLD
    assert not (folder / "deep").exists()


def test_a_folder_in_the_place_of_a_file_is_told_and_stays(folder):
    (folder / "o.recipe.json").unlink()
    (folder / "o.recipe.json").mkdir()
    before = contents(folder)
    with pytest.raises(IsADirectoryError, match=r"o\.recipe\.json was not written: it is a folder"):
        write_all(folder)
    assert contents(folder) == before


# Runs `write_all` again and again, killed at its first, second, ... step: whatever the system is asked to do.
KILLER = """
import os, sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from test_writing import NEW, OLD, contents, write_all
from SpatialDeconvLib.arrays.staging import settle

root = Path(sys.argv[1])
seen = {"old": 0, "new": 0, "between": 0}
step, ended = 0, False
while not ended:
    step += 1
    folder = root / str(step)
    folder.mkdir()
    for name, text in OLD.items():
        (folder / name).write_text(text)
    child = os.fork()
    if not child:
        count = 0
        def hook(event, arguments):
            global count
            if event == "open" or event.startswith("os."):
                count += 1
                if count == step:
                    os._exit(9)
        if sys.argv[3] == "no-links":
            def link(source, target):
                raise FileNotFoundError if not os.path.exists(source) else PermissionError
            os.link = link
        sys.addaudithook(hook)
        write_all(folder)
        os._exit(0)
    ended = os.waitpid(child, 0)[1] == 0
    found = {n: t for n, t in contents(folder).items() if ".spatialdeconv-" not in n}
    seen["old" if found == OLD else "new" if found == NEW else "between"] += 1
    settle(folder)
    found = contents(folder)
    assert found in (OLD, NEW), (step, found)
    assert not list(folder.glob(".spatialdeconv-*")), step
assert found == NEW
print(step, seen)
"""


@posix
@pytest.mark.parametrize("links", ["links", "no-links"])
def test_killed_at_any_step_all_files_are_old_or_new_when_the_next_run_has_settled(tmp_path, links):
    command = [sys.executable, "-c", KILLER, str(tmp_path), str(Path(__file__).parent), links]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    steps, seen = done.stdout.split(" ", 1)
    seen = json.loads(seen.replace("'", '"'))
    assert int(steps) > 40
    assert min(seen["old"], seen["new"]) > 3
    assert seen["between"] > 0  # else this test sees nothing


def test_what_killed_runs_left_is_cleared_by_the_next_one_beside_it(tmp_path):
    left = tmp_path / ".spatialdeconv-abcdef_1"
    left.mkdir()
    (left / "lock").touch()
    (tmp_path / ".spatialdeconv-12345678.nrrd").write_text("an earlier version's")
    new = tmp_path / ".spatialdeconv-87654321"
    new.mkdir()
    for path in (new, tmp_path / ".spatialdeconv-12345678.nrrd"):
        os.utime(path, (time.time() - 7200,) * 2)
    (tmp_path / ".spatialdeconv-batch").mkdir()
    (tmp_path / ".spatialdeconv-fresh567").mkdir()
    (tmp_path / ".spatialdeconv-fresh567" / "file").touch()  # an earlier version may be at work
    (tmp_path / ".spatialdeconv-empty567").mkdir()
    for name, journal in (("nothing1", ""), ("half1234", '{"folders": ["')):
        (tmp_path / f".spatialdeconv-{name}").mkdir()
        (tmp_path / f".spatialdeconv-{name}" / "lock").touch()
        (tmp_path / f".spatialdeconv-{name}" / "moves.json").write_text(journal)
    atomically(tmp_path / "a", lambda path: path.write_text("a"))
    assert sorted(p.name for p in tmp_path.iterdir()) == [".spatialdeconv-batch", ".spatialdeconv-fresh567", "a"]


def test_runs_in_one_folder_do_not_take_each_others_files(tmp_path):
    code = "import sys; from pathlib import Path; from SpatialDeconvLib.arrays.writing import write_text\n"
    code += "for n in range(300): write_text(Path(sys.argv[1]), str(n))"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    runs = [
        subprocess.Popen([sys.executable, "-c", code, str(tmp_path / name)], env=environment) for name in ("a", "b")
    ]
    assert [run.wait() for run in runs] == [0, 0]
    assert contents(tmp_path) == {"a": "299", "b": "299"}
    assert len(list(tmp_path.iterdir())) == 2


def test_files_that_another_run_is_writing_are_left_alone(tmp_path):
    with together() as files:
        files.place(tmp_path / "a").write_text("a")
        settle(tmp_path)
        assert len(list(tmp_path.iterdir())) == 1
    assert contents(tmp_path) == {"a": "a"}


def test_the_moves_are_done_where_the_folder_is_now(tmp_path):
    staging = tmp_path / ".spatialdeconv-abcdefgh"
    (staging / "0").mkdir(parents=True)
    (staging / "0" / "x").write_text("new")
    for name in ("lock", "forward"):
        (staging / name).touch()
    moves = {"folders": [f"/elsewhere/{staging.name}"], "forward": [["0/x", "x"]], "back": []}
    (staging / "moves.json").write_text(json.dumps(moves))
    settle(tmp_path)
    assert contents(tmp_path) == {"x": "new"}


@pytest.mark.parametrize(
    "moves", [[["0/x", "../victim"]], [[None, "../victim"]], [["0/x", "/victim"]], "x", [[1, 2]], [["0/x"]], None]
)
def test_a_journal_that_says_more_than_it_may_is_not_followed(tmp_path, moves):
    (tmp_path / "victim").write_text("mine")
    folder = tmp_path / "data"
    staging = folder / ".spatialdeconv-abcdefgh"
    (staging / "0").mkdir(parents=True)
    (staging / "0" / "x").write_text("theirs")
    for name in ("lock", "forward"):
        (staging / name).touch()
    if moves and isinstance(moves[0], list) and moves[0][-1] == "/victim":
        moves[0][-1] = str(tmp_path / "victim")
    (staging / "moves.json").write_text(json.dumps({"folders": [str(staging)], "forward": moves}))
    settle(folder)
    assert (tmp_path / "victim").read_text() == "mine"


@posix
def test_a_link_is_followed_and_stays(tmp_path):
    real = tmp_path / "store" / "real.nrrd"
    real.parent.mkdir()
    real.write_text("old")
    (tmp_path / "o.nrrd").symlink_to(real)
    (tmp_path / "new.nrrd").symlink_to("store/none yet.nrrd")
    for name in ("o.nrrd", "new.nrrd"):
        write_text(tmp_path / name, "new")
        assert (tmp_path / name).is_symlink()
    assert sorted(contents(tmp_path / "store").items()) == [("none yet.nrrd", "new"), ("real.nrrd", "new")]
    (tmp_path / "device").symlink_to("pipe")
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="pipe is a device or a pipe"):
        write_text(tmp_path / "device", "new")
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(OSError, match="leads to itself"):
        write_text(tmp_path / "loop", "new")


@posix
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_a_signal_between_two_moves_waits_for_the_last(folder, monkeypatch, name):
    replace, heard = os.replace, []

    def press(source, target):
        signal.raise_signal(getattr(signal, name))
        assert not heard
        replace(source, target)

    monkeypatch.setattr(os, "replace", press)
    before = signal.signal(getattr(signal, name), lambda number, frame: heard.append(number))
    try:
        write_all(folder)
    finally:
        signal.signal(getattr(signal, name), before)
    assert heard == [getattr(signal, name)]
    assert contents(folder) == NEW
