"""Kernels made as wide as the blur that an image shows (`refine_kernels`), and when that is refused."""

import json
import math

import numpy as np
import pytest
import SimpleITK as sitk
from scipy import ndimage
from skimage import data, transform

import SpatialDeconvLib as sd
from SpatialDeconvLib.command import cli


def picture(size=64):
    """A photograph at 0 ... 100."""
    image = transform.resize(data.camera().astype(float), (size, size), anti_aliasing=True)
    return 100 * (image - image.min()) / np.ptp(image)


def noisy(image, sigma=0.5, seed=0):
    return (image + sigma * np.random.default_rng(seed).standard_normal(image.shape)).astype(np.float32)


@pytest.fixture(scope="module")
def defocused():
    """The photograph blurred with a disk of 2.5 voxels, by scipy."""
    return noisy(ndimage.convolve(picture(), sd.disk_kernel(2.5).values, mode="nearest"))


def radius_of(field):
    return field.kernels[0].parameters["radius_mm"]


def disks(factor=1.0, outer=1.0):
    """Disks of 2 and of 3 voxels for the left and the right half."""
    radii = {1: 2.0 * factor, 2: 3.0 * factor * outer}
    return sd.KernelField.by_region(
        None, {label: sd.ParametricKernel("disk", radius_mm=radius) for label, radius in radii.items()}
    )


@pytest.fixture(scope="module")
def halves():
    truth, labels = picture(), np.ones((64, 64), int)
    labels[:, 32:] = 2
    blurs = [ndimage.convolve(truth, sd.disk_kernel(radius).values, mode="nearest") for radius in (2.0, 3.0)]
    # With one noise in ten a right kernel looks clearly wrong: that is where the limit is. This is none of them.
    return noisy(np.where(labels == 1, *blurs), seed=2), labels


# -- what is found


@pytest.mark.parametrize("factor", [1.1, 1.25])
def test_a_kernel_that_is_too_wide_is_made_right(defocused, factor):
    refined = sd.refine_kernels(defocused, sd.ParametricKernel("disk", radius_mm=2.5 * factor), noise=0.5)
    assert radius_of(refined) == pytest.approx(2.5, rel=0.03)
    done = refined.refinement
    assert done.factors[0] == pytest.approx(1 / factor, rel=0.03)
    assert done.width.sigma < 0.05
    assert "too wide" in done.lines()[0]
    assert done.lines()[1] == f"their widths were multiplied by {done.factors[0]:.3g}"


def test_results_with_the_refined_kernel_are_as_good_as_with_the_right_one(defocused):
    def quality(kernels):
        return sd.psnr(picture(), sd.deconvolve(defocused, kernels, strategy="joint", method="tv", noise=0.5).image)

    wide = sd.disk_kernel(3.0)
    refined = sd.refine_kernels(defocused, wide, noise=0.5)
    right = quality(sd.disk_kernel(2.5))
    assert quality(wide) < right - 3
    assert quality(refined) > right - 0.7


def test_a_kernel_that_fits_stays_as_it_is(defocused):
    kernel = sd.disk_kernel(2.5)
    refined = sd.refine_kernels(defocused, kernel, noise=0.5)
    assert refined.kernels[0] is kernel
    assert refined.refinement.lines()[1] == "they were left as they are"


def test_the_kernels_of_a_field_share_a_factor(halves):
    image, labels = halves
    refined = sd.refine_kernels(image, disks(1.2), labels=labels, noise=0.5)
    assert len(set(refined.refinement.factors.values())) == 1
    assert refined.refinement.factors[1] == pytest.approx(1 / 1.2, rel=0.03)
    assert refined.labels is None  # as they were given
    assert refined.key == "region"


def test_each_kernel_has_its_own_factor_where_that_is_asked_for(halves):
    image, labels = halves
    refined = sd.refine_kernels(image, disks(1.25, outer=0.88), labels=labels, each=True, noise=0.5)
    factors = refined.refinement.factors
    assert factors[1] == pytest.approx(1 / 1.25, rel=0.05)
    assert factors[2] == pytest.approx(1 / (1.25 * 0.88), rel=0.07)  # of both, it is 0.84
    assert len(refined.refinement.lines()) == 3


@pytest.mark.parametrize("wrong", [1, 2])
def test_a_right_kernel_beside_a_wrong_one_stays_as_it_is(halves, wrong):
    image, labels = halves
    right = 3 - wrong
    given = disks(1.0 if wrong == 2 else 1.25, outer=1.25 if wrong == 2 else 1 / 1.25)
    refined = sd.refine_kernels(image, given, labels=labels, each=True, noise=0.5)
    assert refined.kernels[right - 1] is given.kernels[right - 1]
    assert refined.refinement.factors[wrong] == pytest.approx(1 / 1.25, rel=0.05)
    line = refined.refinement.lines()[right]
    assert line.startswith(f"the kernel at {right} was left as it is: ")
    assert line.endswith("in its own part of the image) is nothing clear")
    assert refined.refinement.record()["kernels"][right - 1]["multiplied by"] == 1


def test_a_kernel_whose_part_of_the_image_does_not_tell_stays_as_it_is(halves):
    image, labels = halves
    labels = labels.copy()
    labels[:3, :3] = 3
    kernels = dict(zip((1, 2), disks(1.25).kernels, strict=True)) | {3: sd.ParametricKernel("disk", radius_mm=2.5)}
    refined = sd.refine_kernels(image, sd.KernelField.by_region(None, kernels), labels=labels, each=True, noise=0.5)
    assert refined.refinement.factors[3] == 1
    assert refined.refinement.factors[1] == pytest.approx(1 / 1.25, rel=0.05)
    assert refined.refinement.lines()[3] == (
        "the kernel at 3 was left as it is: its own part of the image does not tell how wide its blur is"
    )


def test_a_kernel_that_looks_too_narrow_by_itself_is_not_made_wider_unasked(halves):
    image, labels = halves
    given = disks(1.0, outer=0.8)
    left = sd.refine_kernels(image, given, labels=labels, each=True, noise=0.5)
    assert left.refinement.factors[2] == 1
    assert left.refinement.lines()[2].endswith("only where that is asked for (widen)")


def test_stored_kernels_are_scaled_about_their_own_centre(defocused):
    values = np.pad(sd.disk_kernel(3.0).values, ((4, 0), (0, 3)))
    kernel = sd.Kernel(values, centre=(7, 3))
    refined = sd.refine_kernels(defocused, kernel, noise=0.5).kernels[0]
    at = [float(p @ np.arange(p.size)) for p in (refined.values.sum(axis=1), refined.values.sum(axis=0))]
    assert at == pytest.approx(refined.centre, abs=0.01)


def test_what_is_masked_out_does_not_count(defocused):
    image, mask = defocused.copy(), np.zeros(defocused.shape, bool)
    mask[:, :44] = True
    image[:, 50:] = noisy(picture())[:, 50:]  # not blurred at all
    refined = sd.refine_kernels(image, sd.ParametricKernel("disk", radius_mm=3.0), mask=mask, noise=0.5)
    assert radius_of(refined) == pytest.approx(2.5, rel=0.04)


# -- what is refused


def test_kernels_that_the_blurred_image_chooses_are_refused(defocused):
    field = sd.KernelField.by_intensity({0: sd.disk_kernel(2.0), 100: sd.disk_kernel(3.0)})
    with pytest.raises(sd.InputError, match="blurred image's own values choose"):
        sd.refine_kernels(defocused, field)


def test_kernels_are_made_wider_only_on_request(defocused):
    narrow = sd.ParametricKernel("disk", radius_mm=2.0)
    with pytest.raises(sd.InputError, match=r"too narrow.*whether it is the object or the kernels") as caught:
        sd.refine_kernels(defocused, narrow, noise=0.5)
    assert caught.value.cure == {"widen": True}
    assert radius_of(sd.refine_kernels(defocused, narrow, widen=True, noise=0.5)) == pytest.approx(2.5, rel=0.03)


def test_a_soft_object_does_not_make_right_kernels_wider():
    soft = ndimage.gaussian_filter(picture(), 3.0)
    image = noisy(ndimage.gaussian_filter(soft, 1.5))
    kernel = sd.gaussian_kernel(1.5, ndim=2)
    with pytest.raises(sd.InputError):
        sd.refine_kernels(image, kernel, noise=0.5)


@pytest.mark.parametrize(
    ("image", "words"),
    [
        (np.full((64, 64), 3.0), "constant"),
        (noisy(np.full((64, 64), 3.0)), "nothing but noise"),
        (np.zeros((8, 8)), "too small"),
    ],
)
def test_images_that_show_no_blur_are_refused_with_the_reason(image, words):
    with pytest.raises(sd.InputError, match=words):
        sd.refine_kernels(image, sd.gaussian_kernel(1.5, ndim=2), noise=0.5)


def test_an_image_that_is_mostly_noise_is_refused():
    image = noisy(ndimage.gaussian_filter(picture(48), 1.0), 100.0)
    with pytest.raises(sd.InputError, match=r"does not tell|nothing but noise"):
        sd.refine_kernels(image, sd.gaussian_kernel(1.0, ndim=2), noise=100.0)


# -- what names it


def test_the_finding_on_kernels_that_do_not_fit_names_the_call():
    law = sd.NoiseLaw.gaussian(1.0)
    wide, narrow, right = (sd.WidthEstimate(factor, 0.05, law, 9).advise() for factor in (1.2, 0.8, 1.0))
    assert "sd.refine_kernels(image, kernels) or spatialdeconv kernel refine IMAGE --kernels SET --output" in wide
    assert "sd.refine_kernels(image, kernels, widen=True)" in narrow
    assert "--widen" in narrow
    assert "refine" not in right


# -- the command


@pytest.fixture
def folder(tmp_path, halves):
    pytest.importorskip("slicer", reason="slicer-core is not installed")
    image, labels = halves
    sitk.WriteImage(sitk.GetImageFromArray(image[None]), str(tmp_path / "image.nrrd"))
    sitk.WriteImage(sitk.GetImageFromArray(labels[None].astype(np.uint8)), str(tmp_path / "labels.nrrd"))
    sd.write_kernel_set(tmp_path / "set.json", disks(1.2))
    return tmp_path


def refine(folder, *more, output="refined.json"):
    files = [str(folder / name) for name in ("image.nrrd", "set.json", "labels.nrrd", output)]
    words = [files[0], "--kernels", files[1], "--labels", files[2], "--output", files[3]]
    return cli.main(["kernel", "refine", *words, "--noise", "0.5", "--quiet", *more])


def test_the_command_writes_the_refined_set_with_what_was_found(folder, capsys):
    assert refine(folder) == 0
    said = capsys.readouterr().out
    assert "too wide" in said
    assert "their widths were multiplied by 0.8" in said
    kernels = sd.read_kernel_set(folder / "refined.json").kernels
    assert [k.parameters["radius_mm"] for k in kernels] == pytest.approx([2.0, 3.0], rel=0.03)
    record = json.loads((folder / "refined.json").read_text())["comment"]["refined"]
    assert record["factor"] == pytest.approx(1.2, rel=0.03)
    assert math.log(record["factor"]) > record["uncertainty"] > 0
    assert [entry["at"] for entry in record["kernels"]] == [1, 2]


def test_the_command_refuses_what_is_no_set_or_what_it_reads(folder, capsys):
    assert refine(folder, output="refined.nrrd") == 1
    assert "ends in .json" in capsys.readouterr().err
    assert refine(folder, output="set.json") == 1
    assert "would overwrite" in capsys.readouterr().err
