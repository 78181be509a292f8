"""Refusals of the command name the option that they are about."""

import numpy as np
import pytest
import SimpleITK as sitk

import SpatialDeconvLib as sd
from SpatialDeconvLib.command import cli

pytest.importorskip("slicer", reason="slicer-core is not installed")

KERNEL = sd.ParametricKernel("gaussian", sigma_mm=1.0)


def write(path, values):
    sitk.WriteImage(sitk.GetImageFromArray(values[None]), str(path))


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An image, what may go with it, and kernels by region and by intensity."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    write("image.nrrd", rng.normal(50, 10, (16, 16)).astype(np.float32))
    write("labels.nrrd", np.ones((16, 16), np.uint8))
    write("others.nrrd", np.full((16, 16), 7, np.uint8))
    write("halves.nrrd", np.full((16, 16), 0.5, np.float32))
    write("nan.nrrd", np.full((16, 16), np.nan, np.float32))
    write("small.nrrd", np.ones((8, 8), np.uint8))
    sd.write_kernel_set("region.json", sd.KernelField.by_region(None, {1: KERNEL, 2: KERNEL}, outside="nearest"))
    sd.write_kernel_set("level.json", sd.KernelField.by_intensity({0: KERNEL, 100: KERNEL}))
    np.save("stack.npy", np.ones((4, 5, 5)))
    np.savetxt("k1.csv", np.ones((5, 5)), delimiter=",")
    return tmp_path


@pytest.mark.parametrize("word", ["check", "deconvolve"])
@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--kernels", "region.json"], "there are no labels; give a label map (--labels)"),
        (["--kernels", "region.json", "--labels", "others.nrrd"], "check the label map (--labels)"),
        (["--kernels", "region.json", "--labels", "halves.nrrd"], "(--labels)"),
        (["--kernels", "level.json", "--labels", "labels.nrrd"], "not by region; leave them out (--labels)"),
        (["--kernels", "level.json", "--guide", "nan.nrrd"], "(--guide)"),
        (["--kernels", "region.json", "--labels", "small.nrrd"], "resample"),
        (["--kernels", "stack.npy"], "the level of each of its slices (--levels)"),
        (["--kernels", "liver=k1.csv"], "for regions (spatialdeconv kernel set ... --key region)"),
    ],
)
def test_the_option_is_named(folder, capsys, word, options, told):
    output = ["out.nrrd"] if word == "deconvolve" else []
    assert cli.main([word, "image.nrrd", *output, *options, "--quiet"]) == 1
    said = capsys.readouterr().err
    assert told in said
    assert said.count("--") == 1


def test_where_the_command_has_the_option_itself_that_is_named(folder, capsys):
    assert cli.main(["kernel", "set", "liver=k1.csv", "--output", "set.json"]) == 1
    assert capsys.readouterr().err.rstrip().endswith("take the kernels for regions (--key region)")


def test_the_library_names_its_arguments():
    with pytest.raises(sd.InputError, match=r"give a label map$") as caught:
        sd.deconvolve(np.ones((8, 8)), sd.KernelField.by_region(None, {1: KERNEL}))
    assert caught.value.option == "labels"
