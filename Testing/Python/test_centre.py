"""Where a kernel has its centre: what is found, and that every way of working with it agrees."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from oracles import sitk_deconvolve
from scipy import ndimage

import SpatialDeconvLib as sd
from SpatialDeconvLib.arrays.watch import UNWATCHED
from SpatialDeconvLib.kernels.centres import NEGLIGIBLE_WEIGHT, REACH, centred
from SpatialDeconvLib.kernels.sets import field_from_dict, field_to_dict, kernel_from_dict, write_kernel
from SpatialDeconvLib.methods.registry import methods_of
from SpatialDeconvLib.run.blocks import block_of
from SpatialDeconvLib.run.inputs import Inputs
from SpatialDeconvLib.run.settings import ConvolveSettings

ROOT = Path(__file__).resolve().parents[2]
MODELS = ("detector", "source")


def gaussian(n, sigma=1.5, ndim=2, middle=None):
    """A Gaussian sampled on n voxels an axis, about the middle unless told otherwise; sum 1."""
    x = np.arange(n) - ((n - 1) / 2 if middle is None else middle)
    line = np.exp(-0.5 * (x / sigma) ** 2)
    values = line
    for _ in range(ndim - 1):
        values = np.multiply.outer(values, line)
    return values / values.sum()


def discs(shape, seed=3):
    """Discs, or balls, of several sizes and heights on a level of 20, with soft edges."""
    rng = np.random.default_rng(seed)
    image = np.full(shape, 20.0)
    for _ in range(8):
        centre = [rng.uniform(0.2 * n, 0.8 * n) for n in shape]
        distance = sum((x - c) ** 2 for x, c in zip(np.indices(shape), centre, strict=True))
        image[distance < rng.uniform(3, 8) ** 2] = rng.uniform(40, 110)
    return ndimage.gaussian_filter(image, 0.6)


def blob(shape=(41, 40), place=(20.0, 19.0), sigma=3.0):
    return np.exp(-0.5 * sum((x - c) ** 2 for x, c in zip(np.indices(shape), place, strict=True)) / sigma**2)


# --------------------------------------------------------------------------------------- what is found


@pytest.mark.parametrize(
    ("centre", "expected"),
    [
        ("middle", (1.5, 2)),
        ("itk", (2, 2)),
        ("peak", (3, 1)),
        ("centroid", (2.5, 0.75)),  # (0 + 3 * 3 ... ) / 12 by hand, below
        (["itk", "peak"], (2, 1)),
        ([0, 3.25], (0, 3.25)),
        (1, (1, 1)),
    ],
)
def test_a_centre_is_a_word_or_an_index_for_all_axes_or_for_each(centre, expected):
    values = np.zeros((4, 5))
    values[1, 0], values[3, 1] = 3.0, 9.0  # centroid (3 * 1 + 9 * 3) / 12, (3 * 0 + 9 * 1) / 12
    found = sd.Kernel(values, centre=centre).centre
    assert found == expected
    assert all(isinstance(place, int) for place in found if place == int(place))


def test_the_peak_of_a_plateau_is_its_middle():
    values = np.zeros((6, 7))
    values[1:3, 2:5] = 1
    assert sd.Kernel(values, centre="peak").centre == (1.5, 3)


@pytest.mark.parametrize(
    "centre",
    [
        "centre",
        None,
        True,
        -1,
        4,
        3.5,
        float("nan"),
        10**400,
        {},
        ["itk"],
        ["itk", "itk", "itk"],
        [["itk"], [1, 2]],
    ],
    ids=str,
)
def test_what_is_no_centre_is_refused(centre):
    with pytest.raises(sd.InputError, match="centre"):
        sd.Kernel(np.ones((4, 4)), centre=centre)


def test_a_kernel_that_sums_to_nothing_has_no_centroid():
    with pytest.raises(sd.InputError, match="'centroid': the kernel, of sum 0, has none"):
        sd.Kernel([[1.0, -1.0]], centre="centroid")


SYMMETRIC = {
    "gaussian": gaussian(20),
    "wide": gaussian(20, 8.0),
    "3-D": gaussian(6, 1.0, 3),
    "mean": np.ones((4, 6)),
    "motion": np.eye(6),  # symmetric in the middle as a point, not about an axis
    "negative": -gaussian(8),
    "tiny": 1e-200 * gaussian(8),
    "huge": 1e140 * gaussian(8),
    "float32": gaussian(20).astype(np.float32),
    "8 bits": np.rint(255 / gaussian(20).max() * gaussian(20)).astype(np.uint8),
}


@pytest.mark.parametrize("values", SYMMETRIC.values(), ids=SYMMETRIC)
def test_symmetric_kernels_are_taken_by_their_middle(values):
    assert sd.Kernel(values).centre == tuple((n - 1) / 2 for n in values.shape)


@pytest.mark.parametrize("sigma", [0.8, 1.5, 2.5, 5.0])
def test_noise_does_not_move_the_centre(sigma):
    """3 % of the peak, ten draws: a blur in the middle is found there, one about n // 2 there."""
    rng = np.random.default_rng(0)
    for _ in range(10):
        noise = 0.03 * gaussian(20, sigma).max() * rng.normal(size=(20, 20))
        assert sd.Kernel(gaussian(20, sigma) + noise).centre == (9.5, 9.5)
        assert sd.Kernel(gaussian(20, sigma, middle=10) + noise).centre == (10, 10)


UNSYMMETRIC = {
    "about n // 2": gaussian(20, 1.5, middle=10),
    "wide about n // 2": gaussian(20, 8.0, middle=10),
    "decay": np.exp(-np.arange(6.0))[None] * np.ones((4, 1)) * [[1], [2], [3], [4]],
    "ramp": np.arange(1.0, 21.0).reshape(4, 5),
    "two voxels": np.array([[0.45, 0.55]]),
    "noise": np.random.default_rng(0).random((4, 6)),
    "odd": np.exp(-np.arange(7.0))[None] * np.ones((5, 1)),
}


@pytest.mark.parametrize("values", UNSYMMETRIC.values(), ids=UNSYMMETRIC)
def test_others_are_taken_by_n_half_and_stay_as_they_are(values):
    kernel = sd.Kernel(values)
    assert kernel.centre == tuple(n // 2 for n in values.shape)
    assert kernel.centred() is kernel


def test_axes_are_judged_apart():
    skewed = np.array([0.1, 1.0, 0.5, 0.2, 0.1, 0.0])
    values = np.multiply.outer(gaussian(8, ndim=1), skewed)
    assert sd.Kernel(values).centre == (3.5, 3)
    assert sd.Kernel(values.T).centre == (3, 3.5)


def test_check_warns_of_a_peak_that_is_off_the_centre_of_an_even_kernel():
    for values in (gaussian(8), gaussian(8, middle=4)):
        assert sd.Kernel(values).check() == []
    (warning,) = sd.Kernel(gaussian(8, middle=3)).check()
    assert warning.startswith("the peak is at (3, 3), the centre at (4, 4): the result will be shifted. ")


# ------------------------------------------------------------------------------ the kernel moved there


def spectrum(values, centre, frequencies):
    """Of a profile, its centre at 0, by the definition."""
    return np.exp(-2j * np.pi * np.multiply.outer(frequencies, np.arange(values.size) - centre)) @ values


@pytest.mark.parametrize(
    ("profile", "size", "most"),
    [
        (gaussian(20, 1.5, 1), 21, 1e-6),
        (gaussian(20, 2.5, 1), 21, 1e-5),
        (gaussian(12, 0.8, 1), None, 4e-4),
        (np.ones(20) / 20, None, 6e-4),
        (np.ones(2) / 2, None, 2e-3),
    ],
    ids=["sigma 1.5", "sigma 2.5", "sigma 0.8", "mean of 20", "mean of 2"],
)
def test_the_blur_of_a_picture_is_that_with_the_exact_phase(profile, size, most):
    """The error of the docstring of `centred`: of pictures whose spectrum falls as 1/f from 1/256 on."""
    found = centred(profile[None], (0, (profile.size - 1) / 2))[0]
    assert found.size % 2 == 1
    assert profile.size < found.size <= profile.size + 1 + 2 * REACH
    assert size in (None, found.size)
    frequencies = np.arange(1, 129) / 256
    exact = spectrum(profile, (profile.size - 1) / 2, frequencies)
    assert np.abs(exact.imag).max() < 1e-12
    difference = spectrum(found, found.size // 2, frequencies) - exact
    assert np.linalg.norm(difference / frequencies) < most * np.linalg.norm(exact / frequencies)
    assert found.sum() == pytest.approx(profile.sum(), rel=1e-14)


@pytest.mark.parametrize("centre", [(3, 4.5), (0.25, 6.5), (7, 0), (2.9, 3.3)])
def test_any_centre_comes_to_n_half(centre):
    """Moved against the original by a shift of its spectrum, the kernel has the same centre of mass."""
    values = gaussian(16, 1.6)[4:12, 3:13]
    kernel = sd.Kernel(values, 0.5, "psf", centre=centre)
    moved = kernel.centred()
    assert all(n % 2 for n in moved.shape)
    assert moved.centre == tuple(n // 2 for n in moved.shape)
    assert (moved.name, moved.spacing) == ("psf", (0.5, 0.5))
    assert moved.total == pytest.approx(kernel.total)
    before, after = ndimage.center_of_mass(values), ndimage.center_of_mass(moved.values)
    np.testing.assert_allclose(np.subtract(after, moved.centre), np.subtract(before, centre), rtol=0, atol=5e-3)


def test_smooth_kernels_keep_their_signs_and_their_symmetry():
    for values in (gaussian(20), gaussian(8, 1.2, 3)):
        moved = sd.Kernel(values).centred().values
        assert moved.min() >= 0
        np.testing.assert_array_equal(moved, np.flip(moved))
        assert np.abs(moved).sum() == pytest.approx(1, abs=2 * NEGLIGIBLE_WEIGHT)


def test_the_bits_of_a_moved_kernel_do_not_depend_on_threads():
    code = (
        "import hashlib, numpy as np; from SpatialDeconvLib.kernels.centres import centred;"
        "values = np.random.default_rng(0).random((64, 64, 64));"
        "print(hashlib.sha256(centred(values, (31.5, 31.5, 20.25)).tobytes()).hexdigest())"
    )
    digests = set()
    for threads in ("1", "2"):
        environment = {**os.environ, "OPENBLAS_NUM_THREADS": threads, "OMP_NUM_THREADS": threads}
        done = subprocess.run(
            [sys.executable, "-c", code], env=environment, cwd=ROOT, capture_output=True, check=True
        )
        digests.add(done.stdout)
    assert len(digests) == 1


def test_a_kernel_that_sums_to_nothing_still_does():
    values = np.array([[1.0, -1.0, -1.0, 1.0]])
    moved = sd.Kernel(values).centred()
    assert moved.shape[1] % 2 == 1
    assert abs(moved.total) < 1e-14


def test_a_scaled_kernel_has_the_centre_of_the_unscaled_one():
    kernel = sd.Kernel(7 * np.ones((4, 4)), centre=["itk", 1.25])
    assert kernel.normalized().centre == (2, 1.25)


@pytest.mark.parametrize("factor", [0.5, 0.8, 1.7, 2.0])
def test_resampling_keeps_the_centre(factor):
    """The position of the centre of mass, in mm from the centre; boxes that are cut by others are not exact."""
    values = gaussian(12, 1.5)
    for kernel in (sd.Kernel(values, 0.8), sd.Kernel(values, 0.8, centre="itk"), sd.Kernel(values, 0.8, centre=3)):
        found = kernel.resampled(0.8 * factor)
        assert found.centre == tuple(n // 2 for n in found.shape)
        place = np.subtract(ndimage.center_of_mass(found.values), found.centre) * found.spacing
        expected = np.subtract((5.5, 5.5), kernel.centre) * 0.8
        np.testing.assert_allclose(place, expected, rtol=0, atol=0.01 if any(expected) else 1e-9)
        assert found.total == pytest.approx(1)


# -------------------------------------------------------------------------------------- in every run


@pytest.mark.parametrize("cascade", [False, "auto"])
@pytest.mark.parametrize("model", MODELS)
def test_a_symmetric_kernel_moves_nothing(model, cascade):
    image = blob()
    even, odd = (sd.convolve(image, sd.Kernel(gaussian(n)), model=model, cascade=cascade) for n in (20, 21))
    np.testing.assert_allclose(ndimage.center_of_mass(even.image), (20, 19), rtol=0, atol=1e-4)
    np.testing.assert_allclose(even.image, odd.image, rtol=0, atol=1e-4 * odd.image.max())


def test_by_n_half_the_same_kernel_moves_an_image_by_half_a_voxel():
    moved = sd.convolve(blob(), sd.Kernel(gaussian(20), centre="itk")).image
    np.testing.assert_allclose(ndimage.center_of_mass(moved), (19.5, 18.5), rtol=0, atol=1e-4)


def test_a_kernel_off_its_array_is_taken_by_its_peak():
    values = np.zeros((20, 20))
    values[2:9, 8:15] = gaussian(7, 1.2)
    moved = sd.convolve(blob(), sd.Kernel(values, centre="peak")).image
    np.testing.assert_allclose(ndimage.center_of_mass(moved), (20, 19), rtol=0, atol=1e-4)


ITK = {"tikhonov": ("Tikhonov", {"RegularizationConstant": 0.01}), "richardson-lucy": ("RichardsonLucy", {})}


@pytest.mark.parametrize("method", ITK)
def test_itk_gives_the_bits_of_simpleitk(method):
    image = discs((30, 33))
    kernel = sd.Kernel(gaussian(8), centre="itk").normalized()
    name, theirs = ITK[method]
    ours = {"regularization": 0.01, "noise": 0.1} if theirs else {"iterations": 3}
    theirs = theirs or {"NumberOfIterations": 3}
    result = sd.deconvolve(image, kernel, strategy="blend", method=method, engine="simpleitk", **ours)
    np.testing.assert_array_equal(result.image, sitk_deconvolve(name, image, kernel.values, **theirs))


def case(ndim, model="detector"):
    """Truth, its image blurred by two Gaussians, and these on odd and on even numbers of voxels.

    The kernels hold all of the blur: Wiener takes ends that are cut off here and not there for another image.
    """
    truth = discs((64, 64) if ndim == 2 else (24, 28, 28))
    n, sigma = (20, 1.5) if ndim == 2 else (10, 1.2)

    def field(size):
        levels = {20: 0.9 * sigma, 110: 1.1 * sigma}
        return sd.KernelField.by_intensity({at: sd.Kernel(gaussian(size, s, ndim)) for at, s in levels.items()})

    blurred = sd.convolve(truth, field(2 * n + 1), guide=truth, model=model).image
    blurred += np.random.default_rng(0).normal(0, 0.5, truth.shape)
    return truth, blurred.astype(np.float32), [field(n + 1), field(n)]


RUNS = [
    (strategy, method, model)
    for strategy in ("blend", "joint")
    for method in methods_of(strategy)
    for model in MODELS
]


@pytest.mark.parametrize("ndim", [2, 3])
@pytest.mark.parametrize(("strategy", "method", "model"), RUNS, ids=lambda value: str(value))
def test_even_and_odd_numbers_of_voxels_restore_alike(strategy, method, model, ndim):
    truth, blurred, fields = case(ndim, model)
    spec = methods_of(strategy)[method]
    options = {"engine": "fft"} if strategy == "blend" else {}
    if not spec.self_keyed:
        options["guide"] = truth
    if spec.iterates:
        options["iterations"] = 6
    found = [
        sd.psnr(
            sd.deconvolve(
                blurred, field, strategy=strategy, method=method, model=model, noise=0.5, **options
            ).image,
            truth,
        )
        for field in fields
    ]
    assert abs(found[1] - found[0]) < 0.1
    assert found[1] > sd.psnr(blurred, truth)


@pytest.mark.parametrize("method", methods_of("blend"))
def test_engines_agree_on_even_kernels(method):
    truth, blurred, (_, even) = case(2)
    options = {"regularization": 0.01} if method in ("tikhonov", "inverse") else {}
    results = [
        sd.deconvolve(
            blurred, even, guide=truth, strategy="blend", method=method, engine=engine, noise=0.5, **options
        ).image
        for engine in ("simpleitk", "fft")
    ]
    assert np.abs(results[1] - results[0]).max() < 1e-4 * np.abs(results[0]).max()


@pytest.mark.parametrize("boundary", ["edge", "zero", "periodic", "extended"])
@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("shape", [(23, 26), (7, 9, 8)], ids=["2-D", "3-D"])
def test_the_adjoint_is_exact(shape, model, boundary):
    rng = np.random.default_rng(1)
    ndim = len(shape)
    kernels = [
        sd.Kernel(gaussian(4, 0.9, ndim)),
        sd.Kernel(np.ones((4,) * ndim)).normalized(),
        sd.Kernel(rng.random((4,) * ndim), centre="centroid").normalized(),
        sd.Kernel(gaussian(5, 1.1, ndim)),
    ]
    field = sd.KernelField.by_intensity(dict(zip((0, 1, 2, 3), kernels, strict=True)))
    guide = 3 * rng.random(shape)
    a = sd.SpatiallyVariantBlur(field, shape, guide=guide, model=model, boundary=boundary, dtype="float64")
    x, y = rng.normal(size=a.domain_shape), rng.normal(size=a.data_shape)
    forward, adjoint = np.vdot(a.forward(x), y), np.vdot(x, a.adjoint(y))
    assert abs(forward - adjoint) < 1e-12 * np.linalg.norm(x) * np.linalg.norm(y)


def test_slices_are_filtered_as_an_image_of_their_own():
    image = np.stack([discs((32, 30), seed) for seed in (1, 2)])
    kernel = sd.Kernel(gaussian(6, 1.0))
    volume = sd.convolve(image, kernel, slicewise=True).image
    for k in range(2):
        np.testing.assert_allclose(volume[k], sd.convolve(image[k], kernel).image, rtol=0, atol=1e-9)


def test_a_block_of_the_result_is_part_of_the_whole():
    image = discs((48, 48))
    inputs = Inputs(
        image, sd.KernelField.by_intensity({20: sd.Kernel(gaussian(8)), 90: sd.Kernel(gaussian(6, 0.9))})
    )
    block = (slice(10, 30), slice(20, 44))
    found = block_of(inputs, ConvolveSettings(), block, UNWATCHED).image
    whole = sd.convolve(image, inputs.kernels).image
    np.testing.assert_allclose(found, whole[block], rtol=0, atol=1e-9)


@pytest.mark.parametrize(
    ("kernels", "text"),
    [
        ([gaussian(7)], None),
        ([gaussian(8)], "(n - 1) / 2, the middle"),
        ([np.arange(1.0, 13).reshape(3, 4)], "n // 2"),
        ([gaussian(8), gaussian(6)], "(n - 1) / 2, the middle"),
        ([gaussian(7), gaussian(8), np.arange(1.0, 13).reshape(3, 4)], None),
    ],
)
def test_a_run_says_in_one_line_what_was_taken_for_the_centre(kernels, text):
    if len(kernels) == 3:
        text = "(n - 1) / 2, the middle (kernel 2); n // 2 (kernel 3)"
    field = sd.KernelField.by_intensity({10 * n: sd.Kernel(k) for n, k in enumerate(kernels, 1)})
    result = sd.convolve(discs((30, 30)), field)
    assert result.automatic.get("centre") == text
    assert not any("centre" in warning for warning in result.warnings)


def test_a_centre_of_its_own_is_told_too():
    for centre, text in ((["itk", 2.75], "n // 2, 2.75"), (["itk", "middle"], "n // 2, (n - 1) / 2")):
        result = sd.convolve(discs((30, 30)), sd.Kernel(gaussian(8), centre=centre))
        assert result.automatic["centre"] == text
    resampled = sd.convolve(discs((30, 30)), sd.Kernel(gaussian(8), 0.5))
    assert resampled.automatic["centre"] == "(n - 1) / 2, the middle"


# ---------------------------------------------------------------------------------------- in files


@pytest.mark.parametrize("centre", ["middle", "itk", "peak", "centroid", ["itk", "middle"], [3, 2.5]], ids=str)
@pytest.mark.parametrize("kind", ["file", "values", "mean"])
def test_kernel_sets_have_a_word_for_the_centre(tmp_path, kind, centre):
    values = np.arange(1.0, 25).reshape(4, 6) if kind != "mean" else np.ones((4, 6))
    np.save(tmp_path / "k.npy", values)
    entry = {
        "file": {"type": "file", "path": "k.npy"},
        "values": {"type": "values", "values": values.tolist(), "spacing_mm": [1, 1]},
        "mean": {"type": "mean", "shape": [4, 6]},
    }[kind]
    content = {"schema": "spatialdeconv-kernels/1", "key": "uniform", "kernels": [{**entry, "centre": centre}]}
    (tmp_path / "set.json").write_text(json.dumps(content))
    field = sd.read_kernel_set(tmp_path / "set.json")
    expected = sd.Kernel(values, centre=centre).centre
    assert field.kernels[0].sampled((1.0, 1.0)).centre == expected
    again = field_from_dict(json.loads(json.dumps(field_to_dict(field))), tmp_path)
    assert field_to_dict(field)["kernels"][0]["centre"] == centre
    assert again.kernels[0].sampled((1.0, 1.0)).centre == expected


@pytest.mark.parametrize("centre", ["where", 17, None, ["itk"] * 4, {"x": 1}, [[1], [2, 3]]], ids=str)
@pytest.mark.parametrize("kind", ["values", "gaussian"])
def test_a_kernel_set_with_an_impossible_centre_is_refused(kind, centre):
    entry = {
        "values": {"type": "values", "values": [[1, 2], [3, 4]], "spacing_mm": 1},
        "gaussian": {"type": "gaussian", "sigma_mm": 1.0},
    }[kind]
    with pytest.raises(sd.InputError, match="centre"):
        kernel_from_dict({**entry, "centre": centre})


CENTRES = [("auto", (9.5, 9.5)), ("itk", (10, 10)), (["itk", 2.25], (10, 2.25))]


@pytest.mark.parametrize(("centre", "expected"), CENTRES, ids=str)
def test_kernels_from_arrays_keep_their_centre_in_sets_and_recipes(tmp_path, centre, expected):
    field = sd.KernelField.by_intensity({10: sd.Kernel(gaussian(20), centre=centre), 20: sd.gaussian_kernel(1.0)})
    sd.write_kernel_set(tmp_path / "set.json", field)
    for found in (sd.read_kernel_set(tmp_path / "set.json"), field_from_dict(field_to_dict(field))):
        assert found.kernels[0].centre == expected
        np.testing.assert_array_equal(found.kernels[0].values, field.kernels[0].values)
    assert "centre" not in field_to_dict(field)["kernels"][1]


@pytest.mark.parametrize("centre", ["auto", "itk", "middle", 3, ["itk", 2.25]], ids=str)
@pytest.mark.parametrize("values", [gaussian(8), gaussian(8, middle=4)], ids=["symmetric", "n // 2"])
def test_a_kernel_written_alone_has_its_centre_where_it_will_be_found(tmp_path, values, centre):
    kernel = sd.Kernel(values, centre=centre)
    write_kernel(kernel, tmp_path / "k.npy")
    again = sd.read_kernel(tmp_path / "k.npy", normalize=False)
    if centre == "auto":
        np.testing.assert_array_equal(again.values, values)
    before, after = (sd.convolve(blob(), k).image for k in (kernel, again))
    np.testing.assert_allclose(after, before, rtol=0, atol=1e-6)


def test_a_logarithmic_kernel_is_symmetric_as_its_exponential_is(tmp_path):
    np.save(tmp_path / "k.npy", np.log(gaussian(8)))
    assert sd.read_kernel(tmp_path / "k.npy", log=True).centre == (3.5, 3.5)
    assert sd.read_kernel(tmp_path / "k.npy", log=True, centre="itk").centre == (4, 4)


# ------------------------------------------------------------------------------------- measured kernels


@pytest.mark.parametrize("method", ["least-squares", "fourier"])
@pytest.mark.parametrize("centre", ["itk", "middle", ["itk", "middle"]], ids=str)
def test_an_even_kernel_is_measured_with_the_centre_asked_for(centre, method):
    """Against the Gaussian sampled there; method "fourier" knows less of the border."""
    original = ndimage.gaussian_filter(np.random.default_rng(0).random((60, 64)), 0.7)
    original *= np.hanning(60)[:, None] * np.hanning(64)
    blurred = ndimage.gaussian_filter(original, 1.3, truncate=7)
    found = sd.estimate_kernel(original, blurred, (12, 10), centre=centre, method=method)
    words = centre if isinstance(centre, list) else [centre, centre]
    expected = tuple(n // 2 if word == "itk" else (n - 1) / 2 for word, n in zip(words, (12, 10), strict=True))
    assert found.centre == expected
    lines = [np.exp(-0.5 * ((np.arange(n) - c) / 1.3) ** 2) for n, c in zip(found.shape, expected, strict=True)]
    exact = np.multiply.outer(*lines) / (2 * np.pi * 1.3**2)
    assert np.linalg.norm(found.values - exact) < 0.02 * np.linalg.norm(exact)
    inner = (slice(12, -12),) * 2
    again = sd.convolve(original, found).image
    np.testing.assert_allclose(again[inner], blurred[inner], rtol=0, atol=0.01 * blurred.max())


@pytest.mark.parametrize("model", MODELS)
def test_even_kernels_of_a_field_are_measured_about_their_middle(model):
    original = discs((72, 72))
    truth = sd.KernelField.by_intensity({20: sd.gaussian_kernel(1.0, ndim=2), 110: sd.gaussian_kernel(1.6, ndim=2)})
    blurred = sd.convolve(original, truth, guide=original, model=model).image
    found = sd.estimate_kernels(original, blurred, [20.0, 110.0], 10, model=model, centre="middle", noise=1e-3)
    for kernel, sigma in zip(found.kernels, (1.0, 1.6), strict=True):
        assert kernel.centre == (4.5, 4.5)
        exact = gaussian(10, sigma)
        assert np.linalg.norm(kernel.values - exact) < 0.03 * np.linalg.norm(exact)


def test_a_displacement_is_counted_from_the_centre_asked_for():
    original = discs((72, 72))
    blurred = ndimage.gaussian_filter(ndimage.shift(original, (1.3, -0.4), order=5, mode="nearest"), 1.5)
    for centre in ("itk", "middle"):
        found = sd.estimate_kernel(original, blurred, 14, register=True, centre=centre)
        np.testing.assert_allclose(found.estimate.shift, (1.3, -0.4), rtol=0, atol=0.02)


@pytest.mark.parametrize("centre", ["peak", "auto", 3])
def test_what_is_known_only_of_a_kernel_is_no_centre_to_measure_it_with(centre):
    with pytest.raises(sd.InputError, match="centre"):
        sd.estimate_kernel(blob(), blob(sigma=4.0), 6, centre=centre)


def test_parameters_are_fitted_to_even_kernels_about_their_centre():
    for n, centre in ((14, "auto"), (14, "itk")):
        values = gaussian(n, 1.4, middle=None if centre == "auto" else n // 2)
        fit = sd.fit_kernel(sd.Kernel(values, centre=centre))
        np.testing.assert_allclose(fit.parameters["sigma_mm"], 1.4, rtol=1e-3)
        np.testing.assert_allclose(fit.shift, 0, atol=1e-3)
