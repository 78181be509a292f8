"""What is done otherwise on Windows, on stand-ins for what Windows has; the real one is nowhere near."""

import ctypes
import errno
import io
import json
import os
import sys
import types
from pathlib import Path

import pytest

from SpatialDeconvLib.arrays import locks, memory
from SpatialDeconvLib.command.batch import folder as folders
from SpatialDeconvLib.command.batch import progress, scheduling
from SpatialDeconvLib.errors import InputError


class Windows(types.ModuleType):
    """The module os, but for what tells the system."""

    name = "nt"

    def __getattr__(self, attribute):
        return getattr(os, attribute)


@pytest.fixture
def windows(monkeypatch):
    """Makes modules believe that they run on Windows."""

    def on(*modules):
        for module in modules:
            monkeypatch.setattr(module, "os", Windows("os"))

    return on


@pytest.fixture
def msvcrt(monkeypatch):
    """The system's locks: (descriptor, position) of those that are held."""
    held = set()

    def locking(descriptor, mode, count):
        assert (mode, count) == ("not waiting", 1)
        inode = os.fstat(descriptor).st_ino
        at = os.lseek(descriptor, 0, os.SEEK_CUR)
        if (inode, at) in held:
            raise OSError(errno.EACCES, "Permission denied")
        held.add((inode, at))

    module = types.SimpleNamespace(locking=locking, LK_NBLCK="not waiting")
    monkeypatch.setitem(sys.modules, "msvcrt", module)
    return held


def test_a_lock_lies_behind_the_text_which_others_may_read(tmp_path, windows, msvcrt):
    windows(locks)
    path = tmp_path / "lock"
    path.write_text("who holds it")
    with path.open("ab+", buffering=0) as file:
        locks.lock(file)
        assert [at for _inode, at in msvcrt] == [1 << 20]
        assert path.read_text() == "who holds it"


def inode_of(descriptor):
    try:
        return os.fstat(int(descriptor)).st_ino
    except OSError:  # that of the list itself
        return None


@pytest.fixture
def no_open_file_is_removed(monkeypatch):
    remove = Path.unlink

    def unlink(path, missing_ok=False):
        held = path.stat().st_ino
        if held in map(inode_of, os.listdir("/proc/self/fd")):
            raise PermissionError(errno.EACCES, "the file is in use")
        remove(path, missing_ok)

    monkeypatch.setattr(Path, "unlink", unlink)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells what is open")
def test_a_second_batch_in_a_folder_is_refused_with_who_is_there(
    tmp_path, windows, msvcrt, no_open_file_is_removed
):
    windows(locks, folders)
    refused = pytest.raises(InputError, match=rf"another batch .* \(process {os.getpid()} on")
    with folders.exclusive(tmp_path), refused, folders.exclusive(tmp_path):
        raise AssertionError
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("answer", "expected"), [(1, 3 << 30), (0, None)])
def test_free_memory_is_what_the_system_says(monkeypatch, answer, expected):
    def status(reference):
        found = reference._obj
        assert found.length == ctypes.sizeof(found)
        found.available, found.total = 3 << 30, 8 << 30
        return answer

    kernel = types.SimpleNamespace(GlobalMemoryStatusEx=status)
    monkeypatch.setattr(ctypes, "windll", types.SimpleNamespace(kernel32=kernel), raising=False)
    monkeypatch.setattr(memory, "sys", types.SimpleNamespace(platform="win32"))
    monkeypatch.delenv(memory.SHARE, raising=False)
    assert memory.available_memory() == expected


def test_peak_memory_is_not_known(monkeypatch):
    monkeypatch.setitem(sys.modules, "resource", None)
    assert memory.peak_memory() is None


def test_a_case_has_a_group_of_processes_of_its_own(monkeypatch, windows):
    windows(scheduling)
    asked = {}

    def refuse(command, **options):
        asked.update(options)
        raise OSError(errno.ENOMEM, "no memory")

    monkeypatch.setattr(scheduling.subprocess, "Popen", refuse)
    reply = scheduling.run_in_process({"threads": 1}, lambda *_: None, lambda: False)
    assert reply == {"lost": "its process could not be started (no memory)"}
    assert asked["creationflags"] == 0x200  # CREATE_NEW_PROCESS_GROUP
    assert "start_new_session" not in asked


@pytest.mark.parametrize("terminal", [True, False])
def test_a_console_is_told_to_understand_codes(monkeypatch, windows, terminal):
    windows(progress)
    called = []
    monkeypatch.setattr(os, "system", called.append)
    stream = io.StringIO()
    stream.isatty = lambda: terminal
    progress.BatchProgress(3, stream=stream)
    assert called == [""] * terminal


def test_a_lock_that_says_nothing_is_told_all_the_same(tmp_path, windows, msvcrt):
    windows(locks, folders)
    with folders.exclusive(tmp_path) as earlier:
        assert earlier is None
        (path,) = tmp_path.iterdir()
        assert json.loads(path.read_text())["process"] == os.getpid()
