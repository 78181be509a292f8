"""The result in a block against the same block of the whole result."""

import numpy as np
import pytest
from scipy import ndimage

from SpatialDeconvLib import Cancelled, InputError, Kernel, KernelField, ParametricKernel
from SpatialDeconvLib.arrays.watch import Watch
from SpatialDeconvLib.run import blocks, pipeline
from SpatialDeconvLib.run.blocks import BlockMemory, block_around, block_of
from SpatialDeconvLib.run.filtering import Filtering
from SpatialDeconvLib.run.inputs import Inputs
from SpatialDeconvLib.run.settings import settings_of

SHAPE = (14, 40, 44)
MIDDLE = block_around(SHAPE, (7, 20, 22), (6, 12, 12))
CORNER = block_around(SHAPE, (0, 40, 0), (6, 12, 12))
SPACING = (1.5, 1.0, 1.0)


def gaussian(sigma):
    return ParametricKernel("gaussian", sigma_mm=sigma)


LEVELS = KernelField.by_intensity({20: gaussian(0.6), 60: gaussian(1.0), 100: gaussian(1.4)})


def blurred(seed=0, shape=SHAPE):
    random = np.random.default_rng(seed)
    image = ndimage.gaussian_filter(random.normal(size=shape), 2)
    image = 20 + 80 * (image - image.min()) / np.ptp(image)
    image = ndimage.gaussian_filter((image > 60) * 50 + image / 2, 0.9)
    return (image + random.normal(0, 0.3, shape)).astype(np.float32)


def in_block(operation, image, kernels, block, draft=False, known=None, progress=None, cancelled=None, **options):
    arrays = {name: options.pop(name) for name in ("spacing", "mask", "labels", "guide") if name in options}
    settings, watch = settings_of(operation, options), Watch(progress, cancelled)
    return block_of(Inputs(image, kernels, **arrays), settings, block, watch, draft=draft, known=known)


def deconvolve_block(image, kernels, block, **options):
    return in_block("deconvolve", image, kernels, block, **options)


def convolve_block(image, kernels, block, **options):
    return in_block("convolve", image, kernels, block, **options)


# The values go from 10 to 100, a result differs from them by 20.
CLOSE = {"projected-landweber": 0.5, "richardson-lucy": 0.5}


def worst(result, whole, block):
    assert result.image.shape == whole.image[block].shape
    return float(np.abs(result.image - whole.image[block]).max())


@pytest.mark.parametrize("block", [MIDDLE, CORNER], ids=["middle", "corner"])
@pytest.mark.parametrize("boundary", ["edge", "zero", "periodic"])
@pytest.mark.parametrize("method", ["tikhonov", "landweber", "projected-landweber", "richardson-lucy"])
def test_local_filters_agree_with_the_whole_result(method, boundary, block):
    image = blurred()
    options = {"method": method, "boundary": boundary, "spacing": SPACING, "engine": "fft"}
    if method == "tikhonov":
        options["regularization"] = 0.01
    whole = pipeline.deconvolve(image, LEVELS, **options)
    del options["engine"]
    result = deconvolve_block(image, LEVELS, block, **options)
    assert worst(result, whole, block) < CLOSE.get(method, 0.05)
    assert np.abs(whole.image[block] - image[block]).max() > 3
    assert result.noise == whole.noise
    assert result.automatic["approximate"] == []


@pytest.mark.parametrize("block", [MIDDLE, CORNER], ids=["middle", "corner"])
@pytest.mark.parametrize("method", ["wiener", "inverse", "tikhonov"])
def test_automatic_constants_are_those_of_the_whole_image(method, block):
    image = blurred()
    whole = pipeline.deconvolve(image, LEVELS, method=method, spacing=SPACING, engine="fft")
    known = BlockMemory()
    result = deconvolve_block(image, LEVELS, block, method=method, spacing=SPACING, known=known)
    assert worst(result, whole, block) < (0.05 if method == "tikhonov" else 1e-4)
    again = deconvolve_block(image, LEVELS, block, method=method, spacing=SPACING, known=known)
    np.testing.assert_array_equal(again.image, result.image)
    assert not again.automatic["draft"]


@pytest.mark.parametrize("block", [MIDDLE, CORNER], ids=["middle", "corner"])
@pytest.mark.parametrize("affordable", [True, False])
def test_each_kernel_filters_as_in_the_whole_image(monkeypatch, affordable, block):
    """With filters of all sorts: on the whole image, on parts of it, on values less a level, and none."""
    image = blurred() - 30  # Richardson-Lucy works on what lies above the minimum
    kernels = KernelField.by_intensity(
        dict(zip((-10, 10, 30, 50, 70), map(gaussian, (0.6, 0.8, 1.0, 1.2, 1.4)), strict=True))
    )
    taken = [
        Filtering("wiener", constant=1.0), Filtering("tikhonov", constant=0.02), Filtering(),
        Filtering("richardson-lucy", 3), Filtering("landweber", 4),
    ]  # fmt: skip
    monkeypatch.setattr("SpatialDeconvLib.run.automatic.Simulation.filtering", lambda _self, k, _method: taken[k])
    run = {"strategy": "blend", "spacing": SPACING, "noise": 0.3}
    whole = pipeline.deconvolve(image, kernels, engine="fft", **run)
    assert whole.automatic["method_of_each_kernel"] == [f.method for f in taken]
    if not affordable:
        monkeypatch.setattr(blocks, "_WHOLE_VOXELS", 0)
    result = deconvolve_block(image, kernels, block, **run)
    assert worst(result, whole, block) < (0.5 if affordable else 3)
    assert result.automatic["approximate"] == (
        [] if affordable else ["Wiener depends on the whole image, which is too large for a preview"]
    )
    for name in ("method", "iterations", "constant"):
        each = f"{name}_of_each_kernel"
        for found, expected in zip(result.automatic[each], whole.automatic[each], strict=True):
            assert found in (expected, None)  # None: no voxel of the block takes the kernel
    assert result.automatic["offset"] == whole.automatic["offset"] == image.min()


def test_automatic_filters_are_those_of_the_whole_image_and_kept():
    image, known = blurred(), BlockMemory()
    levels = KernelField.by_intensity(dict(zip(LEVELS.at, LEVELS.kernels, strict=True)), of="measured")
    run = {"strategy": "blend", "spacing": SPACING}
    whole = pipeline.deconvolve(image, levels, engine="fft", **run)
    for draft in (False, True):  # once known, a draft has them, too
        result = deconvolve_block(image, levels, MIDDLE, known=known, draft=draft, **run)
        assert not result.automatic["draft"]
        assert worst(result, whole, MIDDLE) < 0.5
        assert result.automatic["method_of_each_kernel"] == whole.automatic["method_of_each_kernel"]


def test_a_draft_is_what_it_says_and_uses_what_is_known():
    image = blurred(shape=(24, 56, 56))
    # Far from the block all is different.
    image[:, 30:] += np.random.default_rng(1).normal(0, 3, image[:, 30:].shape)
    block = block_around(image.shape, (12, 14, 20), (8, 8, 8))
    known = BlockMemory()
    draft = deconvolve_block(image, LEVELS, block, method="tikhonov", draft=True, known=known)
    assert draft.automatic["draft"]
    assert draft.automatic["approximate"] == ["a quick filter gives a first idea"]
    exact = deconvolve_block(image, LEVELS, block, method="tikhonov", known=known)
    assert not exact.automatic["draft"]
    assert np.abs(draft.image - exact.image).max() > 0
    second = deconvolve_block(image, LEVELS, block, method="tikhonov", draft=True, known=known)
    np.testing.assert_array_equal(second.image, exact.image)


@pytest.mark.parametrize(
    "run", [{"method": "tikhonov"}, {}, {"strategy": "joint", "method": "tv"}, {"method": "landweber"}]
)
def test_whatever_takes_long_has_a_draft_that_is_near_to_its_image_and_asks_nothing_of_it(run, monkeypatch):
    def never(*_args, **_kwargs):
        raise AssertionError("a draft searches for nothing")

    monkeypatch.setattr(blocks, "chosen", never)
    monkeypatch.setattr(blocks, "run_joint", never)
    monkeypatch.setattr(blocks, "Simulation", never)
    image = blurred()
    draft = deconvolve_block(image, LEVELS, MIDDLE, draft=True, spacing=SPACING, noise=0.5, **run)
    assert draft.automatic["draft"]
    difference = draft.image - image[MIDDLE]
    assert 0 < np.abs(difference).mean() < 0.3 * image[MIDDLE].std()


def test_what_is_quick_has_no_draft():
    result = deconvolve_block(blurred(), LEVELS, MIDDLE, draft=True, method="wiener", noise=0.5, spacing=SPACING)
    assert not result.automatic["draft"]


def test_constants_are_found_again_when_the_kernels_change():
    image = blurred()
    known = BlockMemory()
    for sigma in (0.8, 1.6):
        options = {"method": "tikhonov", "spacing": SPACING}
        whole = pipeline.deconvolve(image, gaussian(sigma), engine="fft", **options)
        result = deconvolve_block(image, gaussian(sigma), MIDDLE, known=known, **options)
        assert worst(result, whole, MIDDLE) < 0.5


@pytest.mark.parametrize("method", ["wiener", "richardson-lucy"])
def test_mask_and_noise_are_those_of_the_whole_image(method):
    image = blurred()
    image[:, :, 22:] += np.random.default_rng(5).normal(0, 3, image[:, :, 22:].shape)  # noisier on one side
    mask = np.zeros(SHAPE, bool)
    mask[3:, 5:30, 10:26] = True
    whole = pipeline.deconvolve(image, LEVELS, method=method, mask=mask, spacing=SPACING, engine="fft")
    result = deconvolve_block(image, LEVELS, MIDDLE, method=method, mask=mask, spacing=SPACING)
    assert result.noise == whole.noise
    assert worst(result, whole, MIDDLE) < CLOSE.get(method, 0.05)
    np.testing.assert_array_equal(result.image[~mask[MIDDLE]], image[MIDDLE][~mask[MIDDLE]])


def test_a_block_that_the_mask_does_not_reach_stays_as_it_is():
    image, mask = blurred(), np.zeros(SHAPE, bool)
    mask[:, :6, :6] = True
    for operation in (deconvolve_block, convolve_block):
        result = operation(image, LEVELS, MIDDLE, mask=mask)
        np.testing.assert_array_equal(result.image, image[MIDDLE])
        assert result.automatic["unchanged"] == "the region to work in does not reach here"


def test_the_offset_is_that_of_the_whole_image():
    image = blurred()
    image[0, 0, 0] = -40
    whole = pipeline.deconvolve(image, LEVELS, method="richardson-lucy", spacing=SPACING, engine="fft")
    result = deconvolve_block(image, LEVELS, MIDDLE, method="richardson-lucy", spacing=SPACING)
    assert worst(result, whole, MIDDLE) < CLOSE["richardson-lucy"]


@pytest.mark.parametrize(("method", "name"), [("richardson-lucy", "offset"), ("tv", "lower")])
def test_the_least_value_of_joint_methods_is_that_of_the_whole_region(method, name):
    image, mask = blurred(), np.ones(SHAPE, bool)
    run = {"strategy": "joint", "method": method, "iterations": 2, "noise": 0.3, "spacing": SPACING}
    image[0, 0, 0], mask[0, 0, 0] = -4000, False
    for negative in (False, True):
        image[0, 0, 1] = -40 if negative else 50
        whole = pipeline.deconvolve(image, LEVELS, mask=mask, **run).automatic[name]
        assert deconvolve_block(image, LEVELS, MIDDLE, mask=mask, **run).automatic[name] == whole
        assert (whole < 0) == negative


def keyed_fields():
    labels = np.zeros(SHAPE, np.uint8)
    labels[:, :, 20:] = 1
    labels[:5] = 2
    weight = np.linspace(0, 1, SHAPE[2], dtype=np.float32) * np.ones(SHAPE, np.float32)
    ends = {(0, 0, 0): gaussian(0.5), (19.5, 0, 0): gaussian(1.2), (0, 39, 43): gaussian(0.9)}
    return {
        "region": KernelField.by_region(
            labels, {0: gaussian(0.6), 1: gaussian(1.2), 2: gaussian(0.9)}, feather=4.0
        ),
        "nearest region": KernelField.by_region(labels, {1: gaussian(1.2), 2: gaussian(0.5)}, outside="nearest"),
        "unchanged": KernelField.by_intensity({50: gaussian(0.6), 70: gaussian(1.2)}, outside="unchanged"),
        "position": KernelField.by_position(ends, interpolation="inverse-distance"),
        "weights": KernelField.by_weights([weight, 1 - weight], [gaussian(0.6), gaussian(1.2)]),
    }


@pytest.mark.parametrize("key", keyed_fields())
def test_every_key_chooses_as_in_the_whole_image(key):
    image, kernels = blurred(), keyed_fields()[key]
    options = {"method": "wiener", "noise": 0.3, "spacing": SPACING}
    whole = pipeline.deconvolve(image, kernels, engine="fft", **options)
    for block in (MIDDLE, CORNER):
        assert worst(deconvolve_block(image, kernels, block, **options), whole, block) < 1e-4
    options = {"method": "landweber", "spacing": SPACING}
    whole = pipeline.deconvolve(image, kernels, engine="fft", **options)
    assert worst(deconvolve_block(image, kernels, MIDDLE, **options), whole, MIDDLE) < 0.05


@pytest.mark.parametrize("model", ["detector", "source"])
@pytest.mark.parametrize("boundary", ["edge", "zero", "periodic"])
def test_convolution_agrees_to_rounding(model, boundary):
    image, kernels = blurred(), keyed_fields()["region"]
    kernels = KernelField.by_region(
        kernels.labels, {0: gaussian(1.0), 1: ParametricKernel("laplacian"), 2: gaussian(0.9)}, feather=3.0
    )
    whole = pipeline.convolve(image, kernels, model=model, boundary=boundary, spacing=SPACING)
    for block in (MIDDLE, CORNER):
        result = convolve_block(image, kernels, block, model=model, boundary=boundary, spacing=SPACING)
        assert worst(result, whole, block) < 2e-4


def test_excluding_keeps_the_outside_from_leaking_in_here_too():
    image, mask = blurred(), np.zeros(SHAPE, bool)
    mask[2:, 16:28, 18:30] = True
    whole = pipeline.convolve(image, LEVELS, mask=mask, exclude=True, spacing=SPACING)
    result = convolve_block(image, LEVELS, MIDDLE, mask=mask, exclude=True, spacing=SPACING)
    assert worst(result, whole, MIDDLE) < 2e-4


@pytest.mark.parametrize("method", ["wiener", "richardson-lucy"])
@pytest.mark.parametrize("shape", [(1, 40, 44), (40, 44)])
def test_single_slices_keep_their_dimensions(method, shape):
    image = blurred()[7].reshape(shape)
    block = block_around(shape, [n // 3 for n in shape], [12] * len(shape))
    whole = pipeline.deconvolve(image, LEVELS, method=method, engine="fft")
    result = deconvolve_block(image, LEVELS, block, method=method)
    assert worst(result, whole, block) < CLOSE.get(method, 0.05)


@pytest.mark.parametrize("method", ["wiener", "richardson-lucy"])
def test_slices_one_by_one(method):
    image = blurred()
    options = {"method": method, "slicewise": True, "noise": 0.3, "spacing": SPACING}
    whole = pipeline.deconvolve(image, LEVELS, engine="fft", **options)
    block = block_around(SHAPE, (7, 20, 22), (1, 12, 12))
    assert worst(deconvolve_block(image, LEVELS, block, **options), whole, block) < CLOSE.get(method, 0.05)


def test_joint_methods_come_close_and_say_that_they_are_approximate():
    image = blurred()
    options = {"strategy": "joint", "method": "landweber", "iterations": 8, "spacing": SPACING}
    whole = pipeline.deconvolve(image, LEVELS, **options)
    result = deconvolve_block(image, LEVELS, MIDDLE, **options)
    change = np.sqrt(np.mean((whole.image[MIDDLE] - image[MIDDLE]) ** 2))
    assert np.sqrt(np.mean((result.image - whole.image[MIDDLE]) ** 2)) < 0.1 * change
    assert result.automatic["approximate"] == ["the joint method takes its steps by what it sees of the block"]


def test_wide_kernels_and_logarithmic_tails_stay_inside_the_image():
    image = blurred()[7]
    j, i = np.indices((61, 61)) - 30
    kernel = Kernel(np.exp(-np.hypot(j, i) / 2) + 1e-6)
    block = block_around(image.shape, (0, 44), (12, 12))
    options = {"method": "tikhonov", "regularization": 0.01}
    whole = pipeline.deconvolve(image, kernel, engine="fft", **options)
    assert worst(deconvolve_block(image, kernel, block, **options), whole, block) < 0.05


def test_an_image_too_large_for_a_preview_is_said(monkeypatch):
    monkeypatch.setattr(blocks, "_WHOLE_VOXELS", 1000)
    result = deconvolve_block(blurred(), LEVELS, MIDDLE, method="wiener", noise=0.3)
    assert result.automatic["approximate"] == [
        "Wiener depends on the whole image, which is too large for a preview"
    ]


@pytest.mark.parametrize(
    ("centre", "size", "expected"),
    [
        ((5, 10), (3, 4), (slice(4, 7), slice(9, 13))),
        ((-9, 99), (3, 4), (slice(0, 3), slice(16, 20))),
        ((5, 10), (99, 0), (slice(0, 10), slice(10, 11))),
        ((np.inf, -np.inf), (2, 2), (slice(8, 10), slice(0, 2))),
    ],
)
def test_blocks_lie_inside_the_image(centre, size, expected):
    assert block_around((10, 20), centre, size) == expected


def test_a_block_outside_the_image_is_refused():
    with pytest.raises(InputError, match="does not lie in the image of shape"):
        deconvolve_block(blurred(), LEVELS, (slice(0, 3), slice(0, 3), slice(40, 50)))


def test_what_the_whole_run_refuses_is_refused_here():
    image = blurred()
    image[0, 0, 0] = np.nan
    with pytest.raises(InputError, match="1 NaN"):
        deconvolve_block(image, LEVELS, MIDDLE)
    filled = deconvolve_block(image, LEVELS, MIDDLE, nonfinite="fill", method="landweber")
    assert np.isfinite(filled.image).all()
    with pytest.raises(InputError, match="method 'magic' is unknown"):
        deconvolve_block(image, LEVELS, MIDDLE, method="magic")


@pytest.mark.parametrize("strategy", ["blend", "joint"])
def test_cancelling(strategy):
    asked = []

    def cancelled():
        asked.append(True)
        return len(asked) > 2

    with pytest.raises(Cancelled):
        deconvolve_block(blurred(), LEVELS, MIDDLE, strategy=strategy, cancelled=cancelled)
