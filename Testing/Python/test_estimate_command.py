"""``spatialdeconv estimate``: measured kernels go into `deconvolve` as they are; errors leave nothing behind."""

import json
import os

import numpy as np
import pytest
import SimpleITK as sitk
from scipy import ndimage

import SpatialDeconvLib as sd
from SpatialDeconvLib.command import cli
from SpatialDeconvLib.kernels import shapes
from SpatialDeconvLib.methods import choices

pytest.importorskip("slicer", reason="slicer-core is not installed")

SPACING = (1.5, 1.0, 1.0)
SHAPE = (16, 34, 32)


def write_image(path, values, origin=(10.0, -20.0, 5.5)):
    image = sitk.GetImageFromArray(values)
    image.SetSpacing(SPACING[::-1])
    image.SetOrigin(origin)
    sitk.WriteImage(image, str(path))


def read_array(path):
    return sitk.GetArrayFromImage(sitk.ReadImage(str(path)))


def phantom(seed=0, shape=SHAPE):
    """Plateaus of 10, 40, 70 and 100 with fine texture."""
    generator = np.random.default_rng(seed)
    smooth = ndimage.gaussian_filter(generator.normal(size=shape), 1.2)
    steps = np.searchsorted(np.quantile(smooth, [0.25, 0.5, 0.75]), smooth)
    return 10 + 30.0 * steps + 4 * generator.normal(size=shape)


def image_of(truth, kernels, noise=0.1, seed=1, **options):
    """The truth, blurred, with noise."""
    blurred = sd.convolve(truth, kernels, spacing=SPACING, **options).image
    return blurred + np.random.default_rng(seed).normal(0, noise, truth.shape)


def gaussian(sigma):
    return sd.ParametricKernel("gaussian", sigma_mm=sigma)


FIELD = sd.KernelField.by_intensity({10: gaussian(0.9), 55: gaussian(1.2), 100: gaussian(1.5)})


@pytest.fixture
def folder(tmp_path):
    truth = phantom()
    write_image(tmp_path / "sharp.nrrd", truth.astype(np.float32))
    write_image(tmp_path / "blurred.nrrd", image_of(truth, gaussian(1.2)).astype(np.float32))
    write_image(tmp_path / "keyed.nrrd", image_of(truth, FIELD).astype(np.float32))
    return tmp_path


def run(folder, *arguments):
    """Run the command in this process, with paths relative to `folder`."""
    here = os.getcwd()
    os.chdir(folder)
    try:
        return cli.main([str(a) for a in arguments])
    finally:
        os.chdir(here)


def measure(folder, *arguments, blurred="blurred.nrrd"):
    assert run(folder, "estimate", "sharp.nrrd", blurred, "--quiet", *arguments) == 0


def test_the_choices_are_those_of_the_engine():
    (commands,) = (action for action in cli.command_parser()._actions if action.dest == "==SUPPRESS==")
    offered = {action.dest: action.choices for action in commands.choices["estimate"]._actions if action.choices}
    assert {word: set(words) for word, words in offered.items() if word != "fit_to"} == {
        "method": set(choices.ESTIMATION_METHODS),
        "constraint": {*choices.CONSTRAINTS, "auto", "none"},
        "penalty": set(choices.PENALTIES),
        "model": set(choices.MODELS),
        "outside": set(choices.OUTSIDES),
        "interpolation": set(choices.INTERPOLATIONS),
        "fit": set(shapes.FITTED_KINDS),
        "form": set(choices.FORMS),
        "smooth": set(choices.SMOOTHERS),
        "centre": set(choices.MEASURED_CENTRES),
    }


def test_one_kernel_is_written_as_an_image_and_deconvolves(folder, capsys):
    measure(folder, "--size", 5, 7, 7, "--output", "kernel.nrrd")
    kernel = sd.read_kernel(folder / "kernel.nrrd", normalize=False)
    assert kernel.shape == (5, 7, 7)
    assert kernel.spacing == SPACING
    full = sd.gaussian_kernel(1.2, SPACING).values
    middle = tuple(slice(n // 2 - m // 2, n // 2 + m // 2 + 1) for n, m in zip(full.shape, (5, 7, 7), strict=True))
    assert np.linalg.norm(kernel.values - full[middle]) < 0.1 * np.linalg.norm(full)
    assert "residual" in capsys.readouterr().out
    arguments = ("--kernels", "kernel.nrrd", "--method", "landweber", "--quiet")
    assert run(folder, "deconvolve", "blurred.nrrd", "out.nrrd", *arguments) == 0
    truth, before, after = (read_array(folder / n) for n in ("sharp.nrrd", "blurred.nrrd", "out.nrrd"))
    assert sd.psnr(truth, after) > sd.psnr(truth, before) + 1


def test_a_set_by_level_goes_into_deconvolve_as_it_is_and_is_as_good_as_the_true_kernels(folder):
    measure(
        folder, "--size", 7, 9, 9, "--levels", 10, 55, 100, "--fit", "gaussian", "--fit-to", "images",
        "--output", "set.json", blurred="keyed.nrrd",
    )  # fmt: skip
    field = sd.read_kernel_set(folder / "set.json")
    assert field.at == (10, 55, 100)
    for kernel, true in zip(field.kernels, FIELD.kernels, strict=True):
        assert kernel.parameters["sigma_mm"] == pytest.approx(true.parameters["sigma_mm"], rel=0.02)
    sd.write_kernel_set(folder / "true.json", FIELD)
    other = phantom(seed=7)
    write_image(folder / "other.nrrd", image_of(other, FIELD, seed=8).astype(np.float32))
    scores = {}
    for name in ("set", "true"):
        arguments = ("--kernels", f"{name}.json", "--strategy", "joint", "--method", "richardson-lucy")
        arguments += ("--iterations", 15, "--quiet")
        assert run(folder, "deconvolve", "other.nrrd", f"{name}.nrrd", *arguments) == 0
        scores[name] = sd.psnr(other, read_array(folder / f"{name}.nrrd"))
    assert abs(scores["set"] - scores["true"]) < 0.1


def test_free_kernels_of_a_set_lie_beside_it(folder):
    measure(
        folder, "--size", 3, 5, 5, "--levels", 10, 55, 100, "--interpolation", "nearest", "--outside", "unchanged",
        "--output", "set.json", blurred="keyed.nrrd",
    )  # fmt: skip
    content = json.loads((folder / "set.json").read_text())
    assert [entry["path"] for entry in content["kernels"]] == [f"set-kernel-{n}.nrrd" for n in (1, 2, 3)]
    field = sd.read_kernel_set(folder / "set.json")
    assert (field.interpolation, field.outside) == ("nearest", "unchanged")
    assert all(kernel.shape == (3, 5, 5) for kernel in field.kernels)
    truth, y = (read_array(folder / name).astype(float) for name in ("sharp.nrrd", "keyed.nrrd"))
    keys = sd.KernelField.by_intensity({v: gaussian(1) for v in (10, 55, 100)}, "nearest", "unchanged")
    expected = sd.estimate_kernels(truth, y, keys, (3, 5, 5), spacing=SPACING)
    for kernel, own in zip(field.kernels, expected.kernels, strict=True):
        np.testing.assert_allclose(kernel.values, own.values, atol=1e-6)
    assert run(folder, "deconvolve", "keyed.nrrd", "out.nrrd", "--kernels", "set.json", "--quiet") == 0


def test_regions_and_positions_choose_too(folder):
    labels = np.ones(SHAPE, np.uint8)
    labels[:, :, 16:] = 2
    labels[:2] = 0
    write_image(folder / "labels.nrrd", labels)
    truth = read_array(folder / "sharp.nrrd")
    regions = sd.KernelField.by_region(
        np.maximum(labels, 1), {1: gaussian(0.9), 2: gaussian(1.4)}
    )  # what has no label is blurred as well, and must not count
    write_image(folder / "regions.nrrd", image_of(truth, regions).astype(np.float32))
    fit = ("--fit", "gaussian", "--fit-to", "images", "--size", 7, 9, 9)
    measure(folder, "--labels", "labels.nrrd", "--output", "regions.json", *fit, blurred="regions.nrrd")
    field = sd.read_kernel_set(folder / "regions.json")
    assert (field.key, field.at, field.outside) == ("region", (1, 2), "unchanged")
    sigmas = [kernel.parameters["sigma_mm"] for kernel in field.kernels]
    np.testing.assert_allclose(sigmas, [0.9, 1.4], rtol=0.03)
    arguments = ("--kernels", "regions.json", "--labels", "labels.nrrd", "--quiet")
    assert run(folder, "deconvolve", "regions.nrrd", "out.nrrd", *arguments) == 0
    measure(folder, "--positions", 1, 2, 1, "--output", "positions.json", *fit)
    field = sd.read_kernel_set(folder / "positions.json")
    np.testing.assert_allclose(field.at, [(11.25, 8.0, 15.5), (11.25, 25.0, 15.5)])
    assert run(folder, "deconvolve", "blurred.nrrd", "out.nrrd", "--kernels", "positions.json", "--quiet") == 0


def test_fits_to_measured_kernels_and_smooth_functions_of_the_level(folder, capsys):
    measure(
        folder, "--size", 5, 7, 7, "--levels", 10, 40, 70, 100, "--fit", "gaussian", "--smooth", "polynomial",
        "--degree", 1, "--neighbours", 0, "--output", "set.json", blurred="keyed.nrrd",
    )  # fmt: skip
    field = sd.read_kernel_set(folder / "set.json")
    sigmas = np.array([kernel.parameters["sigma_mm"] for kernel in field.kernels])
    np.testing.assert_allclose(np.diff(sigmas, 2), 0, atol=1e-9)  # on a line
    np.testing.assert_allclose(sigmas, [0.9, 1.1, 1.3, 1.5], rtol=0.1)
    assert "smooth sigma" in capsys.readouterr().out
    recipe = json.loads((folder / "set.json.recipe.json").read_text())
    assert recipe["result"]["smooth"] == "polynomial of degree 1"
    assert {"at", "type", "sigma_mm", "errors", "misfit"} <= set(recipe["result"]["fits"][0])


def test_gain_offset_displacement_and_saturation_are_taken_out(folder, capsys):
    truth = read_array(folder / "sharp.nrrd").astype(float)
    moved = ndimage.shift(truth, (0, 0.4, -0.3), order=5, mode="nearest")
    y = 1.5 * image_of(moved, gaussian(1.2)) + 7
    limit = np.quantile(y, 0.97)
    write_image(folder / "camera.nrrd", np.minimum(y, limit).astype(np.float32))
    measure(
        folder, "--size", 7, 9, 9, "--gain", "--offset", "--register", "--saturated", "--fit", "gaussian",
        "--output", "set.json", blurred="camera.nrrd",
    )  # fmt: skip
    (kernel,) = sd.read_kernel_set(folder / "set.json").kernels
    assert kernel.parameters["sigma_mm"] == pytest.approx(1.2, rel=0.03)
    result = json.loads((folder / "set.json.recipe.json").read_text())["result"]
    assert result["gain"] == pytest.approx(1.5, rel=0.02)
    assert result["offset"] == pytest.approx(7, abs=1.5)
    np.testing.assert_allclose(result["shift_mm"], (0, 0.4, -0.3), atol=0.05)
    assert "displacement" in capsys.readouterr().out
    measure(
        folder, "--size", 7, 9, 9, "--gain", "--offset", "--register", "--saturated", limit, "--fit", "gaussian",
        "--fit-to", "images", "--output", "direct.json", blurred="camera.nrrd",
    )  # fmt: skip
    (direct,) = sd.read_kernel_set(folder / "direct.json").kernels
    assert direct.parameters["sigma_mm"] == pytest.approx(1.2, rel=0.03)


def test_a_mask_keeps_what_does_not_belong_to_the_pair_out(folder):
    y = read_array(folder / "blurred.nrrd")
    y[4:9, 10:20, 10:20] = 500
    write_image(folder / "table.nrrd", y)
    mask = np.ones(SHAPE, np.uint8)
    mask[3:10, 9:21, 9:21] = 0
    write_image(folder / "mask.nrrd", mask)
    fit = ("--size", 7, 9, 9, "--fit", "gaussian", "--fit-to", "images")
    for name, arguments in (("mask", ("--mask", "mask.nrrd")), ("range", ("--mask-range", -50, 200))):
        measure(folder, *fit, "--output", f"{name}.json", *arguments, blurred="table.nrrd")
        (kernel,) = sd.read_kernel_set(folder / f"{name}.json").kernels
        assert kernel.parameters["sigma_mm"] == pytest.approx(1.2, rel=0.02)


def test_levels_from_the_histogram_are_those_of_the_phantom(folder):
    measure(
        folder, "--size", 7, 9, 9, "--levels-from-histogram", 4, "--fit", "gaussian", "--fit-to", "images",
        "--output", "set.json", blurred="keyed.nrrd",
    )  # fmt: skip
    np.testing.assert_allclose(sd.read_kernel_set(folder / "set.json").at, (10, 40, 70, 100), atol=6)


@pytest.mark.parametrize("shape", ["--size 7", "--size 1 7 7"])
def test_single_slices_and_blur_within_slices(folder, shape):
    truth = read_array(folder / "sharp.nrrd").astype(float)
    plane = sd.ParametricKernel("gaussian", sigma_mm=[0.0, 1.1, 1.1])
    if shape == "--size 7":
        truth = truth[5:6]
    write_image(folder / "sharp.nrrd", truth.astype(np.float32))
    write_image(folder / "plane.nrrd", image_of(truth, plane, noise=0.05).astype(np.float32))
    fit = ("--fit", "gaussian", "--output", "set.json")
    measure(folder, *shape.split(), *fit, blurred="plane.nrrd")
    (kernel,) = sd.read_kernel_set(folder / "set.json").kernels
    np.testing.assert_allclose(kernel.parameters["sigma_mm"][-2:], [1.1, 1.1], rtol=0.05)
    assert run(folder, "deconvolve", "plane.nrrd", "out.nrrd", "--kernels", "set.json", "--quiet") == 0


def test_the_recipe_repeats_the_estimation(folder):
    measure(folder, "--size", 3, 5, 5, "--levels", 10, 55, 100, "--output", "set.json", blurred="keyed.nrrd")
    recipe = json.loads((folder / "set.json.recipe.json").read_text())
    assert recipe["operation"] == "estimate"
    assert set(recipe["inputs"]) == {"original", "blurred"}
    assert run(folder, "repeat", "set.json.recipe.json", "again.json", "--quiet") == 0
    for n in (1, 2, 3):
        first, second = (read_array(folder / f"{name}-kernel-{n}.nrrd") for name in ("set", "again"))
        np.testing.assert_array_equal(first, second)
    write_image(folder / "keyed.nrrd", np.ones(SHAPE, np.float32))
    assert run(folder, "repeat", "set.json.recipe.json", "third.json", "--quiet") == 1
    assert not (folder / "third.json").exists()


def test_an_even_kernel_is_measured_about_its_middle_and_repeated_so(folder):
    measure(folder, "--size", 4, 6, 6, "--centre", "middle", "--output", "set.json")
    field = sd.read_kernel_set(folder / "set.json")
    assert field.kernels[0].centre == (1.5, 2.5, 2.5)
    x = np.arange(6) - 2.5
    profile = field.kernels[0].values.sum(axis=(0, 1))
    assert abs(profile @ x) < 0.03 * profile.sum()
    values = field.kernels[0].values
    assert run(folder, "repeat", "set.json.recipe.json", "again.json", "--quiet") == 0
    np.testing.assert_array_equal(sd.read_kernel_set(folder / "again.json").kernels[0].values, values)
    recipe = json.loads((folder / "set.json.recipe.json").read_text())
    del recipe["parameters"]["centre"]  # as earlier versions wrote it
    (folder / "earlier.json").write_text(json.dumps(recipe))
    assert run(folder, "repeat", "earlier.json", "again.json", "--quiet") == 0
    assert sd.read_kernel_set(folder / "again.json").kernels[0].centre == (2, 3, 3)


def test_the_figure_is_a_picture(folder):
    pytest.importorskip("matplotlib")
    measure(folder, "--size", 5, 7, 7, "--output", "kernel.nrrd", "--figure", "kernel.png")
    measure(
        folder, "--size", 7, 9, 9, "--levels", 10, 55, 100, "--fit", "gaussian", "--fit-to", "images",
        "--output", "set.json", "--figure", "set.png", blurred="keyed.nrrd",
    )  # fmt: skip
    for name in ("kernel.png", "set.png"):
        picture = read_array(folder / name)
        assert min(picture.shape[:2]) > 1000
        colours = picture[..., :3].astype(int) @ (65536, 256, 1)
        assert np.unique(colours).size > 500


PAIR = ("sharp.nrrd", "blurred.nrrd", "--size", 5)
OUT = ("--output", "out.json")
FIT = ("--fit", "gaussian")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("sharp.nrrd", "moved.nrrd", "--size", 5, *OUT), ["different geometries", "resample"]),
        (("sharp.nrrd", "small.nrrd", "--size", 5, *OUT), ["different geometries"]),
        (("sharp.nrrd", "colour.nrrd", "--size", 5, *OUT), ["3 channels"]),
        (("flat.nrrd", "blurred.nrrd", "--size", 5, *OUT), ["constant"]),
        (("nan.nrrd", "blurred.nrrd", "--size", 5, *OUT), ["NaN"]),
        (("sharp.nrrd", "nothing.nrrd", "--size", 5, *OUT), ["nothing.nrrd", "does not exist"]),
        (("sharp.nrrd", "blurred.nrrd", "--size", 99, *OUT), ["99", "smaller shape"]),
        ((*PAIR, *OUT, "--levels", 10, 20, "--positions", 1, 1, 2), ["--levels and --positions", "one key"]),
        ((*PAIR, "--output", "out.nrrd", "--levels", 10, 50), [".json"]),
        ((*PAIR, "--output", "out.nrrd", *FIT), [".json"]),
        ((*PAIR, "--output", "out.xyz"), ["'.xyz'"]),
        ((*PAIR, "--output", "nowhere/out.json"), ["does not exist"]),
        ((*PAIR, *OUT, "--degree", 2), ["--fit gaussian"]),
        ((*PAIR, *OUT, *FIT, "--smooth", "monotone"), ["--levels"]),
        ((*PAIR, *OUT, "--fit", "motion", "--smooth", "monotone", "--levels", 1, 2), ["Gaussians"]),
        ((*PAIR, *OUT, "--fit-to", "images"), ["--fit gaussian"]),
        ((*PAIR, *OUT, "--fit", "ball", "--fit-to", "images", "--levels", 1, 2), ["leave out the key"]),
        (
            (*PAIR, *OUT, *FIT, "--fit-to", "images", "--constraint", "simplex"),
            ["--constraint simplex", "measured"],
        ),
        ((*PAIR, *OUT, *FIT, "--fit-to", "images", "--iterations", 9), ["--iterations 9", "measured"]),
        ((*PAIR, *OUT, "--fit", "disk"), ["2-D", "ball"]),
        ((*PAIR, *OUT, "--method", "fourier", "--levels", 1, 2), ["--method fourier"]),
        ((*PAIR, *OUT, "--guide", "sharp.nrrd"), ["--levels"]),
        ((*PAIR, *OUT, "--segments", "tumour"), ["--mask"]),
        ((*PAIR, *OUT, "--saturated", -1000), ["leaves no voxel"]),
        ((*PAIR, *OUT, "--levels", 10, 10), ["given twice"]),
        ((*PAIR, *OUT, "--positions", 1, 0, 1), ["positions"]),
        ((*PAIR, *OUT, "--figure", "picture.docx"), [".png"]),
        ((*PAIR, *OUT, "--figure", "nowhere/picture.png"), ["does not exist"]),
    ],
)
def test_bad_input_fails_with_one_line_and_writes_nothing(folder, capfd, arguments, words):
    truth = read_array(folder / "sharp.nrrd")
    write_image(folder / "moved.nrrd", truth, origin=(11.0, -20.0, 5.5))
    write_image(folder / "small.nrrd", truth[:, :, :30])
    write_image(folder / "flat.nrrd", np.full(SHAPE, 3.0, np.float32))
    write_image(folder / "nan.nrrd", np.where(truth > 100, np.nan, truth).astype(np.float32))
    colour = sitk.GetImageFromArray(np.repeat(truth[..., None], 3, axis=3), isVector=True)
    sitk.WriteImage(colour, str(folder / "colour.nrrd"))
    before = sorted(path.name for path in folder.iterdir())
    capfd.readouterr()
    assert run(folder, "estimate", *arguments, "--quiet") == 1
    said = capfd.readouterr().err.strip().splitlines()
    assert len(said) == 1
    assert said[0].startswith("spatialdeconv: error: ")
    for word in words:
        assert word in said[0]
    assert sorted(path.name for path in folder.iterdir()) == before


def test_wrong_usage_and_interruption_have_their_own_exit_codes(folder, monkeypatch, capfd):
    assert run(folder, "estimate", "sharp.nrrd", "blurred.nrrd", "--output", "out.json") == 2
    assert run(folder, "estimate", *PAIR, *OUT, "--fit", "star") == 2
    before = sorted(path.name for path in folder.iterdir())
    monkeypatch.setattr(cli._Signals, "__call__", lambda signals: True)
    assert run(folder, "estimate", *PAIR, *OUT, "--quiet") == 130
    assert "interrupted" in capfd.readouterr().err
    assert sorted(path.name for path in folder.iterdir()) == before


def test_kernels_of_an_earlier_set_do_not_stay_behind(folder):
    options = ("--size", 1, 3, 3, "--output", "set.json", "--levels")
    (folder / "set-kernel-9.nrrd").write_text("another file")
    measure(folder, *options, 10, 55, 100, blurred="keyed.nrrd")
    measure(folder, *options, 10, 100, blurred="keyed.nrrd")
    assert sorted(path.name for path in folder.glob("set*")) == [
        "set-kernel-1.nrrd", "set-kernel-2.nrrd", "set-kernel-9.nrrd", "set.json", "set.json.recipe.json",
    ]  # fmt: skip
    (folder / "set.json.recipe.json").unlink()  # a set that somebody else may have written
    measure(folder, *options, 10, blurred="keyed.nrrd")
    assert (folder / "set-kernel-2.nrrd").exists()


def test_an_output_that_cannot_be_moved_leaves_the_old_one_whole(folder, monkeypatch):
    measure(folder, *PAIR[2:], *OUT)
    old = {path.name: path.read_bytes() for path in folder.iterdir()}
    replace = os.replace

    def refuse(source, target):
        if os.path.basename(target) == OUT[1] and "old-" not in str(source):
            raise OSError(28, "No space left on device")
        replace(source, target)

    monkeypatch.setattr(os, "replace", refuse)
    assert run(folder, "estimate", *PAIR, *OUT, "--constraint", "simplex", "--figure", "k.png", "--quiet") == 1
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == old
