"""Contact sheets and residual maps on files and on nodes: the command, and the module's logic."""

import json
import sys

import numpy as np
import pytest
import SimpleITK as sitk
from scipy import ndimage

import SpatialDeconvLib as sd
from SpatialDeconvLib.command import cli
from SpatialDeconvLib.mrml.scene import volumeArray
from SpatialDeconvLib.mrml.sequencefiles import readSequence

pytest.importorskip("slicer", reason="slicer-core is not installed")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    random = np.random.default_rng(0)
    truth = 20 + 80 * (ndimage.gaussian_filter(random.random((6, 18, 20)), 1.5) > 0.5)
    field = sd.KernelField.by_intensity({20: sd.gaussian_kernel(0.6), 100: sd.gaussian_kernel(1.1)})
    image = sd.convolve(truth, field).image + random.normal(0, 1, truth.shape)
    sitk.WriteImage(sitk.GetImageFromArray(image.astype(np.float32)), str(tmp_path / "y.nrrd"))
    kernels = [{"at": at, "type": "gaussian", "sigma_mm": s} for at, s in ((20, 0.6), (100, 1.1))]
    content = {"schema": "spatialdeconv-kernels/1", "key": "intensity", "of": "measured", "kernels": kernels}
    (tmp_path / "set.json").write_text(json.dumps(content))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*arguments):
    return cli.main([*arguments, "--quiet"])


def read(name):
    return sitk.GetArrayFromImage(sitk.ReadImage(name))


def test_a_residual_map_is_written_with_a_line_for_every_kernel(folder, capsys):
    more = ["--kernels", "set.json", "--method", "wiener", "--residual-map", "r.nrrd"]
    assert run("deconvolve", "y.nrrd", "x.nrrd", *more) == 0
    printed = capsys.readouterr().out
    field = sd.read_kernel_set("set.json")
    result = sd.deconvolve(read("y.nrrd"), field, method="wiener")
    found = result.residual_map()
    assert np.abs(read("r.nrrd") - found.values).max() < 1e-3
    lines = [line.strip() for line in printed.splitlines() if line.strip().startswith("kernel at")]
    assert [line.split(":")[0] for line in lines] == ["kernel at 20.0", "kernel at 100.0"]
    assert f"residual {found.kernels[0].rms:.3g} times the noise" in lines[0]


def test_a_residual_map_of_several_channels_holds_one_of_each(folder, capsys):
    image = read("y.nrrd")
    channels = [image, 200 - image]  # whose sum hides what both leave
    vector = sitk.GetImageFromArray(np.stack(channels, axis=-1), isVector=True)
    sitk.WriteImage(vector, "two.nrrd")
    sd.write_kernel_set("one.json", sd.gaussian_kernel(1.5))
    more = ["--kernels", "one.json", "--method", "wiener", "--noise", "1", "--residual-map", "r.nrrd"]
    assert run("deconvolve", "two.nrrd", "x.nrrd", *more) == 0
    found = read("r.nrrd")
    assert found.shape == (*image.shape, 2)
    for number, channel in enumerate(channels):
        alone = sd.deconvolve(channel, sd.gaussian_kernel(1.5), method="wiener", noise=1.0).residual_map()
        assert np.abs(found[..., number] - alone.values).max() < 1e-2
    printed = capsys.readouterr().out
    assert "  kernel, channel 1 everywhere" in printed
    assert "  kernel, channel 2 everywhere" in printed


@pytest.mark.parametrize("name", ["r.seq.nrrd", "r.zarr"])
def test_a_residual_map_of_a_sequence_is_a_sequence(folder, capsys, name):
    image = read("y.nrrd")
    frames = [image, 200 - image, 2 * image]
    sitk.WriteImage(sitk.JoinSeries([sitk.GetImageFromArray(frame) for frame in frames]), "s.nrrd")
    sd.write_kernel_set("one.json", sd.gaussian_kernel(1.5))
    more = ["--kernels", "one.json", "--method", "wiener", "--noise", "1", "--residual-map", name]
    assert run("deconvolve", "s.nrrd", "x.seq.nrrd", *more) == 0
    printed = capsys.readouterr().out
    maps = readSequence(name)
    for number, frame in enumerate(frames):
        alone = sd.deconvolve(frame, sd.gaussian_kernel(1.5), method="wiener", noise=1.0).residual_map()
        assert np.abs(volumeArray(maps.GetNthDataNode(number)) - alone.values).max() < 1e-2
        assert f"  kernel, frame {number} " in printed
        assert f"{alone.kernels[0].rms:.3g} times the noise" in printed


def test_a_residual_map_of_a_sequence_goes_where_a_sequence_can(folder, capsys):
    image = sitk.GetImageFromArray(read("y.nrrd"))
    sitk.WriteImage(sitk.JoinSeries([image, image]), "s.nrrd")
    assert run("deconvolve", "s.nrrd", "x.seq.nrrd", "--kernels", "set.json", "--residual-map", "r.png") == 1
    assert "r.png cannot hold the frames of a sequence" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["x.nrrd", "y.nrrd", "set.json"])
def test_a_residual_map_overwrites_nothing(folder, capsys, name):
    more = ["--kernels", "set.json", "--method", "wiener", "--residual-map", name]
    assert run("deconvolve", "y.nrrd", "x.nrrd", *more) == 1
    assert "would overwrite" in capsys.readouterr().err
    assert not (folder / "x.nrrd").exists()


def test_without_its_map_there_is_no_output_either(folder, capsys):
    more = ["--kernels", "set.json", "--method", "wiener", "--residual-map", "nowhere/r.nrrd"]
    assert run("deconvolve", "y.nrrd", "x.nrrd", *more) == 1
    assert "nowhere" in capsys.readouterr().err
    assert not (folder / "x.nrrd").exists()


def test_compare_prints_every_method_and_draws_them(folder, capsys):
    assert run("compare", "y.nrrd", "--kernels", "set.json", "--size", "12", "--output", "sheet.png") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "y.nrrd"
    assert lines[1].split()[0] == "Input"
    assert sum("Blend:" in line for line in lines) == 6
    assert sum("Joint:" in line for line in lines) == 7
    assert sum(line.strip().startswith("*") for line in lines) == 1
    picture = read("sheet.png")
    assert picture.ndim == 3
    assert picture.std() > 10


def test_compare_needs_no_picture_and_says_what_is_wrong(folder, capsys, monkeypatch):
    assert run("compare", "y.nrrd", "--kernels", "set.json", "--size", "0") == 1
    assert "size 0 must be at least 1" in capsys.readouterr().err
    assert run("compare", "y.nrrd", "--kernels", "set.json", "--output", "y.nrrd") == 1
    assert "would overwrite the input" in capsys.readouterr().err
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert run("compare", "y.nrrd", "--kernels", "set.json", "--output", "sheet.png") == 1
    assert "need matplotlib" in capsys.readouterr().err


def test_the_logic_shows_a_residual_map_and_compares_methods(slicer_window, folder):
    from user import User

    user = User(slicer_window).open()
    volume, logic = user.add_volume(read("y.nrrd")), user.panel.logic
    _output, result = logic.deconvolve(volume, "set.json", strategy="joint", method="tikhonov")
    node, maps = logic.residual_map(volume, result)
    assert node.GetName() == "phantom residual"
    assert (node.GetDisplayNode().GetWindow(), node.GetDisplayNode().GetLevel()) == (8.0, 0.0)
    assert len(maps[0].kernels) == 2
    several = user.add_volume(np.stack([read("y.nrrd")] * 2, axis=-1), "two", kind="vtkMRMLVectorVolumeNode")
    _output, result = logic.deconvolve(several, "set.json", method="wiener")
    node, maps = logic.residual_map(several, result)
    assert [m.values.shape for m in maps] == [volumeArray(node).shape[:3]] * 2
    np.testing.assert_array_equal(volumeArray(node), np.stack([m.values for m in maps], axis=-1))
    heard = []
    with pytest.raises(sd.Cancelled):
        logic.compare_methods(
            volume, "set.json", size=8, cancelled=lambda: bool(heard.append(1)) or len(heard) > 20
        )
