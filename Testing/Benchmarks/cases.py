"""The cases that the benchmarks of the joint solvers share.

Images are scaled to 0 ... 100, blurred with the exact model in float64 (compression off), and given white
Gaussian noise. The photograph and two more images come from scikit-image, the brain from the sample data.
"""

from __future__ import annotations

import numpy as np
import SimpleITK as sitk
from results import ROOT

from SpatialDeconvLib.blur.operator import SpatiallyVariantBlur
from SpatialDeconvLib.filters.fft import FFTFilters
from SpatialDeconvLib.kernels.field import KernelField
from SpatialDeconvLib.kernels.shapes import gaussian_kernel, motion_kernel

LEVELS = tuple(10.0 * (k + 1) for k in range(10))


def brain() -> np.ndarray:
    """The ICBM 152 T1 crop, 64 x 128 x 128 at 1 mm, 0 ... 100."""
    path = ROOT / "Resources" / "SampleData" / "icbm152_t1_crop.nrrd"
    return sitk.GetArrayFromImage(sitk.ReadImage(str(path))).astype(float)


def picture(name: str, shape: tuple[int, int]) -> np.ndarray:
    """An image of scikit-image's, resized with anti-aliasing and scaled to 0 ... 100."""
    from skimage import data, transform

    image = transform.resize(getattr(data, name)().astype(float), shape, anti_aliasing=True)
    image -= image.min()
    return image * (100 / image.max())


def photograph() -> np.ndarray:
    return picture("camera", (256, 256))


def gaussians(ndim: int, low: float = 0.8, high: float = 2.5, factor: float = 1.0) -> KernelField:
    """Ten Gaussians keyed to intensity 10 ... 100."""
    sigmas = factor * np.linspace(low, high, 10)
    return KernelField.by_intensity({a: gaussian_kernel(s, ndim=ndim) for a, s in zip(LEVELS, sigmas, strict=True)})


def motions(ndim: int) -> KernelField:
    """Ten motion kernels of 2 to 7.4 mm in ten directions."""
    kernels = {}
    for k, level in enumerate(LEVELS):
        direction = 18.0 * k if ndim == 2 else (np.sin(k), np.cos(k), 0.3)
        kernels[level] = motion_kernel(2 + 0.6 * k, direction)
    return KernelField.by_intensity(kernels)


def blur(truth: np.ndarray, field: KernelField, model: str, sigma: float, seed: int = 0) -> np.ndarray:
    """y = A x + noise, the kernels keyed to the true intensity; float32."""
    exact = SpatiallyVariantBlur(field, truth.shape, guide=truth, model=model, dtype="float64", low_rank=0)
    noise = sigma * np.random.default_rng(seed).standard_normal(truth.shape)
    return (exact.forward(truth) + noise).astype(np.float32)


def psnr(image: np.ndarray, truth: np.ndarray) -> float:
    return float(20 * np.log10(100 / np.sqrt(np.mean((np.asarray(image, float) - truth) ** 2))))


def blends(y: np.ndarray, field: KernelField, sigma: float) -> dict[str, np.ndarray]:
    """Blends with a range of constants: filter with each kernel, then weight. What users do today."""
    bound = field.bind(y, 1.0)
    filters = FFTFilters(np.maximum(y, 0))
    weights = [bound.weight(k) for k in range(len(bound))]

    def blend(method: str, **options) -> np.ndarray:
        out = np.zeros_like(y)
        for k, weight in enumerate(weights):
            if weight.any():
                out += weight * filters.run(method, bound.kernel(k).values, **options)
        return out

    out = {}
    for n in (2, 3, 5, 8, 12, 20, 30):
        out[f"richardson-lucy, {n} iterations"] = blend("richardson-lucy", iterations=n)
    for factor in (1, 2, 4, 8):
        out[f"wiener, noise x {factor}"] = blend("wiener", noise=factor * sigma)
    for constant in (0.003, 0.01, 0.03):
        out[f"tikhonov, {constant}"] = blend("tikhonov", constant=constant)
    return out
