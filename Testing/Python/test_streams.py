"""What is printed never decides whether a run succeeds: full, closed and narrow streams."""

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

from SpatialDeconvLib.command import cli
from SpatialDeconvLib.command.streams import Shown

ROOT = Path(__file__).resolve().parents[2]
KERNEL = ("kernel", "identity", "--output")
posix = pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a shell and /dev/full")


class Full(io.StringIO):
    """A stream that takes what is written and fails when it is flushed, as files do."""

    def write(self, text):
        return len(text)

    def flush(self):
        raise OSError(28, "No space left on device")


class Closed(io.StringIO):
    def write(self, text):
        raise BrokenPipeError(32, "Broken pipe")


def streams():
    closed = io.StringIO()
    closed.close()
    return {"none": None, "full": Full(), "broken": Closed(), "closed": closed}


@pytest.mark.parametrize("kind", ["none", "full", "broken", "closed"])
@pytest.mark.parametrize("name", ["stdout", "stderr"])
def test_a_stream_that_cannot_be_written_fails_no_run(tmp_path, monkeypatch, name, kind):
    monkeypatch.setattr(sys, name, streams()[kind])
    given = getattr(sys, name)
    assert cli.main([*KERNEL, str(tmp_path / "k.npy")]) == 0
    assert (tmp_path / "k.npy").exists()
    assert getattr(sys, name) is given
    assert cli.main(["check", "none.nrrd", "--kernels", "none.json"]) == 1
    assert cli.main(["fly"]) == 2
    assert cli.main(["--help"]) == 0


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
def test_a_name_that_a_stream_cannot_hold_is_escaped(tmp_path, monkeypatch, encoding):
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding=encoding))
    assert cli.main([*KERNEL, str(tmp_path / "漢.npy")]) == 0
    assert rb"\u6f22.npy: Kernel(" in raw.getvalue()


def test_a_log_holds_any_name_and_may_fail(tmp_path, monkeypatch, capsys):
    strange, log = str(tmp_path / "o\udce9.npy"), tmp_path / "log"
    assert cli.main(["convolve", "none.nrrd", strange, "--kernels", strange, "--log-file", str(log)]) == 1
    assert r"o\udce9.npy" in log.read_text()
    if Path("/dev/full").exists():
        assert cli.main([*KERNEL, str(tmp_path / "k.npy"), "--log-file", "/dev/full"]) == 0
        assert "Kernel(" in capsys.readouterr().out


@posix
@pytest.mark.parametrize("where", [">/dev/full 2>/dev/full", "<&- >&- 2>&-", "| true"])
def test_a_run_whose_streams_are_full_or_closed_writes_its_output(tmp_path, where):
    script = f'"{sys.executable}" -m SpatialDeconvLib {" ".join(KERNEL)} k.nrrd {where}'
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", script], cwd=tmp_path, env=environment, capture_output=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, b"")
    assert (tmp_path / "k.nrrd").stat().st_size > 100


@posix
def test_no_file_takes_the_place_of_a_closed_stream(tmp_path):
    code = "from SpatialDeconvLib.command.streams import open_standard_descriptors as o; import os; o(); "
    code += "assert os.open('a', os.O_CREAT | os.O_WRONLY) > 2; os.write(1, b'lost'); os.write(2, b'lost')"
    script = f'"{sys.executable}" -c "{code}" <&- >&- 2>&-'
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    assert subprocess.run(["bash", "-c", script], cwd=tmp_path, env=environment, check=False).returncode == 0
    assert (tmp_path / "a").read_bytes() == b""


def test_a_stream_that_failed_is_not_tried_again_and_the_other_one_goes_on():
    broken, log = Closed(), io.StringIO()
    both = Shown(broken, log)
    assert [both.write("a"), both.write("b")] == [1, 1]
    assert log.getvalue() == "ab"
    assert not both.isatty()
