"""Wide-field microscopy: a point spread function that grows with the depth in the sample.

    python Resources/Docs/cases/depth.py [--output FILE]

An oil objective (NA 1.3) looks into water: the deeper the beads lie, the stronger the spherical aberration (Gibson and
Lanni). The stack is simulated with eleven depths, and restored with the kernels of seven others, with the kernel of the
coverslip, as is usual, and with that of the middle.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from drawing import main, picture
from scipy import ndimage

import SpatialDeconvLib as sd

SPACING = (5e-4, 1e-4, 1e-4)  # mm: 0.5 um between slices, 0.1 um pixels
OBJECTIVE = {"na": 1.3, "wavelength_nm": 520, "sample_index": 1.33, "reach_mm": [4e-3, 8e-4, 8e-4], "centre": "peak"}
PHOTONS = 2000.0  # of the brightest voxel
BACKGROUND = 10.0


def beads(shape: tuple[int, int, int], count: int, seed: int) -> np.ndarray:
    """Beads of 0.3 um and a few filaments, brightest 1."""
    rng = np.random.default_rng(seed)
    image = np.zeros(shape)
    places = [rng.integers(3, n - 3, count) for n in shape]
    image[tuple(places)] = rng.uniform(0.5, 1.0, count)
    image = ndimage.gaussian_filter(image, [0.13e-3 / h for h in SPACING])
    for _ in range(4):
        start, end = (rng.uniform(3, np.array(shape) - 3) for _ in range(2))
        line = np.linspace(start, end, 400).round().astype(int)
        image[tuple(line.T)] = 0.5 * image.max()
    return ndimage.gaussian_filter(image, [0.4, 0.6, 0.6]) / image.max()


def run(output: Path | None = None, shape: tuple[int, int, int] = (48, 80, 80), count: int = 60) -> dict[str, float]:
    """Simulate, restore, draw; return the correlation with the truth, of all slices and of the deepest third."""
    depth = (shape[0] - 1) * SPACING[0]
    fine, coarse = (np.linspace(0, depth, n).tolist() for n in (11, 7))
    truth = PHOTONS * beads(shape, count, 0) + BACKGROUND
    seen = sd.convolve(truth, sd.depth_field("gibson-lanni", fine, **OBJECTIVE), model="source", spacing=SPACING).image
    seen = np.random.default_rng(1).poisson(seen).astype(float)
    options = {"model": "source", "spacing": SPACING, "noise": "poisson", "strategy": "joint"}
    options["method"] = "richardson-lucy"
    tries = {"at the coverslip": [0.0], "of the middle": [depth / 2], "of every depth": coarse}
    estimates = {"measured": seen}
    for name, depths in tries.items():
        field = sd.depth_field("gibson-lanni", depths, **OBJECTIVE)
        kernels = field if len(depths) > 1 else field.kernels[0]
        estimates[f"kernel {name}" if len(depths) == 1 else f"kernels {name}"] = sd.deconvolve(
            seen, kernels, **options
        ).image
    deep = slice(2 * shape[0] // 3, None)
    numbers = {}
    for where, part in {"all slices": slice(None), "deepest third": deep}.items():
        for name, image in estimates.items():
            found = np.corrcoef(image[part].ravel(), truth[part].ravel())[0, 1]
            numbers[f"correlation with the truth, {where}, {name}"] = float(found)
    if output is not None:
        images = {"true": truth, **estimates}
        shown = {name: (image.max(axis=1), (0.0, 0.6 * PHOTONS)) for name, image in images.items()}
        z = np.arange(shape[0]) * SPACING[0] * 1000
        each = {name: [np.corrcoef(a.ravel(), b.ravel())[0, 1] for a, b in zip(image, truth, strict=True)]
                for name, image in images.items()}
        picture(output, shown, [{"x": z, "lines": each, "xlabel": "depth, um", "ylabel": "correlation, by slice"}])
    return numbers


if __name__ == "__main__":
    main(run, __doc__, __file__)
