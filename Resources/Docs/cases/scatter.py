"""Scatter in cone-beam projections: kernels that depend on the thickness that a ray has crossed.

    python Resources/Docs/cases/scatter.py [--output FILE]

What the detector sees is the primary and the scatter that it makes, I = P + sum_k h_k * (w_k c_k P): the thicker the
object, the more and the wider the scatter (in the manner of fASKS, Sun and Star-Lack 2010). The phantom is generated,
so the scatter is known.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from drawing import main, picture

import SpatialDeconvLib as sd

OPEN = 60000.0  # counts of the open beam
ATTENUATION = 0.02  # 1/mm, water at the effective energy
THICKNESS = (0.0, 50.0, 100.0, 150.0, 200.0)  # mm, of each kernel
SHARE = (0.0, 0.35, 0.8, 1.4, 2.2)  # scatter per primary behind that thickness
WIDTHS = ((20.0, 60.0), (20.0, 60.0), (24.0, 68.0), (28.0, 76.0), (32.0, 84.0))  # mm, of two Gaussians


def thickness_map(shape: tuple[int, int], spacing: float) -> np.ndarray:
    """An elliptic body of water 300 mm wide with a rib of bone, an air cavity and a thin neck, in mm of water."""
    y, x = ((np.arange(n) - n / 2) * spacing for n in shape)
    y, x = np.meshgrid(y, x, indexing="ij")
    radius = 150 * np.where(y < -60, 0.55, 1.0)  # the neck
    water = 1.3 * np.sqrt(np.maximum(radius**2 - x**2, 0)) * np.clip((120 - np.abs(y)) / 20, 0, 1)
    water += 18 * ((np.abs(x - 40) < 8) & (water > 0))
    return np.clip(water - 60 * (np.hypot(x + 60, y - 30) < 25), 0, THICKNESS[-1])


def kernels(spacing: float, size: int, shares: Sequence[float] = SHARE) -> list[sd.Kernel]:
    """Primary and scatter behind each thickness, with sum 1 + share."""
    axis = (np.arange(size) - size // 2) * spacing
    squared = axis[:, None] ** 2 + axis**2
    found = []
    for share, widths in zip(shares, WIDTHS, strict=True):
        skirts = sum(w * _gaussian(squared, sigma, spacing) for w, sigma in zip((0.6, 0.4), widths, strict=True))
        skirts *= share
        skirts[size // 2, size // 2] += 1.0
        found.append(sd.Kernel(skirts, (spacing, spacing)))
    return found


def _gaussian(squared: np.ndarray, sigma: float, spacing: float) -> np.ndarray:
    return np.exp(-0.5 * squared / sigma**2) * spacing**2 / (2 * np.pi * sigma**2)


def run(output: Path | None = None, shape: tuple[int, int] = (192, 256), spacing: float = 1.6) -> dict[str, float]:
    """Simulate, correct in three ways, draw; return the errors of the primary, in % of it, within the body."""
    size = 2 * max(shape) - 1
    thickness = thickness_map(shape, spacing)
    primary = OPEN * np.exp(-ATTENUATION * thickness)
    shares = np.interp(thickness, THICKNESS, SHARE)
    stored = kernels(spacing, size)
    by_thickness = sd.KernelField.by_intensity(list(zip(THICKNESS, stored, strict=True)))
    seen = sd.convolve(primary, by_thickness, guide=thickness, model="source", spacing=spacing, boundary="zero").image
    seen = np.random.default_rng(0).poisson(np.maximum(seen, 0)).astype(float)

    # One kernel for all: that of the mean thickness of the body, as the simplest corrections have it.
    body = thickness > 0
    mean = int(np.argmin(np.abs(np.array(THICKNESS) - thickness[body].mean())))
    options = {"spacing": spacing, "strategy": "joint", "method": "richardson-lucy", "boundary": "zero"}
    options |= {"model": "source", "noise": "poisson"}
    single = sd.deconvolve(seen, stored[mean], **options).image / (1 + SHARE[mean])

    own = _by_restored_values(seen, SHARE, size, options)
    wrong = _by_restored_values(seen, tuple(1.1 * share for share in SHARE), size, options)

    # With the thickness known from elsewhere (a plan, a first reconstruction): a guide.
    guided = sd.deconvolve(seen, by_thickness, guide=thickness, **options).image / (1 + shares)

    estimates = {"measured": seen, "one kernel": single, "restored values choose": own, "thickness known": guided}
    judged = estimates | {"the same, 10 % too much scatter in the kernels": wrong}
    numbers = {
        f"mean error of the primary, {name} (%)": float(100 * np.mean(np.abs(image - primary)[body] / primary[body]))
        for name, image in judged.items()
    }
    if output is not None:
        row = shape[0] // 2
        across = {"primary": primary[row], **{name: image[row] for name, image in estimates.items()}}
        error = {name: 100 * (line - primary[row]) / primary[row] for name, line in list(across.items())[1:]}
        x, limits = np.arange(shape[1]) * spacing, (0.0, OPEN / 5)
        images = {name: (image, limits) for name, image in {"primary": primary, **estimates}.items()}
        zero = {"none": np.zeros(shape[1])}
        picture(output, images, [
            {"x": x, "lines": across, "xlabel": "mm", "ylabel": "counts"},
            {"x": x, "lines": zero | error, "xlabel": "mm", "ylabel": "error of the primary, %"},
        ])
    return numbers


def _by_restored_values(seen: np.ndarray, share: Sequence[float], size: int, options: dict) -> np.ndarray:
    """The primary, with kernels keyed to what is restored: its values say the thickness, which nobody told.

    They are P (1 + share), since deconvolution takes kernels of sum 1, and fall with the thickness, so they name it.
    """
    thick, attenuation = np.linspace(0, THICKNESS[-1], 2001), np.exp(-ATTENUATION * np.array(THICKNESS))
    values = OPEN * attenuation * (1 + np.array(share))
    field = sd.KernelField.by_intensity(
        list(zip(values, kernels(options["spacing"], size, share), strict=True)), of="true"
    )
    restored = sd.deconvolve(seen, field, **{**options, "method": "self-keyed"}).image
    restored_of = OPEN * np.exp(-ATTENUATION * thick) * (1 + np.interp(thick, THICKNESS, share))
    return OPEN * np.exp(-ATTENUATION * np.interp(-restored, -restored_of, thick))


if __name__ == "__main__":
    main(run, __doc__, __file__)
