"""PET with positrons that fly far in lung: a kernel for each tissue.

    python Resources/Docs/cases/positron.py [--output FILE]

The kernel belongs to the tissue in which a positron is emitted (source model): the scanner's Gaussian of 4.5 mm FWHM,
and an exponential whose length grows as the density falls (0.8 mm in bone, 1.5 in soft tissue, 5 in lung: a nuclide of
high energy). Tissues come from CT. A lesion in the lung and one in soft tissue hold the same activity.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from drawing import main, picture
from scipy import ndimage

import SpatialDeconvLib as sd

BONE, SOFT, LUNG = 1, 2, 3
RANGE = {BONE: 0.8, SOFT: 1.5, LUNG: 5.0}  # mm
SCANNER = 4.5 / 2.355  # mm
ACTIVITY = {0: 0.0, BONE: 1.0, SOFT: 2.0, LUNG: 0.5}
LESION = 8.0
NOISE = 0.05


def phantom(shape: tuple[int, int, int], spacing: float) -> tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]:
    """Tissues, activity and the two lesions of a chest: soft tissue, two lungs, a spine."""
    z, y, x = np.meshgrid(*((np.arange(n) - (n - 1) / 2) * spacing for n in shape), indexing="ij")
    half = shape[2] * spacing / 2
    tissues = np.zeros(shape, np.int16)
    tissues[(x / (0.9 * half)) ** 2 + (y / (0.65 * half)) ** 2 <= 1] = SOFT
    for side in (-1, 1):
        tissues[((x - side * 0.42 * half) / (0.3 * half)) ** 2 + (y / (0.42 * half)) ** 2 <= 1] = LUNG
    tissues[np.hypot(x, y - 0.45 * half) <= 0.1 * half] = BONE
    activity = np.choose(tissues, list(ACTIVITY.values()))
    lesions = {
        "lung": np.sqrt((x - 0.42 * half) ** 2 + y**2 + z**2) <= 8,
        "soft tissue": np.sqrt(x**2 + (y + 0.3 * half) ** 2 + z**2) <= 8,
    }
    for where in lesions.values():
        activity = np.where(where, LESION, activity)
    return tissues, activity, lesions


def kernel(length: float, spacing: float) -> sd.Kernel:
    """The exponential exp(-r / length), blurred by the scanner; sum 1."""
    size = 2 * int(np.ceil((6 * length + 4 * SCANNER) / spacing)) + 1
    fine = 3  # samples a voxel and axis
    axis = (np.arange(size * fine) - (size * fine - 1) / 2) * spacing / fine
    radius = np.sqrt(axis[:, None, None] ** 2 + axis[:, None] ** 2 + axis**2)
    values = np.exp(-radius / length).reshape(size, fine, size, fine, size, fine).mean(axis=(1, 3, 5))
    values = ndimage.gaussian_filter(values, SCANNER / spacing, mode="constant")
    return sd.Kernel(values, (spacing,) * 3).normalized()


def run(output: Path | None = None, shape: tuple[int, int, int] = (32, 64, 96), spacing: float = 2.5) -> dict[str, float]:
    """Simulate, restore with one kernel and with one a tissue, draw; return the recovery of both lesions."""
    tissues, activity, lesions = phantom(shape, spacing)
    kernels = {tissue: kernel(length, spacing) for tissue, length in RANGE.items()}
    by_tissue = sd.KernelField.by_region(tissues, kernels, outside="nearest")
    seen = sd.convolve(activity, by_tissue, model="source", spacing=spacing).image
    seen = seen + NOISE * np.random.default_rng(0).standard_normal(shape)
    options = {"model": "source", "spacing": spacing}
    estimates = {
        "measured": seen,
        "one kernel (soft tissue)": sd.deconvolve(seen, kernels[SOFT], **options).image,
        "a kernel for each tissue": sd.deconvolve(seen, by_tissue, **options).image,
    }
    numbers = {
        f"recovery of the lesion in {place}, {name}": float(image[where].mean() / LESION)
        for place, where in lesions.items()
        for name, image in estimates.items()
    }
    if output is not None:
        k, j = shape[0] // 2, shape[1] // 2
        images = {name: (image[k], (0.0, LESION)) for name, image in {"true": activity, **estimates}.items()}
        lines = {"true": activity[k, j], **{name: image[k, j] for name, image in estimates.items()}}
        x = np.arange(shape[2]) * spacing
        picture(output, images, [{"x": x, "lines": lines, "xlabel": "mm, through the lungs", "ylabel": "activity"}])
    return numbers


if __name__ == "__main__":
    main(run, __doc__, __file__)
