"""The command line, run as a user runs it: exit codes, messages, files."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from scipy import ndimage

import SpatialDeconvLib as sd
from SpatialDeconvLib.command import cli
from SpatialDeconvLib.command.parser import operation_parser
from SpatialDeconvLib.command.request import kernels_from_options
from SpatialDeconvLib.methods import registry as methods
from SpatialDeconvLib.mrml import recipe

pytest.importorskip("slicer", reason="slicer-core is not installed")

ROOT = Path(__file__).resolve().parents[2]
DIRECTION = np.array([[0.8, -0.6, 0], [0.6, 0.8, 0], [0, 0, 1]])


def write_image(path, values, spacing=(1.0, 1.5, 2.0)):
    image = sitk.GetImageFromArray(values)
    image.SetSpacing(spacing)
    image.SetOrigin((10.0, -20.0, 5.5))
    image.SetDirection(DIRECTION.ravel())
    sitk.WriteImage(image, str(path))


def read_array(path):
    return sitk.GetArrayFromImage(sitk.ReadImage(str(path)))


@pytest.fixture
def folder(tmp_path):
    rng = np.random.default_rng(0)
    values = ndimage.gaussian_filter(rng.random((8, 20, 24)), 1.5)
    values = 100 * (values - values.min()) / np.ptp(values)
    write_image(tmp_path / "image.nrrd", values.astype(np.float32))
    write_image(tmp_path / "mask.nrrd", (values > 50).astype(np.uint8))
    kernels = [{"at": at, "type": "gaussian", "sigma_mm": s} for at, s in ((20, 1.0), (60, 1.6), (90, 2.2))]
    kernel_set = {"schema": "spatialdeconv-kernels/1", "key": "intensity", "kernels": kernels}
    (tmp_path / "set.json").write_text(json.dumps(kernel_set))
    return tmp_path


def run(folder, *arguments):
    """Run the command in this process, with paths relative to `folder`."""
    here = os.getcwd()
    os.chdir(folder)
    try:
        return cli.main([str(a) for a in arguments])
    finally:
        os.chdir(here)


def test_deconvolve_writes_the_engines_result_with_the_inputs_geometry(folder):
    assert run(folder, "deconvolve", "image.nrrd", "out.nrrd", "--kernels", "set.json", "--quiet") == 0
    expected = sd.deconvolve(
        read_array(folder / "image.nrrd"), sd.read_kernel_set(folder / "set.json"), spacing=(2.0, 1.5, 1.0)
    ).image
    before, after = (sitk.ReadImage(str(folder / name)) for name in ("image.nrrd", "out.nrrd"))
    np.testing.assert_array_equal(sitk.GetArrayFromImage(after), expected)
    for name in ("GetSpacing", "GetOrigin", "GetDirection"):
        np.testing.assert_allclose(getattr(after, name)(), getattr(before, name)(), rtol=0, atol=1e-9)


@pytest.mark.parametrize("of", ["measured", "true"])
def test_whose_intensity_it_is_decides_what_is_taken_and_the_command_says_so(folder, capsys, of):
    arguments = ("image.nrrd", "out.nrrd", "--kernels", "set.json", "--of", of, "--quiet")
    assert run(folder, "deconvolve", *arguments) == 0
    recipe = json.loads((folder / "out.nrrd.recipe.json").read_text())
    taken = recipe["automatic"]
    method = taken["method"]
    assert (recipe["kernel_set"]["of"], taken["of"], taken["self_keyed"]) == (of, of, of == "true")
    assert recipe["parameters"]["method"] == "auto"
    words = methods.method("joint", method).in_prose
    assert capsys.readouterr().out.splitlines()[1] == f"  took joint {words}: {taken['why']}"
    named = ("image.nrrd", "named.nrrd", "--kernels", "set.json", "--of", of, "--method", method, "--quiet")
    assert run(folder, "deconvolve", *named) == 0
    assert (folder / "named.nrrd").read_bytes() == (folder / "out.nrrd").read_bytes()
    assert "took" not in capsys.readouterr().out


def test_the_kernel_set_says_whose_intensity_it_means_unless_the_command_does(folder):
    kernel_set = {**json.loads((folder / "set.json").read_text()), "of": "true"}
    (folder / "true.json").write_text(json.dumps(kernel_set))

    def field(*arguments):
        options = operation_parser().parse_args(
            ["deconvolve", "image.nrrd", "out.nrrd", "--kernels", str(folder / "true.json"), *arguments]
        )
        return kernels_from_options(options)

    assert field().of == "true"
    assert field("--of", "measured").of == "measured"
    assert field("--guide", "image.nrrd").of == "true"


def test_python_m_is_the_same_command(folder):
    command = [
        sys.executable,
        "-m",
        "SpatialDeconvLib",
        "convolve",
        "image.nrrd",
        "a.nrrd",
        "--kernels",
        "set.json",
    ]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert run(folder, "convolve", "image.nrrd", "b.nrrd", "--kernels", "set.json", "--quiet") == 0
    np.testing.assert_array_equal(read_array(folder / "a.nrrd"), read_array(folder / "b.nrrd"))
    assert "100% " in done.stderr  # progress, a line for every tenth when it is no terminal
    assert "a.nrrd: " in done.stdout
    if sys.platform != "win32":
        assert re.search(r"peak memory \d+\.\d\d GiB", done.stdout)


def test_a_recipe_lies_beside_the_output_and_repeats_it_bit_by_bit(folder):
    arguments = ("--mask", "mask.nrrd", "--mask-range", 20, 95, "--method", "tikhonov", "--quiet")
    assert run(folder, "deconvolve", "image.nrrd", "out.nrrd", "--kernels", "set.json", *arguments) == 0
    recipe = json.loads((folder / "out.nrrd.recipe.json").read_text())
    assert recipe["operation"] == "deconvolve"
    assert recipe["parameters"]["method"] == "tikhonov"
    assert set(recipe["inputs"]) == {"image", "mask"}
    assert recipe["versions"]["spatialdeconv"] == sd.__version__
    assert len(recipe["automatic"]["constant_of_each_kernel"]) == 3
    (folder / "set.json").unlink()  # the recipe carries the kernels
    assert run(folder, "repeat", "out.nrrd.recipe.json", "again.nrrd", "--quiet") == 0
    assert (folder / "out.nrrd").read_bytes() == (folder / "again.nrrd").read_bytes()


def test_repeat_refuses_an_input_that_has_changed(folder, capsys):
    assert run(folder, "convolve", "image.nrrd", "out.nrrd", "--kernels", "set.json", "--quiet") == 0
    write_image(folder / "image.nrrd", np.ones((8, 20, 24), np.float32))
    assert run(folder, "repeat", "out.nrrd.recipe.json", "again.nrrd", "--quiet") == 1
    assert "image.nrrd, an input of the recipe, has changed since" in capsys.readouterr().err


@pytest.mark.parametrize(("header", "data"), [("d.mhd", "d.raw"), ("d.nhdr", "d.raw")])
def test_repeat_sees_a_change_in_a_headers_data_file(folder, capsys, header, data):
    sitk.WriteImage(sitk.ReadImage(str(folder / "image.nrrd")), str(folder / header))
    assert run(folder, "convolve", header, "out.nrrd", "--kernels", "set.json", "--quiet") == 0
    assert run(folder, "repeat", "out.nrrd.recipe.json", "again.nrrd", "--quiet") == 0
    content = bytearray((folder / data).read_bytes())
    content[100] ^= 1
    (folder / data).write_bytes(content)
    assert run(folder, "repeat", "out.nrrd.recipe.json", "third.nrrd", "--quiet") == 1
    assert f"{header}, an input of the recipe, has changed since" in capsys.readouterr().err


@pytest.mark.parametrize("low", ["-1e3", "-1E+3", "-1000.", "-inf", "-.5e-3"])
def test_negative_numbers_are_numbers_however_they_are_written(folder, low):
    output = folder / "out.nrrd"
    given = ["convolve", "image.nrrd", output, "--kernels", "set.json", "--mask-range", low, "50", "--quiet"]
    assert run(folder, *given) == 0
    options = ["--mask-range", low, "50", "--offset", low]
    parsed = operation_parser().parse_args(["deconvolve", "in", "out", "--kernels", "k", *options])
    assert (parsed.mask_range, parsed.offset) == ([float(low), 50.0], float(low))


def test_what_a_terminal_would_obey_is_printed_as_what_it_is(folder, capsys):
    name = "red\x1b[31m\x9b2J\u202e.nrrd"
    (folder / name).write_bytes((folder / "image.nrrd").read_bytes())
    assert run(folder, "convolve", name, f"o-{name}", "--kernels", "set.json", "--quiet") == 0
    assert run(folder, "convolve", f"no-{name}", "o.nrrd", "--kernels", "set.json", "--quiet") == 1
    assert run(folder, "convolve", name, "o.nrrd", "--kernels", "set.json", "--model", name, "--nothing\x1b") == 2
    said = "".join(capsys.readouterr())
    assert said.replace("\n", "").isprintable()
    assert "red\\x1b[31m\\x9b2J\\u202e.nrrd" in said


def test_no_message_is_longer_than_a_few_lines(folder, capsys):
    for option in ("--model", "--iterations", "--mask", "--centre"):
        assert run(folder, "convolve", "image.nrrd", "o.nrrd", "--kernels", "set.json", option, "x" * 5000) != 0
        error = capsys.readouterr().err.split("error: ")[-1]
        assert len(error) < 900


def test_a_fault_of_the_program_is_told_in_one_line_and_in_full_in_the_log(folder, capsys, monkeypatch):
    monkeypatch.setattr("SpatialDeconvLib.command.onfiles.run_on_files", lambda *a, **k: {}["nothing"])
    given = ["convolve", "image.nrrd", "o.nrrd", "--kernels", "set.json", "--quiet", "--log-file", "log.txt"]
    assert run(folder, *given) == 1
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert "unexpected KeyError: 'nothing' (test_cli.py, line " in told
    assert "Traceback" in (folder / "log.txt").read_text()


@pytest.mark.skipif(os.name != "posix", reason="pipes of POSIX")
@pytest.mark.parametrize("role", ["input", "--mask", "--guide", "--labels"])
def test_pipes_are_no_inputs(folder, capsys, role):
    os.mkfifo(folder / "pipe.nrrd")
    given = ["image.nrrd", "o.nrrd", "--kernels", "set.json", "--quiet"]
    given = ["pipe.nrrd", *given[1:]] if role == "input" else [*given, role, "pipe.nrrd"]
    assert run(folder, "convolve", *given) == 1
    assert "pipe.nrrd is a pipe or a device" in capsys.readouterr().err


def test_repeat_refuses_what_is_no_whole_recipe(folder, capsys):
    for content, word in (
        ({"schema": "spatialdeconv-recipe/1", "inputs": {}}, "has no 'operation'"),
        ([], "no recipe"),
    ):
        (folder / "r.json").write_text(json.dumps(content))
        assert run(folder, "repeat", "r.json", "again.nrrd") == 1
        assert word in capsys.readouterr().err


def test_reference_prints_how_much_closer_the_result_is(folder, capsys):
    assert run(folder, "convolve", "image.nrrd", "blurred.nrrd", "--kernels", "set.json", "--quiet") == 0
    arguments = ("--kernels", "set.json", "--reference", "image.nrrd", "--method", "richardson-lucy", "--quiet")
    assert run(folder, "deconvolve", "blurred.nrrd", "out.nrrd", *arguments) == 0
    output = capsys.readouterr().out
    metrics = json.loads((folder / "out.nrrd.recipe.json").read_text())["metrics"]
    truth = read_array(folder / "image.nrrd")
    assert metrics["after"]["rmse"] == pytest.approx(
        np.sqrt(np.mean((read_array(folder / "out.nrrd").astype(float) - truth) ** 2)), rel=1e-5
    )
    assert metrics["after"]["psnr"] > metrics["before"]["psnr"]
    assert f"PSNR {metrics['after']['psnr']:.2f} dB" in output


def test_a_reference_that_cannot_be_compared_is_refused_before_the_work(folder, capsys, monkeypatch):
    truth = read_array(folder / "image.nrrd")
    truth[1, 2, 3] = np.nan
    write_image(folder / "nan.nrrd", truth)
    monkeypatch.setattr("SpatialDeconvLib.run.pipeline.run", lambda *a, **k: pytest.fail("began to work"))
    arguments = ("--kernels", "set.json", "--reference", "nan.nrrd")
    assert run(folder, "deconvolve", "image.nrrd", "out.nrrd", *arguments) == 1
    assert "reference: 1 values are not finite" in capsys.readouterr().err


def test_selections_combine_and_leave_the_rest_alone(folder):
    assert run(folder, "convolve", "image.nrrd", "out.nrrd", "--kernels", "set.json", "--mask", "mask.nrrd",
               "--mask-box", 0, 0, 0, 8, 10, 24, "--quiet") == 0  # fmt: skip
    before, after = read_array(folder / "image.nrrd"), read_array(folder / "out.nrrd")
    mask = read_array(folder / "mask.nrrd") > 0
    mask[:, 10:] = False
    np.testing.assert_array_equal(after[~mask], before[~mask])
    assert np.all(after[mask] != before[mask])


def test_a_box_can_be_given_in_mm(folder):
    assert run(folder, "convolve", "image.nrrd", "out.nrrd", "--kernels", "set.json", "--mask-box-mm",
               0, 3.0, 2.5, 4.0, 9.0, 10.0, "--quiet") == 0  # fmt: skip
    before, after = read_array(folder / "image.nrrd"), read_array(folder / "out.nrrd")
    changed = np.zeros(before.shape, bool)
    changed[0:3, 2:7, 3:11] = True  # spacing 2, 1.5 and 1 mm on k, j, i
    np.testing.assert_array_equal(after != before, changed)


@pytest.mark.parametrize(
    ("arguments", "shape"),
    [
        (("gaussian", "--sigma", 1.5, "--spacing", 1, 1, 1), (13, 13, 13)),
        (("gaussian", "--sigma", 1.5, "--spacing", 0.5, 0.5), (25, 25)),
        (("gaussian", "--covariance", 4, 1, 1, 2.25, "--spacing", 1, 1), (17, 13)),
        (("motion", "--length", 5, "--angle", 0), (1, 5)),
        (("disk", "--radius", 2), (5, 5)),
        (("laplacian",), (3, 3, 3)),
        (("mean", "--shape", 4, "--spacing", 1, 1), (4, 4)),
    ],
)
def test_kernel_writes_what_was_asked_for(folder, arguments, shape):
    assert run(folder, "kernel", *arguments, "--output", "k.nrrd") == 0
    assert sd.read_kernel(folder / "k.nrrd", normalize=False).shape == shape


@pytest.mark.parametrize("kind", sd.KINDS.values(), ids=lambda kind: kind.name)
def test_every_kind_of_kernel_has_its_options(folder, kind):
    options = []
    for name, value in kind.start.items():
        parameter = kind.known[name]
        values = value if isinstance(value, list) else [int(value) if parameter.unit == "voxels" else value]
        options += [f"--{parameter.stem.replace('_', '-')}", *values]
    assert run(folder, "kernel", kind.name, *options, "--output", "k.nrrd") == 0
    expected = sd.ParametricKernel(kind.name, **kind.start).sampled((1.0, 1.0, 1.0)).values
    found = sd.read_kernel(folder / "k.nrrd", normalize=False).values
    np.testing.assert_array_equal(found.reshape(expected.shape), expected)


def test_a_table_in_a_file_becomes_a_kernel(folder):
    (folder / "t.csv").write_text("mm, density\n0, 4\n1.5, 2\n3, 0\n", encoding="utf-8")
    assert run(folder, "kernel", "radial", "--table", "t.csv", "--spacing", 1, 1, "--output", "k.nrrd") == 0
    expected = sd.radial_kernel([0, 1.5, 3], [4, 2, 0], (1.0, 1.0)).values
    np.testing.assert_array_equal(sd.read_kernel(folder / "k.nrrd").values, expected)
    assert run(folder, "kernel", "radial", "--table", "t.csv", "--r", 0, 1, "--output", "l.nrrd") == 1
    assert run(folder, "kernel", "radial", "--table", "t.csv", "--output", "t.csv") == 1
    assert not (folder / "l.nrrd").exists()


def test_a_kernel_narrower_than_a_voxel_is_told(folder, capsys):
    lens = ("--na", 1.2, "--wavelength", 520, "--output", "k.nrrd")
    assert run(folder, "kernel", "born-wolf", *lens) == 0
    assert "narrower than a voxel of 1 mm" in capsys.readouterr().err
    assert run(folder, "kernel", "born-wolf", *lens, "--spacing", 3e-4, 1e-4, 1e-4) == 0
    captured = capsys.readouterr()
    assert "narrower" not in captured.err
    assert "left out" in captured.err


def test_kernel_can_be_looked_at_as_a_picture(folder):
    pytest.importorskip("matplotlib", reason="matplotlib is not installed")
    assert run(folder, "kernel", "motion", "--length", 7, "--angle", 30, "--output", "k.png") == 0
    assert read_array(folder / "k.png").std() > 0


def test_a_logarithmic_kernel_file_is_read_with_log(folder):
    kernel = sd.gaussian_kernel(1.5)
    sitk.WriteImage(sitk.GetImageFromArray(np.log(kernel.values)), str(folder / "log.nrrd"))
    sitk.WriteImage(sitk.GetImageFromArray(kernel.values), str(folder / "plain.nrrd"))
    for name, log in (("log", ["--log"]), ("plain", [])):
        assert run(folder, "deconvolve", "image.nrrd", f"{name}-out.nrrd", "--kernels", f"{name}.nrrd",
                   "--noise", 0.1, "--strategy", "joint", "--method", "richardson-lucy", "--iterations", 5,
                   "--quiet", *log) == 0  # fmt: skip
    np.testing.assert_allclose(
        read_array(folder / "log-out.nrrd"), read_array(folder / "plain-out.nrrd"), rtol=0, atol=1e-3
    )


def test_the_noise_may_be_that_of_counts_or_an_image_and_recipes_repeat_it(folder, capsys):
    image = read_array(folder / "image.nrrd")
    sigmas = (0.5 + 0.01 * image).astype(np.float32)
    write_image(folder / "sigma.nrrd", sigmas)
    field = sd.read_kernel_set(folder / "set.json")
    for given, noise, said in (
        (("--noise", "poisson"), "poisson", "Poisson, variance 1 x signal"),
        (("--noise-image", "sigma.nrrd"), sigmas, None),
    ):
        named = ("--strategy", "joint", "--method", "tikhonov", *given)
        command = ("deconvolve", "image.nrrd", "out.nrrd", "--kernels", "set.json", "--quiet", *named)
        assert run(folder, *command) == 0
        printed = capsys.readouterr().out
        assert said is None or f"({said})" in printed
        joint = {"strategy": "joint", "method": "tikhonov", "noise": noise}
        expected = sd.deconvolve(image, field, spacing=(2.0, 1.5, 1.0), **joint)
        np.testing.assert_array_equal(read_array(folder / "out.nrrd"), expected.image)
        assert f"noise {expected.noise:.4g}" in printed
        assert run(folder, "repeat", "out.nrrd.recipe.json", "again.nrrd", "--quiet") == 0
        assert (folder / "out.nrrd").read_bytes() == (folder / "again.nrrd").read_bytes()
        capsys.readouterr()
    assert set(json.loads((folder / "out.nrrd.recipe.json").read_text())["inputs"]) == {"image", "noise"}
    assert run(folder, *command, "--noise", 2) == 1
    assert "--noise 2.0 and --noise-image exclude each other" in capsys.readouterr().err


def test_the_centre_of_a_kernel_file_is_told_can_be_said_and_is_repeated(folder, capsys):
    x = np.arange(8) - 3.5
    kernel = sitk.GetImageFromArray(np.exp(-0.5 * (x[:, None] ** 2 + x**2) / 1.2**2))
    kernel.SetSpacing((1.0, 1.5))  # the image's, within slices
    sitk.WriteImage(kernel, str(folder / "k.nrrd"))
    image = read_array(folder / "image.nrrd")
    for words, centre, text in (
        ([], "auto", "(n - 1) / 2, the middle"),
        (["itk"], "itk", "n // 2"),
        (["itk", "2.5"], ["itk", 2.5], "n // 2, 2.5"),
    ):
        options = ["--centre", *words] if words else []
        assert run(folder, "convolve", "image.nrrd", "out.nrrd", "--kernels", "k.nrrd", "--slicewise", "--quiet",
                   "--normalize", *options) == 0  # fmt: skip
        assert f"centre of the kernels: {text}\n" in capsys.readouterr().out
        kernel = sd.read_kernel(folder / "k.nrrd", centre=centre)
        expected = sd.convolve(image, kernel, spacing=(2.0, 1.5, 1.0), slicewise=True).image
        np.testing.assert_array_equal(read_array(folder / "out.nrrd"), expected)
        assert run(folder, "repeat", "out.nrrd.recipe.json", "again.nrrd", "--quiet") == 0
        np.testing.assert_array_equal(read_array(folder / "again.nrrd"), expected)
        capsys.readouterr()


def test_odd_kernels_are_no_matter_for_a_line_about_their_centre(folder, capsys):
    assert run(folder, "convolve", "image.nrrd", "out.nrrd", "--kernels", "set.json", "--quiet") == 0
    assert "centre" not in capsys.readouterr().out


def test_kernel_writes_a_kernel_around_the_centre_that_was_said(folder, capsys):
    values = np.zeros((6, 6))
    values[0:3, 1:4] = sd.gaussian_kernel(0.7, ndim=2, truncate=1.5).values
    np.save(folder / "psf.npy", values)
    assert run(folder, "kernel", "file", "--from", "psf.npy", "--centre", "peak", "--output", "k.npy") == 0
    assert capsys.readouterr().err == ""
    kernel = sd.read_kernel(folder / "k.npy", normalize=False)
    assert kernel.centre == tuple(int(i) for i in np.unravel_index(kernel.values.argmax(), kernel.shape))
    assert run(folder, "kernel", "file", "--from", "psf.npy", "--output", "k.npy") == 0
    assert "the peak is at (1, 2), the centre at (3, 3)" in capsys.readouterr().err


@pytest.mark.parametrize(("name", "pixel"), [("p.png", np.uint8), ("p.png", np.uint16), ("p.jpg", np.uint8)])
def test_a_picture_becomes_a_picture_of_its_own_type(folder, capsys, name, pixel):
    values = np.linspace(0, 255, 24 * 30).reshape(24, 30).astype(pixel)
    values[8:12, 8:12] = 255  # sharpened beyond what 8 bits hold
    sitk.WriteImage(sitk.GetImageFromArray(values), str(folder / name))
    values = read_array(folder / name)  # what JPEG kept
    np.save(folder / "k.npy", sd.sharpen_kernel(3.0, ndim=2).values)
    assert run(folder, "convolve", name, f"out-{name}", "--kernels", "k.npy", "--quiet") == 0
    assert f"out-{name} holds {np.dtype(pixel).name} only: values were rounded" in capsys.readouterr().err
    expected = sd.convolve(values, sd.read_kernel(folder / "k.npy", normalize=False)).image
    after = read_array(folder / f"out-{name}")
    assert after.dtype == pixel
    clipped = np.clip(np.rint(expected), 0, np.iinfo(pixel).max)
    tolerance = 0 if name.endswith("png") else 12  # JPEG is lossy
    np.testing.assert_allclose(after, clipped, rtol=0, atol=tolerance)


def test_a_colour_picture_becomes_a_colour_picture(folder):
    values = np.random.default_rng(0).integers(0, 256, (16, 20, 3)).astype(np.uint8)
    sitk.WriteImage(sitk.GetImageFromArray(values, isVector=True), str(folder / "c.png"))
    np.save(folder / "k.npy", np.ones((3, 3)))
    assert run(folder, "convolve", "c.png", "out.png", "--kernels", "k.npy", "--normalize", "--quiet") == 0
    expected = [ndimage.uniform_filter(values[..., n].astype(float), 3, mode="nearest") for n in range(3)]
    assert np.abs(read_array(folder / "out.png") - np.stack(expected, -1)).max() < 0.51


@pytest.mark.parametrize(
    ("name", "word"), [("out.png", "one slice, not 8"), ("out.jpg", "not float32"), ("out.tif", "not float64")]
)
def test_a_format_that_cannot_hold_the_result_is_refused_before_the_work(folder, capsys, monkeypatch, name, word):
    pixel = {"out.png": np.uint8, "out.jpg": np.float32, "out.tif": np.float64}[name]
    write_image(folder / "image.nrrd", read_array(folder / "image.nrrd").astype(pixel))
    monkeypatch.setattr("SpatialDeconvLib.run.pipeline.run", lambda *a, **k: pytest.fail("began to work"))
    assert run(folder, "convolve", "image.nrrd", name, "--kernels", "set.json") == 1
    assert word in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (("deconvolve", "image.nrrd", "out.nrrd", "--kernels", "set.json", "--log"), "--log is for kernel files"),
        (
            ("deconvolve", "image.nrrd", "out.nrrd", "--kernels", "set.json", "--centre", "itk"),
            '--centre is for kernel files; in the set set.json, write "centre" beside its path',
        ),
        (
            ("kernel", "mean", "--shape", 4, "--centre", "where", "--output", "out.nrrd"),
            "'where' is none; choose one of auto, middle, itk, peak, centroid",
        ),
    ],
)
def test_an_option_that_would_do_nothing_is_refused(folder, capsys, arguments, word):
    assert run(folder, *arguments) == 1
    assert word in capsys.readouterr().err
    assert not (folder / "out.nrrd").exists()


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (("gaussian", "--sigma", 1, "--log"), "--log"),
        (("gaussian", "--sigma", 1, "--from", "a.nrrd"), "--from"),
        (("disk", "--sigma", 1), "--sigma"),
        (("file", "--from", "mask.nrrd", "--sigma", 1), "--sigma"),
        (("file",), "--from"),
    ],
)
def test_each_kernel_takes_its_own_options(folder, capsys, arguments, word):
    assert run(folder, "kernel", *arguments, "--output", "out.nrrd") == 2
    assert word in capsys.readouterr().err.splitlines()[-1]
    assert not (folder / "out.nrrd").exists()


# -------------------------------------------------------------------------------------------- bad input


def bad_inputs(folder):
    """Files that cannot be used, and the arguments and message of each."""
    image = read_array(folder / "image.nrrd")
    write_image(folder / "other.nrrd", (image > 50).astype(np.uint8), spacing=(1.0, 1.5, 2.5))
    write_image(folder / "labels.nrrd", (image > 50).astype(np.uint8) + 3)
    nan = image.copy()
    nan[3, 4, 5:8] = np.nan
    write_image(folder / "nan.nrrd", nan)
    (folder / "junk.nrrd").write_bytes(b"this is no image")
    (folder / "locked").mkdir()
    one = {"type": "gaussian", "sigma_mm": 1.0}
    np.save(folder / "zero.npy", np.zeros((3, 3, 3)))
    np.save(folder / "nan.npy", np.full((3, 3, 3), np.nan))
    np.save(folder / "flat.npy", np.ones((3, 3)))
    sets = {
        "empty": {"key": "intensity", "kernels": []},
        "twice": {"key": "intensity", "kernels": [{"at": 10, **one}, {"at": 10.0, **one}]},
        "region": {"key": "region", "kernels": [{"at": 3, **one}]},
        "gone": {"key": "uniform", "kernels": [{"type": "file", "path": "gone.nrrd"}]},
    }
    for name, content in sets.items():
        (folder / f"{name}.json").write_text(json.dumps({"schema": "spatialdeconv-kernels/1", **content}))
    return folder


@pytest.mark.parametrize(
    ("image", "kernels", "more", "words"),
    [
        ("missing.nrrd", "set.json", (), ["missing.nrrd"]),
        ("junk.nrrd", "set.json", (), ["junk.nrrd"]),
        ("image.nrrd", "missing.json", (), ["missing.json", "cannot be read"]),
        ("image.nrrd", "gone.json", (), ["gone.nrrd", "does not exist"]),
        ("image.nrrd", "empty.json", (), ["kernel set is empty"]),
        ("image.nrrd", "twice.json", (), ["level 10.0 is given twice"]),
        ("image.nrrd", "zero.npy", (), ["zero everywhere"]),
        ("image.nrrd", "nan.npy", (), ["27 NaN or infinite of 27 values"]),
        ("image.nrrd", "flat.npy", (), ["2-D", "8 slices", "--slicewise"]),
        ("nan.nrrd", "set.json", (), ["3 NaN and 0 infinite", "--nonfinite fill"]),
        ("image.nrrd", "set.json", ("--mask", "other.nrrd"), ["mask", "2.5"]),
        ("image.nrrd", "region.json", ("--labels", "labels.nrrd"), ["labels without a kernel: 4"]),
        ("image.nrrd", "region.json", (), ["keyed by region", "give a label map"]),
        ("image.nrrd", "set.json", ("--labels", "labels.nrrd"), ["keyed by intensity, not by region"]),
        ("image.nrrd", "set.json", ("--iterations", 3), ["automatic method finds its iterations itself"]),
        ("image.nrrd", "region.json", ("--of", "true"), ["--of true is for kernels keyed to intensity"]),
        ("image.nrrd", "set.json", ("--of", "true", "--guide", "image.nrrd"), ["leave out --of or --guide"]),
        ("image.nrrd", "set.json", ("--method", "wiener", "--iterations", 3), ["wiener does not iterate"]),
        (
            "image.nrrd",
            "set.json",
            ("--mask-range", 500, 600),
            ["--mask-range 500 600 selects no voxel", "goes from 0 to 100"],
        ),
        ("image.nrrd", "set.json", ("--reference", "missing.nrrd"), ["missing.nrrd"]),
    ],
)
def test_bad_input_is_one_line_exit_code_1_and_no_output(folder, capfd, image, kernels, more, words):
    bad_inputs(folder)
    before = sorted(folder.iterdir())
    assert run(folder, "deconvolve", image, "out.nrrd", "--kernels", kernels, "--quiet", *more) == 1
    lines = [line for line in capfd.readouterr().err.splitlines() if line.strip()]
    assert len(lines) == 1, lines
    assert lines[0].startswith("spatialdeconv: error: ")
    for word in words:
        assert word in lines[0]
    assert sorted(folder.iterdir()) == before


def test_an_output_folder_that_does_not_exist_is_refused_before_the_work(folder, capfd, monkeypatch):
    monkeypatch.setattr("SpatialDeconvLib.mrml.files.readVolume", lambda path: pytest.fail("began to work"))
    assert run(folder, "deconvolve", "image.nrrd", "nowhere/out.nrrd", "--kernels", "set.json") == 1
    assert "nowhere" in capfd.readouterr().err


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs Linux's /dev/full")
def test_a_full_disk_leaves_nothing_behind(folder, capfd, monkeypatch):
    def full(*arguments, **keywords):
        with open("/dev/full", "w") as stream:
            stream.write("x" * 100_000)

    monkeypatch.setattr("SpatialDeconvLib.mrml.recipe.write_text", full)
    before = sorted(folder.iterdir())
    assert run(folder, "convolve", "image.nrrd", "out.nrrd", "--kernels", "set.json", "--quiet") == 1
    assert "No space left on device" in capfd.readouterr().err
    assert sorted(folder.iterdir()) == before


def test_too_little_memory_is_said_before_the_start(folder, capfd, monkeypatch):
    monkeypatch.setattr("SpatialDeconvLib.arrays.memory.available_memory", lambda: 1000)
    arguments = ("image.nrrd", "out.nrrd", "--kernels", "set.json", "--method", "wiener", "--quiet")
    assert run(folder, "deconvolve", *arguments) == 1
    assert "GiB of memory are needed" in capfd.readouterr().err
    assert not (folder / "out.nrrd").exists()


@pytest.mark.parametrize(
    "arguments",
    [(), ("fly",), ("deconvolve", "a.nrrd"), ("deconvolve", "a", "b", "--kernels", "k", "--method", "magic"),
     ("deconvolve", "a", "b", "--kernels", "k", "--noise", "loud")],
)  # fmt: skip
def test_wrong_usage_exits_with_2(arguments, capsys):
    assert cli.main(list(arguments)) == 2
    assert "usage: spatialdeconv" in capsys.readouterr().err


def test_help_teaches_and_exits_with_0(capsys):
    assert cli.main(["--help"]) == 0
    assert "spatialdeconv-kernels/1" in capsys.readouterr().out
    assert cli.main(["deconvolve", "--help"]) == 0
    text = capsys.readouterr().out
    assert all(method in text for method in ("wiener", "richardson-lucy", "tikhonov"))
    assert "Divides by the kernel's spectrum" in text


def test_help_has_what_the_registries_say(capsys):
    def helped(*command):
        assert cli.main([*command, "--help"]) == 0
        return " ".join(capsys.readouterr().out.split())

    text = helped("deconvolve")
    for method in methods.METHODS:
        assert f" {method.name} {method.sentence}" in text
        assert method.constant is None or method.constant.filled(method.constant.sentence) in text
        assert method.iterations is None or f"--iterations: default {method.iterations}." in text
    text = helped("kernel")
    for kind in sd.KINDS.values():
        assert f" {kind.name} {kind.sentence}" in text
        own = helped("kernel", kind.name)
        own = own.replace("- ", "-")  # lines are broken at hyphens, too
        for parameter in kind.parameters:
            assert f"--{parameter.stem.replace('_', '-')} " in own
            assert parameter.meaning in own


SIGNALS = [name for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]


@pytest.mark.parametrize("name", SIGNALS)
def test_a_signal_after_the_engine_is_done_is_not_lost(folder, capsys, monkeypatch, name):
    number, describeFile = getattr(signal, name), recipe.describeFile
    handler = signal.getsignal(number)

    def press(path):
        signal.raise_signal(number)
        return describeFile(path)

    monkeypatch.setattr(recipe, "describeFile", press)
    before = sorted(folder.iterdir())
    words = ("convolve", "image.nrrd", "out.nrrd", "--kernels", "set.json", "--quiet")
    assert run(folder, *words) == 128 + number
    assert "nothing was written" in capsys.readouterr().err
    assert sorted(folder.iterdir()) == before
    assert signal.getsignal(number) is handler


def test_a_signal_while_the_files_are_written_takes_them_back(folder, capsys, monkeypatch):
    assert run(folder, "convolve", "image.nrrd", "out.nrrd", "--kernels", "set.json", "--quiet") == 0
    before = {path: path.read_bytes() for path in folder.iterdir()}
    writeBeside = recipe.writeBeside

    def press(*arguments):
        signal.raise_signal(signal.SIGTERM)
        return writeBeside(*arguments)

    monkeypatch.setattr(recipe, "writeBeside", press)
    words = ("convolve", "image.nrrd", "out.nrrd", "--kernels", "set.json", "--model", "source", "--quiet")
    assert run(folder, *words) == 143
    assert {path: path.read_bytes() for path in folder.iterdir()} == before


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="needs SIGHUP")
def test_a_hangup_that_is_ignored_stays_so(folder, monkeypatch):
    describeFile, before = recipe.describeFile, signal.signal(signal.SIGHUP, signal.SIG_IGN)  # as nohup does

    def press(path):
        signal.raise_signal(signal.SIGHUP)
        return describeFile(path)

    monkeypatch.setattr(recipe, "describeFile", press)
    try:
        assert run(folder, "convolve", "image.nrrd", "out.nrrd", "--kernels", "set.json", "--quiet") == 0
    finally:
        signal.signal(signal.SIGHUP, before)


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_a_run_that_is_stopped_exits_with_128_and_the_signal_and_writes_nothing(folder, name):
    values = np.random.default_rng(0).random((60, 100, 100)).astype(np.float32)
    write_image(folder / "large.nrrd", 100 * values)
    command = [
        sys.executable, "-m", "SpatialDeconvLib", "deconvolve", "large.nrrd", "out.nrrd", "--kernels", "set.json",
        "--method", "landweber", "--iterations", "2000",
    ]  # fmt: skip
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    before = sorted(folder.iterdir())
    with subprocess.Popen(
        command, cwd=folder, env=environment, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        process.stderr.readline()  # the first line of progress: it is at work
        time.sleep(0.5)
        process.send_signal(getattr(signal, name))
        sent = time.monotonic()
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 128 + getattr(signal, name)
    assert "interrupted, nothing was written" in errors
    assert "Traceback" not in errors
    assert time.monotonic() - sent < 30
    assert sorted(folder.iterdir()) == before


def test_a_run_with_weight_images_can_be_repeated(folder):
    shape = read_array(folder / "image.nrrd").shape
    share = np.random.default_rng(1).random(shape).astype(np.float32)
    kernels = [sd.ParametricKernel("gaussian", sigma_mm=s) for s in (1.0, 2.0)]
    sd.write_kernel_set(folder / "weights.json", sd.KernelField.by_weights([share, 1 - share], kernels))
    assert run(folder, "convolve", "image.nrrd", "out.nrrd", "--kernels", "weights.json", "--quiet") == 0
    assert run(folder, "repeat", "out.nrrd.recipe.json", "again.nrrd", "--quiet") == 0
    assert (folder / "out.nrrd").read_bytes() == (folder / "again.nrrd").read_bytes()


def test_nothing_is_left_when_the_recipe_cannot_be_written(folder, capsys, monkeypatch):
    def full(path, content):
        raise OSError(f"{path}.recipe.json was not written (No space left on device)")

    monkeypatch.setattr(recipe, "writeBeside", full)
    before = sorted(folder.iterdir())
    assert run(folder, "convolve", "image.nrrd", "out.mhd", "--kernels", "set.json", "--quiet") == 1
    assert "No space left on device" in capsys.readouterr().err
    assert sorted(folder.iterdir()) == before


@pytest.mark.parametrize("obstacle", ["o.mhd.recipe.json", "rep/report.html", "o.zraw"])
def test_an_earlier_result_stays_whole_when_any_file_of_a_later_one_cannot_be_written(folder, capsys, obstacle):
    words = ("image.nrrd", "o.mhd", "--kernels", "set.json", "--quiet")
    assert run(folder, "convolve", *words) == 0
    (folder / obstacle).unlink(missing_ok=True)
    (folder / obstacle).mkdir(parents=True)
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert run(folder, "convolve", *words, "--model", "source", "--report", "rep") == 1
    assert f"{Path(obstacle).name} was not written: it is a folder" in capsys.readouterr().err
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs a device that is always full")
def test_a_full_disk_is_told_with_the_path_when_a_picture_is_written(tmp_path, capsys, monkeypatch):
    pytest.importorskip("matplotlib")

    def savefig(figure, path, **options):
        with open("/dev/full", "wb", buffering=0) as file:
            file.write(b"0")

    monkeypatch.setattr("matplotlib.figure.Figure.savefig", savefig)
    assert run(tmp_path, "kernel", "gaussian", "--sigma", 2, "--output", "k.png") == 1
    assert re.search(r"k\.png was not written \(No space left on device\); free space", capsys.readouterr().err)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_an_interrupt_while_it_loads_ends_without_a_traceback(tmp_path, name):
    # A numpy that takes its time, and turns an exception into an ImportError as the real one does.
    slow = "import time\nprint('loading', flush=True)\ntry: time.sleep(60)\n"
    (tmp_path / "numpy.py").write_text(slow + "except BaseException: raise ImportError\n")
    command = [sys.executable, "-m", "SpatialDeconvLib", "demo"]
    environment = {**os.environ, "PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}"}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    # Where the tests run in the background of a shell, signals of the keyboard are ignored, and that is inherited.
    number = getattr(signal, name)
    heard = {"preexec_fn": lambda: signal.signal(number, signal.SIG_DFL)}
    with subprocess.Popen(command, **pipes, **heard, env=environment, cwd=tmp_path) as process:
        assert process.stdout.readline() == "loading\n"
        process.send_signal(number)
        assert process.stderr.read() == "\nspatialdeconv: interrupted, nothing was written\n"
    assert process.returncode == 128 + number


def test_loading_the_package_waits_for_nothing_heavy():
    code = "import sys, SpatialDeconvLib as sd; assert not {'numpy', 'scipy', 'SimpleITK'} & set(sys.modules); "
    code += "assert sd.Kernel is sd.kernels.kernel.Kernel and 'convolve' in dir(sd) and not hasattr(sd, 'nothing')"
    subprocess.run([sys.executable, "-c", code], check=True, env={**os.environ, "PYTHONPATH": str(ROOT)})
