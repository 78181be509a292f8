from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from noisy import blurred_brain, normal_noise, sharp_blocks
from scipy.ndimage import convolve, gaussian_filter

from SpatialDeconvLib.errors import InputError
from SpatialDeconvLib.kernels.shapes import gaussian_kernel
from SpatialDeconvLib.noise import NoiseLaw, as_noise_law, estimate_noise_law
from SpatialDeconvLib.noise.coefficients import Values
from SpatialDeconvLib.noise.fit import Stratum, gain_of_counts


def sigma_of(*arguments, **named):
    """The law's root of the mean variance."""
    return estimate_noise_law(*arguments, **named).sigma


@pytest.fixture(scope="module")
def brain():
    return blurred_brain()


@pytest.fixture(scope="module")
def blocks():
    return sharp_blocks()


def _errors(law, signal, variance):
    """Relative errors of the global sigma, and of the local one in the median of the voxels that are not empty."""
    heard = variance > 0.01 * variance.mean()
    local = np.sqrt(law.variance(signal)[heard] / variance[heard]) - 1
    return law.sigma / np.sqrt(variance.mean()) - 1, float(np.median(np.abs(local)))


def _is_right(law, signal, variance, within=0.1):
    return max(np.abs(_errors(law, signal, variance))) < within


@pytest.fixture(scope="module")
def pictures(brain, blocks):
    """Smooth images from about 0 to 100, in two and three dimensions."""
    return {"slice": brain[28], "brain": brain[16:40, 24:88, 24:88], "blocks": gaussian_filter(blocks, 1.2)}


@pytest.mark.parametrize("name", ["slice", "brain", "blocks"])
def test_gaussian_noise_has_no_slope(pictures, name):
    signal = pictures[name]
    for sigma in (0.5, 5.0):
        law = estimate_noise_law(signal + normal_noise(signal.shape, sigma))
        assert _is_right(law, signal, np.full(signal.shape, sigma**2))
        # ... or one that does not matter.
        assert law.slope * np.ptp(signal) < 0.25 * sigma**2


@pytest.mark.parametrize("name", ["slice", "brain", "blocks"])
@pytest.mark.parametrize("peak", [3, 30, 1000])
def test_the_variance_of_counts_is_their_signal(pictures, name, peak):
    signal = np.maximum(pictures[name], 0) * (peak / 100)
    image = np.random.default_rng(1).poisson(signal)
    assert _is_right(estimate_noise_law(image), signal, signal)
    assert _is_right(estimate_noise_law((2.5 * image).astype(np.float32)), 2.5 * signal, 2.5**2 * signal)


@pytest.mark.parametrize("name", ["slice", "brain", "blocks"])
@pytest.mark.parametrize(("gain", "read", "offset"), [(0.5, 8.0, 100.0), (2.0, 3.0, -30.0)])
def test_a_camera_has_counts_read_noise_and_an_offset(pictures, name, gain, read, offset):
    electrons = 4 * np.maximum(pictures[name], 0)
    rng = np.random.default_rng(2)
    image = np.rint(gain * (rng.poisson(electrons) + rng.normal(0, read, electrons.shape)) + offset)
    variance = gain**2 * (electrons + read**2) + 1 / 12
    assert _is_right(estimate_noise_law(image), gain * electrons + offset, variance, 0.12)


@pytest.mark.parametrize("shape", [(96, 100), (20, 44, 48)])
@pytest.mark.parametrize("sky", [0.0, 0.1, 1.0, 20.0])
@pytest.mark.parametrize("number", [6, 40])
def test_stars_make_the_noise_of_their_image(shape, sky, number):
    rng = np.random.default_rng([number, len(shape)])
    stars = np.zeros(shape)
    np.add.at(stars, tuple(rng.integers(5, n - 5, number) for n in shape), rng.uniform(100, 2000, number))
    signal = np.maximum(gaussian_filter(stars, 1.5), 0) + sky
    image = rng.poisson(signal).astype(np.float32)
    assert _is_right(estimate_noise_law(image), signal, signal, 0.15)


def test_an_empty_background_does_not_make_the_noise():
    kernel = gaussian_kernel(1.5, ndim=2).values
    truth = np.zeros((64, 65))
    truth[30, 20], truth[40, 45] = 1000, 300
    blurred = convolve(truth, kernel, mode="constant")
    for seed in range(6):
        image = np.random.default_rng(seed).poisson(blurred).astype(float)
        law = estimate_noise_law(image)
        assert law.describe() == "Poisson, variance 1 x signal"
        assert law.sigma == pytest.approx(np.sqrt(blurred.mean()), rel=0.05)


@pytest.mark.parametrize(("brightest", "told"), [(80.0, True), (1.0, False)])
def test_counts_that_arithmetic_went_over_are_told_by_how_far_their_variance_follows_the_signal(brightest, told):
    """As of an image whose own values choose its kernels: no whole numbers, no single counts."""
    rng = np.random.default_rng(0)
    means = np.geomspace(0.05, brightest, 8)
    strata = [Stratum(np.sqrt(1.3 * mean) * rng.standard_normal(1500), np.full(1500, mean)) for mean in means]
    values = Values(0.0, 100.0, True, False, 0.0, rng.uniform(0, 100, 1000))
    assert gain_of_counts(strata, 3, values) == pytest.approx(1.3 if told else 0.0, rel=0.1)


@pytest.mark.parametrize("peak", [4, 60])
def test_a_scintigram_is_one_of_counts(peak):
    rows, columns = np.mgrid[:128, :96]
    body = ((rows - 64) / 56) ** 2 + ((columns - 48) / 26) ** 2 < 1
    organ = ((rows - 40) / 8) ** 2 + ((columns - 40) / 6) ** 2 < 1
    signal = peak * gaussian_filter(0.1 * body + 0.9 * organ, 2.5)
    rng = np.random.default_rng(peak)
    assert _is_right(estimate_noise_law(rng.poisson(signal).astype(np.uint16)), signal, signal, 0.05)
    sensitivity = np.linspace(0.8, 1.2, 96)  # counts divided by it are whole numbers no more
    image = rng.poisson(signal * sensitivity) / sensitivity
    assert _is_right(estimate_noise_law(image), signal, signal / sensitivity, 0.15)


def test_rounded_clipped_and_zeroed_noise_is_not_taken_for_counts(blocks):
    signal = gaussian_filter(blocks, 1.2)
    for sigma in (0.5, 2.0, 5.0):
        noisy = signal + normal_noise(signal.shape, sigma)
        for image in (np.clip(noisy, 0, None), np.where(signal > 4, noisy, 0)):
            law = estimate_noise_law(np.rint(image).astype(np.int16))
            assert _is_right(law, signal, np.full(signal.shape, sigma**2 + 1 / 12), 0.15)
            assert _is_right(estimate_noise_law(image), signal, np.full(signal.shape, sigma**2), 0.15)


def test_shapes_without_noise_are_not_counts():
    rows, columns = np.mgrid[:128, :128]
    disk = (rows - 60) ** 2 + (columns - 66) ** 2 < 40**2
    for image in (disk, disk.astype(np.uint8), 3.7 * disk, gaussian_filter(100.0 * disk, 1.5).round()):
        assert estimate_noise_law(image).sigma < 0.3
    assert estimate_noise_law(disk).describe() == "none"


def test_one_absurd_voxel_does_not_make_the_noise(brain):
    noisy = brain[28] + normal_noise(brain[28].shape, 2.0)
    expected = sigma_of(noisy)
    for absurd in (1e12, -1e12, 1e30):
        noisy[40, 50] = absurd
        assert sigma_of(noisy) == pytest.approx(expected, rel=0.05)


def _samples():
    """An image of each kind, without ties, so that the order of equal values tells nothing."""
    rng = np.random.default_rng(4)
    signal = gaussian_filter(rng.uniform(0, 1500, (18, 40, 44)), 4)
    signal = 100 * (signal - signal.min()) / np.ptp(signal)
    return [
        signal + rng.normal(0, 2, signal.shape),
        3.0 * rng.poisson(signal) + rng.normal(0, 5, signal.shape) + 20.0,
        rng.poisson(0.02 * signal) * 1.0,
    ]


SAMPLES = _samples()
kinds = st.sampled_from(range(len(SAMPLES)))


def _same(law, other, signal, rel):
    np.testing.assert_allclose(law.variance(signal), other.variance(signal), rtol=rel)
    assert law.sigma == pytest.approx(other.sigma, rel=rel)


@settings(deadline=None, max_examples=20)
@given(kind=kinds, exponent=st.integers(-30, 30))
def test_the_law_has_the_image_s_unit(kind, exponent):
    image = SAMPLES[kind]
    factor = 10.0**exponent
    _same(estimate_noise_law(image * factor), estimate_noise_law(image).scaled(factor), image * factor, 1e-6)
    factor = 2.0 ** (3 * exponent)
    assert sigma_of(image * factor) == sigma_of(image) * factor


@settings(deadline=None, max_examples=20)
@given(kind=kinds, offset=st.integers(-5000, 5000))
def test_an_added_constant_is_one_of_the_signal(kind, offset):
    image = SAMPLES[kind]
    _same(estimate_noise_law(image + offset), estimate_noise_law(image).shifted(offset), image + offset, 1e-6)


@settings(deadline=None, max_examples=20)
@given(kind=kinds, axes=st.permutations(range(3)), flips=st.sets(st.sampled_from(range(3))))
def test_flips_and_permuted_axes_do_not_matter(kind, axes, flips):
    image = SAMPLES[kind]
    turned = np.flip(image.transpose(axes), tuple(flips))
    _same(estimate_noise_law(turned), estimate_noise_law(image), image, 1e-6)


def test_threads_find_the_same_law():
    expected = [estimate_noise_law(image).sigma for image in SAMPLES]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(estimate_noise_law, SAMPLES * 4))
    assert [law.sigma for law in found] == expected * 4


def test_the_law_of_a_mask_is_that_of_the_voxels_inside(pictures):
    signal = 0.5 * np.maximum(pictures["slice"], 0)
    image = np.random.default_rng(3).poisson(signal).astype(float)
    mask = np.zeros(image.shape, bool)
    mask[20:100, 30:90] = True
    law = estimate_noise_law(image, mask)
    assert law.sigma == pytest.approx(np.sqrt(signal[mask].mean()), rel=0.05)
    assert np.median(np.abs(np.sqrt(law.variance(signal)[mask] / signal[mask]) - 1)) < 0.1
    for behind in (1e6, -50.0):
        other = estimate_noise_law(np.where(mask, image, behind), mask)
        assert (other.constant, other.slope, other.sigma) == (law.constant, law.slope, law.sigma)


# --- laws, given and used ----------------------------------------------------


def test_a_law_gives_the_variance_of_a_signal():
    signal = np.array([[-3.0, 0.0, 5.0], [10.0, 60.0, 110.0]])
    law = NoiseLaw(constant=2.0, slope=0.5, origin=10.0)
    expected = np.array([[2.0, 2.0, 2.0], [2.0, 27.0, 52.0]])
    np.testing.assert_array_equal(law.variance(signal), expected)
    mask = signal > 0
    assert law.power(signal) == expected.sum()
    assert law.power(signal, mask) == expected[mask].sum()
    assert law.over(signal, mask).sigma == np.sqrt(expected[mask].mean())
    assert NoiseLaw.gaussian(3.0).power(signal, mask) == 9.0 * mask.sum()
    image = NoiseLaw.of_image(np.sqrt(expected))
    np.testing.assert_allclose(image.variance(signal), expected)
    np.testing.assert_allclose(image.part((slice(1), slice(2))).variance(signal[:1, :2]), expected[:1, :2])
    assert image.power(signal, mask) == pytest.approx(expected[mask].sum())
    assert image.over(signal).sigma == pytest.approx(np.sqrt(expected.mean()))


@pytest.mark.parametrize(
    "law", [NoiseLaw.gaussian(3.0), NoiseLaw.poisson(2.0, 5.0), NoiseLaw(4.0, 0.5, 10.0), "image"]
)
def test_a_law_follows_what_is_done_to_the_data(law):
    signal = np.linspace(0, 200, 24).reshape(4, 6)
    law = (NoiseLaw.of_image(1 + signal) if law == "image" else law).over(signal)
    changed = law.shifted(-7.0).scaled(1e-5)
    np.testing.assert_allclose(changed.variance((signal - 7.0) * 1e-5), law.variance(signal) * 1e-10)
    assert changed.sigma == pytest.approx(1e-5 * law.sigma)
    assert changed.over((signal - 7.0) * 1e-5).sigma == pytest.approx(changed.sigma)


def test_noise_that_rises_with_the_signal_cannot_be_turned_over():
    with pytest.raises(InputError, match="factor -1"):
        NoiseLaw.poisson().scaled(-1)
    assert NoiseLaw.gaussian(2.0).scaled(-3.0).variance(np.zeros(1)) == 36.0


@pytest.mark.parametrize("law", [NoiseLaw.gaussian(3.0), NoiseLaw.poisson(2.0, 5.0), NoiseLaw(4.0, 0.5, 10.0)])
def test_drawn_noise_has_the_variance_of_its_law(law):
    signal = np.repeat([5.0, 11.0, 40.0, 900.0], 40000).reshape(4, -1)
    noise = law.noisy(signal, np.random.default_rng(0)) - signal
    np.testing.assert_allclose(noise.var(axis=1), law.variance(signal).mean(axis=1), rtol=0.03)
    np.testing.assert_allclose(noise.mean(axis=1), 0, atol=0.02 * np.sqrt(law.variance(signal).max()))
    brightest = NoiseLaw.poisson().noisy(np.full(9, 1e25), np.random.default_rng(0))  # too many to count
    assert np.all(np.abs(brightest - 1e25) < 1e14)


def test_a_law_says_what_it_is():
    assert NoiseLaw.gaussian(0.5).describe() == "Gaussian, sigma 0.5"
    assert NoiseLaw.gaussian(0.0).describe() == "none"
    assert NoiseLaw.poisson().describe() == "Poisson, variance 1 x signal"
    assert NoiseLaw.poisson(2.0, 100.0).describe() == "Poisson, variance 2 x (signal - 100)"
    assert NoiseLaw(0.2, 1.01).describe() == "Poisson-like, variance 0.2 + 1.01 x signal"
    assert NoiseLaw(3.0, 0.5, -4.0).describe() == "Poisson-like, variance 5 + 0.5 x signal"
    assert NoiseLaw(3.0, 0.5, 90.0).describe() == "Poisson-like, variance 3 + 0.5 x (signal - 90)"
    assert NoiseLaw.of_image(np.array([1.0, 4.0])).describe() == "given at every voxel, sigma 1 to 4"


def test_what_a_caller_may_give_for_noise():
    image = np.random.default_rng(0).poisson(np.linspace(0, 90, 1200).reshape(30, 40)).astype(float)
    mask = image > 20
    assert as_noise_law(2, image).describe() == "Gaussian, sigma 2"
    assert as_noise_law("0.5", image).sigma == 0.5
    assert as_noise_law(np.float32(2), image).sigma == 2.0
    assert as_noise_law("poisson", image, mask).sigma == pytest.approx(np.sqrt(image[mask].mean()))
    assert as_noise_law(NoiseLaw.poisson(3.0), image).sigma == pytest.approx(np.sqrt(3 * image.mean()))
    sigmas = np.linspace(0, 3, 1200).reshape(30, 40)
    for given_sigmas in (sigmas, sigmas.tolist()):
        law = as_noise_law(given_sigmas, image, mask)
        np.testing.assert_array_equal(law.variance(image), sigmas**2)
        assert law.sigma == pytest.approx(np.sqrt(np.mean(sigmas[mask] ** 2)))
    assert as_noise_law("auto", image).sigma == sigma_of(image)


@pytest.mark.parametrize(
    ("noise", "message"),
    [
        (-1.0, "noise -1.0 must be finite and not negative"),
        (np.nan, "noise nan must be finite"),
        ("gauss", "noise 'gauss' must be a standard deviation .* or 'auto'"),
        (None, "noise None must be a standard deviation"),
        (True, "noise True must be a standard deviation"),
        (np.ones((3, 3)), r"noise: sigmas of shape \(3, 3\) do not fit an image of shape \(8, 9\)"),
        (np.where(np.eye(8, 9) > 0, -1.0, np.inf), "noise: 72 of 72 sigmas are negative or not finite"),
        (np.ones((8, 9)) * 1j, "noise: an image of complex128"),
        ("poisson", "noise 'poisson' is for counts, but the image's lowest value is -4"),
    ],
)
def test_other_noise_is_refused_with_the_remedy(noise, message):
    with pytest.raises(InputError, match=message):
        as_noise_law(noise, np.arange(72.0).reshape(8, 9) - 4)


def test_unusable_laws_are_refused():
    for arguments in ({"constant": -1.0}, {"slope": np.nan}, {"origin": np.inf}):
        with pytest.raises(InputError, match=f"noise law: {next(iter(arguments))}"):
            NoiseLaw(**arguments)
    with pytest.raises(InputError, match="gain 0"):
        NoiseLaw.poisson(0.0)


def test_an_emptiness_that_arithmetic_went_over_is_still_empty():
    rng = np.random.default_rng(0)
    signal = np.zeros((40, 42, 44))
    signal[8:32, 10:30, 12:34] = gaussian_filter(rng.random((24, 20, 22)), 3) * 100
    counts = rng.poisson(signal).astype(np.float64)
    rounded = counts + 1e-14 * rng.standard_normal(counts.shape)
    exact, other = (estimate_noise_law(image.astype(np.float32)) for image in (counts, rounded))
    assert exact.sigma == pytest.approx(np.sqrt(signal.mean()), rel=0.2)
    assert other.sigma > 0.5 * exact.sigma
