"""Kernels as curves: line spread functions in mm and modulation transfer functions in 1/mm, against formulas."""

import numpy as np
import pytest

import SpatialDeconvLib as sd


def test_the_mtf_of_a_gaussian_is_a_gaussian_in_cycles_per_mm():
    kernel = sd.gaussian_kernel((3.0, 2.0, 1.0), (1.0, 0.5, 0.25), truncate=6)
    for axis, (sigma, spacing) in enumerate(((3.0, 1.0), (2.0, 0.5), (1.0, 0.25))):
        frequency, modulation = kernel.mtf(axis)
        expected = np.exp(-2 * (np.pi * sigma * frequency) ** 2)
        assert frequency[0] == 0
        assert frequency[-1] == pytest.approx(0.5 / spacing)
        assert np.abs(modulation - expected).max() < 2e-3


def test_the_mtf_of_a_box_is_a_sinc():
    frequency, modulation = sd.Kernel(np.ones((1, 5)) / 5, (1.0, 0.2)).mtf()
    with np.errstate(invalid="ignore"):
        expected = np.abs(np.sin(np.pi * frequency) / (5 * np.sin(np.pi * frequency * 0.2)))
    assert modulation[1:] == pytest.approx(expected[1:], abs=1e-12)
    assert modulation[0] == 1.0


def test_the_mtf_does_not_depend_on_the_scale_and_that_of_laplace_is_not_divided():
    values = np.array([[0.0, 1, 0], [1, 4, 1], [0, 1, 0]])
    assert np.array_equal(sd.Kernel(values).mtf()[1], sd.Kernel(4 * values).mtf()[1])
    laplace = np.array([[0.0, 1, 0], [1, -4, 1], [0, 1, 0]])
    frequency, modulation = sd.Kernel(laplace).mtf(0)
    assert modulation == pytest.approx(2 - 2 * np.cos(2 * np.pi * frequency), abs=1e-12)


def test_the_profile_is_the_weight_per_mm_at_distances_from_the_centre():
    values = np.arange(24.0).reshape(2, 3, 4)
    kernel = sd.Kernel(values, (3.0, 2.0, 0.5), centre=(0, 1, 1.5))
    position, density = kernel.profile()
    assert np.array_equal(position, [-0.75, -0.25, 0.25, 0.75])
    assert np.array_equal(density, values.sum(axis=(0, 1)) / 0.5)
    position, density = kernel.profile(0)
    assert np.array_equal(position, [0.0, 3.0])
    assert density @ [3.0, 3.0] == kernel.total


def test_an_axis_that_is_none_is_refused():
    for curve in (sd.gaussian_kernel(1.0).mtf, sd.gaussian_kernel(1.0).profile):
        with pytest.raises(sd.InputError, match="axis 3 is none of a kernel of 3 axes"):
            curve(3)
