"""The width of kernels against the blur that an image shows, and what `check` says of kernels before a run."""

import json
import math

import numpy as np
import pytest
import SimpleITK as sitk
from scipy import ndimage
from skimage import data, transform

import SpatialDeconvLib as sd
from SpatialDeconvLib.command import cli
from SpatialDeconvLib.errors import InputError
from SpatialDeconvLib.run.width.patchspectra import Patches


def picture(size=96):
    """A photograph at 0 ... 100."""
    image = transform.resize(data.camera().astype(float), (size, size), anti_aliasing=True)
    return 100 * (image - image.min()) / np.ptp(image)


def noisy(image, sigma=0.5, seed=0):
    return (image + sigma * np.random.default_rng(seed).standard_normal(image.shape)).astype(np.float32)


@pytest.fixture(scope="module")
def defocused():
    """The photograph blurred with a disk of 2.5 voxels, by scipy."""
    return noisy(ndimage.convolve(picture(), sd.disk_kernel(2.5).values, mode="nearest"))


@pytest.fixture(scope="module")
def halves():
    """Sigma 1 on the left, 2 on the right: the image and its labels."""
    truth = picture()
    labels = np.ones(truth.shape, int)
    labels[:, 48:] = 2
    blurs = [ndimage.gaussian_filter(truth, sigma, mode="nearest") for sigma in (1.0, 2.0)]
    return noisy(np.where(labels == 1, *blurs)), labels


def by_halves(factor=1.0):
    kernels = {1: sd.gaussian_kernel(1.0 * factor, ndim=2), 2: sd.gaussian_kernel(2.0 * factor, ndim=2)}
    return sd.KernelField.by_region(None, kernels)


# -- kernels that are wrong are found


@pytest.mark.parametrize("factor", [0.8, 1.25])
def test_a_disk_of_another_radius_is_found_with_its_factor(defocused, factor):
    found = sd.estimate_width(defocused, sd.disk_kernel(2.5 * factor), noise=0.5)
    assert found.factor == pytest.approx(factor, rel=0.08)
    assert found.sigma < 0.1
    assert not found.fits
    assert f"too {'wide' if factor > 1 else 'narrow'}" in found.describe()


def test_the_right_disk_fits_and_its_uncertainty_is_told(defocused):
    found = sd.estimate_width(defocused, sd.disk_kernel(2.5))
    assert found.fits
    assert found.known
    assert found.describe() == f"the kernels' width fits the image (within {100 * found.sigma:.0f} %)"


@pytest.mark.parametrize("factor", [1.0, 1.3])
def test_a_common_factor_of_regions_is_found(halves, factor):
    image, labels = halves
    found = sd.estimate_width(image, by_halves(factor), labels=labels, noise=0.5)
    assert found.factor == pytest.approx(factor, rel=0.12)
    assert found.fits == (factor == 1.0)


def test_kernels_that_a_guide_chooses_are_judged_by_what_explains_the_image():
    truth = picture(64)
    kernels = {10: sd.gaussian_kernel(0.8, ndim=2), 90: sd.gaussian_kernel(2.2, ndim=2)}
    field = sd.KernelField.by_intensity(kernels)
    image = noisy(sd.convolve(truth, field, guide=truth).image)
    wide = sd.estimate_width(image, sd.scale_kernels(field, 1.3), guide=truth, noise=0.5)
    right = sd.estimate_width(image, field, guide=truth, noise=0.5)
    assert wide.factor == pytest.approx(1.3, rel=0.15)
    assert right.factor == pytest.approx(1.0, rel=0.15)


def test_the_source_model_is_simulated_as_such(halves):
    image, labels = halves
    truth = picture()
    image = noisy(sd.convolve(truth, by_halves(), labels=labels, model="source").image)
    found = sd.estimate_width(image, by_halves(1.25), labels=labels, model="source", noise=0.5)
    assert found.factor == pytest.approx(1.25, rel=0.1)


def test_slices_are_looked_at_one_by_one(defocused):
    volume = np.stack([defocused] * 3)
    found = sd.estimate_width(volume, sd.disk_kernel(3.1), slicewise=True, noise=0.5)
    assert found.factor == pytest.approx(1.24, rel=0.08)


def test_more_noise_makes_the_finding_less_sure():
    sharp = ndimage.gaussian_filter(picture(), 1.5)
    sigmas = [sd.estimate_width(noisy(sharp, s), sd.gaussian_kernel(1.5, ndim=2), noise=s).sigma for s in (0.2, 5)]
    assert sigmas[0] < sigmas[1]


# -- what does not matter


def test_unit_offset_and_voxel_size_do_not_matter(defocused):
    kernel = sd.disk_kernel(2.5)
    plain = sd.estimate_width(defocused, kernel, noise=0.5)
    scaled = sd.estimate_width(1000 * defocused + 7, kernel, noise=500)
    tiny = sd.estimate_width(1e-28 * defocused, kernel, noise=0.5e-28)
    halved = sd.estimate_width(defocused, sd.disk_kernel(1.25, 0.5), spacing=0.5, noise=0.5)
    for other in (scaled, tiny, halved):
        assert other.factor == pytest.approx(plain.factor, rel=0.01)
        assert other.sigma == pytest.approx(plain.sigma, rel=0.1)


def test_the_same_input_gives_the_same_bits(halves):
    image, labels = halves
    first, second = (sd.estimate_width(image, by_halves(), labels=labels) for _ in range(2))
    assert (first.factor, first.sigma) == (second.factor, second.sigma)


def test_only_what_the_mask_holds_is_looked_at(defocused):
    spoiled = defocused.copy()
    spoiled[:, 48:] = noisy(picture())[:, 48:]  # not blurred at all
    mask = np.zeros(spoiled.shape, bool)
    mask[:, :48] = True
    kernel = sd.disk_kernel(2.5)
    masked = sd.estimate_width(spoiled, kernel, mask=mask, noise=0.5)
    assert masked.factor == pytest.approx(1.0, rel=0.1)
    assert sd.estimate_width(spoiled, kernel, noise=0.5).factor != pytest.approx(1.0, rel=0.2)


# -- what is refused


def test_kernels_that_the_blurred_image_chooses_are_refused_with_the_reason(defocused):
    field = sd.KernelField.by_intensity({0: sd.gaussian_kernel(1.0, ndim=2), 100: sd.gaussian_kernel(2.0, ndim=2)})
    with pytest.raises(InputError, match="blurred image's own values choose") as caught:
        sd.estimate_width(defocused, field)
    assert caught.value.option == "guide"
    one = sd.KernelField.by_intensity({50: sd.disk_kernel(2.5)})  # one for all: nothing is chosen
    assert sd.estimate_width(defocused, one, noise=0.5).fits


@pytest.mark.parametrize(
    ("image", "kernel", "words"),
    [
        (np.zeros((8, 8)), sd.gaussian_kernel(1.0, ndim=2), "too small to tell how wide"),
        (np.full((64, 64), 3.0), sd.gaussian_kernel(1.0, ndim=2), "constant"),
        (noisy(np.full((64, 64), 3.0)), sd.gaussian_kernel(1.0, ndim=2), "nothing but noise"),
        (noisy(picture(64)), sd.identity_kernel(ndim=2), "do not blur"),
    ],
)
def test_where_no_width_can_be_seen_the_reason_is_told(image, kernel, words):
    with pytest.raises(InputError, match=words):
        sd.estimate_width(image, kernel, noise=0.5)


@pytest.mark.parametrize("kernel", [sd.disk_kernel(2.5), sd.gaussian_kernel(1.5, ndim=2)], ids=repr)
@pytest.mark.parametrize("factor", [1.0, 1.2])
def test_of_an_image_without_noise_no_width_is_judged(kernel, factor):
    image = sd.convolve(picture(), kernel, boundary="edge").image
    with pytest.raises(InputError, match=r"next to no noise \(sigma .* of a range of .*cannot be judged") as caught:
        sd.estimate_width(image, sd.scale_kernels(kernel, factor))
    assert caught.value.option == "noise"


def test_noise_that_is_said_but_not_there_is_no_ground_to_judge_a_width_on():
    image = sd.convolve(picture(), sd.gaussian_kernel(1.5, ndim=2), boundary="edge").image
    with pytest.raises(InputError, match=r"next to no noise \(sigma 0\.1 is said, 0\.00"):
        sd.estimate_width(image, sd.gaussian_kernel(1.5, ndim=2), noise=0.1)


def test_kernels_on_a_constant_have_no_width_that_fits(defocused):
    values = 0.02 + np.pad(sd.disk_kernel(2.5).values, 8)
    with pytest.raises(InputError, match=r"kernel stands on a constant.*prepare FILE --background border"):
        sd.estimate_width(defocused, sd.Kernel(values), noise=0.5)
    prepared = sd.prepare_kernel(sd.Kernel(values))
    assert sd.estimate_width(defocused, prepared, noise=0.5).fits


def test_a_search_can_be_cancelled_and_tells_how_far_it_is(halves):
    image, labels = halves
    told = []
    sd.estimate_width(image, by_halves(), labels=labels, progress=lambda fraction, text: told.append(fraction))
    assert told == sorted(told)
    assert told[-1] == 1
    with pytest.raises(sd.Cancelled):
        sd.estimate_width(image, by_halves(), labels=labels, cancelled=lambda: len(told) > 0)


# -- words


@pytest.mark.parametrize(
    ("factor", "sigma", "words"),
    [
        (1.2, 0.05, "the kernels look about 20 % too wide (± 5 %)"),
        (
            0.8,
            0.05,
            "the kernels look about 20 % too narrow (± 5 %); objects that are soft themselves read as blur",
        ),
        (1.2, 0.2, "the kernels' width fits the image (within 20 %)"),
        (1.0, 0.3, "the image does not tell how wide its blur is (to ± 30 % only)"),
    ],
)
def test_the_finding_is_told_in_words(factor, sigma, words):
    assert sd.WidthEstimate(factor, sigma, sd.NoiseLaw.gaussian(1.0), 9).describe().startswith(words)


# -- spectra of patches


def test_white_noise_has_its_variance_in_every_band():
    patches = Patches((128, 128), (1.0, 1.0), False)
    image = np.random.default_rng(0).normal(0, 3, (128, 128))
    np.testing.assert_allclose(patches.energies(image).mean(axis=0), 9.0, rtol=0.25)


def test_a_wave_is_in_the_band_of_its_frequency():
    patches = Patches((64, 64), (1.0, 2.0), False)
    wave = np.sin(2 * np.pi * 0.2 * np.arange(64))[:, None] * np.ones(64)
    loudest = int(patches.energies(wave).mean(axis=0).argmax())
    assert patches.frequency[loudest] == pytest.approx(0.2, rel=0.15)


# -- kernels scaled


def deviation(kernel):
    """Standard deviation of a kernel's weight along each axis, in mm."""
    found = []
    for axis, (n, h) in enumerate(zip(kernel.shape, kernel.spacing, strict=True)):
        profile = kernel.values.sum(axis=tuple(a for a in range(kernel.ndim) if a != axis)) / kernel.total
        at = np.arange(n) * h
        found.append(math.sqrt(profile @ (at - profile @ at) ** 2))
    return found


def test_kernels_with_parameters_in_mm_are_made_again():
    kernel = sd.scale_kernels(sd.ParametricKernel("gaussian", sigma_mm=[1.0, 2.0, 3.0]), 1.5)
    assert kernel.parameters == {"sigma_mm": [1.5, 3.0, 4.5]}
    oblique = sd.scale_kernels(sd.ParametricKernel("gaussian", covariance_mm2=[[4, 1], [1, 2]]), 2)
    assert oblique.parameters["covariance_mm2"] == [[16, 4], [4, 8]]
    motion = sd.scale_kernels(sd.motion_kernel(5, 30.0), 2)
    np.testing.assert_array_equal(motion.values, sd.motion_kernel(10, 30.0).values)


def test_kernels_from_files_are_interpolated_about_their_centre():
    given = sd.Kernel(5 * sd.gaussian_kernel(1.5, (1.0, 0.5), ndim=2).values, (1.0, 0.5))
    for factor in (0.8, 1.3):
        scaled = sd.scale_kernels(given, factor)
        np.testing.assert_allclose(deviation(scaled), 1.5 * factor, rtol=0.02)
        assert scaled.total == pytest.approx(5)
        assert scaled.spacing == given.spacing
        assert not scaled.check()[1:]  # of its sum it is told, of no shift and no negative values
    np.testing.assert_array_equal(sd.scale_kernels(given, 1).values, given.values)


def test_kernels_are_scaled_about_the_centre_that_they_have():
    at = np.arange(20)
    even = np.exp(-np.square(at - 9.5) / 8)
    for values, centre in ((np.outer(even, even), "auto"), (np.outer(np.roll(even, 3), even), (12.5, 9.5))):
        scaled = sd.scale_kernels(sd.Kernel(values, centre=centre), 0.8)
        profiles = (scaled.values.sum(axis=1), scaled.values.sum(axis=0))
        found = [float(p @ np.arange(p.size) / p.sum()) for p in profiles]
        assert found == pytest.approx(scaled.centre, abs=0.01)


def test_all_kernels_of_a_field_are_scaled_and_its_keys_stay():
    field = sd.KernelField.by_intensity(
        {10: sd.disk_kernel(2.0), 20: sd.identity_kernel(ndim=2)}, outside="unchanged"
    )
    scaled = sd.scale_kernels(field, 1.5)
    assert (scaled.at, scaled.outside) == (field.at, field.outside)
    np.testing.assert_array_equal(scaled.kernels[0].values, sd.disk_kernel(3.0).values)
    assert scaled.kernels[1].is_identity


def test_what_cannot_be_scaled_is_refused():
    with pytest.raises(InputError, match="no size in mm"):
        sd.scale_kernels(sd.ParametricKernel("mean", shape=3), 1.2)
    with pytest.raises(InputError, match="leaves no kernel"):
        sd.scale_kernels(sd.disk_kernel(2.0), 0)


# -- the command


def test_a_residual_in_units_of_no_noise_is_told_as_such(folder, capsys):
    image = sd.convolve(picture(), sd.gaussian_kernel(1.5, ndim=2), boundary="edge").image
    sitk.WriteImage(sitk.GetImageFromArray(image[None].astype(np.float32)), str(folder / "clean.nrrd"))
    sd.write_kernel_set(folder / "k.json", sd.KernelField.uniform(sd.gaussian_kernel(1.5, ndim=2)))
    files = [str(folder / name) for name in ("clean.nrrd", "out.nrrd", "k.json")]
    words = ["--strategy", "joint", "--method", "tikhonov", "--quiet", "--noise", "1e-5"]
    assert cli.main(["deconvolve", *files[:2], "--kernels", files[2], *words]) == 0
    assert "(of a noise that is next to none: the kernels explain the image)" in capsys.readouterr().out


@pytest.fixture
def folder(tmp_path, defocused):
    pytest.importorskip("slicer", reason="slicer-core is not installed")
    sitk.WriteImage(sitk.GetImageFromArray(defocused[None]), str(tmp_path / "image.nrrd"))
    return tmp_path


def kernel_set(folder, key, *kernels):
    entries = [{"at": at, "type": "disk", "radius_mm": radius} for at, radius in kernels]
    path = folder / "set.json"
    path.write_text(json.dumps({"schema": "spatialdeconv-kernels/1", "key": key, "kernels": entries}))
    return str(path)


def test_check_prints_kernels_noise_and_width_and_writes_nothing(folder, capsys):
    path = kernel_set(folder, "position", ([0, 0, 0], 3.1), ([0, 0, 90], 3.1))
    before = sorted(folder.iterdir())
    assert cli.main(["check", str(folder / "image.nrrd"), "--kernels", path, "--quiet"]) == 0
    said = capsys.readouterr().out
    assert "position 0 0 90: disk 3.1 mm" in said
    assert "of the image" in said
    assert "noise: Gaussian, sigma 0." in said
    assert "too wide" in said
    assert sorted(folder.iterdir()) == before


def test_check_names_the_size_that_a_kernel_was_given_with(folder, capsys):
    places = np.square(np.arange(20) - 9.5)
    np.save(folder / "k.npy", np.exp(-(places[:, None] + places) / 8))
    words = ["check", str(folder / "image.nrrd"), "--kernels", str(folder / "k.npy"), "--noise", "0.5", "--quiet"]
    assert cli.main(words) == 0
    assert "kernel: k.npy, 20x20 voxels (used as 21x21), for 100.0% of the image" in capsys.readouterr().out


def test_check_says_of_a_kernel_on_an_offset_what_to_do_instead_of_its_width(folder, capsys):
    np.save(folder / "k.npy", 0.02 + np.pad(sd.disk_kernel(2.5).values, 8))
    words = ["check", str(folder / "image.nrrd"), "--kernels", str(folder / "k.npy"), "--noise", "0.5", "--quiet"]
    assert cli.main(words) == 0
    said = capsys.readouterr()
    assert "width: not known: the kernel stands on a constant" in said.out
    assert "fits" not in said.out
    assert "the weight is a constant of" in said.err


def test_check_says_why_there_is_no_width_and_is_done(folder, capsys):
    path = kernel_set(folder, "intensity", (0, 2.0), (100, 3.0))
    assert cli.main(["check", str(folder / "image.nrrd"), "--kernels", path, "--quiet", "--noise", "0.5"]) == 0
    said = capsys.readouterr().out
    assert "width: not known: the blurred image's own values choose the kernels" in said
    assert "noise: Gaussian, sigma 0.5" in said


def test_check_refuses_what_a_run_would_refuse(folder, capsys):
    path = kernel_set(folder, "region", (1, 2.0))
    assert cli.main(["check", str(folder / "image.nrrd"), "--kernels", path, "--quiet"]) == 1
    assert "label" in capsys.readouterr().err


def test_check_takes_one_channel_at_a_time(folder, capsys):
    image = sitk.ReadImage(str(folder / "image.nrrd"))
    sitk.WriteImage(sitk.Compose([image] * 3), str(folder / "colours.nrrd"))
    path = kernel_set(folder, "position", ([0, 0, 0], 2.5))
    assert cli.main(["check", str(folder / "colours.nrrd"), "--kernels", path, "--quiet"]) == 1
    assert "3 values per voxel; check one of its channels" in capsys.readouterr().err


@pytest.mark.parametrize("value", [100.0, -3.0, 1e6])
def test_a_constant_image_has_no_blur_that_is_seen(value):
    image = np.full((32, 32), value)
    image[12, 12] += 1e-9 * abs(value)
    with pytest.raises(sd.InputError, match=r"constant|nothing but noise"):
        sd.estimate_width(image, sd.gaussian_kernel(1.0, ndim=2))
