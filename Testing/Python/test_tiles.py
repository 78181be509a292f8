"""Runs in tiles against the same runs on the whole image."""

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage

import SpatialDeconvLib as sd
from SpatialDeconvLib import InputError, KernelField, NotEnoughMemory, ParametricKernel
from SpatialDeconvLib.arrays.watch import UNWATCHED, Watch
from SpatialDeconvLib.errors import Cancelled
from SpatialDeconvLib.filters.padding import pad_like_itk
from SpatialDeconvLib.methods import registry as methods
from SpatialDeconvLib.run.inputs import Inputs
from SpatialDeconvLib.run.settings import ConvolveSettings, DeconvolveSettings
from SpatialDeconvLib.run.tiles import Plan, Tile, plan_of, solve_tile
from SpatialDeconvLib.run.tiles import plan as tile_planning
from SpatialDeconvLib.run.tiles import solve as tile_solving
from SpatialDeconvLib.run.tiles.cutting import padded_for_filters, part_of, read, repeated
from SpatialDeconvLib.run.tiles.layout import lay_out, size_within
from SpatialDeconvLib.run.tiles.sample import blocks_of, is_sampled, sample_of
from SpatialDeconvLib.run.tiles.survey import survey_of
from SpatialDeconvLib.solvers.agreement import Given, Noted

FLAT, SOLID = (96, 104), (24, 40, 44)
ONE_TILE = 10**6
SPANNING = 100.0


def gaussian(sigma):
    return ParametricKernel("gaussian", sigma_mm=sigma)


def intensity(shape):
    return KernelField.by_intensity({20: gaussian(0.5), 50: gaussian(0.8), 90: gaussian(1.0)})


def picture(shape, seed=0):
    """Blobs of 5 to 100 with noise."""
    random = np.random.default_rng(seed)
    image = ndimage.gaussian_filter(random.normal(size=shape), 3)
    image = 5 + 95 * (image - image.min()) / np.ptp(image)
    image = np.where(ndimage.gaussian_filter(random.normal(size=shape), 2) > 0.1, image, 0.6 * image)
    return (ndimage.gaussian_filter(image, 0.8) + random.normal(0, 0.3, shape)).astype(np.float32)


def apart(a, b):
    return float(np.abs(a.image - b.image).max()) / SPANNING


def both(image, kernels, tiles, **options):
    whole = sd.deconvolve(image, kernels, tiles=ONE_TILE, **options)
    return whole, sd.deconvolve(image, kernels, tiles=tiles, **options)


# -------------------------------------------------------------------------- the same result as of the whole


@pytest.mark.parametrize("shape", [FLAT, SOLID], ids=["2-D", "3-D"])
@pytest.mark.parametrize("name", [m.name for m in methods.methods_of("joint").values()])
def test_joint_methods_differ_by_no_more_than_is_said(name, shape):
    spec = methods.method("joint", name)
    options = {"iterations": 4} if spec.early else {"regularization": 0.05 if name != "tikhonov" else 0.02}
    image = picture(shape)
    whole, tiled = both(
        image, intensity(shape), 44 if len(shape) == 2 else (24, 20, 22), strategy="joint", method=name, **options
    )
    assert "1 tile of" in whole.automatic["tiles"]
    assert " tiles of" in tiled.automatic["tiles"]
    assert 0 < apart(whole, tiled) <= spec.tiled_to
    assert tiled.residual == pytest.approx(whole.residual, rel=1e-2 if name == "pnp" else 1e-3)
    assert tiled.iterations == whole.iterations


@pytest.mark.parametrize("boundary", ["edge", "zero", "periodic"])
@pytest.mark.parametrize("name", [m.name for m in methods.methods_of("blend").values() if m.halo < math.inf])
def test_filters_give_the_same_to_a_ten_thousandth(name, boundary):
    options = {"engine": "fft", "boundary": boundary}
    if name == "tikhonov":
        options["regularization"] = 0.01
    image, kernels = picture(FLAT), intensity(FLAT)
    whole = sd.deconvolve(image, kernels, tiles="never", method=name, **options)
    tiled = sd.deconvolve(image, kernels, tiles=48, method=name, **options)
    assert 0 < apart(whole, tiled) <= 1e-4
    # Beyond a periodic border lies the image as filters see it, padded, not the result itself.
    assert tiled.residual == pytest.approx(whole.residual, rel=2e-2 if boundary == "periodic" else 1e-3)


def test_kernels_of_other_sizes_see_their_own_border():
    kernels = KernelField.by_weights(np.full((2, *FLAT), 0.5), [gaussian(0.5), gaussian(1.2)])
    image = picture(FLAT)
    whole = sd.deconvolve(image, kernels, tiles="never", method="landweber", engine="fft")
    tiled = sd.deconvolve(image, kernels, tiles=48, method="landweber", engine="fft")
    assert apart(whole, tiled) <= 1e-4


@pytest.mark.parametrize(("strategy", "name"), [("joint", "tv"), ("blend", "landweber"), ("blend", "tikhonov")])
def test_small_kernels_have_a_halo_that_is_wide_enough(strategy, name):
    options = {"strategy": strategy, "method": name, **({"engine": "fft"} if strategy == "blend" else {})}
    if name != "landweber":
        options["regularization"] = {"joint": 0.05, "blend": 0.01}[strategy]
    image, kernels = picture(FLAT), KernelField.uniform(gaussian(0.8))
    whole = sd.deconvolve(image, kernels, tiles="never", **options)
    tiled = sd.deconvolve(image, kernels, tiles=32, **options)
    assert apart(whole, tiled) <= methods.method(strategy, name).tiled_to


@pytest.mark.parametrize(
    ("strategy", "name"), [("joint", "richardson-lucy"), ("joint", "tv"), ("blend", "tikhonov")]
)
def test_kernels_with_gaps_have_a_wider_halo_and_what_is_left_is_told(strategy, name):
    options = {"strategy": strategy, "method": name, **({"engine": "fft"} if strategy == "blend" else {})}
    if name == "richardson-lucy":
        options["iterations"] = 45  # more would have a halo that is wider than the tiles
    else:
        options["regularization"] = {"joint": 0.05, "blend": 0.01}[strategy]
    disk = KernelField.uniform(ParametricKernel("disk", radius_mm=2.0))
    image = sd.convolve(picture(FLAT), disk).image
    whole = sd.deconvolve(image, disk, tiles="never", **options)
    tiled = sd.deconvolve(image, disk, tiles=48, **options)
    bound = methods.method(strategy, name).tiled_to_gaps
    assert apart(whole, tiled) <= bound
    told = [text for text in tiled.warnings if "blur away" in text]
    assert [f"about {bound:.1g} of" in text for text in told] == [True] * (bound > 1e-3)


def test_an_automatic_blend_takes_one_choice_for_all_tiles():
    whole, tiled = both(picture(FLAT), intensity(FLAT), 48, strategy="blend", engine="fft")
    assert tiled.automatic["method_of_each_kernel"] == whole.automatic["method_of_each_kernel"]
    assert not {"wiener", "inverse"} & set(tiled.automatic["method_of_each_kernel"])
    assert apart(whole, tiled) <= 1e-4


def fields(shape):
    middle = shape[-1] // 2
    labels = np.zeros(shape, np.uint8)
    labels[..., :middle] = 1
    labels[..., middle + 6 :] = 2  # between them is none: the nearest takes it
    weights = np.stack([labels == 1, labels != 1]).astype(np.float32)
    pair = [gaussian(0.5), gaussian(1.0)]
    corner, far = (0.0,) * len(shape), tuple(float(n) for n in shape)
    return {
        "uniform": (KernelField.uniform(gaussian(0.8)), {}),
        "intensity": (intensity(shape), {"guide": picture(shape, 1)}),
        "region": (
            KernelField.by_region(labels, {1: pair[0], 2: pair[1]}, feather=3.0, outside="nearest"),
            {},
        ),
        "position": (KernelField.by_position({corner: pair[0], far: pair[1]}, "inverse-distance"), {}),
        "weights": (KernelField.by_weights(weights, pair), {}),
    }


@pytest.mark.parametrize("model", ["detector", "source"])
@pytest.mark.parametrize("key", ["uniform", "intensity", "region", "position", "weights"])
def test_every_key_and_both_models_know_where_a_tile_is(key, model):
    kernels, arrays = fields(FLAT)[key]
    whole = sd.deconvolve(picture(FLAT), kernels, tiles="never", model=model, strategy="joint",
                          method="richardson-lucy", iterations=4, noise=0.3, **arrays)  # fmt: skip
    tiled = sd.deconvolve(picture(FLAT), kernels, tiles=44, model=model, strategy="joint",
                          method="richardson-lucy", iterations=4, noise=0.3, **arrays)  # fmt: skip
    assert 0 < apart(whole, tiled) <= 1e-3


@pytest.mark.parametrize("boundary", ["edge", "zero", "periodic"])
@pytest.mark.parametrize("key", ["intensity", "region", "position"])
def test_convolutions_are_exact(key, boundary):
    kernels, arrays = fields(SOLID)[key]
    if boundary == "periodic" and kernels.feather:
        with pytest.raises(InputError, match="fade into each other"):
            sd.convolve(picture(SOLID), kernels, tiles=(12, 20, 22), boundary=boundary, **arrays)
        return
    whole = sd.convolve(picture(SOLID), kernels, tiles="never", boundary=boundary, **arrays)
    tiled = sd.convolve(picture(SOLID), kernels, tiles=(12, 20, 22), boundary=boundary, **arrays)
    assert "8 tiles" in tiled.automatic["tiles"]
    assert apart(whole, tiled) < 1e-6


def test_voxels_outside_the_mask_stay_and_empty_tiles_are_passed_over():
    image, mask = picture(FLAT), np.zeros(FLAT, bool)
    mask[10:40, 10:40] = True
    whole, tiled = both(image, intensity(FLAT), 44, mask=mask, strategy="joint", method="landweber", iterations=4)
    assert np.array_equal(tiled.image[~mask], image[~mask])
    assert 0 < apart(whole, tiled) <= 1e-3


def test_a_single_slice_keeps_its_axis():
    image = picture(FLAT)[np.newaxis]
    tiled = sd.deconvolve(
        image, intensity(FLAT), tiles=(1, 44, 44), strategy="joint", method="landweber", iterations=3
    )
    flat = sd.deconvolve(image[0], intensity(FLAT), tiles=44, strategy="joint", method="landweber", iterations=3)
    assert np.array_equal(tiled.image[0], flat.image)


def test_slices_alone_need_no_halo_across():
    kernels = KernelField.uniform(ParametricKernel("gaussian", sigma_mm=(0.8, 0.8)))
    options = {"slicewise": True, "method": "landweber", "engine": "fft"}
    whole = sd.deconvolve(picture(SOLID), kernels, tiles="never", **options)
    tiled = sd.deconvolve(picture(SOLID), kernels, tiles=(6, 30, 30), **options)
    assert "halo of 0x" in tiled.automatic["tiles"]
    assert apart(whole, tiled) <= 1e-4


def test_the_unit_does_not_matter():
    image, kernels = picture(FLAT), KernelField.uniform(gaussian(0.8))
    options = {"tiles": 44, "strategy": "joint", "method": "richardson-lucy", "iterations": 4}
    plain, tiny = (sd.deconvolve(image * np.float32(f), kernels, **options) for f in (1, 2.0**-80))
    assert np.array_equal(tiny.image * np.float32(2.0**80), plain.image)


def test_integers_that_need_doubles_have_them_in_every_tile():
    image = picture(FLAT).astype(np.int32)
    image[3, 3] = 2**25
    tiled = sd.convolve(image, gaussian(0.8), tiles=44)
    assert tiled.image.dtype == np.float64


# ----------------------------------------------------------------------------------------- when, and what is told


def test_tiles_are_taken_where_memory_asks_for_them():
    image, kernels = picture((40, 96, 96)), intensity(SOLID)
    options = {"strategy": "joint", "method": "richardson-lucy", "iterations": 2, "noise": 0.3}
    limit = 0.04
    with pytest.raises(NotEnoughMemory):
        sd.deconvolve(image, kernels, tiles="never", memory_limit=limit, **options)
    tiled = sd.deconvolve(image, kernels, memory_limit=limit, **options)
    assert " tiles of " in tiled.automatic["tiles"]
    assert len(tiled.parameters["tiles"]) == 3  # so that a recipe makes the same ones where memory is other
    assert "tiles" not in sd.deconvolve(image, kernels, tiles="never", **options).automatic
    inputs, settings = Inputs(image, kernels), DeconvolveSettings(memory_limit=limit, **options)
    plan = plan_of(inputs, settings, survey_of(inputs, UNWATCHED))
    everything = tuple(slice(0, n) for n in image.shape)
    unlimited = replace(plan, settings=replace(plan.settings, memory_limit=None))
    whole = solve_tile(inputs, unlimited, Tile(0, everything, everything))
    assert 0 < apart(whole, tiled) <= 1e-3


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"tiles": 4}, "smaller than their halo"),
        ({"tiles": (8, 8)}, "2 sizes do not fit an image of 3 axes"),
        ({"tiles": 0}, "must be"),
        ({"tiles": "small"}, "unknown"),
        ({"tiles": 16, "method": "wiener"}, "whole image at once; methods that do not: tikhonov"),
        ({"tiles": 16, "region_means": True}, "means of regions"),
        ({"tiles": "auto", "memory_limit": 1e-6}, "GiB are allowed"),
    ],
)
def test_what_cannot_be_is_refused_before_the_work(options, text):
    options = {"strategy": "joint", "method": "landweber", **options} if "method" not in options else options
    with pytest.raises((InputError, NotEnoughMemory), match=text):
        sd.deconvolve(picture(SOLID), intensity(SOLID), **options)


def test_what_tiles_may_change_is_told():
    said = []
    loose = sd.deconvolve(
        picture(FLAT), intensity(FLAT), tiles=48, strategy="joint", method="pnp", regularization=0.05,
        progress=lambda _fraction, text: said.append(text),
    )  # fmt: skip
    assert any("single voxels may differ" in text for text in loose.warnings)
    before = next(number for number, text in enumerate(said) if "single voxels may differ" in text)
    assert not any("plug-and-play, step" in text for text in said[:before])


def test_self_keyed_tiles_are_said_to_differ_more_with_the_source_model():
    run = {"strategy": "joint", "method": "self-keyed", "regularization": 0.05, "iterations": 2, "tiles": 48}
    for model, told in (("detector", "about 0.003"), ("source", "about 0.07")):
        warnings = sd.deconvolve(picture(FLAT), intensity(FLAT), model=model, **run).warnings
        assert sum(told in text for text in warnings) == 1


@pytest.mark.parametrize(("iterations", "told"), [(10, False), (11, True)])
def test_many_iterations_are_said_to_show_tiles(iterations, told):
    run = {"strategy": "joint", "method": "richardson-lucy", "iterations": iterations, "tiles": 64}
    warnings = sd.deconvolve(picture(FLAT), KernelField.uniform(gaussian(1.0)), **run).warnings
    assert any(f"after {iterations} iterations" in text for text in warnings) == told


def test_automatic_runs_take_a_method_that_gives_the_same():
    tiled = sd.deconvolve(picture(FLAT), KernelField.uniform(gaussian(1.0)), tiles=48)
    assert tiled.automatic["method"] == "tv"
    assert "in tiles" in tiled.automatic["why"]


def test_a_cancelled_run_stops_between_steps():
    asked = []

    def stop():
        asked.append(1)
        return len(asked) > 40

    with pytest.raises(Cancelled):
        sd.deconvolve(
            picture(FLAT), intensity(FLAT), tiles=44, strategy="joint", method="landweber", cancelled=stop
        )


def test_nan_are_counted_over_all_of_the_image():
    image = picture(FLAT)
    image[2, 3] = image[80, 90] = np.nan
    with pytest.raises(InputError, match="2 NaN"):
        sd.convolve(image, gaussian(0.8), tiles=44)
    assert np.isfinite(sd.convolve(image, gaussian(0.8), tiles=44, nonfinite="fill").image).all()


# ------------------------------------------------------------------------------------------------- the plan


def test_a_plan_survives_json():
    import json

    inputs, settings = (
        Inputs(picture(FLAT), intensity(FLAT)),
        DeconvolveSettings(strategy="joint", method="tv", regularization=0.05, tiles=44),
    )
    plan = plan_of(inputs, settings, survey_of(inputs, UNWATCHED))
    again = Plan.of_json(json.loads(json.dumps(plan.as_json())))
    assert again.sample == plan.sample
    tile = plan.tiles(FLAT)[1]
    assert np.array_equal(solve_tile(inputs, plan, tile).image, solve_tile(inputs, again, tile).image)


def test_a_run_that_goes_another_way_is_not_hidden():
    with pytest.raises(RuntimeError, match="did not make: rho"):
        Given({"rho": []})("rho", lambda: 1.0)
    assert Given({})("rho", lambda: 2.0) == 2.0


def test_noted_numbers_come_in_their_order():
    noted = Noted()
    for value in (3.0, 1.0):
        noted("a", lambda value=value: value)
    given = Given(noted.numbers)
    assert [given("a", lambda: 0.0) for _ in range(2)] == [3.0, 1.0]


def test_the_sample_of_a_large_image_is_small_and_holds_what_is_to_be_seen():
    image = np.zeros((96, 160, 160), np.float32)
    image[10:30, 20:60, 100:140] = picture((20, 40, 40))
    inputs = Inputs(image, KernelField.by_position({(0, 0, 0): gaussian(0.5), (96, 0, 0): gaussian(1.0)}))
    assert is_sampled(image.shape, [3, 3, 3])
    blocks = blocks_of(inputs, [3, 3, 3], UNWATCHED)
    sample = sample_of(inputs, blocks, [3, 3, 3])
    assert sample.image.size < image.size / 2
    assert sample.image.max() == image.max()
    assert sample.kernels.key == "weights"
    assert sample.mask.any()
    assert not sample.mask.all()


def test_a_plan_of_a_sample_is_that_of_the_whole_but_for_little(monkeypatch):
    image = picture((336, 60, 60))
    options = {"strategy": "joint", "method": "richardson-lucy", "iterations": 4, "noise": 0.3}
    kernels = KernelField.uniform(gaussian(0.8))
    whole = sd.deconvolve(image, kernels, tiles="never", **options)
    assert is_sampled(image.shape, [3, 3, 3])
    looked = []
    monkeypatch.setattr(tile_planning, "blocks_of", lambda *given: looked.append(1) or blocks_of(*given))
    tiled = sd.deconvolve(image, kernels, tiles=(168, 60, 60), **options)
    assert apart(whole, tiled) <= 5e-3
    assert len(looked) == 1  # the verdict is on the same blocks


def test_kernels_that_the_sample_does_not_hold_blur_as_in_the_whole(monkeypatch):
    image = np.full((64, 400), 30, np.float32)
    image[:, 200:] += 20 * np.sin(np.arange(200)).astype(np.float32)
    image[20:24, 20:24] = 85  # a spot, which no block of the sample has
    levels = range(10, 91, 10)
    kernels = KernelField.by_intensity({n: gaussian(0.5 + n / 100) for n in levels})
    inputs = Inputs(image, kernels)
    settings = DeconvolveSettings(
        strategy="joint", method="richardson-lucy", iterations=2, noise=0.3, tiles=ONE_TILE
    )
    whole = plan_of(inputs, settings, survey_of(inputs, UNWATCHED))
    spans = [(slice(0, 64), slice(a, a + 20)) for a in range(200, 360, 20)]
    monkeypatch.setattr(tile_planning, "blocks_of", lambda *given: spans)
    plan = plan_of(inputs, settings, survey_of(inputs, UNWATCHED))
    assert plan.sample == tuple(spans)
    assert plan.numbers["family"] == whole.numbers["family"]
    assert 8.0 in plan.numbers["family"]  # of level 90


# ------------------------------------------------------------------------------------------------- the parts


@pytest.mark.parametrize("beyond", [False, True])
@pytest.mark.parametrize("wraps", [False, True])
def test_cores_cover_the_image_once(beyond, wraps):
    tiles = lay_out((17, 30), (6, 9), (2, 3), beyond, wraps)
    count = np.zeros((17, 30), int)
    for tile in tiles:
        count[tile.core] += 1
        for core, box, n, halo in zip(tile.core, tile.box, (17, 30), (2, 3), strict=True):
            low, high = core.start - halo, core.stop + halo
            assert (box.start, box.stop) == ((low, high) if beyond or wraps else (max(0, low), min(n, high)))
    assert (count == 1).all()


def test_an_axis_that_is_not_cut_has_no_halo():
    assert lay_out((10, 30), (10, 10), (4, 4), wraps=True)[0].box == (slice(-4, 14), slice(-4, 14))
    assert lay_out((10, 30), (10, 10), (4, 4), beyond=True)[0].box == (slice(0, 10), slice(-4, 14))
    assert lay_out((10, 30), (10, 10), (4, 4))[0].box == (slice(0, 10), slice(0, 14))


def test_the_size_within_memory_reads_least_twice():
    def fits(box):
        return math.prod(box) <= 40 * 40 * 40

    size = size_within((40, 400, 40), (4, 4, 4), (1, 1, 1), fits)
    assert size[::2] == (40, 40)
    assert size[1] <= 32
    assert size_within((40, 40, 40), (4, 4, 4), (1, 1, 1), lambda box: False) is None


def test_the_size_within_memory_is_one_that_transforms_fast():
    # Halves of the longer axis read less, but their 76 + 6 voxels are transformed as 90, and 74 + 6 as 80.
    assert size_within((132, 136), (4, 4), (3, 3), lambda box: math.prod(box) < 12000) == (66, 136)


def test_kernels_that_are_padded_alike_are_filtered_together(monkeypatch):
    reads = []
    monkeypatch.setattr(tile_solving, "read", lambda *given: reads.append(1) or read(*given))
    sizes = [gaussian(s) for s in (0.7, 0.9, 1.1)]  # with the radius of each, 104 voxels become 120
    kernels = KernelField.by_weights(np.full((3, *FLAT), 1 / 3), sizes)
    image, options = picture(FLAT), {"method": "landweber", "engine": "fft"}
    whole = sd.deconvolve(image, kernels, tiles="never", **options)
    tiled = sd.deconvolve(image, kernels, tiles=(96, 52), **options)
    assert len(reads) == 2  # once for each of two tiles
    assert apart(whole, tiled) <= 1e-4


@pytest.mark.parametrize("boundary", ["edge", "zero", "periodic"])
def test_what_lies_beyond_the_border_is_what_filters_see(boundary):
    image, kernel = np.arange(35.0).reshape(5, 7) + 1, (3, 5)
    padded = pad_like_itk(image, kernel, boundary)
    rule = padded_for_filters(image.shape, kernel, boundary)
    starts = [(p - n) // 2 for p, n in zip(padded.shape, image.shape, strict=True)]
    box = tuple(slice(-s - p, 2 * p - s) for s, p in zip(starts, padded.shape, strict=True))
    assert np.array_equal(read(image, box, rule), np.tile(padded, (3, 3)))


def test_a_read_beyond_the_border_repeats_it():
    image = np.arange(12.0).reshape(3, 4)
    assert np.array_equal(
        read(image, (slice(-2, 5), slice(1, 6)), repeated((3, 4))), np.pad(image, 2, "edge")[:, 3:8]
    )


def test_labels_far_away_still_own_a_tile():
    labels = np.zeros((4, 400), np.uint8)
    labels[0, 0], labels[0, -1] = 1, 2
    kernels = KernelField.by_region(labels, {1: gaussian(0.5), 2: gaussian(1.0)}, outside="nearest")
    inputs = Inputs(np.zeros((4, 400), np.float32), kernels, labels=labels)
    box = (slice(0, 4), slice(190, 210))
    expected = np.where(np.arange(190, 210) < 200, 1, 2)
    assert np.array_equal(part_of(inputs, box).labels, np.broadcast_to(expected, (4, 20)))


def test_an_array_of_another_shape_is_named():
    inputs = Inputs(np.zeros((4, 4)), gaussian(0.5), mask=np.zeros((4, 5)))
    with pytest.raises(InputError, match="the mask has shape"):
        part_of(inputs, (slice(0, 2), slice(0, 2)))


def test_the_survey_sees_every_voxel():
    image = picture(SOLID)
    image[0, 0, 0], image[-1, -1, -1], image[3, 3, 3] = -7, 300, np.inf
    found = survey_of(Inputs(image, gaussian(0.5), mask=image > 50), Watch())
    assert (found.low, found.high, found.bad) == (-7, 300, 1)
    assert found.selected == np.count_nonzero(image > 50)
    assert found.mean == pytest.approx(image[np.isfinite(image)].mean(dtype=float))


def test_settings_say_what_needs_the_whole():
    assert ConvolveSettings(exclude=True).whole_only() is not None
    assert replace(ConvolveSettings(), tiles=(3, 4)).tiles == (3, 4)
    assert DeconvolveSettings(tiles=["never"]).tiles == "never"


def test_a_forecast_counts_the_tiles_that_the_run_then_has():
    image, kernels = picture((40, 96, 96)), intensity(SOLID)
    options = {"strategy": "joint", "method": "richardson-lucy", "iterations": 2, "noise": 0.3}
    options["memory_limit"] = 0.04
    forecast = sd.foresee(image, kernels, **options)
    assert sd.deconvolve(image, kernels, **options).automatic["tiles"].startswith(f"{forecast.tiles} tiles")
    assert f"in {forecast.tiles} tiles" in forecast.describe()
    assert sd.foresee(image, kernels, **{**options, "memory_limit": None}).tiles == 1
