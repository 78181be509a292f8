"""Kinds of kernels against their formulas, computed another way: adaptive quadrature, transforms, closed forms."""

import json
import math

import numpy as np
import pytest
from scipy import integrate, ndimage, special

import SpatialDeconvLib as sd
from SpatialDeconvLib.kernels.shapes import optics
from SpatialDeconvLib.kernels.shapes.optics import BornWolf, GibsonLanni
from SpatialDeconvLib.kernels.shapes.quadrature import radial_integrals

MICROMETRE = 1e-3  # in mm


def over_pixel(density, index, spacing):
    """The integral of density(r) over one pixel, by scipy's adaptive rule."""
    (j, i), (a, b) = index, spacing
    value, _error = integrate.dblquad(
        lambda y, x: density(math.hypot(y, x)), (i - 0.5) * b, (i + 0.5) * b, (j - 0.5) * a, (j + 0.5) * a,
        epsabs=1e-10, epsrel=1e-8,
    )  # fmt: skip
    return value


def over_voxel(density, index, spacing, fine=24):
    """The integral of density(r) over one voxel, by midpoints."""
    axes = [(i - 0.5 + (np.arange(fine) + 0.5) / fine) * h for i, h in zip(index, spacing, strict=True)]
    z, y, x = np.ix_(*axes)
    return density(np.sqrt(z**2 + y**2 + x**2)).mean() * math.prod(spacing)


def shares(kernel, indices):
    return np.array([kernel.values[tuple(np.add(index, kernel.centre_voxel))] for index in indices])


# ------------------------------------------------------------------------------------ width at half maximum


def test_a_gaussian_of_a_full_width_has_half_its_peak_at_half_that_distance():
    kernel = sd.gaussian_kernel(fwhm=(6.0, 8.0), spacing=1.0)
    peak = kernel.values.max()
    assert shares(kernel, [(3, 0), (0, 4)]) == pytest.approx([peak / 2, peak / 2], rel=1e-12)
    assert kernel.source == {"type": "gaussian", "fwhm_mm": [6.0, 8.0]}


def test_a_fit_starts_from_a_gaussian_of_a_full_width():
    blur = sd.gaussian_kernel(1.5, 1.0, ndim=2)
    image = np.random.default_rng(0).random((40, 40))
    start = sd.ParametricKernel("gaussian", fwhm_mm=[3.0, 3.0])
    found = sd.fit_pair(image, sd.convolve(image, blur).image, "gaussian", shape=13, start=start)
    assert found.parameters["sigma_mm"][0] == pytest.approx(1.5, rel=1e-3)


# --------------------------------------------------------------------------------------------------- tails

PLANE = {
    "lorentz": (
        lambda s, r: sd.lorentz_kernel(0.3, s, reach=r), lambda r: 0.3 / (2 * np.pi * (0.09 + r**2) ** 1.5)
    ),
    "exponential": (
        lambda s, r: sd.exponential_kernel(0.2, s, reach=r), lambda r: np.exp(-r / 0.2) / (2 * np.pi * 0.04)
    ),
    "moffat": (
        lambda s, r: sd.moffat_kernel(0.4, 2.5, s, reach=r),
        lambda r: 1.5 / (np.pi * 0.16) * (1 + r**2 / 0.16) ** -2.5,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", PLANE)
def test_a_tail_is_its_density_integrated_over_pixels(name):
    make, density = PLANE[name]
    spacing, indices = (0.4, 0.7), [(0, 0), (0, 1), (1, 0), (2, 1), (7, 4)]
    kernel = make(spacing, 4.0)
    whole = over_pixel(density, indices[0], spacing) / shares(kernel, indices[:1])[0]
    expected = [over_pixel(density, index, spacing) / whole for index in indices]
    np.testing.assert_allclose(shares(kernel, indices), expected, rtol=1e-6)
    rows, columns = (np.arange(n) for n in kernel.shape)
    assert rows.size == 2 * 10 + 1
    assert columns.size == 2 * 6 + 1  # the voxel that 4 mm reach into


@pytest.mark.parametrize(
    ("make", "density"),
    [
        (lambda s: sd.lorentz_kernel(0.5, s, reach=3), lambda r: 0.5 / (np.pi**2 * (0.25 + r**2) ** 2)),
        (lambda s: sd.exponential_kernel(0.5, s, reach=3), lambda r: np.exp(-2 * r) / (8 * np.pi * 0.125)),
        (
            lambda s: sd.moffat_kernel(0.6, 2.5, s, reach=3),
            lambda r: special.gamma(2.5) / (np.pi**1.5 * 0.216) * (1 + r**2 / 0.36) ** -2.5,
        ),
    ],
    ids=["lorentz", "exponential", "moffat"],
)
def test_a_tail_in_space_is_its_density_integrated_over_voxels(make, density):
    spacing, indices = (1.2, 0.5, 0.4), [(0, 0, 1), (1, 0, 0), (0, 2, 2), (2, 3, 4)]
    kernel = make(spacing)
    expected = np.array([over_voxel(density, index, spacing) for index in indices])
    ratios = shares(kernel, indices) / expected
    np.testing.assert_allclose(ratios, ratios[-1], rtol=3e-3)
    assert 1 / ratios[-1] == pytest.approx(1 - left_out(kernel), abs=2e-3)  # what lies beyond, and nothing else


def left_out(kernel):
    (note,) = kernel.notes or ("0.0%",)
    return float(note.split("%")[0]) / 100


def test_every_line_spread_function_of_a_lorentz_kernel_is_a_lorentzian():
    kernel = sd.lorentz_kernel(0.5, 0.25, reach=(200.0, 10.0), ndim=2)
    line = kernel.values.sum(axis=0)
    x = (np.arange(line.size + 1) - line.size / 2) * 0.25
    expected = np.diff(np.arctan(x / 0.5)) / math.pi
    np.testing.assert_allclose(line / line.max(), expected / expected.max(), rtol=2e-3)


def test_what_lies_beyond_the_reach_is_told_and_a_larger_reach_keeps_more():
    kernel = sd.lorentz_kernel(0.5, 0.5, reach=10.0, ndim=2)
    beyond, _error = integrate.dblquad(
        lambda y, x: 0.5 / (2 * math.pi * (0.25 + y**2 + x**2) ** 1.5), 0, 10.25, 0, 10.25
    )
    assert left_out(kernel) == pytest.approx(1 - 4 * beyond, abs=6e-4)
    assert kernel.notes[0] in kernel.check()
    assert left_out(sd.lorentz_kernel(0.5, 0.5, reach=40.0, ndim=2)) < left_out(kernel)
    assert sd.exponential_kernel(0.5, 0.5, ndim=2).notes == ()


@pytest.mark.parametrize("ndim", [2, 3])
def test_the_default_reach_leaves_out_a_thousandth_of_what_is_not_heavy(ndim):
    for kernel in (sd.exponential_kernel(1.0, 0.9, ndim=ndim), sd.moffat_kernel(1.0, 4.0, 0.9, ndim=ndim)):
        assert kernel.notes == ()
        assert kernel.shape[0] < 40


def test_a_run_tells_what_its_kernels_say_of_themselves():
    image = np.random.default_rng(0).random((48, 48))
    kernels = {
        0.2: sd.ParametricKernel("lorentz", lambda_mm=0.5, reach_mm=5),
        0.9: sd.lorentz_kernel(0.4, 1.0, ndim=2),
    }
    result = sd.convolve(image, sd.KernelField.by_intensity(kernels), spacing=1.0)
    (told,) = [text for text in result.warnings if "left out" in text]
    assert told.startswith("the kernel at 0.2: ")
    assert "1 other kernel" in told


# --------------------------------------------------------------------------------------- sums and tables


@pytest.mark.parametrize("ndim", [2, 3])
def test_a_sum_of_gaussians_has_the_shares_of_its_amplitudes(ndim):
    spacing = (1.0, 0.7, 0.5)[-ndim:]
    kernel = sd.gaussians_kernel([0.8, 2.0], [3.0, 1.0], spacing, truncate=7)
    expected = np.zeros(kernel.shape)
    for sigma, share in ((0.8, 0.75), (2.0, 0.25)):
        faces = [(np.arange(n + 1) - n / 2) * h for n, h in zip(kernel.shape, spacing, strict=True)]
        parts = [np.diff(0.5 * (1 + special.erf(f / (sigma * math.sqrt(2))))) for f in faces]
        product = parts[0]
        for part in parts[1:]:
            product = np.multiply.outer(product, part)
        expected += share * product
    np.testing.assert_allclose(kernel.values, expected, atol=1e-10)


def test_a_sum_of_one_gaussian_is_that_gaussian_blurred_by_the_voxel():
    kernel = sd.gaussians_kernel(None, [2.0], 1.0, fwhms=[7.0], ndim=2)
    assert kernel.widths()[0] ** 2 == pytest.approx((7 / 2.354820045) ** 2 + 1 / 12, rel=3e-3)


def test_a_table_of_a_disk_is_the_disk():
    table = sd.radial_kernel([0, 2.999999, 3.0], [1, 1, 0], (0.7, 0.5))
    disk = sd.disk_kernel(3.0, (0.7, 0.5))
    assert table.shape == disk.shape
    inside = (slice(4, -4), slice(4, -4))  # the rim has corners that no rule of few nodes sees
    np.testing.assert_allclose(table.values[inside], disk.values[inside], rtol=5e-3)
    np.testing.assert_allclose(table.values, disk.values, atol=0.05 * disk.values.max())


def test_a_fine_table_of_a_function_is_the_function():
    r = np.linspace(0, 8, 801)
    table = sd.radial_kernel(r, 40 * np.exp(-r / 0.5), (1.0, 0.6, 0.6))
    direct = sd.exponential_kernel(0.5, (1.0, 0.6, 0.6), reach=8.0)
    np.testing.assert_allclose(table.values, direct.values, atol=2e-4 * direct.values.max())


def test_a_table_is_linear_between_its_distances_and_0_beyond():
    def density(r):
        return np.interp(r, [1.0, 2.0, 4.0], [2.0, 1.0, 0.0])

    spacing, indices = (0.9, 0.8), [(0, 0), (1, 1), (2, 2), (4, 1)]
    kernel = sd.radial_kernel([1.0, 2.0, 4.0], [2.0, 1.0, 0.0], spacing)
    expected = np.array([over_pixel(density, index, spacing) for index in indices])
    ratios = shares(kernel, indices) / expected
    np.testing.assert_allclose(ratios, ratios[0], rtol=2e-3)


def test_a_table_that_does_not_end_says_so():
    (note,) = sd.radial_kernel([0, 1, 2], [1, 0.6, 0.3], ndim=2).notes
    assert "ends at 2 mm with 30%" in note


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("r (mm), density\n# Monte Carlo\n0, 4\n0.5, 2\n1, 1\n 2, 0\n", "utf-8"),
        ("0 4\n0.5   2\n1 1\n2 0", "utf-8"),
        ("r\tdensity\r\n0\t4\r\n0.5\t2\r\n1\t1\r\n2\t0\r\n", "utf-8-sig"),
        ("Abstand (mm);Dichte (1/mm²)\n0;4\n0,5;2\n1,0;1\n2;0\n", "latin-1"),
        ("r;density\r\n0;4\r\n0,5;2\r\n1;1\r\n2;0\r\n", "utf-16"),
    ],
)
def test_a_table_is_read_from_columns_of_any_kind(tmp_path, text, encoding):
    path = tmp_path / "k.txt"
    path.write_text(text, encoding=encoding)
    assert sd.read_radial_table(path) == ([0.0, 0.5, 1.0, 2.0], [4.0, 2.0, 1.0, 0.0])
    content = {
        "schema": "spatialdeconv-kernels/1",
        "key": "uniform",
        "kernels": [{"type": "radial", "path": "k.txt"}],
    }
    (tmp_path / "set.json").write_text(json.dumps(content), encoding="utf-8")
    (kernel,) = sd.read_kernel_set(tmp_path / "set.json").kernels
    assert kernel.parameters == {"r_mm": [0.0, 0.5, 1.0, 2.0], "density": [4.0, 2.0, 1.0, 0.0]}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "holds no numbers"),
        ("r density\n", "no line holds numbers"),
        ("0 1\n1 2 3\n", "line 2"),
        ("0 1\n1 two\n", "line 2"),
        ("0 1 2\n1 2 3\n", "has 3 columns; give a distance in mm and a density"),
        ("0,5;1.5\n1;2\n", "a comma and a point"),
        (None, "does not exist"),
    ],
)
def test_a_file_that_is_no_table_is_refused_with_the_line(tmp_path, text, words):
    if text is not None:
        (tmp_path / "k.txt").write_text(text, encoding="utf-8")
    with pytest.raises(sd.InputError, match=words):
        sd.read_radial_table(tmp_path / "k.txt")


@pytest.mark.parametrize("ndim", [2, 3])
def test_lists_of_as_many_numbers_as_axes_are_not_one_per_axis(ndim):
    for kernel in (
        sd.ParametricKernel("gaussians", sigmas_mm=[1, 2, 3], amplitudes=[3, 2, 1]),
        sd.ParametricKernel("radial", r_mm=[0, 2], density=[1, 0]),
    ):
        assert kernel.sampled((1.0,) * ndim).ndim == ndim


# ---------------------------------------------------------------------------------------------- microscopes


def field_of(wavefront, r, z):
    """U(r, z) by adaptive quadrature over the aperture."""

    def part(take):
        def value(s):
            wave = 2 * math.pi / wavefront.wavelength
            path = float(
                wavefront.path(np.array([s]), np.array([z]))[0, 0]
                - wavefront.path(np.zeros(1), np.array([z]))[0, 0]
            )
            return special.j0(wave * s * r) * take(wave * path) * s

        return integrate.quad(value, 0, wavefront.aperture, limit=400, epsabs=1e-12)[0]

    return complex(part(math.cos), part(math.sin))


LENSES = [
    BornWolf(0.8, 550, 1.33),
    GibsonLanni(1.2, 610, sample_index=1.38, depth_mm=0.004),
    GibsonLanni(0.9, 500, 1.33, 1.515, 1.36, 1.52, 1.5, 0.16, 0.17, 0.2, 0.002),
]


@pytest.mark.parametrize("lens", LENSES, ids=["born-wolf", "depth", "everything"])
def test_intensities_are_those_of_adaptive_quadrature(lens):
    r, z = np.array([0.0, 0.15, 0.4, 1.7]) * MICROMETRE, np.array([-1.5, 0.0, 0.8]) * MICROMETRE
    expected = [[abs(field_of(lens, a, b)) ** 2 for b in z] for a in r]
    expected = np.array(expected) * 4 * math.pi / (lens.wavelength * lens.aperture) ** 2
    np.testing.assert_allclose(optics.intensity(lens, r, z), expected, rtol=1e-8, atol=1e-9 * expected.max())


def test_an_unaberrated_focus_is_the_airy_pattern_and_the_axis_a_sinc():
    na, wavelength, index = 0.6, 550e-6, 1.0
    r, z = np.linspace(0, 3, 40) * MICROMETRE, np.linspace(0, 9, 40) * MICROMETRE
    found = optics.intensity(BornWolf(na, 550, index), r, np.zeros(1))[:, 0]
    v = 2 * math.pi * na * r[1:] / wavelength
    np.testing.assert_allclose(found[1:] / found[0], (2 * special.j1(v) / v) ** 2, atol=1e-12)
    assert found[0] == pytest.approx(math.pi * na**2 / wavelength**2)
    along = optics.intensity(BornWolf(na, 550, index), np.zeros(1), z)[0]
    np.testing.assert_allclose(along / along[0], np.sinc(na**2 * z / (2 * index * wavelength)) ** 2, atol=1e-12)


def test_every_plane_has_all_of_the_light():
    lens = GibsonLanni(0.5, 550, 1.0, sample_index=1.33, coverslip_mm=0.17, depth_mm=0.02)
    r = np.linspace(0, 60, 6001) * MICROMETRE
    light = integrate.simpson(
        2 * math.pi * r[:, None] * optics.intensity(lens, r, np.array([0.0, 3e-3])), x=r, axis=0
    )
    np.testing.assert_allclose(light, 1, atol=0.02)


def test_where_a_lens_has_what_it_was_made_for_it_has_no_aberration():
    matched = GibsonLanni(0.2, 550, 1.33, sample_index=1.33, coverslip_index=1.5, depth_mm=0.05)
    paraxial = BornWolf(0.2, 550, 1.33)
    r, z = np.linspace(0, 5, 30) * MICROMETRE, np.array([-0.02, 0.0, 0.01])
    found, expected = optics.intensity(matched, r, z), optics.intensity(paraxial, r, z)
    np.testing.assert_allclose(found, expected, atol=5e-3 * expected.max())


def test_a_point_deep_in_water_looks_deeper_or_higher_as_the_index_says():
    z = np.linspace(-4, 4, 161) * MICROMETRE
    brightest = {
        index: z[
            optics.intensity(
                GibsonLanni(1.2, 550, 1.515, sample_index=index, depth_mm=0.01), np.zeros(1), z
            ).argmax()
        ]
        for index in (1.33, 1.515, 1.6)
    }
    assert brightest[1.515] == pytest.approx(0, abs=1e-6)
    lens = GibsonLanni(1.2, 550, 1.515, sample_index=1.33, depth_mm=0.01)
    focus_of_the_rim = geometric_focus(lens, 1.0)
    assert np.sign(brightest[1.33]) == np.sign(focus_of_the_rim)
    assert abs(brightest[1.33]) < abs(focus_of_the_rim)
    assert np.sign(brightest[1.6]) == -np.sign(brightest[1.33])


def geometric_focus(lens, s):
    """Where rays of angle s cross the axis, by Snell's law: how far the lens has to come nearer to see them meet.

    A ray of the point at depth d leaves the sample d tan(sample) from the axis; in the immersion medium it goes on
    with tan(immersion), as if it came from d tan(sample) / tan(immersion) below the coverslip; near the axis that
    is d n'/n.
    """
    tangent = {n: s / math.sqrt(n**2 - s**2) for n in (lens.sample_index, lens.immersion_index)}
    seen = lens.depth_mm * tangent[lens.sample_index] / tangent[lens.immersion_index]
    return seen - lens.depth_mm * lens.immersion_index / lens.sample_index


def test_the_kernel_is_the_intensity_averaged_over_voxels():
    spacing = (0.4 * MICROMETRE, 0.15 * MICROMETRE, 0.1 * MICROMETRE)
    kernel = sd.gibson_lanni_kernel(1.1, 550, spacing, sample_index=1.38, depth_mm=0.004, reach=(2e-3, 1e-3, 1e-3))
    lens = GibsonLanni(1.1, 550, sample_index=1.38, depth_mm=0.004)
    indices = [(0, 0, 0), (2, 1, 0), (-3, 0, 2), (1, 4, 5)]
    expected = []
    for index in indices:
        z, y, x = ((i - 0.5 + (np.arange(24) + 0.5) / 24) * h for i, h in zip(index, spacing, strict=True))
        r = np.hypot(y[:, None], x)
        expected.append(optics.intensity(lens, r.ravel(), z).mean())
    ratios = shares(kernel, indices) / np.array(expected)
    np.testing.assert_allclose(ratios, ratios[0], rtol=3e-3)


def test_a_confocal_kernel_is_the_product_of_both_lights():
    spacing = (0.3 * MICROMETRE, 0.02 * MICROMETRE, 0.02 * MICROMETRE)  # so fine that a voxel is a point across
    kernel = sd.confocal_kernel(0.9, 520, 488, spacing[1:], immersion_index=1.0, reach=4e-4)
    lights = [GibsonLanni(0.9, wavelength, 1.0) for wavelength in (520, 488)]
    r = np.arange(20) * spacing[1]
    expected = math.prod(optics.intensity(light, r, np.zeros(1))[:, 0] for light in lights)
    line = kernel.values[kernel.centre_voxel[0], kernel.centre_voxel[1] :][:20]
    np.testing.assert_allclose(line / line[0], expected / expected[0], atol=2e-3)
    wide = sd.gibson_lanni_kernel(0.9, 520, (1e-4, 1e-4), immersion_index=1.0, reach=1e-3)
    assert sd.confocal_kernel(0.9, 520, 488, (1e-4, 1e-4), immersion_index=1.0, reach=1e-3).widths() < wide.widths()


@pytest.mark.parametrize("kind", ["born-wolf", "gibson-lanni", "confocal"])
def test_on_voxels_much_larger_than_its_focus_a_microscope_blurs_nothing(kind):
    kernel = sd.ParametricKernel(kind, **sd.KINDS[kind].start)
    assert kernel.sampled((1.0, 1.0, 1.0)).is_identity


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"na": 1.6}, ["na 1.6", "index 1.515", "smaller na"]),
        ({"na": 1.1, "immersion_index": 1.0}, ["na 1.1", "index 1", "immersion_index"]),
        ({"na": 0}, ["na 0", "greater than 0"]),
        ({"na": -0.5}, ["na -0.5"]),
        ({"wavelength_nm": 0}, ["wavelength_nm 0"]),
        ({"sample_index": 0.9}, ["sample_index 0.9", "at least 1"]),
        ({"depth_mm": 10}, ["depth_mm 10", "mm"]),
        (
            {"immersion_index": 1.33, "immersion_index_design": 1.515, "working_distance_mm": 150},
            ["wavelengths", "mm"],
        ),
    ],
)
def test_what_no_microscope_has_is_refused_in_one_line(parameters, words):
    with pytest.raises(sd.InputError) as caught:
        sd.ParametricKernel("gibson-lanni", **{"na": 1.2, "wavelength_nm": 550, **parameters})
    assert "\n" not in str(caught.value)
    for word in words:
        assert word in str(caught.value)


def test_an_aperture_greater_than_the_samples_index_is_told():
    kernel = sd.gibson_lanni_kernel(1.4, 610, (1e-4, 1e-4))
    assert any("na 1.4 counts as 1.33" in note for note in kernel.notes)


# -------------------------------------------------------------------------------------------------- depths

LENS = {"na": 1.2, "wavelength_nm": 520}


def test_depths_become_a_field_along_the_first_axis():
    field = sd.depth_field("gibson-lanni", [0.0, 0.005, 0.02], first_depth_mm=0.002, **LENS)
    assert field.key == "position"
    assert [at[0] for at in field.at] == pytest.approx([-0.002, 0.003, 0.018])
    assert [kernel.parameters["depth_mm"] for kernel in field.kernels] == [0.0, 0.005, 0.02]
    bound = field.bind(np.zeros((40, 8, 8), np.float32), (5e-4, 1e-4, 1e-4))
    weights = np.stack([bound.weight(k)[:, 0, 0] for k in range(3)])
    np.testing.assert_allclose(weights[:, 6], [0, 1, 0], atol=1e-6)  # slice 6 lies 3 micrometres in, 5 deep
    assert bound.kernel(2).widths()[0] > bound.kernel(0).widths()[0]


def test_a_kernel_set_of_depths_is_the_same_field_and_is_written_kernel_by_kernel(tmp_path):
    content = {
        "schema": "spatialdeconv-kernels/1", "key": "position", "depths_mm": [0, 0.01], "first_depth_mm": 0.004,
        "kernels": [{"type": "confocal", "excitation_nm": 488, **LENS}],
    }  # fmt: skip
    (tmp_path / "set.json").write_text(json.dumps(content), encoding="utf-8")
    field = sd.read_kernel_set(tmp_path / "set.json")
    direct = sd.depth_field("confocal", [0, 0.01], first_depth_mm=0.004, excitation_nm=488, **LENS)
    assert field.at == direct.at
    assert [kernel.source for kernel in field.kernels] == [kernel.source for kernel in direct.kernels]
    sd.write_kernel_set(tmp_path / "again.json", field)
    again = sd.read_kernel_set(tmp_path / "again.json")
    assert again.at == field.at
    assert [kernel.source for kernel in again.kernels] == [kernel.source for kernel in field.kernels]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"key": "uniform"}, "key 'position'"),
        ({"depths_mm": []}, "depths_mm"),
        ({"depths_mm": [0, 0]}, "twice"),
        ({"depths_mm": ["a"]}, "depths_mm"),
        ({"kernels": []}, "one entry"),
        ({"kernels": [{"type": "gaussian", "sigma_mm": 1}]}, "choose one of gibson-lanni, confocal"),
        ({"kernels": [{"type": "gibson-lanni", "depth_mm": 1, **LENS}]}, "depth_mm 1 is one depth"),
        ({"kernels": [{"type": "gibson-lanni", "at": [0, 0, 0], **LENS}]}, "'at'"),
    ],
)
def test_sets_of_depths_that_mean_nothing_are_refused(tmp_path, change, words):
    content = {
        "schema": "spatialdeconv-kernels/1", "key": "position", "depths_mm": [0, 0.01],
        "kernels": [{"type": "gibson-lanni", **LENS}], **change,
    }  # fmt: skip
    (tmp_path / "set.json").write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(sd.InputError, match=words):
        sd.read_kernel_set(tmp_path / "set.json")


# ------------------------------------------------------------------------------------- of every kind


@pytest.mark.parametrize(
    "kind", [k for k in sd.KINDS.values() if k.size and k.size.unit == "mm"], ids=lambda k: k.name
)
def test_a_kernel_twice_as_wide_is_the_same_on_voxels_twice_as_large(kind):
    kernel, spacing = sd.ParametricKernel(kind.name, **kind.start), (1.5, 1.0, 1.2)
    twice = sd.scale_kernels(kernel, 2.0).sampled(tuple(2 * h for h in spacing))
    np.testing.assert_allclose(twice.values, kernel.sampled(spacing).values, atol=1e-12)


# ---------------------------------------------------------------------------------------------- quadrature


def test_integrals_of_a_constant_are_the_voxels_and_of_a_cusp_right_on_flat_voxels():
    np.testing.assert_allclose(radial_integrals(np.ones_like, (2, 3), (0.5, 2.0), 1.0), np.ones((5, 7)), rtol=1e-12)
    values = radial_integrals(lambda r: np.exp(-r / 0.05), (1, 2), (3.0, 0.2), 0.05)
    assert values.sum() == pytest.approx(2 * math.pi * 0.0025, rel=1e-3)
    assert values[1, 2] == pytest.approx(over_pixel(lambda r: math.exp(-r / 0.05), (0, 0), (3.0, 0.2)), rel=1e-6)


@pytest.mark.parametrize("ndim", [2, 3])
@pytest.mark.parametrize("size", [0.0, 1e-300, 1e-12, 1e-8, 1e-5])
def test_what_is_far_narrower_than_a_voxel_blurs_nothing(size, ndim):
    for kernel in (
        sd.lorentz_kernel(size, 0.8, ndim=ndim),
        sd.exponential_kernel(size, 0.8, ndim=ndim),
        sd.moffat_kernel(size, 3.0, 0.8, ndim=ndim),
        sd.gaussians_kernel([size, size], [1, 2], 0.8, ndim=ndim),
        sd.radial_kernel([0, size or 1e-9], [1, 0], 0.8, ndim=ndim),
    ):
        assert kernel.shape == (1,) * ndim
        assert kernel.is_identity


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: sd.lorentz_kernel(1e308), "mm"),
        (lambda: sd.lorentz_kernel(1, reach=1e308), "mm"),
        (lambda: sd.radial_kernel([0, 1e308], [1, 1]), "mm"),
        (lambda: sd.lorentz_kernel(-1), "lambda -1"),
        (lambda: sd.exponential_kernel("x"), "lambda 'x'"),
        (lambda: sd.lorentz_kernel(1, reach=-2), "reach -2"),
        (lambda: sd.lorentz_kernel(1, 1e-4, ndim=2), "mm"),
        (lambda: sd.moffat_kernel(1, 1.2), "greater than 1.5"),
        (lambda: sd.moffat_kernel(1, 1.0, ndim=2), "greater than 1"),
        (lambda: sd.moffat_kernel(1, 3, fwhm=2), "one of them"),
        (lambda: sd.gaussians_kernel([1, 2], [1]), "as many of both"),
        (lambda: sd.gaussians_kernel([1, -2], [1, 1]), "not below 0"),
        (lambda: sd.gaussians_kernel([1, 2], [1, -1]), "more than 0"),
        (lambda: sd.gaussians_kernel([], []), "more than 0"),
        (lambda: sd.gaussians_kernel(None, [1]), "one of them"),
        (lambda: sd.radial_kernel([0], [1]), "at least 2"),
        (lambda: sd.radial_kernel([], []), "at least 2"),
        (lambda: sd.radial_kernel([0, 1, 1], [1, 1, 1]), "increase"),
        (lambda: sd.radial_kernel([-1, 1], [1, 1]), "negative"),
        (lambda: sd.radial_kernel([0, np.nan], [1, 1]), "NaN"),
        (lambda: sd.radial_kernel([0, 1], [0, 0]), "sum to nothing"),
    ],
)
def test_impossible_kernels_are_refused_with_the_argument(make, words):
    with pytest.raises(sd.InputError, match=words):
        make()


def test_a_moffat_of_a_full_width_has_it():
    kernel = sd.moffat_kernel(None, 3.0, 0.02, fwhm=2.0, reach=1.2, ndim=2)
    line = ndimage.map_coordinates(kernel.values, [[60, 60], [60, 110]], order=1)
    assert line[1] / line[0] == pytest.approx(0.5, rel=1e-3)
