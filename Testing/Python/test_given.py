"""What callers give as kernels, weights and paths: arrays where that is sensible, and words for what is none."""

import numpy as np
import pytest

import SpatialDeconvLib as sd

WEIGHTS = np.outer([1, 2, 1], [1, 3, 1]) / 20.0
NOTHING = [None, 5, "kernel.npy", {1: sd.Kernel(WEIGHTS)}, [sd.Kernel(WEIGHTS)], object()]


def image():
    return np.random.default_rng(0).normal(50, 20, (24, 24))


# -- an array is a kernel in the voxels of the image


def test_an_array_is_prepared_and_scaled_as_the_kernel_of_its_values():
    prepared = sd.prepare_kernel(7 * WEIGHTS)
    np.testing.assert_allclose(prepared.values, WEIGHTS)
    assert prepared.in_voxels
    scaled = sd.scale_kernels(WEIGHTS, 1.5)
    np.testing.assert_array_equal(scaled.values, sd.scale_kernels(sd.Kernel(WEIGHTS), 1.5).values)


def test_a_scaled_kernel_in_voxels_is_in_voxels():
    assert sd.scale_kernels(sd.Kernel(WEIGHTS, in_voxels=True), 1.5).in_voxels
    assert not sd.scale_kernels(sd.Kernel(WEIGHTS), 1.5).in_voxels


def test_an_array_is_in_the_voxels_of_whatever_image_it_is_used_on():
    expected = sd.convolve(image(), sd.Kernel(WEIGHTS, (0.5, 2.0)), spacing=(0.5, 2.0)).image
    result = sd.convolve(image(), WEIGHTS, spacing=(0.5, 2.0))
    np.testing.assert_array_equal(result.image, expected)
    assert result.warnings == []


@pytest.mark.parametrize("given", [WEIGHTS, sd.Kernel(WEIGHTS), sd.ParametricKernel("gaussian", sigma_mm=1.0)])
def test_one_kernel_is_written_as_a_set(given, tmp_path):
    sd.write_kernel_set(tmp_path / "set.json", given)
    field = sd.read_kernel_set(tmp_path / "set.json")
    assert field.key == "uniform"
    if isinstance(given, np.ndarray):
        assert field.kernels[0].in_voxels


def test_an_array_is_written_as_a_kernel(tmp_path):
    sd.write_kernel(WEIGHTS, tmp_path / "k.npy")
    np.testing.assert_array_equal(np.load(tmp_path / "k.npy"), WEIGHTS)


# -- and what is none is refused in words


@pytest.mark.parametrize("given", NOTHING, ids=lambda given: type(given).__name__)
def test_what_is_no_kernel_is_refused_with_its_type(given, tmp_path):
    for take in (
        sd.prepare_kernel,
        lambda k: sd.scale_kernels(k, 1.2),
        lambda k: sd.write_kernel_set(tmp_path / "set.json", k),
        lambda k: sd.write_kernel(k, tmp_path / "k.npy"),
        lambda k: sd.deconvolve(image(), k),
        lambda k: sd.compare_methods(image(), k),
        lambda k: sd.refine_kernels(image(), k),
    ):
        with pytest.raises(sd.InputError, match=f"kernels is a {type(given).__name__}; give a KernelField"):
            take(given)
    assert list(tmp_path.iterdir()) == []


def test_a_kernel_without_values_is_no_file():
    with pytest.raises(sd.InputError, match=r"no values on a grid yet: write its \.sampled"):
        sd.write_kernel(sd.ParametricKernel("gaussian", sigma_mm=1.0), "k.npy")


@pytest.mark.parametrize("given", [None, 5, b"x", [None], [5], {1: None}, ...], ids=repr)
def test_what_is_no_path_is_refused(given):
    with pytest.raises(sd.InputError, match=r"names no kernels|a path is expected"):
        sd.read_kernel_set(given)


@pytest.mark.parametrize("given", [None, 5, []], ids=repr)
def test_a_kernel_is_read_from_a_path(given, tmp_path):
    with pytest.raises(sd.InputError, match="a path is expected, not"):
        sd.read_kernel(given)
    with pytest.raises(sd.InputError, match="a path is expected, not"):
        sd.write_kernel_set(given, sd.Kernel(WEIGHTS))


def test_weights_and_their_kernels_are_lists():
    one = [np.ones((4, 4))]
    for weights, kernels in ((None, []), (5, []), ("x", []), (one, None), (one, sd.Kernel(WEIGHTS))):
        with pytest.raises(sd.InputError, match="give a list, one for each kernel"):
            sd.KernelField.by_weights(weights, kernels)


@pytest.mark.filterwarnings("error")
def test_levels_beside_a_stack_are_real(tmp_path):
    np.savez(tmp_path / "k.npz", kernels=np.ones((2, 5, 5)), levels=np.array([1j, 2]))
    with pytest.raises(sd.InputError, match=r"'levels' of levels is complex"):
        sd.read_kernel_set(tmp_path / "k.npz")


def test_shapes_masks_and_apertures_are_checked():
    with pytest.raises(sd.InputError, match="must be the numbers of voxels"):
        sd.SpatiallyVariantBlur(sd.KernelField.uniform(sd.Kernel(WEIGHTS)), 24)
    with pytest.raises(sd.InputError, match="masks are given as NoneType"):
        sd.labels_from_masks(None)
    with pytest.raises(sd.InputError, match="na None must be a number"):
        sd.born_wolf_kernel(None, 520.0, 1e-4)


# -- kernels of a kind that would take all memory


@pytest.mark.parametrize(
    ("kind", "words", "told"),
    [
        ("born-wolf", {"wavelength_nm": 520e-9}, r"wavelength_nm 5\.2e-07 nm is no light's.*5\.2e-07 m are 520 nm"),
        ("gibson-lanni", {"wavelength_nm": 0.52}, r"wavelength_nm 0\.52 nm.*0\.52 um are 520 nm"),
        ("confocal", {"wavelength_nm": 520, "excitation_nm": 488e-9}, r"excitation_nm 4\.88e-07 nm is no light's"),
        ("born-wolf", {"wavelength_nm": 5.2e8}, r"wavelength_nm 5\.2e\+08 nm is no light's; give it in nm"),
    ],
)
def test_a_wavelength_in_another_unit_is_refused_with_its_value(kind, words, told):
    with pytest.raises(sd.InputError, match=told):
        sd.ParametricKernel(kind, na=1.2, **words).sampled((0.0002, 0.0001, 0.0001))


@pytest.mark.parametrize(
    ("kind", "words", "spacing"),
    [
        ("gaussian", {"sigma_mm": 3.0}, (0.1, 0.1, 0.1)),
        ("disk", {"radius_mm": 500.0}, (1.0, 0.1, 0.1)),
        ("born-wolf", {"na": 1.2, "wavelength_nm": 520, "reach_mm": 0.3}, (0.0001, 0.0001)),
        ("lorentz", {"lambda_mm": 1.0, "reach_mm": 300.0}, (0.1, 0.1)),
    ],
)
def test_a_kernel_that_there_is_no_memory_for_is_refused_before_it_is_made(kind, words, spacing, monkeypatch):
    from SpatialDeconvLib.kernels import kernel

    monkeypatch.setattr(kernel, "available_memory", lambda: 2**28)
    with pytest.raises(sd.InputError, match=r"more than the 0\.2 GiB of memory that are free; check that both"):
        sd.ParametricKernel(kind, **words).sampled(spacing)
