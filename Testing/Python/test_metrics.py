import numpy as np
import pytest

from SpatialDeconvLib.errors import InputError
from SpatialDeconvLib.metrics import psnr, rmse, ssim


def _pair(shape, seed=0, scale=100.0):
    rng = np.random.default_rng(seed)
    smooth = np.sin(np.arange(np.prod(shape)).reshape(shape) / 17.0) * scale / 2 + scale / 2
    reference = smooth + rng.normal(0, scale / 10, shape)
    return reference, reference + rng.normal(0, scale / 15, shape) + scale / 50


def _naive_ssim_map(x, y, data_range, sigma=1.5, radius=5):
    """SSIM from its definition: one explicit weighted window at a time, at interior voxels only."""
    offsets = np.arange(-radius, radius + 1)
    axis_weights = np.exp(-(offsets**2) / (2 * sigma**2))
    weights = axis_weights
    for _ in range(x.ndim - 1):
        weights = np.multiply.outer(weights, axis_weights)
    weights = weights / weights.sum()
    c1, c2 = (0.01 * data_range) ** 2, (0.03 * data_range) ** 2
    out = np.empty([n - 2 * radius for n in x.shape])
    for index in np.ndindex(out.shape):
        window = tuple(slice(i, i + 2 * radius + 1) for i in index)
        a, b = x[window], y[window]
        ma, mb = (weights * a).sum(), (weights * b).sum()
        va, vb = (weights * (a - ma) ** 2).sum(), (weights * (b - mb) ** 2).sum()
        cov = (weights * (a - ma) * (b - mb)).sum()
        out[index] = ((2 * ma * mb + c1) * (2 * cov + c2)) / ((ma**2 + mb**2 + c1) * (va + vb + c2))
    return out


def test_rmse_and_psnr_follow_their_definitions():
    reference, image = _pair((7, 9))
    assert rmse(reference, image) == pytest.approx(np.sqrt(((reference - image) ** 2).mean()), rel=1e-12)
    assert psnr(reference, image, 50.0) == pytest.approx(
        10 * np.log10(50.0**2 / ((reference - image) ** 2).mean()), rel=1e-12
    )
    spread = reference.max() - reference.min()
    assert psnr(reference, image) == psnr(reference, image, spread)
    assert psnr(reference, reference) == np.inf


def test_integers_do_not_wrap_around():
    reference = np.full((6, 6), 250, np.uint8)
    reference[0] = 5
    image = np.where(reference == 5, 250, 5).astype(np.uint8)
    assert rmse(reference, image) == 245.0


@pytest.mark.parametrize("shape", [(24, 31), (14, 16, 13)])
def test_ssim_equals_the_window_by_window_definition(shape):
    reference, image = _pair(shape)
    expected = _naive_ssim_map(reference, image, 120.0)
    assert ssim(reference, image, 120.0) == pytest.approx(expected.mean(), abs=1e-12)
    mask = np.zeros(shape, bool)
    mask[tuple(slice(3, n - 6) for n in shape)] = True
    inner = mask[tuple(slice(5, n - 5) for n in shape)]
    assert ssim(reference, image, 120.0, mask) == pytest.approx(expected[inner].mean(), abs=1e-12)


@pytest.mark.parametrize(("shape", "dtype"), [((40, 50), float), ((20, 24, 22), float), ((40, 50), np.uint8)])
def test_ssim_equals_scikit_image(shape, dtype):
    metrics = pytest.importorskip("skimage.metrics")
    reference, image = (np.clip(v, 0, 255).astype(dtype) for v in _pair(shape))
    expected = metrics.structural_similarity(
        reference, image, data_range=255, gaussian_weights=True, sigma=1.5, use_sample_covariance=False
    )
    assert ssim(reference, image, 255) == pytest.approx(expected, abs=1e-7)


def test_ssim_of_single_slices_and_thin_stacks_is_the_mean_over_slices():
    reference, image = _pair((3, 24, 31))
    slices = [ssim(r, i, 100.0) for r, i in zip(reference, image, strict=True)]
    assert ssim(reference, image, 100.0) == pytest.approx(np.mean(slices), abs=1e-12)
    assert ssim(reference[:1], image[:1], 100.0) == pytest.approx(slices[0], abs=1e-12)
    assert ssim(reference, reference, 100.0) == pytest.approx(1.0, abs=1e-12)


def test_mask_limits_the_sums_and_the_default_range():
    reference, image = _pair((20, 20))
    reference[0, 0] = 1e6
    mask = np.ones((20, 20), np.uint8)
    mask[0, 0] = 0
    inside = mask.astype(bool)
    assert rmse(reference, image, mask) == pytest.approx(
        np.sqrt(((reference - image)[inside] ** 2).mean()), rel=1e-12
    )
    assert psnr(reference, image, mask=mask) == psnr(reference, image, np.ptp(reference[inside]), mask)


@pytest.mark.parametrize("metric", [rmse, psnr, ssim])
def test_unusable_input_is_refused_with_the_reason(metric):
    good = np.arange(400.0).reshape(20, 20)
    with pytest.raises(InputError, match=r"\(20, 19\).*\(20, 20\)"):
        metric(good, good[:, 1:])
    bad = good.copy()
    bad[3, 4] = np.nan
    with pytest.raises(InputError, match="image: 1 values are not finite"):
        metric(good, bad)
    with pytest.raises(InputError, match="reference: 1 values"):
        metric(bad, good)
    with pytest.raises(InputError, match="no voxel"):
        metric(good, good, mask=np.zeros((20, 20)))
    with pytest.raises(InputError, match="mask: shape"):
        metric(good, good, mask=np.ones((20, 1)))
    with pytest.raises(InputError, match="complex"):
        metric(good, good * 1j)


@pytest.mark.parametrize("metric", [psnr, ssim])
def test_a_range_that_is_not_positive_is_refused(metric):
    flat = np.full((20, 20), 3.0)
    with pytest.raises(InputError, match="constant"):
        metric(flat, flat)
    with pytest.raises(InputError, match="-1"):
        metric(flat, flat, -1)
    assert np.isfinite(metric(flat, flat + 1, 10.0))


def test_ssim_says_why_a_window_does_not_fit():
    small = np.arange(100.0).reshape(10, 10)
    with pytest.raises(InputError, match="window of 11"):
        ssim(small, small)
    large = np.arange(400.0).reshape(20, 20)
    edge = np.zeros((20, 20), bool)
    edge[0] = True
    with pytest.raises(InputError, match="5 voxels from the edge"):
        ssim(large, large, mask=edge)
