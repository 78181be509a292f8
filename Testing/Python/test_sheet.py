"""Contact sheets: every method on one block, against runs of each of them, in the order that a user waits in."""

import numpy as np
import pytest
from scipy import ndimage

import SpatialDeconvLib as sd
from SpatialDeconvLib.methods import registry as methods
from SpatialDeconvLib.run import sheet
from SpatialDeconvLib.run.blocks import block_of
from SpatialDeconvLib.run.inputs import Inputs

SHAPE = (30, 28)
KERNELS = {20: sd.gaussian_kernel(0.7, (1, 1)), 100: sd.gaussian_kernel(1.4, (1, 1))}
FIELD = sd.KernelField.by_intensity(KERNELS, of="measured")
BLOCK = (slice(5, 21), slice(7, 23))


@pytest.fixture(scope="module")
def image():
    random = np.random.default_rng(5)
    truth = 20 + 80 * (ndimage.gaussian_filter(random.random(SHAPE), 2) > 0.5)
    return sd.convolve(truth, FIELD).image + random.normal(0, 1.0, SHAPE)


def run_all(image, field=FIELD, block=BLOCK, **options):
    return list(sheet.tiles(Inputs(image, field), sd.DeconvolveSettings(noise=1.0, **options), block))


@pytest.fixture(scope="module")
def told(image):
    return run_all(image)


def test_the_input_comes_first_then_the_filters_the_automatic_choice_and_what_else_there_is(told):
    assert told[0].method is None
    first = [tile for tile in told[1:] if tile.gain is None]
    strategies = [tile.method.strategy for tile in first]
    assert strategies == ["blend"] * 6 + ["joint"] * 7
    assert [tile.automatic for tile in first] == [False] * 6 + [True] + [False] * 6
    names = [(tile.method.strategy, tile.method.name) for tile in first]
    assert sorted(names) == sorted((m.strategy, m.name) for m in methods.METHODS)  # each once


def test_what_is_quick_comes_before_what_searches(told):
    searching = [bool(tile.method.tuned) for tile in told[1:7]]
    assert searching == sorted(searching)


def test_a_tile_is_what_a_preview_shows(told, image):
    for name in ("landweber", "richardson-lucy"):
        tile = next(t for t in told[1:] if (t.method.strategy, t.method.name) == ("blend", name))
        result = block_of(Inputs(image, FIELD), sd.DeconvolveSettings(method=name, noise=1.0), BLOCK)
        assert np.abs(tile.image - result.image).max() < 0.5  # of a range of 100; the margins differ
    assert np.array_equal(told[0].image, image[BLOCK])


def test_the_automatic_tile_is_the_runs_own_choice(told, image):
    (tile, _again) = (t for t in told if t.automatic)
    assert tile.method is sd.deconvolve(image, FIELD, noise=1.0).method


def test_residuals_are_of_the_block_in_units_of_the_noise(told, image):
    tile = next(t for t in told if t.method and t.method.name == "tv")
    assert 0.4 < tile.residual < 1.3
    seen = sd.convolve(image, FIELD).image  # the input, blurred again
    expected = np.sqrt(np.mean((seen - image)[BLOCK] ** 2))
    assert told[0].residual == pytest.approx(expected, rel=1e-3)


def test_a_method_that_chooses_its_kernels_itself_is_judged_by_those(monkeypatch):
    random = np.random.default_rng(7)
    truth = 20 + 80 * (ndimage.gaussian_filter(random.random(SHAPE), 2) > 0.5)
    keyed = sd.KernelField.by_intensity(KERNELS, of="true")
    seen = sd.convolve(truth, keyed).image + random.normal(0, 1.0, SHAPE)
    monkeypatch.setattr(sheet, "_in_order", lambda: [("joint", "self-keyed")])
    tile = run_all(seen, keyed)[1]
    whole = sd.deconvolve(seen, keyed, method="self-keyed", noise=1.0).residual_map()
    assert tile.residual == pytest.approx(np.sqrt(np.mean(whole.values[BLOCK] ** 2)), rel=0.2)
    assert tile.residual < 1.3


def test_gains_follow_the_pictures_and_those_that_invert_the_model_come_closer(told):
    gains = {(t.method.strategy, t.method.name): t.gain for t in told if t.gain is not None}
    runnable = [t for t in told[1:] if t.image is not None and t.gain is None]
    assert len(gains) == len(runnable)
    assert gains["joint", "tv"] > max(gains["blend", "wiener"], gains["blend", "inverse"])
    assert gains["joint", "tv"] > 1


def test_a_method_that_cannot_be_run_says_why(told):
    tile = next(t for t in told[1:] if t.method.name == "self-keyed")
    assert tile.image is None
    assert "true values" in tile.problem
    assert tile.facts() == f"not possible here: {tile.problem}"


def test_a_sheet_lists_every_method_once_with_its_numbers(image):
    found = sd.compare_methods(image, FIELD, around=(12, 14), size=16, noise=1.0)
    assert found.block == BLOCK
    lines = found.describe()
    assert len(lines) == 1 + len(methods.METHODS)
    assert lines[0].split() == ["Input", "residual", f"{found.tiles[0].residual:.3g}"]
    (line,) = [line for line in lines if line.startswith("*")]
    assert "simulated" in line
    # Facts begin in one column, behind the longest name.
    names = [tile.name for tile in found.tiles]
    assert {line[2 + max(map(len, names)) :][:2] for line in lines} == {"  "}
    assert all(t.gain is not None for t in found.tiles if t.image is not None and t.method is not None)


def test_masks_units_and_slices_are_the_callers():
    random = np.random.default_rng(6)
    image = 1e-25 * (
        50 + ndimage.gaussian_filter(random.normal(0, 40, (1, 24, 24)), 1) + random.normal(0, 1, (24, 24))
    )
    mask = np.zeros(image.shape, bool)
    mask[:, :, 8:] = True
    settings = sd.DeconvolveSettings(noise=1e-25)
    block = (slice(0, 1), slice(4, 20), slice(2, 18))
    made = sheet.tiles(Inputs(image, sd.gaussian_kernel(1.0, (1, 1)), mask=mask), settings, block)
    first, second = next(made), next(made)
    made.close()
    assert np.array_equal(first.image, image[block])
    assert second.image.shape == (1, 16, 16)
    assert np.array_equal(second.image[..., :6], first.image[..., :6].astype(second.image.dtype))
    assert (second.image[..., 6:] != first.image[..., 6:]).all()
    assert 0 < second.residual < first.residual


def test_a_sheet_can_be_cancelled_and_tells_how_far_it_is(image):
    heard = []
    with pytest.raises(sd.Cancelled):
        sd.compare_methods(
            image, FIELD, noise=1.0, progress=lambda f, t: heard.append((f, t)), cancelled=lambda: len(heard) > 3
        )
    assert any("Richardson-Lucy" in text for _, text in heard)


def test_what_cannot_be_used_is_said_before_any_work(image):
    with pytest.raises(sd.InputError, match="size 0"):
        sd.compare_methods(image, FIELD, size=0)
    with pytest.raises(sd.InputError, match="3 places, the image 2 axes"):
        sd.compare_methods(image, FIELD, around=(1, 2, 3))
    with pytest.raises(sd.InputError, match="model"):
        sd.compare_methods(image, FIELD, model="camera")


def test_a_mask_that_does_not_touch_the_block_is_refused():
    image = np.random.default_rng(0).uniform(0, 100, (64, 64))
    mask = np.zeros(image.shape)
    mask[:8, :8] = 1
    with pytest.raises(sd.InputError, match="the mask has no voxel in this block"):
        sd.compare_methods(image, sd.gaussian_kernel(1.0, ndim=2), size=16, mask=mask)


def test_titles_of_the_picture_stay_over_their_own_tiles(image, tmp_path, monkeypatch):
    pytest.importorskip("matplotlib")
    from SpatialDeconvLib.report.figures import sheet as sheets

    drawn = []
    monkeypatch.setattr(sheets, "save", lambda figure, path: drawn.append(figure) or path)
    found = sd.compare_methods(image, FIELD, around=(12, 14), size=16, noise=1.0)
    sheets.sheet_figure(tmp_path / "sheet.png", found, (1.0, 1.0))
    (figure,) = drawn
    figure.canvas.draw()
    titles = [ax.title for ax in figure.axes] + [text for ax in figure.axes for text in ax.texts]
    boxes = [title.get_window_extent() for title in titles if title.get_text()]
    assert len(boxes) == len(found.tiles)
    assert not any(a.overlaps(b) for n, a in enumerate(boxes) for b in boxes[:n])
    assert all(box.x0 >= 0 and box.x1 <= figure.bbox.width for box in boxes)
