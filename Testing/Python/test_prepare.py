"""Measured kernels made fit for use: what `check` sees, what `prepare_kernel` and the command do about it."""

import json
import re
import shlex

import numpy as np
import pytest
import SimpleITK as sitk
from scipy import ndimage

import SpatialDeconvLib as sd
from SpatialDeconvLib.command import cli
from SpatialDeconvLib.kernels.prepare import ENERGY


def spot(shape=(31, 31), centre=None, sigma=1.5, height=7700.0):
    """A sampled Gaussian, written out."""
    centre = [n // 2 for n in shape] if centre is None else centre
    grids = np.meshgrid(*map(np.arange, shape), indexing="ij")
    return height * np.exp(-sum((g - c) ** 2 for g, c in zip(grids, centre, strict=True)) / (2 * sigma**2))


def on_offset(shape=(31, 31), centre=(11, 18), offset=100.0, noise=0.0, **options):
    """A spot off the middle, on a camera's offset, in counts."""
    rng = np.random.default_rng(0)
    return np.round(spot(shape, centre, **options) + offset + noise * rng.standard_normal(shape))


def distance(kernel, truth, shape=(41, 41)):
    """The relative difference between two kernels with their centres at one place."""
    planes = []
    for each in (kernel, truth):
        values, plane = each.normalized().centred().values, np.zeros(shape)
        plane[
            tuple(slice(m // 2 - n // 2, m // 2 - n // 2 + n) for m, n in zip(shape, values.shape, strict=True))
        ] = values
        planes.append(plane)
    return np.linalg.norm(planes[0] - planes[1]) / np.linalg.norm(planes[1])


TRUTH = sd.Kernel(spot((41, 41)))


# -- what check sees, and proposes


def test_a_pedestal_is_seen_with_its_share_and_level():
    values = on_offset()
    text = next(text for text in sd.Kernel(values).check() if "constant" in text)
    assert text.startswith(f"{100 * values.size / values.sum():.0%} of the weight is a constant of 100 ")


def lorentz(width, size):
    at = np.arange(size) - size // 2
    return (1 + np.add.outer(at**2, at**2) / width**2) ** -1.5


@pytest.mark.parametrize(("share", "seen"), [(0.0, 0), (0.1, 4), (0.3, 13), (0.6, 22)])
def test_a_pedestal_under_tails_that_fill_the_picture_is_seen_where_it_is_most_of_the_border(share, seen):
    kernels = [lorentz(width, size) for width in (0.5, 1, 2, 4, 8) for size in (15, 21, 31, 41, 61)]
    raised = [kernel + share / (1 - share) * kernel.mean() for kernel in kernels]
    assert sum("constant of" in " ".join(sd.Kernel(values).check()) for values in raised) == seen


@pytest.mark.parametrize(
    "values",
    [
        on_offset(),
        on_offset(centre=(15, 15), noise=8.0),
        on_offset(shape=(20, 20), centre=(9.5, 9.5)),
        on_offset(offset=0.0),
        on_offset(offset=-40.0, centre=(15, 15)),
        spot((9, 9), sigma=3.0),
        on_offset(shape=(15, 21, 21), centre=(8, 7, 12)),
    ],
    ids=["offset and centre", "noise", "even", "centre", "too much subtracted", "cut off", "3-D"],
)
def test_the_call_that_check_proposes_leaves_nothing_to_propose(values):
    kernel = sd.Kernel(values)
    proposed = re.search(r"Mended by sd\.(prepare_kernel\(kernel, .*?\)) or", " ".join(kernel.check()))
    prepared = eval(proposed.group(1), {"prepare_kernel": sd.prepare_kernel, "kernel": kernel})
    assert prepared.check() == []
    assert np.array_equal(prepared.values, sd.prepare_kernel(kernel).values)  # which is what "auto" does


def test_the_command_that_check_proposes_does_the_same(tmp_path):
    file, made = tmp_path / "psf.nrrd", tmp_path / "new.nrrd"
    sitk.WriteImage(sitk.GetImageFromArray(on_offset()), str(file))
    (text,) = (text for text in sd.read_kernel(file).check() if "Mended" in text)
    words = shlex.split(re.search(r"spatialdeconv (kernel prepare .*)", text).group(1))
    assert cli.main([{"FILE": str(file), "NEW": str(made)}.get(word, word) for word in words]) == 0
    assert sd.read_kernel(made).check() == []
    assert distance(sd.read_kernel(made), TRUTH) < 0.01


@pytest.mark.parametrize(
    "kernel",
    [
        sd.gaussian_kernel(2.0, ndim=2, truncate=2),
        sd.mean_kernel(9),
        sd.box_kernel((6.5, 6.5), (1.0, 1.0)),
        *(sd.disk_kernel(radius) for radius in (1.7, 2.5, 3.2, 3.5, 4.0, 5.3)),
        *(sd.ball_kernel(radius) for radius in (2.0, 2.5, 3.5)),
        sd.motion_kernel(9.0, 30.0),
        sd.Kernel(np.exp(-np.hypot(*np.mgrid[-20:21, -20:21]) / 5)),
        sd.Kernel((1 + np.square(np.mgrid[-20:21, -20:21]).sum(axis=0) / 4) ** -2.5),
    ],
    ids=repr,
)
def test_no_kernel_of_a_formula_is_said_to_need_preparation(kernel):
    assert not any("Mended" in text for text in kernel.check())


def test_a_run_says_of_a_kernel_of_a_set_what_mends_it():
    image = ndimage.gaussian_filter(np.random.default_rng(1).random((40, 40)), 1.0)
    field = sd.KernelField.by_intensity({0: sd.Kernel(on_offset()), 1: sd.gaussian_kernel(1.0, ndim=2)})
    result = sd.convolve(image, field, normalize=True)
    assert any(text.startswith("kernel at 0.0: ") and "prepare_kernel" in text for text in result.warnings)


# -- what is done


def test_results_with_a_prepared_kernel_are_those_of_the_clean_one():
    truth = np.full((48, 48), 20.0)
    truth[12:30, 15:38] = 200.0
    image = ndimage.gaussian_filter(truth, 1.5) + np.random.default_rng(2).normal(0, 2, truth.shape)

    def error(kernel):
        return sd.rmse(
            truth, sd.deconvolve(image, kernel, strategy="blend", method="richardson-lucy", iterations=20).image
        )

    right, spoiled, prepared = (
        error(kernel)
        for kernel in (TRUTH, sd.Kernel(on_offset()), sd.prepare_kernel(sd.Kernel(on_offset(noise=5.0))))
    )
    assert spoiled > 3 * right
    assert prepared == pytest.approx(right, rel=0.03)


@pytest.mark.parametrize("noise", [0.0, 10.0, 100.0])
def test_what_is_left_of_a_noisy_kernel_is_closer_than_its_difference_from_the_offset(noise):
    values = on_offset(noise=noise)
    naive = distance(sd.Kernel(values - 100.0, centre=(11, 18)), TRUTH)
    prepared = sd.prepare_kernel(sd.Kernel(values))
    assert distance(prepared, TRUTH) < max(0.6 * naive, 0.005)
    assert prepared.values.min() == 0


def test_what_was_done_is_told_with_its_numbers():
    values = on_offset()
    steps = {step.name: step for step in sd.prepare_kernel(sd.Kernel(values)).preparation.steps}
    assert list(steps) == ["background", "recentre", "energy", "normalize"]
    assert steps["background"].numbers["level"] == 100
    assert steps["background"].numbers["share"] == pytest.approx(100 * values.size / values.sum())
    assert steps["recentre"].numbers["moved"] == pytest.approx([-4, 3], abs=0.01)
    assert ENERGY <= steps["energy"].numbers["share"] <= 1
    assert steps["normalize"].numbers["sum"] == pytest.approx((values - 100).sum(), rel=2e-3)


def test_a_clean_kernel_stays_what_it_is():
    kernel = sd.gaussian_kernel(1.5, ndim=2)
    prepared = sd.prepare_kernel(kernel)
    assert np.array_equal(prepared.values, kernel.values)
    assert prepared.centre == kernel.centre
    assert prepared.preparation.lines() == ["nothing was to be done"]


@pytest.mark.parametrize(("word", "within"), [("peak", 1e-9), ("centroid", 0.05)])
def test_the_centre_is_found_between_voxels(word, within):
    place = (9.3, 11.8)
    prepared = sd.prepare_kernel(sd.Kernel(spot((21, 25), place)), recentre=word)
    assert prepared.centre == pytest.approx(place, abs=within)
    assert prepared.shape == (21, 25)  # the values stay where they are


def test_a_background_is_given_in_the_units_of_the_values():
    prepared = sd.prepare_kernel(sd.Kernel(on_offset()), background=100, energy=None, normalize=False)
    assert prepared.total == pytest.approx((on_offset() - 100).clip(0).sum())


@pytest.mark.parametrize("share", [0.5, 0.9, 0.99])
def test_a_crop_is_the_smallest_box_that_keeps_the_share(share):
    prepared = sd.prepare_kernel(sd.Kernel(spot((31, 31), sigma=2.0)), energy=share, normalize=False)
    profile = spot((31,), sigma=2.0, height=1.0)
    profile /= profile.sum()
    each = 1 - (1 - share) / 2
    reach = next(r for r in range(16) if profile[15 - r : 16 + r].sum() >= each)
    assert prepared.shape == (2 * reach + 1,) * 2
    assert prepared.centre == (reach, reach)
    assert prepared.total >= share * spot((31, 31), sigma=2.0).sum()


def test_a_taper_ends_at_zero_and_leaves_the_middle():
    kernel = sd.Kernel(spot((11, 11), sigma=4.0))
    prepared = sd.prepare_kernel(kernel, taper=3, normalize=False)
    ramp = np.concatenate(
        [np.sin(np.arange(3) * np.pi / 6) ** 2, np.ones(5), np.sin(np.arange(3)[::-1] * np.pi / 6) ** 2]
    )
    assert prepared.values == pytest.approx(kernel.values * np.outer(ramp, ramp))


@pytest.mark.parametrize("shape", [(9, 9), (8, 8), (5, 8, 9)])
def test_point_and_mirror_symmetry_are_means_of_images(shape):
    values = np.random.default_rng(3).random(shape)
    kernel = sd.Kernel(values, centre="middle")
    point = sd.prepare_kernel(kernel, symmetry="point", taper=None, normalize=False).values
    mirror = sd.prepare_kernel(kernel, symmetry="mirror", taper=None, normalize=False).values
    assert point == pytest.approx((values + np.flip(values)) / 2)
    subsets = [[axis for axis in range(len(shape)) if bits >> axis & 1] for bits in range(2 ** len(shape))]
    assert mirror == pytest.approx(sum(np.flip(values, axes) for axes in subsets) / len(subsets))


def test_a_kernel_is_made_round_about_its_own_centre():
    noisy = spot((21, 21), (8, 12), sigma=2.5, height=1.0)
    noisy += 0.05 * np.random.default_rng(4).standard_normal(noisy.shape) * (noisy > 0.01)
    kernel = sd.Kernel(noisy, centre=(8, 12))
    made = sd.prepare_kernel(kernel, symmetry="radial", recentre=None, taper=None)
    assert made.centre == tuple((n - 1) / 2 for n in made.shape)
    truth = sd.Kernel(spot((41, 41), sigma=2.5))
    assert distance(made, truth) < 0.5 * distance(kernel, truth)
    assert made.values == pytest.approx(np.rot90(made.values))


def test_rings_are_round_in_mm():
    spacing = (2.0, 1.0)
    j, i = np.meshgrid((np.arange(15) - 7) * 2.0, np.arange(29) - 14.0, indexing="ij")
    kernel = sd.Kernel(np.exp(-(j**2 + i**2) / 32), spacing)
    made = sd.prepare_kernel(kernel, symmetry="radial", normalize=False)
    assert made.values == pytest.approx(kernel.values, abs=0.03)


# -- whole fields


def test_the_stored_kernels_of_a_field_are_prepared_and_the_others_kept():
    made = sd.ParametricKernel("gaussian", sigma_mm=2.0)
    field = sd.KernelField.by_intensity({10: sd.Kernel(on_offset()), 20: made}, interpolation="nearest")
    prepared = sd.prepare_kernel(field)
    assert (prepared.key, prepared.at, prepared.interpolation) == ("intensity", (10, 20), "nearest")
    assert prepared.kernels[0].check() == []
    assert prepared.kernels[1] is made
    assert list(prepared.preparations) == [10]
    assert json.loads(json.dumps(prepared.record()))[0]["steps"][0]["step"] == "background"


def test_an_error_names_the_kernel_of_the_field():
    field = sd.KernelField.by_intensity({10: sd.Kernel(on_offset()), 20: sd.Kernel(np.full((9, 9), 7.0))})
    with pytest.raises(sd.InputError, match=r"the kernel at 20.*all background"):
        sd.prepare_kernel(field, background="border")


# -- what is refused


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"background": "edge"}, "background 'edge' is unknown"),
        ({"background": float("nan")}, "background nan must be finite"),
        ({"background": 1e9}, "all background"),
        ({"recentre": "middle"}, "recentre 'middle' is unknown"),
        ({"energy": 0}, "energy 0 must be a share"),
        ({"energy": 1.5}, "energy 1.5 must be a share"),
        ({"symmetry": "cube"}, "symmetry 'cube' is unknown"),
        ({"taper": -1}, "taper -1 must be finite and not negative"),
        ({"taper": 1.5}, "taper 1.5 must be a whole number"),
    ],
)
def test_arguments_that_mean_nothing_are_refused(options, said):
    with pytest.raises(sd.InputError, match=said):
        sd.prepare_kernel(sd.Kernel(on_offset()), **options)


def test_nothing_but_noise_is_all_background():
    values = np.random.default_rng(5).normal(100, 5, (31, 31))
    with pytest.raises(sd.InputError, match="the kernel is all background"):
        sd.prepare_kernel(sd.Kernel(values), background="border")


def test_a_kernel_without_a_border_wants_a_number():
    with pytest.raises(sd.InputError, match="too small to have a border; give the background as a number"):
        sd.prepare_kernel(sd.Kernel([[1, 2, 1]]), background="border")


def test_logarithms_and_kernels_of_parameters_are_refused():
    with pytest.raises(sd.InputError, match="log=True"):
        sd.prepare_kernel(sd.Kernel(np.log(sd.gaussian_kernel(2.0, ndim=2).values)))
    with pytest.raises(sd.InputError, match="only stored values"):
        sd.prepare_kernel(sd.ParametricKernel("disk", radius_mm=2))
    with pytest.raises(sd.InputError, match="only stored values"):
        sd.prepare_kernel(sd.KernelField.uniform(sd.ParametricKernel("disk", radius_mm=2)))


# -- the command


@pytest.fixture
def stored(tmp_path):
    """A set of two kernels in files, and one by its parameters."""
    for level, sigma in ((10, 1.5), (20, 2.0)):
        np.save(tmp_path / f"k{level}.npy", on_offset(sigma=sigma))
    entries = [{"at": level, "type": "file", "path": f"k{level}.npy"} for level in (10, 20)]
    entries.append({"at": 30, "type": "gaussian", "sigma_mm": 3.0})
    path = tmp_path / "set.json"
    path.write_text(json.dumps({"schema": "spatialdeconv-kernels/1", "key": "intensity", "kernels": entries}))
    return path


def test_a_set_is_prepared_into_a_new_one_with_its_record(stored, tmp_path, capsys):
    made, figure = tmp_path / "made.json", tmp_path / "made.png"
    assert cli.main(["kernel", "prepare", str(stored), "--output", str(made), "--figure", str(figure)]) == 0
    out = capsys.readouterr().out
    assert "kernel at 20.0: background of 100 subtracted" in out
    field = sd.read_kernel_set(made)
    assert field.at == (10, 20, 30)
    assert [kernel.check() for kernel in field.kernels[:2]] == [[], []]
    record = json.loads(made.read_text())["comment"]["prepared"]
    assert [entry["at"] for entry in record] == [10, 20]
    assert record[0]["steps"][0]["level"] == 100  # in counts, as they are stored
    assert figure.read_bytes()[:4] == b"\x89PNG"


def test_several_kernels_need_a_set_to_be_written_into(stored, tmp_path, capsys):
    assert cli.main(["kernel", "prepare", str(stored), "--output", str(tmp_path / "one.nrrd")]) == 1
    assert "give an output that ends in .json" in capsys.readouterr().err


def test_what_is_read_is_not_written_over(stored, capsys):
    assert cli.main(["kernel", "prepare", str(stored), "--output", str(stored)]) == 1
    assert "would overwrite" in capsys.readouterr().err


@pytest.mark.parametrize("words", [("prepare", "psf.npy"), ("file", "--from", "psf.npy")])
def test_a_voxel_size_that_nobody_said_is_told_when_it_is_written(tmp_path, monkeypatch, capsys, words):
    monkeypatch.chdir(tmp_path)
    np.save("psf.npy", sd.gaussian_kernel(1.5, ndim=2).values)
    assert cli.main(["kernel", *words, "--output", "new.nrrd"]) == 0
    assert "says no voxel size: written as voxels of 1 mm" in capsys.readouterr().err
    assert cli.main(["kernel", *words, "--output", "new.npy"]) == 0
    assert "voxel size" not in capsys.readouterr().err


def test_the_peak_of_a_plateau_is_its_middle():
    flat = np.pad(np.ones((3, 5)), 3)
    assert sd.prepare_kernel(sd.Kernel(flat), recentre="peak").centre == pytest.approx((4.0, 5.0))


# -- pages that are taken for slices


def stack(pages=10):
    """Gaussians of rising width, a page each, as people have them for levels."""
    places = np.square(np.arange(20) - 9.5)
    return np.stack([np.exp(-(places[:, None] + places) / (2 * s**2)) for s in np.linspace(1, 3, pages)])


def test_the_first_thing_that_is_said_of_a_stack_of_kernels_is_to_give_their_levels():
    first, *others = sd.Kernel(stack()).check()
    assert first.startswith("its 10 slices of 20x20 voxels may be 10 kernels: ")
    assert "--levels 10:100:10" in first
    assert any("recentre" in text or "prepare_kernel" in text for text in others)


def test_a_kernel_in_3d_that_is_off_its_middle_is_no_stack():
    values = np.pad(sd.gaussian_kernel(1.0).values, ((6, 0), (0, 0), (0, 0)))
    found = sd.Kernel(values).check()
    assert "the result will be shifted" in found[0]


def test_the_command_says_it_before_it_recentres(tmp_path, capsys):
    for name in ("k.tif", "k.npy"):
        if name.endswith("tif"):
            sitk.WriteImage(sitk.GetImageFromArray(stack().astype(np.float32)), str(tmp_path / name))
        else:
            np.save(tmp_path / name, stack())
        assert cli.main(["kernel", "prepare", str(tmp_path / name), "--output", str(tmp_path / "out.nrrd")]) == 0
        said = [line for line in capsys.readouterr().err.splitlines() if ": warning: " in line]
        assert "may be 10 kernels: if each is one of its own, say what they belong to" in said[0]


# -- very small values, and lines


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("symmetry", ["point", "mirror", "radial"])
def test_very_small_values_are_prepared_and_recorded_in_numbers(symmetry):
    values = 1e-300 * np.outer([1, 2, 3, 4, 3], [1, 2, 5, 2, 1])
    prepared = sd.prepare_kernel(sd.Kernel(values), symmetry=symmetry)
    same = sd.prepare_kernel(sd.Kernel(1e300 * values), symmetry=symmetry)
    np.testing.assert_allclose(prepared.values, same.values, rtol=1e-12)
    record = json.loads(json.dumps(prepared.preparation.record(), allow_nan=False))
    small, large = (
        next(step["change"] for step in steps if step["step"] == "symmetry")
        for steps in (record, same.preparation.record())
    )
    assert small == pytest.approx(large)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("shape", [(1, 9), (9, 1), (1, 17), (1, 1, 31)])
@pytest.mark.parametrize("steps", [{}, {"background": "auto", "energy": 0.9}, {"symmetry": "mirror", "taper": 2}])
def test_kernels_of_one_line_are_looked_at_and_prepared(shape, steps):
    places = np.square(np.arange(max(shape)) - max(shape) // 2)
    kernel = sd.Kernel(np.exp(-places / 8).reshape(shape))
    kernel.check()
    assert sd.prepare_kernel(kernel, **steps).total == pytest.approx(1)
