"""Sharpening one organ only: what a mask does, and what leaks over its border.

    python Resources/Docs/cases/segment.py [--output FILE]

A bright structure lies just outside a segment that is smoothed. A plain convolution carries its light into the
segment; normalised convolution (`exclude`) takes only what is inside. Deconvolution within a mask explains the image
inside only, by whatever lies outside, and writes only inside.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from drawing import main, picture

import SpatialDeconvLib as sd

NOISE = 1.0


def scene(size: int) -> tuple[np.ndarray, np.ndarray]:
    """An organ of 40 with fine lines, its mask, and a vessel of 100 that touches it."""
    y, x = np.meshgrid(np.arange(size), np.arange(size), indexing="ij")
    organ = np.hypot(y - size / 2, x - size * 0.42) < size * 0.3
    vessel = np.abs(x - size * 0.77) < size * 0.05
    lines = 8 * np.sign(np.sin(2 * np.pi * y / 12))
    return np.where(organ, 40 + lines, np.where(vessel, 100.0, 10.0)), organ


def run(output: Path | None = None, size: int = 128) -> dict[str, float]:
    """Smooth and restore within the organ, with and without leakage; return the errors inside, near its border."""
    truth, organ = scene(size)
    y, x = np.meshgrid(np.arange(size), np.arange(size), indexing="ij")
    near = organ & (x > size * 0.66)  # the side of the vessel
    broad, blur = sd.gaussian_kernel(4.0, ndim=2), sd.gaussian_kernel(1.5, ndim=2)
    plain = sd.convolve(truth, broad, spacing=1.0, mask=organ).image
    kept = sd.convolve(truth, broad, spacing=1.0, mask=organ, exclude=True).image
    seen = sd.convolve(truth, blur, spacing=1.0).image
    seen = seen + NOISE * np.random.default_rng(0).standard_normal(truth.shape)
    restored = sd.deconvolve(seen, blur, spacing=1.0, mask=organ).image
    whole = sd.deconvolve(seen, blur, spacing=1.0).image
    rmse = {
        "smoothed, plain": plain[near].mean() - 40,
        "smoothed, exclude": kept[near].mean() - 40,
    }
    numbers = {f"error of the mean beside the vessel, {name}": float(value) for name, value in rmse.items()}
    results = {"blurred": seen, "restored in the mask": restored, "the whole image restored": whole}
    for name, image in results.items():
        numbers[f"RMSE in the organ, {name}"] = float(np.sqrt(np.mean((image - truth)[organ] ** 2)))
    numbers["voxels changed outside the mask"] = float(np.count_nonzero((restored != seen)[~organ]))
    if output is not None:
        row = size // 2
        images = {"true": truth, "smoothed, plain": plain, "smoothed, exclude": kept, "blurred": seen}
        images["restored in the mask"] = restored
        lines = {"true": truth[row], "smoothed, plain": plain[row], "smoothed, exclude": kept[row]}
        column = int(size * 0.42)
        others = {"true": truth[:, column], "blurred": seen[:, column], "restored in the mask": restored[:, column]}
        others["the whole image restored"] = whole[:, column]
        picture(output, {name: (image, (0.0, 100.0)) for name, image in images.items()}, [
            {"x": np.arange(size), "lines": lines, "xlabel": "pixel, across organ and vessel", "ylabel": "intensity"},
            {"x": np.arange(size), "lines": others, "xlabel": "pixel, down the organ", "ylabel": "intensity"},
        ])
    return numbers


if __name__ == "__main__":
    main(run, __doc__, __file__)
