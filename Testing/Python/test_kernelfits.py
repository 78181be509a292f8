"""Parametric fits: parameters of made kernels come back, noise costs what the errors say, fields stay usable."""

import numpy as np
import pytest
from scipy import ndimage, signal

import SpatialDeconvLib as sd
from SpatialDeconvLib.estimation.record import Estimate, EstimatedField

SPACING = (1.5, 0.8, 1.0)


def padded(kernel, size):
    """The kernel in the middle of a larger, odd grid."""
    values = np.zeros((size,) * kernel.ndim)
    place = tuple(slice(size // 2 - n // 2, size // 2 - n // 2 + n) for n in kernel.shape)
    values[place] = kernel.values
    return sd.Kernel(values, kernel.spacing)


def noisy(kernel, share, seed=0):
    """The kernel with white noise of a share of its peak."""
    noise = np.random.default_rng(seed).normal(0, share * kernel.values.max(), kernel.shape)
    return sd.Kernel(kernel.values + noise, kernel.spacing)


# ------------------------------------------------------------------------------------ made kernels come back

COVARIANCE = [[4.0, 1.0, 0.3], [1.0, 2.0, 0.5], [0.3, 0.5, 1.0]]
MADE = [
    ("gaussian", {}, {"sigma_mm": 1.35}, SPACING),
    ("gaussian", {}, {"sigma_mm": [1.3, 1.3]}, (0.8, 1.0)),
    ("gaussian", {"form": "axes"}, {"sigma_mm": [2.5, 1.0, 1.4]}, SPACING),
    ("gaussian", {"form": "full"}, {"covariance_mm2": COVARIANCE}, SPACING),
    ("gaussian", {"form": "full"}, {"covariance_mm2": [[4.0, 1.5], [1.5, 2.0]]}, (0.8, 1.0)),
    ("motion", {}, {"length_mm": 7.3, "angle_deg": 33.0}, (0.5, 0.5)),
    ("motion", {}, {"length_mm": 7.3, "angle_deg": 151.0}, (0.5, 0.7)),
    ("motion", {}, {"length_mm": 9.0, "direction": [0.48, 0.8, -0.36]}, SPACING),
    ("disk", {}, {"radius_mm": 3.37}, (0.7, 0.9)),
    ("ball", {}, {"radius_mm": 3.37}, SPACING),
]


@pytest.mark.parametrize(("type", "options", "parameters", "spacing"), MADE)
@pytest.mark.parametrize("margin", [0, 4])
def test_fitting_a_made_kernel_returns_its_parameters(type, options, parameters, spacing, margin):
    made = sd.ParametricKernel(type, **parameters).sampled(spacing)
    kernel = sd.Kernel(3.0 * np.pad(made.values, margin), spacing)
    fit = sd.fit_kernel(kernel, type, **options)
    assert fit.kernel.type == type
    assert set(fit.parameters) == set(parameters)
    for word, value in parameters.items():
        np.testing.assert_allclose(fit.parameters[word], value, rtol=1e-6, atol=1e-6)
        assert np.all(np.asarray(fit.errors[word]) < 1e-6)
    assert fit.misfit < 1e-6
    assert fit.scale == pytest.approx(3.0, rel=1e-6)
    np.testing.assert_allclose(fit.shift, 0, atol=1e-6)
    np.testing.assert_allclose(fit.kernel.sampled(spacing).values, made.values, atol=1e-6)


def test_a_line_within_one_layer_of_voxels_lies_in_its_middle_and_its_tilt_is_unknown():
    made = sd.motion_kernel(9.0, (0.6, 0.8, 0.0), SPACING)
    fit = sd.fit_kernel(padded(made, 13), "motion")
    np.testing.assert_allclose(fit.parameters["direction"], [0.6, 0.8, 0.0], atol=1e-6)
    assert fit.parameters["length_mm"] == pytest.approx(9.0, rel=1e-6)
    assert fit.shift[2] == 0.0
    assert np.isinf(fit.errors["direction"][2])
    assert any("do not determine" in text for text in fit.warnings)


def test_the_fitted_kernel_goes_wherever_a_kernel_goes():
    fit = sd.fit_kernel(sd.gaussian_kernel(1.3, 1.0))
    image = np.random.default_rng(0).normal(size=(6, 12, 12))
    blurred = sd.convolve(image, fit.kernel).image
    np.testing.assert_allclose(blurred, ndimage.gaussian_filter(image, 1.3, mode="nearest"), atol=1e-5)


@pytest.mark.parametrize(
    ("type", "parameters", "expected"),
    [
        ("gaussian", {"sigma_mm": [1.3, 1.3]}, {"sigma_mm": [0, 1.3, 1.3]}),
        ("motion", {"length_mm": 5.0, "angle_deg": 30.0}, {"length_mm": 5.0, "direction": [0, 0.5, 0.75**0.5]}),
    ],
)
def test_kernels_of_one_slice_stay_within_slices(type, parameters, expected):
    plane = sd.ParametricKernel(type, **parameters).sampled((1.0, 1.0))
    fit = sd.fit_kernel(sd.Kernel(plane.values[None], (5.0, 1.0, 1.0)), type)
    for word, value in expected.items():
        np.testing.assert_allclose(fit.parameters[word], value, rtol=1e-6, atol=1e-6)
    for grid in ((5.0, 1.0, 1.0), (1.0, 1.0)):
        np.testing.assert_allclose(np.squeeze(fit.kernel.sampled(grid).values), plane.values, atol=1e-6)


def test_smooth_gaussians_of_one_slice_stay_within_slices():
    flat = {v: sd.Kernel(sd.gaussian_kernel(1 + 0.01 * v, ndim=2).values[None], 1.0) for v in (0, 50, 100)}
    smooth = sd.smooth_gaussians(sd.KernelField.by_intensity(flat), degree=1)
    np.testing.assert_allclose(smooth.field.kernels[1].parameters["sigma_mm"], [0, 1.5, 1.5], rtol=1e-6)


@pytest.mark.parametrize("type", ["gaussian", "disk", "motion"])
def test_a_displacement_is_found_and_is_no_part_of_the_kernel(type):
    parameters = {
        "gaussian": {"sigma_mm": [1.4, 1.4]},
        "disk": {"radius_mm": 3.2},
        "motion": {"length_mm": 6.5, "angle_deg": 40.0},
    }[type]
    # Made on a grid five times finer and binned, it can be displaced by fifths of a voxel.
    fine = padded(sd.ParametricKernel(type, **parameters).sampled((0.2, 0.2)), 85).values
    moved = np.roll(fine, (2, -1), axis=(0, 1))
    kernel = sd.Kernel(moved.reshape(17, 5, 17, 5).sum(axis=(1, 3)))
    fit = sd.fit_kernel(kernel, type)
    np.testing.assert_allclose(fit.shift, (0.4, -0.2), atol=0.03)
    for word, value in parameters.items():
        # Binning adds the width of a voxel to the sampled Gaussian, and nothing to shares of voxels.
        wider = np.sqrt(np.square(value) + 1 / 12) if type == "gaussian" else value
        np.testing.assert_allclose(fit.parameters[word], wider, rtol=0.02)
    held = sd.fit_kernel(kernel, type, shift=False)
    assert held.shift == (0.0, 0.0)
    assert held.misfit > 2 * fit.misfit


@pytest.mark.parametrize(
    ("type", "word"), [("gaussian", "sigma_mm"), ("motion", "length_mm"), ("disk", "radius_mm")]
)
def test_standard_errors_are_the_scatter_over_noise(type, word):
    parameters = {
        "gaussian": {"sigma_mm": [2.0, 2.0]},
        "motion": {"length_mm": 9.0, "angle_deg": 120.0},
        "disk": {"radius_mm": 4.4},
    }[type]
    kernel = padded(sd.ParametricKernel(type, **parameters).sampled((0.9, 0.9)), 19)
    fits = [sd.fit_kernel(noisy(kernel, 0.02, seed), type) for seed in range(40)]
    found = np.array([np.ravel(fit.parameters[word])[0] for fit in fits])
    errors = np.array([np.ravel(fit.errors[word])[0] for fit in fits])
    assert 0.65 < found.std() / errors.mean() < 1.5
    assert abs(found.mean() - np.ravel(parameters[word])[0]) < 5 * errors.mean() / np.sqrt(40) + 1e-3


def test_the_misfit_tells_the_kinds_of_kernel_apart():
    disk = noisy(padded(sd.disk_kernel(3.3), 15), 0.01)
    misfits = {type: sd.fit_kernel(disk, type).misfit for type in ("disk", "gaussian", "motion")}
    assert misfits["disk"] < 0.1 < min(misfits["gaussian"], misfits["motion"])


def test_what_is_narrower_than_a_voxel_is_said():
    fit = sd.fit_kernel(padded(sd.identity_kernel(ndim=2), 7))
    assert any("hardly determined" in text for text in fit.warnings)
    cut = sd.Kernel(sd.gaussian_kernel(4.0, ndim=2).values[12:21, 12:21])
    assert any("larger kernel" in text for text in sd.fit_kernel(cut).warnings)
    assert "sigma_mm" in fit.describe()


@pytest.mark.parametrize(
    ("kernel", "options", "words"),
    [
        (np.ones((3, 3)), {}, ["no Kernel"]),
        (sd.gaussian_kernel(1.0), {"type": "disk"}, ["2-D", "ball"]),
        (sd.gaussian_kernel(1.0, ndim=2), {"type": "ball"}, ["3-D", "disk"]),
        (sd.gaussian_kernel(1.0), {"type": "box"}, ["'box'", "motion"]),
        (sd.gaussian_kernel(1.0), {"form": "round"}, ["'round'", "isotropic"]),
        (sd.gaussian_kernel(1.0), {"type": "motion", "form": "full"}, ["leave it out"]),
        (sd.Kernel(np.ones((1, 3))), {"form": "full"}, ["3 voxels", "larger"]),
    ],
)
def test_what_cannot_be_fitted_is_refused(kernel, options, words):
    with pytest.raises(sd.InputError) as caught:
        sd.fit_kernel(kernel, **options)
    for word in words:
        assert word in str(caught.value)


# ------------------------------------------------------------------------------------------------- pairs


def scene(shape, seed=0):
    """An image with edges and texture."""
    generator = np.random.default_rng(seed)
    smooth = ndimage.gaussian_filter(generator.normal(size=shape), 2)
    return 100.0 * (smooth > 0) + 20 * generator.normal(size=shape)


def blurred_by(image, kernel, noise=0.0, seed=1):
    """Plain convolution with a border that no fit may use."""
    wide = np.pad(image, [(n, n) for n in kernel.shape], mode="wrap")
    result = signal.fftconvolve(wide, kernel.values, "same")
    result = result[tuple(slice(n, n + m) for n, m in zip(kernel.shape, image.shape, strict=True))]
    return result + np.random.default_rng(seed).normal(0, noise, image.shape)


@pytest.mark.parametrize(("type", "options", "parameters", "spacing"), [MADE[n] for n in (0, 4, 6, 9)])
def test_a_pair_gives_the_parameters_gain_and_offset(type, options, parameters, spacing):
    kernel = sd.ParametricKernel(type, **parameters).sampled(spacing)
    image = scene((70, 80) if len(spacing) == 2 else (24, 40, 36))
    y = 2.5 * blurred_by(image, kernel) + 7.0
    y += np.random.default_rng(3).normal(0, 0.01 * y.std(), y.shape)
    fit = sd.fit_pair(
        image, y, type, spacing=spacing, shape=kernel.shape, gain=True, offset=True, shift=True, **options
    )
    for word, value in parameters.items():
        np.testing.assert_allclose(fit.parameters[word], value, rtol=0.02, atol=0.02)
        assert np.all(np.abs(np.subtract(fit.parameters[word], value)) <= 5 * np.array(fit.errors[word]) + 1e-3)
    assert fit.scale == pytest.approx(2.5, rel=1e-3)
    assert fit.offset == pytest.approx(7.0, abs=0.2)
    np.testing.assert_allclose(fit.shift, 0, atol=0.05)
    assert 0.005 < fit.misfit < 0.015


def test_masked_voxels_of_a_pair_do_not_count():
    image, kernel = scene((60, 64)), sd.gaussian_kernel(1.5, ndim=2)
    y = blurred_by(image, kernel, noise=0.2)
    limit = float(np.quantile(y, 0.9))
    clipped = np.minimum(y, limit)
    inside = clipped < limit
    true = sd.fit_pair(image, y, shape=13).parameters["sigma_mm"][0]
    masked = sd.fit_pair(image, clipped, shape=13, mask=inside).parameters["sigma_mm"][0]
    wrong = sd.fit_pair(image, clipped, shape=13).parameters["sigma_mm"][0]
    assert abs(masked - true) < 0.02 < abs(wrong - true)


def test_a_pair_can_be_fitted_from_a_start_and_stops_when_asked():
    image, kernel = scene((48, 48)), sd.gaussian_kernel(1.5, ndim=2)
    y = blurred_by(image, kernel)
    start = sd.ParametricKernel("gaussian", sigma_mm=[2.0, 2.0])
    told = []
    fit = sd.fit_pair(image, y, start=start, progress=lambda fraction, text: told.append(fraction))
    assert told == sorted(told)
    assert (told[-1], len(told) > 3) == (1.0, True)
    assert fit.parameters["sigma_mm"] == pytest.approx([1.5, 1.5], rel=1e-3)
    again = sd.fit_pair(image, y, start=fit, form="full")
    np.testing.assert_allclose(again.parameters["covariance_mm2"], np.diag([2.25, 2.25]), atol=1e-2)
    with pytest.raises(sd.Cancelled):
        sd.fit_pair(image, y, cancelled=lambda: True)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"blurred": np.zeros((20, 21))}, ["differ in shape"]),
        ({"original": np.full((20, 20), np.nan)}, ["original", "400 NaN"]),
        ({"original": np.ones((20, 20))}, ["original is constant"]),
        ({"blurred": np.ones((20, 20))}, ["blurred image is constant"]),
        ({"shape": 21}, ["larger than the image"]),
        ({"shape": 2.5}, ["whole number"]),
        ({"mask": np.zeros((20, 20), bool)}, ["0 voxels", "mask"]),
        ({"mask": np.ones((4, 4), bool)}, ["mask has shape"]),
        ({"start": sd.ParametricKernel("gaussian", sigma_mm=1.0), "type": "motion"}, ["no motion"]),
        ({"spacing": -1}, ["spacing"]),
    ],
)
def test_pairs_that_cannot_be_fitted_are_refused(change, words):
    image = scene((20, 20))
    arguments = {"original": image, "blurred": ndimage.gaussian_filter(image, 1.0), "shape": 7, **change}
    with pytest.raises(sd.InputError) as caught:
        sd.fit_pair(**arguments)
    for word in words:
        assert word in str(caught.value)


# ------------------------------------------------------------------------------------------------- fields

LEVELS = tuple(range(10, 101, 10))


def sigma_of(level):
    return 0.8 + 1.7 * (level - 10) / 90


def measured(noise=0.02, determined=None):
    """Noisy Gaussians keyed to intensity, like an estimate."""
    kernels = [noisy(padded(sd.gaussian_kernel(sigma_of(v)), 21), noise, v) for v in LEVELS]
    field = sd.KernelField.by_intensity(dict(zip(LEVELS, kernels, strict=True)), "nearest", "unchanged")
    if determined is None:
        return field
    values = {name: getattr(field, name) for name in sd.KernelField.__dataclass_fields__}
    record = Estimate(
        "least-squares", 1.0, 1.0, 0.0, 1, [], 1.0, 0.0, (0.0,) * 3, np.zeros(10), 1.0, np.zeros(0), (), 0.0,
        determined=np.array(determined),
    )  # fmt: skip
    return EstimatedField(**values, estimate=record)


def test_a_field_is_fitted_kernel_by_kernel_under_its_own_keys():
    fitted = sd.fit_kernels(measured(0.005))
    assert fitted.field.key == "intensity"
    assert fitted.field.at == LEVELS
    assert (fitted.field.interpolation, fitted.field.outside) == ("nearest", "unchanged")
    sigmas = [k.parameters["sigma_mm"] for k in fitted.field.kernels]
    np.testing.assert_allclose(sigmas, [sigma_of(v) for v in LEVELS], rtol=0.01)


def test_levels_that_were_not_determined_are_left_out_and_said():
    determined = [True] * 10
    determined[3] = False
    fitted = sd.fit_kernels(measured(determined=determined))
    assert 40 not in fitted.field.at
    assert len(fitted.fits) == 10
    assert fitted.fits[3] is None
    assert any("level 40" in text for text in fitted.warnings)
    with pytest.raises(sd.InputError, match="none of the kernels"):
        sd.fit_kernels(measured(determined=[False] * 10))


@pytest.mark.parametrize("smoother", ["polynomial", "monotone", "smoothing"])
def test_smooth_functions_of_intensity_come_closer_than_single_fits(smoother):
    true = np.array([sigma_of(v) for v in LEVELS])[:, None]
    field = measured(0.05)
    smooth = sd.smooth_gaussians(field, smoother)
    before = np.sqrt(np.mean((smooth.measured - true) ** 2))
    after = np.sqrt(np.mean((smooth.smooth - true) ** 2))
    assert after <= before
    if smoother != "monotone":  # which may already be what was measured
        assert after < 0.75 * before
    assert np.all(np.diff(smooth.smooth[:, 0]) >= 0)
    assert [k.parameters["sigma_mm"] for k in smooth.field.kernels] == pytest.approx(smooth.smooth[:, 0].tolist())


def test_monotone_pools_what_falls_by_weight():
    from SpatialDeconvLib.estimation.fits.fields import _pooled

    np.testing.assert_allclose(_pooled(np.array([1.0, 3, 2, 4]), np.ones(4)), [1, 2.5, 2.5, 4])
    np.testing.assert_allclose(_pooled(np.array([3.0, 1]), np.array([3.0, 1])), [2.5, 2.5])
    np.testing.assert_allclose(_pooled(np.array([4.0, 3, 2, 1]), np.ones(4)), [2.5] * 4)


def test_a_polynomial_is_found_exactly_and_used_at_other_levels():
    field = sd.KernelField.by_intensity({v: sd.gaussian_kernel(1 + 0.0001 * v**2) for v in (0, 40, 80, 100)})
    smooth = sd.smooth_gaussians(field, at=[20, 50, 120])
    sigmas = [k.parameters["sigma_mm"] for k in smooth.field.kernels]
    np.testing.assert_allclose(sigmas, [1.04, 1.25, 2.44], rtol=1e-6)
    assert smooth.field.at == (20, 50, 120)
    assert "degree 2" in smooth.how
    assert any("1 of 3 levels" in text for text in smooth.warnings)
    np.testing.assert_allclose(smooth.sigma([60.0])[0], [1.36], rtol=1e-6)


def test_sigma_per_axis_as_a_function_of_position():
    def sigmas(place):
        z, y, x = place
        return [1 + 0.02 * z, 1 + 0.0005 * (y - 30) ** 2, 1.5 - 0.005 * x]

    places = [(z, y, x) for z in (0.0, 20.0) for y in (0.0, 30.0, 60.0) for x in (0.0, 40.0)]
    field = sd.KernelField.by_position({p: sd.gaussian_kernel(sigmas(p)) for p in places})
    smooth = sd.smooth_gaussians(field, form="axes", at=[(10, 15, 20), (0, 45, 40)])
    for kernel, place in zip(smooth.field.kernels, [(10, 15, 20), (0, 45, 40)], strict=True):
        np.testing.assert_allclose(kernel.parameters["sigma_mm"], sigmas(place), rtol=1e-5)
    everywhere = sd.smooth_gaussians(field, "smoothing", form="axes")
    assert everywhere.field.at == tuple(places)
    assert everywhere.misfit < 0.05


def test_positions_keep_a_complete_grid_when_one_was_not_determined():
    places = [(0.0, y, x) for y in (0.0, 30.0) for x in (0.0, 40.0)]
    field = sd.KernelField.by_position({p: sd.gaussian_kernel(1 + 0.01 * p[2]) for p in places})
    values = {name: getattr(field, name) for name in sd.KernelField.__dataclass_fields__}
    record = measured(determined=[True] * 10).estimate
    record.determined = np.array([True, True, False, True])
    fitted = sd.fit_kernels(EstimatedField(**values, estimate=record))
    assert fitted.field.at == tuple(places)
    assert fitted.field.kernels[2].parameters["sigma_mm"] == pytest.approx(1.0)  # of (0, 0, 0), the nearest


@pytest.mark.parametrize(
    ("field", "options", "words"),
    [
        (sd.KernelField.uniform(sd.gaussian_kernel(1.0)), {}, ["'uniform'", "intensity"]),
        (measured(), {"smoother": "linear"}, ["'linear'", "monotone"]),
        (measured(), {"degree": 12}, ["degree 12", "10 kernels"]),
        (measured(), {"smoother": "monotone", "degree": 1}, ["leave it out"]),
        (measured(), {"at": [-200.0], "degree": 1}, ["-200", "monotone"]),
        (measured(), {"form": "full"}, ["'full'", "axes"]),
    ],
)
def test_smooth_functions_that_make_no_sense_are_refused(field, options, words):
    with pytest.raises(sd.InputError) as caught:
        sd.smooth_gaussians(field, **options)
    for word in words:
        assert word in str(caught.value)


def test_an_estimate_of_a_pair_gives_the_sigma_that_blurred_it():
    image = scene((20, 32, 32))
    kernel = sd.gaussian_kernel(1.1, (1.5, 1.0, 1.0))
    y = blurred_by(image, kernel, noise=0.3)
    estimated = sd.estimate_kernel(image, y, 9, spacing=kernel.spacing)
    fit = sd.fit_kernel(estimated)
    assert fit.parameters["sigma_mm"] == pytest.approx(1.1, rel=0.01)


# ------------------------------------------------------------------------------ fields directly from a pair


def keyed_pair(model, field, noise=0.2, shape=(20, 36, 32)):
    """A scene of four plateaus with texture and its image, blurred with the kernels of a field."""
    generator = np.random.default_rng(5)
    smooth = ndimage.gaussian_filter(generator.normal(size=shape), 2)
    image = 30.0 * np.searchsorted(np.quantile(smooth, [0.25, 0.5, 0.75]), smooth) + 5
    image = np.clip(image + 3 * generator.normal(size=shape), 0, 100)
    # Blurred on a wider image, so that nothing is assumed beyond the border.
    wide = np.pad(image, 8, mode="reflect")
    labels = field.labels
    field = field.with_labels(np.pad(labels, 8, mode="reflect")) if labels is not None else field
    blurred = sd.convolve(wide, field, model=model, spacing=1.0).image[8:-8, 8:-8, 8:-8]
    return image, blurred + generator.normal(0, noise, shape)


def gaussians(sigmas):
    return [sd.ParametricKernel("gaussian", sigma_mm=s) for s in sigmas]


@pytest.mark.parametrize("model", ["detector", "source"])
def test_all_sigmas_of_a_field_come_from_one_pair(model):
    sigmas = {5: 0.8, 50: 1.2, 95: 1.6}
    field = sd.KernelField.by_intensity(dict(zip(sigmas, gaussians(sigmas.values()), strict=True)))
    image, y = keyed_pair(model, field)
    fitted = sd.fit_gaussians(image, 2 * y + 7, field, 9, model=model, gain=True, offset=True)
    assert fitted.field.at == (5, 50, 95)
    for fit, sigma in zip(fitted.fits, sigmas.values(), strict=True):
        assert fit.parameters["sigma_mm"] == pytest.approx(sigma, rel=0.02)
        assert fit.errors["sigma_mm"] < 0.02
        assert fit.scale == pytest.approx(2, rel=0.01)
        assert fit.offset == pytest.approx(7, abs=0.5)


def test_sigma_as_a_polynomial_is_fitted_to_the_pair_where_levels_have_no_voxels():
    true = {v: 0.8 + 0.008 * v for v in (0, 25, 50, 75, 100, 200)}
    field = sd.KernelField.by_intensity(dict(zip(true, gaussians(true.values()), strict=True)))
    image, y = keyed_pair("detector", field)
    free = sd.fit_gaussians(image, y, field, 11)
    assert free.fits[-1] is None
    assert 200 not in free.field.at
    assert any("level 200" in text for text in free.warnings)
    line = sd.fit_gaussians(image, y, field, 11, degree=1)
    assert line.field.at == tuple(true)
    sigmas = [k.parameters["sigma_mm"] for k in line.field.kernels]
    np.testing.assert_allclose(sigmas, list(true.values()), rtol=0.02)


def test_regions_and_axes_are_fitted_directly_too():
    labels = np.ones((20, 36, 32), int)
    labels[:, :, 16:] = 2
    kernels = [sd.ParametricKernel("gaussian", sigma_mm=s) for s in ([0.8, 1.2, 1.2], [1.4, 1.0, 0.8])]
    field = sd.KernelField.by_region(labels, dict(zip((1, 2), kernels, strict=True)))
    image, y = keyed_pair("detector", field)
    mask = np.ones(y.shape, bool)
    mask[5:9, 10:20, 8:12] = False
    y[~mask] = 500
    fitted = sd.fit_gaussians(image, y, field, (9, 9, 9), form="axes", mask=mask)
    for fit, kernel in zip(fitted.fits, kernels, strict=True):
        np.testing.assert_allclose(fit.parameters["sigma_mm"], kernel.parameters["sigma_mm"], rtol=0.03)


def test_blur_within_slices_is_fitted_to_pairs_without_a_blur_across():
    image = scene((6, 48, 48))
    for made, type in (
        (sd.gaussian_kernel([0, 1.5, 1.5]), "gaussian"),
        (sd.motion_kernel(5.0, [0, 0.5, 0.75**0.5]), "motion"),
    ):
        y = sd.convolve(image, made).image
        fit = sd.fit_pair(image, y, type, shape=(1, 13, 13))
        np.testing.assert_allclose(fit.kernel.sampled(1.0).values, made.values, atol=1e-4)
        assert not fit.warnings
    y = sd.convolve(image, sd.gaussian_kernel([0, 1.5, 1.5])).image
    keys = sd.KernelField.by_intensity({0: sd.identity_kernel(), 100: sd.identity_kernel()})
    for fit in sd.fit_gaussians(image, y, keys, (1, 13, 13)).fits:
        np.testing.assert_allclose(fit.parameters["sigma_mm"], [0, 1.5, 1.5], rtol=1e-3)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"form": "full"}, ["'full'", "axes"]),
        ({"model": "both"}, ["'both'", "detector"]),
        ({"degree": 5}, ["degree 5", "lower"]),
        ({"blurred": np.zeros((20, 36, 31))}, ["differ in shape"]),
        ({"original": np.ones((20, 36, 32))}, ["constant"]),
        ({"mask": np.zeros((20, 36, 32), bool)}, ["0 voxels"]),
        ({"keys": sd.KernelField.uniform(sd.gaussian_kernel(1.0)), "degree": 1}, ["'uniform'", "degree"]),
    ],
)
def test_fields_that_cannot_be_fitted_are_refused(change, words):
    field = sd.KernelField.by_intensity(dict(zip((5, 50, 95), gaussians([1, 1, 1]), strict=True)))
    image, y = keyed_pair("detector", field)
    with pytest.raises(sd.InputError) as caught:
        sd.fit_gaussians(**{"original": image, "blurred": y, "keys": field, "shape": 9, **change})
    for word in words:
        assert word in str(caught.value)
    with pytest.raises(sd.Cancelled):
        sd.fit_gaussians(image, y, field, 9, cancelled=lambda: True)


def test_wide_kernels_of_small_images_start_near_their_sigma():
    # The border that does not count is a third of the image here, which must not make kernels look wider.
    image = scene((20, 34, 34), seed=4)
    covariance = [[1.0, 0.0, 0.0], [0.0, 3.0, 1.0], [0.0, 1.0, 1.5]]
    y = blurred_by(image, sd.gaussian_kernel(covariance=covariance))
    fit = sd.fit_pair(image, y, shape=(9, 15, 11), form="full")
    np.testing.assert_allclose(fit.parameters["covariance_mm2"], covariance, atol=1e-3)
