"""Plug-and-play with its own denoiser, others', and one whose fixed point is known."""

import numpy as np
import pytest
import scipy.fft as sfft
import SimpleITK as sitk
from scipy import ndimage

from SpatialDeconvLib.arrays.threads import Crew
from SpatialDeconvLib.blur.operator import SpatiallyVariantBlur
from SpatialDeconvLib.cases import BRAIN_VOLUME, sample_path
from SpatialDeconvLib.errors import InputError
from SpatialDeconvLib.kernels.field import KernelField
from SpatialDeconvLib.kernels.shapes import gaussian_kernel
from SpatialDeconvLib.solvers import plugandplay
from SpatialDeconvLib.solvers.denoising import BlockCosines
from SpatialDeconvLib.solvers.models import LinearModel
from SpatialDeconvLib.solvers.problem import Problem
from SpatialDeconvLib.solvers.solve import solve


def objects(shape, seed=3):
    """Hills, slopes and edges, 0 to 100."""
    rng = np.random.default_rng(seed)
    hills = ndimage.gaussian_filter(rng.standard_normal(shape), 4)
    patches = ndimage.gaussian_filter(rng.standard_normal(shape), 6) > 0
    image = hills / np.abs(hills).max() + 0.7 * patches
    return 100 * (image - image.min()) / np.ptp(image)


def brain_slice():
    volume = sitk.GetArrayFromImage(sitk.ReadImage(str(sample_path(BRAIN_VOLUME))))
    return volume[32, 10:106, 14:114].astype(float)


def gaussians(ndim):
    return KernelField.by_intensity({20.0 * i: gaussian_kernel(0.8 + 0.3 * i, ndim=ndim) for i in range(6)})


def blurred(truth, field, model="detector", noise=0.5, guide=None):
    guide = truth if guide is None else guide
    op = SpatiallyVariantBlur(field, truth.shape, guide=guide, model=model, dtype="float64", low_rank=0)
    return (op.forward(truth) + noise * np.random.default_rng(0).standard_normal(truth.shape)).astype(np.float32)


def psnr(image, truth):
    return 20 * np.log10(100 / np.sqrt(np.mean((np.asarray(image, float) - truth) ** 2)))


# -- the denoiser


@pytest.mark.parametrize("shape", [(64, 70), (20, 24, 22)])
@pytest.mark.parametrize("sigma", [2.0, 8.0])
def test_block_cosines_take_noise_away(shape, sigma):
    truth = objects(shape)
    noisy = truth + sigma * np.random.default_rng(1).standard_normal(shape)
    before = noisy.copy()
    clean = BlockCosines(Crew(1))(noisy, sigma)
    np.testing.assert_array_equal(noisy, before)
    assert psnr(clean, truth) > psnr(noisy, truth) + 2
    assert psnr(clean, truth) > psnr(ndimage.gaussian_filter(noisy, 1.0), truth)


def test_block_cosines_are_their_definition(monkeypatch):
    monkeypatch.setattr("SpatialDeconvLib.solvers.denoising._SHIFTS", (3, 3))
    image = 20 * np.random.default_rng(0).standard_normal((21, 18))
    denoise = BlockCosines(Crew(1))
    shifts = BlockCosines(Crew(1))._shifts((8, 8))
    assert len(set(shifts)) == 3
    total, weights = np.zeros((2, *image.shape))
    for a, b in shifts:
        padded = np.pad(image, [(8 + 8 - a - 1, 16), (8 + 8 - b - 1, 16)], mode="symmetric")
        counted = np.zeros_like(padded)
        # A block starts at the image's voxel (a - 7, b - 7), and every 8 from there.
        low = 8 + 8 - a - 1 - (7 - a) % 8, 8 + 8 - b - 1 - (7 - b) % 8
        for i in range(low[0], low[0] + 32, 8):
            for j in range(low[1], low[1] + 32, 8):
                block = padded[i : i + 8, j : j + 8]
                if block.shape == (8, 8):
                    c = sfft.dctn(block, norm="ortho")
                    mean = c[0, 0]
                    c[np.abs(c) < 3.0 * 15] = 0
                    c[0, 0] = mean
                    counted[i : i + 8, j : j + 8] = 1 / np.count_nonzero(c)
                    padded[i : i + 8, j : j + 8] = sfft.idctn(c, norm="ortho")
        start = 8 + 8 - a - 1, 8 + 8 - b - 1
        inside = (slice(start[0], start[0] + 21), slice(start[1], start[1] + 18))
        total += counted[inside] * padded[inside]
        weights += counted[inside]
    np.testing.assert_allclose(denoise(image, 15.0), total / weights, atol=1e-10)


def test_shifts_fill_the_block_and_go_on_from_call_to_call():
    denoise = BlockCosines(Crew(1))
    seen = [shift for _ in range(16) for shift in denoise._shifts((8, 8))]
    assert all(0 <= a < 8 and 0 <= b < 8 for a, b in seen)
    counts = np.zeros((8, 8), int)
    np.add.at(counts, tuple(np.transpose(seen)), 1)
    assert counts.min() >= 2
    assert counts.max() <= 6


@pytest.mark.parametrize("shape", [(1, 30), (3, 3), (5, 1, 40), (1, 20, 24), (8, 8, 8)])
def test_block_cosines_take_images_of_any_shape_and_keep_flat_ones(shape):
    for dtype in (np.float32, np.float64):
        found = BlockCosines(Crew(1))(np.full(shape, 7, dtype), 1.0)
        assert found.dtype == dtype
        np.testing.assert_allclose(found, 7, rtol=1e-6)


def test_threads_do_not_change_a_bit_of_block_cosines():
    image = np.random.default_rng(0).standard_normal((30, 41, 25)).astype(np.float32)
    np.testing.assert_array_equal(*(BlockCosines(Crew(n))(image, 0.7) for n in (1, 2)))


# -- the method


@pytest.mark.parametrize("model", ["detector", "source"])
@pytest.mark.parametrize("guided", [False, True])
def test_plug_and_play_beats_what_it_starts_from(model, guided):
    truth = brain_slice()
    y = blurred(truth, gaussians(2), model)
    op = SpatiallyVariantBlur(gaussians(2), y.shape, guide=truth if guided else y, model=model)
    result = solve(op, y, "pnp", noise=0.5, self_keyed=not guided)
    other = solve(op, y, "tv" if guided else "self-keyed", noise=0.5)
    assert result.parameters["self_keyed"] is not guided
    assert psnr(result.image, truth) > psnr(other.image, truth) + 0.1
    assert 0.7 < result.residual < 1.05
    assert result.residual == result.history[-1]
    assert result.iterations == 6  # how often the denoiser was called, whatever its start took
    assert result.parameters["steps_of_start"] > 0


@pytest.mark.parametrize("strengths", [(0.02, 0.006), (0.006, 0.02)])
def test_what_comes_after_a_denoiser_goes_on_from_the_product_before_it(monkeypatch, strengths):
    calls = []

    class Counted(plugandplay.DataTerm):
        def __call__(self, x):
            calls.append(x.copy())
            return super().__call__(x)

    monkeypatch.setattr(plugandplay, "DataTerm", Counted)
    truth = objects((40, 44))
    op = SpatiallyVariantBlur(gaussians(2), truth.shape, guide=truth)
    y = blurred(truth, gaussians(2))
    solve(op, y, "pnp", iterations=4, regularization=0.02, noise=0.5, strengths=strengths)
    assert len(calls) == len({image.tobytes() for image in calls})  # none is computed twice
    assert len(calls) >= 1 + 3 * 4


def test_the_objective_of_a_denoised_image_is_what_it_says():
    truth = objects((20, 24)).astype(np.float64)
    op = SpatiallyVariantBlur(gaussians(2), truth.shape, guide=truth, dtype="float64", low_rank=0)
    y = op.forward(truth)
    coupled = plugandplay.Coupled(plugandplay.DataTerm(Problem(op, y, 0.5), LinearModel(op)))
    x = truth + 1
    for shift, weight in ((2.0, 0.3), (-1.0, 0.7)):  # the second from what is kept of the first
        coupled.v, coupled.weight = truth + shift, weight
        value, gradient = coupled(x)
        difference = op.forward(x) - y
        assert value == pytest.approx(0.5 * np.sum(difference**2) + 0.5 * weight * truth.size * (1 - shift) ** 2)
        np.testing.assert_allclose(gradient, op.adjoint(difference) + weight * (1 - shift), atol=1e-9)


def test_kernels_of_measured_values_are_those_of_the_data_unless_it_is_told_otherwise():
    truth = brain_slice()
    y = truth
    for _ in range(30):  # kernels keyed to the measured values: a fixed point
        y = 0.5 * (y + blurred(truth, gaussians(2), guide=y))
    op = SpatiallyVariantBlur(gaussians(2), y.shape, guide=y)
    measured = solve(op, y, "pnp", noise=0.5)
    true = solve(op, y, "pnp", noise=0.5, self_keyed=True)
    assert measured.parameters["self_keyed"] is False
    assert true.parameters["self_keyed"] is True
    assert psnr(measured.image, truth) > psnr(true.image, truth) + 0.3


@pytest.mark.parametrize("boundary", ["edge", "extended"])
def test_an_exact_proximal_map_leads_to_the_closed_form(boundary, monkeypatch):
    """With D(x, s) = (1 + s^2 Q)^-1 x, a fixed point solves (A^T A + 0.3 sigma^2 Q') x = A^T y exactly."""
    monkeypatch.setattr(plugandplay, "_STEPS", 12)
    rng = np.random.default_rng(0)
    shape, sigma, strength = (10, 9), 20.0, 0.05
    field = gaussians(2)
    guide = objects(shape)
    op = SpatiallyVariantBlur(field, shape, guide=guide, boundary=boundary, dtype="float64", low_rank=0)
    n = int(np.prod(op.domain_shape))
    matrix = np.array([op.forward(e.reshape(op.domain_shape)).ravel() for e in np.eye(n)]).T
    y = op.forward(op.extend(guide)) + sigma * rng.standard_normal(shape)
    root = rng.standard_normal((n, n)) / np.sqrt(n)
    form = 0.02 * np.eye(n) + 0.1 * root @ root.T
    calls = []

    def proximal(image, s):
        calls.append(s)
        return np.linalg.solve(np.eye(n) + s**2 * form, image.ravel()).reshape(image.shape)

    result = solve(
        op, y, "pnp", noise=sigma, denoiser=proximal, strengths=(strength, strength), iterations=40, lower=-np.inf,
        regularization=0.1,
    )  # fmt: skip
    s = calls[0]
    assert len(calls) == 40
    assert s == pytest.approx(strength * np.ptp(np.percentile(y, (0.1, 99.9))))
    resolvent = np.linalg.inv(np.eye(n) + s**2 * form)
    system = matrix.T @ matrix + 0.3 * (sigma / s) ** 2 * (np.eye(n) - resolvent)
    expected = np.linalg.solve(system, matrix.T @ y.ravel()).reshape(op.domain_shape)
    np.testing.assert_allclose(result.image, op.crop(expected), atol=2e-3)


def test_other_denoisers_can_be_given():
    restoration = pytest.importorskip("skimage.restoration")
    truth = brain_slice()
    y = blurred(truth, gaussians(2))
    op = SpatiallyVariantBlur(gaussians(2), y.shape, guide=y)
    sizes = []

    def smooth(image, sigma):
        sizes.append(sigma)
        return restoration.denoise_tv_chambolle(image, weight=sigma)

    run = {"noise": 0.5, "self_keyed": True, "regularization": 0.05}
    result = solve(op, y, "pnp", denoiser=smooth, **run)
    assert np.all(np.diff(sizes) < 0)
    assert psnr(result.image, truth) > psnr(y, truth) + 3
    # A denoiser that does nothing leaves the data alone to decide, a few steps each.
    nothing = solve(op, y, "pnp", denoiser=lambda image, sigma: image, **run)
    assert psnr(result.image, truth) > psnr(nothing.image, truth) + 0.2


def test_the_image_stays_within_its_bound():
    truth = objects((48, 50)) - 20
    y = blurred(truth + 20, gaussians(2)) - 20
    op = SpatiallyVariantBlur(gaussians(2), y.shape, guide=truth + 20)
    assert solve(op, y, "pnp", noise=0.5).image.min() < -5
    bound = solve(op, y, "pnp", noise=0.5, lower=-4)
    assert bound.image.min() >= -4
    assert bound.parameters["lower"] == -4


def test_the_denoisers_image_and_the_strengths_are_checked():
    y = objects((20, 24))
    op = SpatiallyVariantBlur(KernelField.uniform(gaussian_kernel(1.0, ndim=2)), y.shape)
    run = {"noise": 1.0, "regularization": 0.1}
    with pytest.raises(InputError, match=r"the denoiser gave an image of shape \(2,\)"):
        solve(op, y, "pnp", denoiser=lambda image, sigma: image[0, :2], **run)
    with pytest.raises(InputError, match="the denoiser gave values that are NaN"):
        solve(op, y, "pnp", denoiser=lambda image, sigma: image * np.nan, **run)
    for strengths in ("strong", 0.01, (0.01, 0), (np.inf, 1)):
        with pytest.raises(InputError, match="strengths"):
            solve(op, y, "pnp", strengths=strengths, **run)
