"""The command inside the Slicer application, which is stood in for by what it does with a script.

Slicer runs the file of ``--python-script`` with exec in the namespace of its console (``__main__``), with
``__file__`` set and the file's folder first on the path; it goes on running afterwards, and its exit status is what
slicer.util.exit was given last. sys.argv holds the script and what follows ``--``.
"""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

slicer = pytest.importorskip("slicer", reason="needs slicer-core or Slicer")

from SpatialDeconvLib.command import cli  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "SpatialDeconvLib" / "command" / "slicer_batch.py"

# Without slicer.util.exit this ends with 77; sys.exit() in the script, which Slicer only prints, ends it with 78.
APPLICATION = """
import os, sys
import slicer, slicer.util
class Options: runPythonAndExit = True
class Application:
    status = 77
    applicationVersion = "5.12.3"
    def commandOptions(self): return Options
    def exit(self, status): self.status = status
slicer.app = Application()
slicer.mrmlScene = slicer.vtkMRMLScene()
filename = sys.argv[0] = sys.argv.pop(1)
folder = os.path.dirname(filename)
sys.path.insert(0, folder)
try:
    globals()["__file__"] = filename
    exec(open(filename).read(), globals())
except SystemExit:
    os._exit(78)
finally:
    try:
        sys.path.remove(folder)
    except ValueError:
        pass
print("NODES", slicer.mrmlScene.GetNumberOfNodes())
print("SHADOW", folder in sys.path)
sys.stdout.flush()
os._exit(slicer.app.status)
"""


@pytest.fixture
def folder(tmp_path):
    values = np.random.default_rng(0).random((4, 12, 14)).astype(np.float32)
    sitk.WriteImage(sitk.GetImageFromArray(values), str(tmp_path / "a.nrrd"))
    kernels = [{"type": "gaussian", "sigma_mm": 1.0}]
    content = {"schema": "spatialdeconv-kernels/1", "key": "uniform", "kernels": kernels}
    (tmp_path / "set.json").write_text(json.dumps(content))
    return tmp_path


def in_slicer(folder, *arguments, script=SCRIPT):
    application = folder / "application.py"
    application.write_text(APPLICATION)
    command = [sys.executable, "-P" if sys.version_info >= (3, 11) else "-B", str(application), str(script)]
    variables = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return subprocess.run(
        [*command, *arguments], cwd=folder, env=variables, capture_output=True, text=True, check=False
    )


def test_the_script_is_ascii_and_no_command_line_module():
    text = SCRIPT.read_bytes()
    text.decode("ascii")
    assert not text.startswith(b"#!")


def test_a_run_in_slicer_has_the_commands_result_status_and_log(folder):
    arguments = ["deconvolve", "a.nrrd", "in.nrrd", "--kernels", "set.json", "--log-file", "log.txt"]
    done = in_slicer(folder, "--", *arguments)
    assert done.returncode == 0, done.stderr
    assert "in.nrrd: " in done.stdout
    log = (folder / "log.txt").read_text()
    assert "100% " in log
    assert "in.nrrd: " in log
    assert "NODES 0" in done.stdout
    assert "SHADOW False" in done.stdout
    single = [str(folder / "a.nrrd"), str(folder / "single.nrrd"), "--kernels", str(folder / "set.json"), "--quiet"]
    assert cli.main(["deconvolve", *single]) == 0
    assert (folder / "in.nrrd").read_bytes() == (folder / "single.nrrd").read_bytes()
    assert json.loads((folder / "in.nrrd.recipe.json").read_text())["inputs"]["image"]["path"].endswith("a.nrrd")


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (["--", "deconvolve", "none.nrrd", "x.nrrd", "--kernels", "set.json"], 1, "none.nrrd does not exist"),
        (["--", "deconvolve", "--nothing"], 2, "unrecognized arguments|the following arguments are required"),
        ([], 2, "the following arguments are required: COMMAND"),
        (
            ["--ignore-slicerrc", "--", "deconvolve", "none.nrrd", "x.nrrd", "--kernels", "k.npy"],
            1,
            "does not exist",
        ),
        (["convolve", "--kernels", "k.npy", "--", "none.nrrd", "x.nrrd"], 1, "does not exist"),
    ],
)
def test_every_way_out_gives_slicer_an_exit_status(folder, arguments, status, words):
    done = in_slicer(folder, *arguments)
    assert done.returncode == status
    assert re.search(words, done.stdout + done.stderr)


def test_even_a_program_that_cannot_be_loaded_ends_slicer(folder):
    broken = folder / "SpatialDeconvLib" / "command" / "slicer_batch.py"
    broken.parent.mkdir(parents=True)
    broken.write_bytes(SCRIPT.read_bytes())
    (folder / "SpatialDeconvLib" / "__init__.py").write_text("raise RuntimeError('incomplete installation')")
    done = in_slicer(folder, "--", "--version", script=broken)
    assert done.returncode == 1
    assert "incomplete installation" in done.stderr


def test_errors_and_wrong_usage_go_to_the_log_file(folder, capsys):
    log = folder / "log.txt"
    arguments = ["convolve", "none.nrrd", "x.nrrd", "--kernels", str(folder / "set.json"), "--log-file", str(log)]
    assert cli.main(arguments) == 1
    assert "none.nrrd does not exist" in log.read_text()
    assert cli.main(["convolve", f"--log-file={log}"]) == 2
    assert "the following arguments are required" in log.read_text()
    assert cli.main(["convolve", "--log-file"]) == 2
    assert "expected one argument" in capsys.readouterr().err


def test_a_log_file_that_cannot_be_written_is_said_to_be_so(folder, capsys):
    assert cli.main(["kernel", "identity", "--output", "k.npy", "--log-file", str(folder / "no" / "log")]) == 1
    assert "cannot be written (No such file or directory)" in capsys.readouterr().err


def test_the_folder_of_the_library_is_a_command_of_its_own(tmp_path):
    # PythonSlicer path/to/SpatialDeconvLib ..., for a checkout that is not on the path
    command = [sys.executable, str(ROOT / "SpatialDeconvLib"), "kernel", "identity", "--output", "k.npy"]
    variables = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    subprocess.run(command, cwd=tmp_path, env=variables, check=True, capture_output=True)
    assert np.load(tmp_path / "k.npy").size == 1
