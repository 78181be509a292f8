"""Kernels and MTF from edges and slits, against images of lines whose blur is known in closed form."""

import numpy as np
import pytest
from scipy import ndimage
from scipy.special import ndtr

import SpatialDeconvLib as sd
from SpatialDeconvLib.estimation.edges.mixture import Mixture

NARROW, WIDE = ((1.0, 0.8),), ((0.7, 0.9), (0.3, 4.0))  # shares and sigmas in mm


def distances(shape, normal, spacing=1.0, offset=0.13):
    """Of every voxel from a plane near the middle of the image, in mm."""
    spacings = np.broadcast_to(spacing, len(shape))
    axes = [(np.arange(n) - (n - 1) / 2) * h for n, h in zip(shape, spacings, strict=True)]
    grid = np.meshgrid(*axes, indexing="ij")
    normal = np.array(normal, dtype=float)
    return sum(g * c for g, c in zip(grid, normal / np.linalg.norm(normal), strict=True)) - offset


def across(degrees):
    """The normal of a line in 2-D that is tilted by so much against the axis j."""
    return -np.sin(np.radians(degrees)), np.cos(np.radians(degrees))


def edge_image(shape, normal, terms=NARROW, noise=1.0, contrast=100.0, spacing=1.0):
    away = distances(shape, normal, spacing)
    rng = np.random.default_rng(0)
    return 20 + contrast * sum(a * ndtr(away / s) for a, s in terms) + noise * rng.normal(size=shape)


def slit_image(shape, normal, terms=NARROW, noise=0.1, width=0.0, height=100.0):
    away, rng = distances(shape, normal), np.random.default_rng(0)
    spread = sum(
        a
        * (
            np.exp(-0.5 * (away / s) ** 2) / np.sqrt(2 * np.pi) / s
            if not width
            else (ndtr((away + width / 2) / s) - ndtr((away - width / 2) / s)) / width
        )
        for a, s in terms
    )
    return 5 + height * spread + noise * rng.normal(size=shape)


def true_mtf(frequency, terms):
    return sum(a * np.exp(-2 * (np.pi * s * frequency) ** 2) for a, s in terms)


def true_kernel(kernel, terms):
    axes = [(np.arange(n) - n // 2) * h for n, h in zip(kernel.shape, kernel.spacing, strict=True)]
    r2 = sum(x**2 for x in np.meshgrid(*axes, indexing="ij"))
    values = sum(a * np.exp(-0.5 * r2 / s**2) / s**kernel.ndim for a, s in terms)
    return values / values.sum()


def kernel_error(kernel, terms):
    true = true_kernel(kernel, terms)
    return np.linalg.norm(kernel.values - true) / np.linalg.norm(true)


@pytest.mark.parametrize("terms", [NARROW, WIDE], ids=["narrow", "with tails"])
@pytest.mark.parametrize("tilt", [4.0, -7.0, 86.0, 184.0])
def test_an_edge_of_any_direction_gives_kernel_and_mtf(terms, tilt):
    found = sd.psf_from_edge(edge_image((96, 96), across(tilt), terms))
    shown = found.frequency <= found.nyquist
    assert np.abs(found.fitted_mtf - true_mtf(found.frequency, terms))[shown].max() < 0.02
    assert np.abs(found.mtf - true_mtf(found.frequency, terms))[shown].max() < 0.08
    assert kernel_error(found.kernel, terms) < 0.03
    assert found.tilt_deg == pytest.approx(min(abs(tilt), abs(tilt - 90), abs(tilt - 180)), abs=0.05)
    assert found.contrast == pytest.approx(100, rel=0.02)
    assert found.residual == pytest.approx(1, abs=0.15)
    assert not found.warnings


def test_the_measured_mtf_of_an_edge_without_noise_is_the_true_one():
    found = sd.psf_from_edge(edge_image((96, 96), across(5), noise=0.0))
    shown = found.frequency <= found.nyquist
    assert np.abs(found.mtf - true_mtf(found.frequency, NARROW))[shown].max() < 2e-3
    assert found.full_width == pytest.approx(2.3548 * 0.8, rel=0.01)
    assert found.frequency_at(0.5) == pytest.approx(np.sqrt(np.log(2) / 2) / np.pi / 0.8, rel=0.01)


def test_an_edge_of_pixels_that_integrate_has_their_aperture_in_its_mtf():
    """A sharp edge, seen by square pixels: each is the share of its area on the bright side."""
    fine = (distances((64 * 16, 64 * 16), across(4), 1 / 16) > 0).astype(float)
    found = sd.psf_from_edge(fine.reshape(64, 16, 64, 16).mean(axis=(1, 3)))
    shown = found.frequency <= found.nyquist
    cosine, sine = np.cos(np.radians(4)), np.sin(np.radians(4))
    aperture = np.abs(np.sinc(found.frequency * cosine) * np.sinc(found.frequency * sine))
    assert np.abs(found.mtf - aperture)[shown].max() < 0.02


def test_sizes_are_in_mm_also_on_oblong_pixels():
    spacing = (0.4, 0.25)
    found = sd.psf_from_edge(edge_image((80, 120), (0.08, 1.0), spacing=spacing), spacing=spacing)
    assert found.kernel.spacing == spacing
    assert kernel_error(found.kernel, NARROW) < 0.03
    assert found.nyquist == pytest.approx(2.0, rel=0.1)


def test_a_plane_in_a_volume_gives_a_kernel_of_three_axes():
    found = sd.psf_from_edge(edge_image((40, 40, 40), (1.0, 0.12, 0.07), noise=1.0))
    assert found.kernel.ndim == 3
    assert found.axis == "k"
    assert kernel_error(found.kernel, NARROW) < 0.04


def test_an_edge_upright_on_the_slices_gives_a_kernel_within_them_and_says_so():
    found = sd.psf_from_edge(edge_image((6, 60, 60), (0.0, 0.1, 1.0)), spacing=(3.0, 1.0, 1.0))
    assert found.kernel.ndim == 2
    assert found.kernel.spacing == (1.0, 1.0)
    assert kernel_error(found.kernel, NARROW) < 0.03
    assert any("slice by slice" in text for text in found.warnings)


@pytest.mark.parametrize("height", [100.0, -100.0], ids=["bright", "dark"])
def test_a_slit_gives_kernel_and_mtf(height):
    found = sd.psf_from_slit(slit_image((96, 96), across(4), WIDE, height=height))
    shown = found.frequency <= found.nyquist
    assert np.abs(found.fitted_mtf - true_mtf(found.frequency, WIDE))[shown].max() < 0.03
    assert kernel_error(found.kernel, WIDE) < 0.05


def test_the_width_of_a_slit_is_taken_out():
    image = slit_image((96, 96), across(4), NARROW, width=3.0)
    assert kernel_error(sd.psf_from_slit(image).kernel, NARROW) > 0.2
    assert kernel_error(sd.psf_from_slit(image, slit_width_mm=3.0).kernel, NARROW) < 0.05


def test_a_mask_leaves_the_rest_of_the_image_out():
    image = edge_image((96, 96), across(4))
    image[:, :12] += 60  # another edge
    mask = np.zeros(image.shape, bool)
    mask[:, 16:] = True
    assert kernel_error(sd.psf_from_edge(image, mask=mask).kernel, NARROW) < 0.03


def test_the_size_can_be_given():
    assert sd.psf_from_edge(edge_image((96, 96), across(4)), size=7).kernel.shape == (7, 7)


def test_rings_are_told():
    sharp = (distances((96, 96), across(4)) > 0).astype(float)
    blurred = ndimage.gaussian_filter(100 * sharp, 1.5)
    sharpened = blurred + 2 * (blurred - ndimage.gaussian_filter(blurred, 2.0))
    noisy = sharpened + 0.2 * np.random.default_rng(0).normal(size=sharp.shape)
    assert any("rings" in text for text in sd.psf_from_edge(noisy).warnings)


# ------------------------------------------------------------------------------------------------ bad input


@pytest.mark.parametrize(
    ("image", "options", "says"),
    [
        (np.random.default_rng(0).normal(size=(64, 64)), {}, "no straight edge"),
        (np.full((64, 64), 3.0), {}, "constant.*an edge"),
        (edge_image((64, 64), (0.0, 1.0)), {}, "0.0.* degrees.*tilt it by 2 to 10"),
        (edge_image((64, 64), (1.0, 1.0)), {}, "4[45].* degrees.*tilt it"),
        (edge_image((64, 64), across(4)), {"size": 6}, "size 6 must be odd"),
        (edge_image((64, 64), across(4)), {"size": 65}, "does not fit"),
        (np.where(np.eye(64) > 0, np.inf, 1.0), {}, "infinite"),
        (np.zeros((2, 2, 2, 2)), {}, "2-D or 3-D"),
    ],
)  # fmt: skip
def test_bad_input_is_refused_in_one_line_that_says_what_to_do(image, options, says):
    with pytest.raises(sd.InputError, match=says) as caught:
        sd.psf_from_edge(image, **options)
    assert "\n" not in str(caught.value)


def test_a_picture_without_a_slit_is_refused():
    with pytest.raises(sd.InputError, match="no straight slit"):
        sd.psf_from_slit(np.random.default_rng(0).normal(size=(64, 64)))


def test_a_negative_slit_width_is_refused():
    with pytest.raises(sd.InputError, match="slit_width_mm"):
        sd.psf_from_slit(slit_image((64, 64), across(4)), slit_width_mm=-1.0)


# --------------------------------------------------------------------------------------------------- its parts


@pytest.mark.parametrize("ndim", [2, 3])
def test_the_projection_of_a_mixtures_kernel_is_its_line_spread(ndim):
    mixture = Mixture(np.array([0.9, 2.0]), np.array([0.6, 0.4]), 1.0, 0.0)
    kernel = mixture.kernel((0.25,) * ndim, 9.0, [36] * ndim if ndim == 2 else [32] * 3, "")
    line = kernel.values.sum(axis=tuple(range(ndim - 1))) / 0.25
    away = (np.arange(line.size) - line.size // 2) * 0.25
    assert np.allclose(line, mixture.line_spread(away), atol=2e-4)
    assert mixture.mtf(np.array([0.0]))[0] == pytest.approx(1)


@pytest.mark.parametrize("width", [4.0, 1e300])
def test_a_slit_that_is_wider_than_its_image_is_refused(width):
    image = slit_image((80, 90), across(4), width=2.0)
    with pytest.raises(sd.InputError, match=r"slit of .* mm is wider than the image shows it \(2\.\d+ mm"):
        sd.psf_from_slit(image, slit_width_mm=width)
    assert sd.psf_from_slit(image, slit_width_mm=2.0).full_width < 2.4
