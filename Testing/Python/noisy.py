"""Images whose noise is known, for the tests that look for it."""

from pathlib import Path

import numpy as np
import SimpleITK as sitk
from scipy.ndimage import gaussian_filter

SAMPLE = Path(__file__).parents[2] / "Resources" / "SampleData" / "icbm152_t1_crop.nrrd"


def normal_noise(shape, sigma, seed=0):
    return np.random.default_rng(seed).normal(0, sigma, shape)


def _blurred(image):
    """Ten Gaussian kernels, sigma 0.8 to 2.5 voxels, keyed to intensity 10 to 100, detector model."""
    levels, sigmas = np.linspace(10, 100, 10), np.linspace(0.8, 2.5, 10)
    clipped = np.clip(image, 10, 100)
    return sum(
        np.clip(1 - np.abs(clipped - level) / 10, 0, None) * gaussian_filter(image, sigma, mode="nearest")
        for level, sigma in zip(levels, sigmas, strict=True)
    )


def blurred_brain():
    """The sample as ten kernels keyed to its own intensity blur it."""
    return _blurred(sitk.GetArrayFromImage(sitk.ReadImage(str(SAMPLE))).astype(float))


def sharp_blocks():
    """A block within a block, 40 and 90."""
    image = np.zeros((40, 72, 72))
    image[8:34, 14:60, 14:60] = 40
    image[16:24, 20:36, 30:52] = 90
    return image
