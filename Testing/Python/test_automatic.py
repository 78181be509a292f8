import tracemalloc
from types import SimpleNamespace

import numpy as np
import pytest
import SimpleITK as sitk
from scipy import ndimage

import SpatialDeconvLib as sd
from SpatialDeconvLib.arrays.watch import Watch
from SpatialDeconvLib.filters.fft import FFTFilters
from SpatialDeconvLib.methods import registry as methods
from SpatialDeconvLib.run import automatic
from SpatialDeconvLib.run.automatic import Simulation, _minimum, trial_block
from SpatialDeconvLib.run.filtering import Filtering

KERNEL = sd.gaussian_kernel(1.5, ndim=2)


def scene(shape=(96, 96), seed=0):
    """Smooth patches with sharp edges, values about 0 ... 100."""
    field = ndimage.gaussian_filter(np.random.default_rng(seed).normal(size=shape), 4)
    return 50 + 25 * np.sign(field) + 300 * field


def blurred(truth, sigma, noise, seed=1):
    return ndimage.gaussian_filter(truth, sigma, mode="nearest") + np.random.default_rng(seed).normal(
        0, noise, truth.shape
    )


def simulation(image, noise, field=None, **options):
    field = field or sd.KernelField.uniform(KERNEL)
    return Simulation(image, field.bind(image, normalize=True), sd.NoiseLaw.gaussian(noise), **options)


def itk_filter(method, image, kernel, constant):
    """SimpleITK's own filter, zero-flux boundary."""
    y, h = sitk.GetImageFromArray(image), sitk.GetImageFromArray(np.ascontiguousarray(kernel))
    if method == "inverse":
        return sitk.GetArrayFromImage(sitk.InverseDeconvolution(y, h, constant, True))
    return sitk.GetArrayFromImage(sitk.TikhonovDeconvolution(y, h, constant, True))


@pytest.mark.parametrize("noise", [0.3, 2.0])
@pytest.mark.parametrize(("method", "candidates"), [("tikhonov", (-5, 0)), ("inverse", (-2.5, -0.05))])
def test_the_constant_does_nearly_as_well_as_the_best_one_for_the_unknown_truth(method, candidates, noise):
    truth = scene()
    image = blurred(truth, 1.5, noise)
    chosen = simulation(image, noise).filtering(0, method).constant

    def error(constant):
        return np.sqrt(np.mean((itk_filter(method, image, KERNEL.values, float(constant)) - truth) ** 2))

    best = min(error(constant) for constant in np.logspace(*candidates, 60))
    assert error(chosen) < 1.1 * best
    if method == "tikhonov":  # the thresholded inverse rings too much to gain anything at the higher noise
        assert error(chosen) < np.sqrt(np.mean((image - truth) ** 2))


def points():
    image = np.full((64, 64), 2.0)
    image[4::8, 4::8] = 100
    return image


def patches():
    smooth = ndimage.gaussian_filter(np.random.default_rng(3).standard_normal((64, 64)), 4)
    return 20.0 * np.digitize(smooth, np.quantile(smooth, [0.2, 0.4, 0.6, 0.8, 0.95]))


def squares():
    y, x = np.indices((96, 96))
    image = np.zeros((96, 96))
    image[20:60, 15:50], image[40:80, 45:85] = 60, 100
    image[(y - 70) ** 2 + (x - 25) ** 2 < 150] = 30
    return image


def picture_like():
    """Values 10 ... 100, with edges and texture."""
    image = scene((64, 64))
    return 10 + 90 * (image - image.min()) / np.ptp(image)


def only(monkeypatch, name):
    """Let the simulation try one method."""
    one = {name: methods.method("blend", name)}
    monkeypatch.setattr(automatic, "methods", SimpleNamespace(methods_of=lambda _: one, method=methods.method))


def restored(method, truth, kernel, noise):
    field = sd.KernelField.uniform(kernel)
    image = sd.SpatiallyVariantBlur(field, truth.shape, dtype="float64").forward(truth)
    image += noise * np.random.default_rng(0).standard_normal(truth.shape)
    constant = simulation(image, noise, field).filtering(0, method).constant
    options = {"noise": constant} if method == "wiener" else {"constant": constant}
    return FFTFilters(image).run(method, kernel.values, **options)


@pytest.mark.parametrize(
    ("method", "truth", "kernel", "noise", "bound"),
    [
        # Strong noise asks for strong damping, hardly any for hardly any; both are within what is tried.
        ("tikhonov", points(), sd.gaussian_kernel(0.6, ndim=2), 30.0, 20),
        ("tikhonov", points(), sd.gaussian_kernel(0.6, ndim=2), 0.01, 0.1),
        ("inverse", squares(), sd.gaussian_kernel(0.6, ndim=2), 30.0, 20),
        ("inverse", squares(), sd.motion_kernel(7, 30.0), 0.01, 3.4),
        ("wiener", squares(), sd.gaussian_kernel(0.6, ndim=2), 0.01, 0.2),
        ("wiener", patches(), sd.motion_kernel(7, 30.0), 1.0, 6.4),
        # What stands for the truth was itself damped as much as its noise asks for.
        ("tikhonov", points(), sd.motion_kernel(7, 30.0), 30.0, 25),
        ("inverse", squares(), sd.gaussian_kernel(0.6, ndim=2), 0.1, 0.42),
        # Constants are tried closely enough.
        ("inverse", squares(), sd.gaussian_kernel(0.6, ndim=2), 1.0, 2.7),
        ("tikhonov", patches(), sd.motion_kernel(7, 30.0), 30.0, 24.5),
    ],
)
def test_constants_keep_the_error_small_whatever_kernel_and_noise(method, truth, kernel, noise, bound):
    assert np.sqrt(np.mean((restored(method, truth, kernel, noise) - truth) ** 2)) < bound


@pytest.mark.parametrize("method", ["tikhonov", "inverse", "wiener"])
def test_an_image_without_noise_is_given_a_constant_too(method):
    assert np.isfinite(restored(method, squares(), KERNEL, 0.0)).all()


@pytest.mark.parametrize("method", ["tikhonov", "inverse"])
def test_more_noise_asks_for_more_damping(method):
    truth = scene()
    constants = [simulation(blurred(truth, 1.5, s), s).filtering(0, method).constant for s in (0.1, 1.0, 8.0)]
    assert constants == sorted(constants)
    assert constants[2] > 1.5 * constants[0]


def test_wieners_noise_is_never_below_the_images_own():
    truth = scene()
    for noise in (0.2, 3.0):
        assert simulation(blurred(truth, 1.5, noise), noise).filtering(0, "wiener").constant >= noise


def test_a_constant_image_leaves_wieners_noise_alone():
    assert simulation(np.full((32, 32), 7.0), 0.5).filtering(0, "wiener").constant == 0.5


def test_the_same_input_gives_the_same_constant():
    image = blurred(scene(), 1.5, 1.0)
    first, second = (simulation(image, 1.0).filtering(0, "tikhonov").constant for _ in range(2))
    assert first == second


def test_every_kernel_gets_a_constant_of_its_own():
    truth = scene()
    labels = np.repeat([1, 2], 48)[:, None] * np.ones((1, 96), int)
    image = np.where(labels == 1, blurred(truth, 0.8, 1.0), blurred(truth, 2.5, 1.0))
    field = sd.KernelField.by_region(
        labels, {1: sd.gaussian_kernel(0.8, ndim=2), 2: sd.gaussian_kernel(2.5, ndim=2), 3: KERNEL}
    )
    found = simulation(image, 1.0, field)
    constants = [found.filtering(k, "tikhonov").constant for k in range(3)]
    assert constants[0] != constants[1]
    assert all(1e-5 <= c <= 1 for c in constants)  # label 3 has no voxel; it is judged by all of them


def test_a_kernel_is_judged_where_it_has_weight():
    truth = scene()
    truth[:, 48:] = 50.0  # the same kernel twice: on the left there is detail to restore, on the right only noise
    labels = np.ones((96, 1), int) * np.repeat([1, 2], 48)
    image = blurred(truth, 1.5, 1.0)
    found = simulation(image, 1.0, sd.KernelField.by_region(labels, {1: KERNEL, 2: KERNEL}))
    for method in ("tikhonov", "wiener"):
        assert found.filtering(1, method).constant > 1.2 * found.filtering(0, method).constant


def test_noise_is_simulated_by_its_law(monkeypatch):
    made = []
    monkeypatch.setattr(
        automatic, "FFTFilters", lambda image, *more: made.append(image) or FFTFilters(image, *more)
    )
    image = 10.0 + 1000.0 * (np.arange(96) >= 48) * np.ones((96, 1))
    for law in (sd.NoiseLaw.poisson(), sd.NoiseLaw.of_image(np.sqrt(image)), sd.NoiseLaw.gaussian(3.0)):
        made.clear()
        bound = sd.KernelField.uniform(KERNEL).bind(image, normalize=True)
        monkeypatch.setattr(automatic, "stand_in", lambda *_given: image)
        Simulation(image, bound, law.over(image)).filtering(0, "wiener")
        noise = made[0] - ndimage.gaussian_filter(image, 1.5, mode="nearest")
        for half in (slice(0, 40), slice(56, 96)):
            expected = law.part((slice(None), half)).variance(image[:, half]).mean()
            assert noise[:, half].var() == pytest.approx(expected, rel=0.1)


def test_cancelling_stops_the_search():
    with pytest.raises(sd.Cancelled):
        simulation(scene(), 1.0, watch=Watch(None, lambda: True)).filtering(0)


def test_blocks_and_the_weights_of_the_whole_image_are_not_kept(monkeypatch):
    monkeypatch.setattr(automatic, "_WHOLE_VOXELS", 2**12)
    monkeypatch.setattr(automatic, "_BLOCK_VOXELS", 2**12)
    shape, count = (40, 64, 64), 12
    image = np.random.default_rng(0).uniform(0, count, shape).astype(np.float32)
    kernel = sd.Kernel(np.ones((1, 3, 3)))
    bound = sd.KernelField.by_intensity({float(n): kernel for n in range(count)}).bind(image, normalize=True)
    tracemalloc.start()
    try:
        kept = Simulation(image, bound, sd.NoiseLaw.gaussian(0.1))
        assert kept.filtering(0, "wiener").constant > 0
        held = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert held < 0.5 * image.nbytes


# ------------------------------------------------------------------------------- filter and iterations, too


def itk_errors(image, truth, kernel, noise):
    """Of SimpleITK's six filters with many constants and iterations, zero-flux boundary."""
    y, h = sitk.GetImageFromArray(image), sitk.GetImageFromArray(np.ascontiguousarray(kernel))
    voxels = float(np.prod([n + 2 * (m // 2) for n, m in zip(image.shape, kernel.shape, strict=True)]))
    results = [sitk.TikhonovDeconvolution(y, h, float(c), True) for c in np.logspace(-5, 0, 16)]
    results += [sitk.InverseDeconvolution(y, h, float(c), True) for c in np.logspace(-2.5, -0.05, 12)]
    results += [sitk.WienerDeconvolution(y, h, float((f * noise) ** 2 * voxels), True) for f in (1, 2, 4, 8)]
    for n in (1, 2, 4, 8, 14, 20):
        results.append(sitk.LandweberDeconvolution(y, h, 1.0, n, True))
        results.append(sitk.ProjectedLandweberDeconvolution(y, h, 1.0, n, True))
        results.append(sitk.RichardsonLucyDeconvolution(y, h, n, True))
    return [sd.rmse(truth, sitk.GetArrayFromImage(result)) for result in results]


@pytest.mark.parametrize("noise", [0.3, 3.0])
@pytest.mark.parametrize("truth", [squares(), points() + 20, patches() + 5], ids=["squares", "points", "patches"])
def test_what_is_chosen_does_nearly_as_well_as_the_best_of_all_filters(truth, noise):
    kernel = sd.gaussian_kernel(1.2, ndim=2)
    image = blurred(truth, 1.2, noise)
    chosen = simulation(image, noise, sd.KernelField.uniform(kernel)).filtering(0)
    lift = max(0.0, -image.min())  # Richardson-Lucy's data are not negative
    result = chosen.run(FFTFilters(image + lift), kernel.values, Watch()) - lift
    assert sd.rmse(truth, result) < 1.08 * min(itk_errors(image + lift, truth + lift, kernel.values, noise))


def test_more_noise_asks_for_fewer_iterations(monkeypatch):
    only(monkeypatch, "landweber")
    truth = scene()
    counts = [simulation(blurred(truth, 1.5, s), s).filtering(0).iterations for s in (0.1, 3.0, 10.0)]
    assert counts[0] > counts[1] > counts[2]


def test_a_constant_image_is_left_alone():
    assert simulation(np.full((32, 32), 7.0), 0.5).filtering(0) == Filtering()


def test_an_image_is_left_alone_where_every_filter_loses(monkeypatch):
    only(monkeypatch, "landweber")
    image = blurred(scene(), 1.5, 40.0)
    assert simulation(image, 40.0).filtering(0) == Filtering()


def test_kernels_of_the_true_values_are_simulated_with_weights_that_are_wrong():
    """The blurred image chooses for the filter what the truth chose for the blur; to know it pays."""
    truth = picture_like()
    field = sd.KernelField.by_intensity(
        {at: sd.gaussian_kernel(s, ndim=2) for at, s in zip((10, 40, 70, 100), (0.6, 1.2, 1.8, 2.4), strict=True)}
    )
    image = sd.convolve(truth, field, model="source").image + np.random.default_rng(0).normal(0, 0.3, truth.shape)
    bound = field.bind(image, normalize=True)
    errors = []
    for own in (True, False):
        found = Simulation(image, bound, sd.NoiseLaw.gaussian(0.3), "source", own=own)
        result = np.zeros_like(image)
        for k in range(len(bound)):
            filtering = found.filtering(k)
            filters = FFTFilters(image)
            filtered = image if filtering.spec is None else filtering.run(filters, bound.kernel(k).values, Watch())
            result += bound.weight(k) * filtered
        errors.append(sd.rmse(truth, result))
    assert errors[0] < errors[1]
    assert errors[0] < sd.rmse(truth, image)


# ---------------------------------------------------------------------------------------------- the search


@pytest.mark.parametrize("least", [1e-5, 3e-4, 0.02, 1.0])
def test_minimum_comes_close_to_the_least_point_on_a_logarithmic_scale(least):
    tried = []

    def error(x):
        tried.append(x)
        return abs(np.log(x / least))

    found = _minimum(error, 1e-5, 1.0, coarse=9, halvings=2)
    step = 1e5 ** (1 / 8)
    assert abs(np.log(found / least)) <= np.log(step) / 8 + 1e-9
    assert len(tried) == len(set(tried)) <= 13
    assert min(tried) >= 1e-5 * (1 - 1e-9)
    assert max(tried) <= 1 + 1e-9


def test_a_small_image_is_its_own_block():
    assert trial_block((20, 30), None, 2**18) == (slice(0, 20), slice(0, 30))


@pytest.mark.parametrize(
    "region",
    [
        None,
        (slice(0, 4), slice(0, 9), slice(0, 9)),
        (slice(90, 100), slice(200, 300), slice(500, 512)),
        (slice(40, 42), slice(250, 252), slice(100, 102)),
    ],
)
def test_the_block_lies_inside_the_image_around_the_region(region):
    shape = (100, 300, 512)
    box = trial_block(shape, region, 2**20)
    sizes = [s.stop - s.start for s in box]
    assert 2**18 < np.prod(sizes) <= 2**20
    for axis, (s, n) in enumerate(zip(box, shape, strict=True)):
        assert 0 <= s.start < s.stop <= n
        middle = n / 2 if region is None else (region[axis].start + region[axis].stop) / 2
        nearest = min(max(middle, (s.stop - s.start) / 2), n - (s.stop - s.start) / 2)
        assert (s.start + s.stop) / 2 == pytest.approx(nearest, abs=1)


@pytest.mark.parametrize("shape", [(40, 90, 70), (200, 210)])
def test_every_kernel_of_a_large_image_has_a_block_where_it_has_weight(monkeypatch, shape):
    monkeypatch.setattr(automatic, "_WHOLE_VOXELS", 2**12)
    monkeypatch.setattr(automatic, "_BLOCK_VOXELS", 2**12)
    labels = np.zeros(shape, int)
    labels[..., :12], labels[..., -12:] = 1, 2  # 0 lies between them, and no voxel is 3
    image = np.random.default_rng(0).normal(50, 5, shape)
    mask = np.ones(shape, bool)
    mask[:8] = False
    kernels = {n: sd.gaussian_kernel(1.0, ndim=len(shape)) for n in range(4)}
    bound = sd.KernelField.by_region(labels, kernels).bind(image, normalize=True)
    boxes = automatic._boxes_of_kernels(image, bound, mask, Watch())
    assert sorted(boxes) == [0, 1, 2, 3]
    assert 2 <= len({repr(box) for box in boxes.values()}) <= 3
    for k, box in boxes.items():
        assert np.prod([s.stop - s.start for s in box]) <= 2**12
        assert all(0 <= s.start < s.stop <= n for s, n in zip(box, shape, strict=True))
        assert k == 3 or (bound.weight(k)[box] * mask[box]).sum() > 100


def test_kernels_that_apply_far_apart_are_found_as_in_images_of_their_own(monkeypatch):
    """What serves one region says nothing of another: on the left detail, on the right only noise."""
    monkeypatch.setattr(automatic, "_WHOLE_VOXELS", 2**12)
    monkeypatch.setattr(automatic, "_BLOCK_VOXELS", 2**12)
    truth = np.tile(scene((64, 64)), (1, 4))
    truth[:, 128:] = 50.0
    labels = np.ones((64, 1), int) * np.repeat([1, 2], 128)
    found = simulation(blurred(truth, 1.5, 1.0), 1.0, sd.KernelField.by_region(labels, {1: KERNEL, 2: KERNEL}))
    assert found.filtering(1, "tikhonov").constant > 2 * found.filtering(0, "tikhonov").constant
