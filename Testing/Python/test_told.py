"""What a run says of input that does not do what it seems to: kernels, keys and guides without effect, sums."""

import json

import numpy as np
import pytest

import SpatialDeconvLib as sd
from SpatialDeconvLib.run.verdict import worst_verdict

IMAGE = np.random.default_rng(3).normal(100, 10, (14, 16)).astype(np.float32)
BLUR = sd.ParametricKernel("gaussian", sigma_mm=1.0)
UNCHANGED = "the result is the image itself: nothing was changed"


def blend(image, field, **options):
    return sd.deconvolve(image, field, strategy="blend", method="wiener", engine="fft", noise=1.0, **options)


def both(image, field, **options):
    """A convolution and a deconvolution, without what the latter says of how well the kernels explain the image."""
    results = [operation(image, field, **options) for operation in (sd.convolve, blend)]
    for result in results:
        result.warnings[:] = [text for text in result.warnings if "blurred again" not in text]
    return results


# -- sums


@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.float64])
def test_a_convolution_that_multiplies_the_image_says_so_and_how_not_to(dtype):
    values = np.outer([1, 2, 1], [1, 2, 1]).astype(dtype) * dtype(4)
    (told,) = sd.convolve(IMAGE, sd.Kernel(values)).warnings
    assert told.startswith("kernel: the sum is 64, by which the result is multiplied; set normalize")
    assert sd.convolve(IMAGE, sd.Kernel(values), normalize=True).warnings == []


def test_the_sum_of_every_kernel_of_a_set_is_told():
    kernels = {0: sd.Kernel(np.full((3, 3), 0.5)), 100: sd.Kernel(np.full((3, 3), 1 / 9)), 200: sd.Kernel([[7.0]])}
    told = sd.convolve(IMAGE, sd.KernelField.by_intensity(kernels)).warnings
    assert [text.split(":")[0] for text in told] == ["kernel at 0.0", "kernel at 200.0"]


@pytest.mark.parametrize(
    "kernel",
    [
        sd.sum_kernel(3, ndim=2),
        sd.laplacian_kernel(ndim=2),
        sd.ParametricKernel("sum", shape=[3, 3]),
        sd.Kernel([[0, 1, 0], [1, -4, 1], [0, 1, 0]]),
        sd.Kernel([[-1, 0, 1]]),
        sd.Kernel(np.float32([[0.2, 0.6, 0.2]])),
    ],
    ids=repr,
)
def test_sums_that_are_meant_are_not_told(kernel):
    assert sd.convolve(IMAGE, kernel).warnings == []


def test_a_convolution_with_a_logarithm_says_what_it_looks_like():
    kernel = sd.Kernel(np.log(sd.gaussian_kernel(2.0, ndim=2).values))
    assert "look like a logarithm" in sd.convolve(IMAGE, kernel).warnings[0]


# -- keys that choose nothing


@pytest.mark.parametrize("outside", ["unchanged", "nearest"])
def test_labels_that_the_map_does_not_hold_are_named(outside):
    labels = np.full(IMAGE.shape, 7)
    labels[:5] = 3
    field = sd.KernelField.by_region(labels, {1: BLUR, 3: BLUR, 2: BLUR}, outside=outside)
    for result in both(IMAGE, field):
        assert result.warnings == ["not used: the kernels at 1, 2: no voxel that is worked on has their label"]


def test_a_label_map_that_holds_none_of_the_labels_changes_nothing_and_says_so():
    field = sd.KernelField.by_region(np.full(IMAGE.shape, 7), {1: BLUR, 2: BLUR}, outside="unchanged")
    for result in both(IMAGE, field):
        assert [text.split(":")[0] for text in result.warnings] == ["not used", UNCHANGED.split(":")[0]]
        assert result.residual is None
        np.testing.assert_array_equal(result.image, IMAGE)


def test_labels_outside_the_mask_are_not_used():
    labels = np.ones(IMAGE.shape, int)
    labels[10:] = 2
    mask = np.zeros(IMAGE.shape, bool)
    mask[:8] = True
    field = sd.KernelField.by_region(labels, {1: BLUR, 2: BLUR})
    assert both(IMAGE, field)[0].warnings == []
    for result in both(IMAGE, field, mask=mask):
        assert result.warnings == ["not used: the kernels at 2: no voxel that is worked on has their label"]


def test_weights_that_are_zero_everywhere_are_named():
    ones = np.ones(IMAGE.shape)
    field = sd.KernelField.by_weights([ones, 0 * ones], [BLUR, BLUR])
    for result in both(IMAGE, field):
        assert result.warnings == ["not used: the kernels at 1: their weight is 0 at every voxel that is worked on"]


@pytest.mark.parametrize(("levels", "used"), [((1000, 2000), 1000), ((-5, 5), 5)])
def test_levels_that_are_all_outside_the_image_are_told(levels, used):
    field = sd.KernelField.by_intensity(dict.fromkeys(levels, BLUR))
    for result in both(IMAGE, field):
        (told,) = result.warnings
        assert f"all lie outside the levels {levels[0]} ... {levels[1]}: only the kernel at {used} was used" in told


@pytest.mark.parametrize("levels", [(1000, 2000), (1000,)])
def test_levels_outside_the_image_that_leave_it_unchanged_are_told(levels):
    field = sd.KernelField.by_intensity(dict.fromkeys(levels, BLUR), outside="unchanged")
    for result in both(IMAGE, field):
        assert "nothing was filtered" in result.warnings[0]
        assert result.warnings[1:] == [UNCHANGED]
        assert result.residual is None


def test_the_guides_values_count_and_those_within_the_mask():
    guide = np.zeros(IMAGE.shape)
    guide[0, 0] = 15
    mask = guide == 0
    field = sd.KernelField.by_intensity({10: BLUR, 20: BLUR})
    assert sd.convolve(IMAGE, field, guide=guide).warnings == []
    assert (
        "values that choose, all 0, lie outside the levels"
        in sd.convolve(IMAGE, field, guide=guide, mask=mask).warnings[0]
    )


def test_one_level_for_every_value_and_levels_that_the_image_reaches_are_not_told():
    for levels in ((1000,), (-50, 95), (100, 900)):
        assert sd.convolve(IMAGE, sd.KernelField.by_intensity(dict.fromkeys(levels, BLUR))).warnings == []


@pytest.mark.parametrize(("scale", "told"), [(1.0, False), (1000.0, True)])
def test_positions_far_from_the_image_are_told(scale, told):
    positions = {(0, j * scale, i * scale): BLUR for j in (2, 12) for i in (3, 13)}
    warnings = sd.convolve(IMAGE, sd.KernelField.by_position(positions)).warnings
    assert len(warnings) == told
    assert all("positions all lie far from the image, which is 14x16 mm large" in text for text in warnings)


@pytest.mark.parametrize("key", ["uniform", "region"])
def test_a_guide_that_no_kernel_asks_for_is_told(key):
    field = sd.KernelField.uniform(BLUR)
    if key == "region":
        field = sd.KernelField.by_region(np.ones(IMAGE.shape, int), {1: BLUR})
    assert sd.convolve(IMAGE, field, guide=IMAGE).warnings == [
        f"the guide was not used: the kernels are keyed by {key}"
    ]


# -- kernels that do nothing


@pytest.mark.parametrize(
    "kernel",
    [
        sd.ParametricKernel("gaussian", sigma_mm=0.0002),
        sd.ParametricKernel("disk", radius_mm=0.0003),
        sd.ParametricKernel("motion", length_mm=1e-4, angle_deg=0),
        sd.Kernel(sd.gaussian_kernel(2.0, ndim=2).values, 1e-4),
    ],
    ids=repr,
)
def test_kernels_far_narrower_than_a_voxel_are_told(kernel):
    for result in both(IMAGE, kernel):
        assert any("far narrower than a voxel of 1 mm and changes nothing" in text for text in result.warnings)
    assert UNCHANGED in blend(IMAGE, kernel).warnings or isinstance(kernel, sd.Kernel)


def test_narrow_kernels_of_a_set_are_told_in_one_line():
    narrow = sd.ParametricKernel("gaussian", sigma_mm=1e-3)
    field = sd.KernelField.by_intensity({90: narrow, 100: BLUR, 110: narrow})
    (told,) = sd.convolve(IMAGE, field).warnings
    assert told.startswith("the kernel at 90.0 (")
    assert "and so do 1 others" in told


@pytest.mark.parametrize("kernel", [sd.ParametricKernel("identity"), sd.ParametricKernel("gaussian", sigma_mm=0.0)])
def test_kernels_that_are_meant_to_do_nothing_are_not_called_narrow(kernel):
    field = sd.KernelField.by_intensity({90: kernel, 110: BLUR})
    assert sd.convolve(IMAGE, field).warnings == []
    assert sd.convolve(IMAGE, kernel).warnings == [UNCHANGED]


def test_an_image_of_one_value_is_not_said_to_be_unchanged():
    assert sd.convolve(np.full((9, 9), 100.0, np.float32), sd.ParametricKernel("identity")).warnings == []


def test_a_result_that_differs_outside_the_mask_only_is_unchanged():
    mask = np.zeros(IMAGE.shape, bool)
    mask[3:6] = True
    labels = np.where(mask, 7, 1)
    field = sd.KernelField.by_region(labels, {1: BLUR}, outside="unchanged")
    assert sd.convolve(IMAGE, field, mask=mask).warnings[-1] == UNCHANGED
    assert sd.convolve(IMAGE, field).warnings == []


def test_a_sharpening_kernel_is_not_called_narrow():
    kernel = sd.Kernel([[0.0, -1, 0], [-1, 5, -1], [0, -1, 0]])
    assert sd.convolve(IMAGE, kernel).warnings == []


# -- nothing to undo

NARROW = sd.ParametricKernel("gaussian", sigma_mm=2e-4)
ELSEWHERE = sd.KernelField.by_intensity({900: BLUR, 1000: BLUR}, outside="unchanged")
OTHERS = sd.KernelField.by_region(np.full(IMAGE.shape, 7), {1: BLUR, 2: BLUR}, outside="unchanged")
UNUSED = sd.KernelField.by_weights([np.ones(IMAGE.shape), np.zeros(IMAGE.shape)], [NARROW, BLUR])


@pytest.mark.parametrize(
    "field", [NARROW, ELSEWHERE, OTHERS, UNUSED], ids=["narrow", "levels", "labels", "weights"]
)
@pytest.mark.parametrize(
    "options", [{"method": "wiener"}, {"method": "tv"}, {"method": "tikhonov", "tiles": 13}], ids=str
)
def test_a_run_without_a_blur_to_undo_has_no_residual(field, options):
    options = {"tiles": "never", **options}
    result = sd.deconvolve(IMAGE, field, noise=1.0, **options)
    assert result.residual is None
    assert result.automatic["verdict"] == "unknown"
    assert result.automatic["no_residual"] in result.warnings
    assert sd.deconvolve(IMAGE, BLUR, noise=1.0, **options).residual is not None


def test_a_mask_where_nothing_blurs_has_no_residual():
    labels = np.where(np.arange(16) < 8, 1, 7) * np.ones(IMAGE.shape, int)
    field = sd.KernelField.by_region(labels, {1: BLUR}, outside="unchanged")
    options = {"method": "tv", "noise": 1.0}
    assert sd.deconvolve(IMAGE, field, mask=labels == 7, **options).residual is None
    assert sd.deconvolve(IMAGE, field, mask=labels == 1, **options).residual is not None
    assert sd.deconvolve(IMAGE, field, **options).residual is not None


def test_a_kernel_that_only_shifts_is_not_one_that_does_nothing():
    shift = sd.Kernel([[0.0, 0, 1], [0, 0, 0], [0, 0, 0]], centre="itk")
    assert sd.deconvolve(IMAGE, shift, method="tv", noise=1.0).residual is not None


def test_what_holds_for_all_has_a_residual_where_one_of_them_has():
    idle, other = (sd.deconvolve(IMAGE, kernel, method="tv", noise=1.0) for kernel in (NARROW, BLUR))
    assert worst_verdict([idle, other]) == {"verdict": other.automatic["verdict"], "no_residual": ""}
    assert worst_verdict([idle, idle]) == {"verdict": "unknown"}


def test_methods_are_compared_without_residuals_where_nothing_blurs():
    sheet = sd.compare_methods(IMAGE, NARROW, size=4)
    assert all(tile.residual is None for tile in sheet.tiles)
    assert any("far narrower than a voxel" in text for text in sheet.warnings)


# -- the command


@pytest.mark.parametrize("tiles", ["never", 16])
def test_why_there_is_no_residual_is_said_once(tiles):
    kernels = sd.KernelField.by_region(np.full(IMAGE.shape, 7), {1: BLUR}, outside="unchanged")
    result = sd.deconvolve(IMAGE, kernels, method="tikhonov", noise=1.0, tiles=tiles)
    assert [text for text in result.warnings if text == UNCHANGED or "no blur to undo" in text] == [UNCHANGED]
    assert result.automatic["no_residual"] == UNCHANGED


@pytest.mark.parametrize("method", ["wiener", "tv"])
def test_the_command_warns_and_shows_no_residual(tmp_path, capsys, method):
    pytest.importorskip("slicer", reason="needs slicer-core or Slicer")
    sitk = pytest.importorskip("SimpleITK")
    from SpatialDeconvLib.command.cli import main

    sitk.WriteImage(sitk.GetImageFromArray(IMAGE), str(tmp_path / "y.nrrd"))
    sitk.WriteImage(sitk.GetImageFromArray(np.full(IMAGE.shape, 7, np.uint8)), str(tmp_path / "seven.nrrd"))
    kernels = [{"at": n, "type": "gaussian", "sigma_mm": 1.0} for n in (1, 2)]
    (tmp_path / "set.json").write_text(
        json.dumps(
            {"schema": "spatialdeconv-kernels/1", "key": "region", "outside": "unchanged", "kernels": kernels}
        )
    )
    arguments = ["deconvolve", "y.nrrd", "o.nrrd", "--kernels", "set.json", "--labels", "seven.nrrd", "--quiet"]
    arguments += ["--method", method, "--residual-map", "r.nrrd"]
    assert main([str(tmp_path / a) if "." in a else a for a in arguments]) == 0
    shown = capsys.readouterr()
    assert "not used: the kernels at 1, 2" in shown.err
    assert (UNCHANGED if method == "wiener" else "no blur to undo") in shown.err
    assert "residual" not in shown.out
