"""The images, kernels and ways to blur that the benchmarks share.

Images are scaled to 0 ... 100 and blurred with the exact model in float64 (compression off). Photographs come with
scikit-image, the brain with the sample data, the rest is drawn.
"""

from __future__ import annotations

import itertools
import math

import numpy as np
import SimpleITK as sitk
from results import ROOT
from scipy import ndimage

from SpatialDeconvLib.blur.operator import SpatiallyVariantBlur
from SpatialDeconvLib.filters.fft import FFTFilters
from SpatialDeconvLib.kernels.field import KernelField
from SpatialDeconvLib.kernels.parametric import AnyKernel
from SpatialDeconvLib.kernels.shapes import ball_kernel, disk_kernel, gaussian_kernel, motion_kernel

LEVELS = tuple(10.0 * (k + 1) for k in range(10))


def brain() -> np.ndarray:
    """The ICBM 152 T1 crop, 64 x 128 x 128 at 1 mm, 0 ... 100."""
    path = ROOT / "Resources" / "SampleData" / "icbm152_t1_crop.nrrd"
    return sitk.GetArrayFromImage(sitk.ReadImage(str(path))).astype(float)


def picture(name: str, shape: int | tuple[int, int]) -> np.ndarray:
    """An image of scikit-image's in grey, resized with anti-aliasing and scaled to 0 ... 100."""
    from skimage import color, data, transform

    image = getattr(data, name)()
    image = color.rgb2gray(image[..., :3]) if image.ndim == 3 else image.astype(float)
    shape = (shape, shape) if isinstance(shape, int) else shape
    image = transform.resize(image, shape, anti_aliasing=True)
    image -= image.min()
    return image * (100 / image.max())


def photograph() -> np.ndarray:
    return picture("camera", (256, 256))


def shepp_logan(size: int) -> np.ndarray:
    """Shepp and Logan's phantom, 0 ... 100."""
    from skimage import data, transform

    return 100 * transform.resize(data.shepp_logan_phantom(), (size, size), anti_aliasing=True)


def blocks(shape: tuple[int, ...], seed: int) -> np.ndarray:
    """Boxes of one value on a dark ground."""
    rng = np.random.default_rng(seed)
    image = np.zeros(shape)
    for _ in range(14):
        corner = [rng.integers(0, 3 * n // 4) for n in shape]
        image[tuple(slice(c, c + rng.integers(n // 8, n // 3)) for c, n in zip(corner, shape, strict=True))] = (
            rng.uniform(10, 100)
        )
    return image


def bars(shape: tuple[int, ...]) -> np.ndarray:
    """Ever wider and brighter bars on a ground of 10."""
    image = np.full(shape, 10.0)
    inside = tuple(slice(n // 8, n - n // 8) for n in shape[:-1])
    start = 3
    for number, width in enumerate((2, 2, 3, 4, 5)):
        image[(*inside, slice(start, start + width))] = 30 + 15 * number
        start += width + 2
    return image


def stars(
    shape: tuple[int, ...], rng: np.random.Generator, number: int, width: float, faintest: float = 30.0
) -> np.ndarray:
    """Points whose fluxes span a factor of a hundred, blurred by a Gaussian; width 0: points."""
    image = np.zeros(shape)
    places = tuple(rng.integers(4, n - 4, number) for n in shape)
    np.add.at(image, places, faintest * 100 ** rng.random(number) ** 2)
    return np.maximum(ndimage.gaussian_filter(image, width, truncate=8), 0) if width else image


def gaussians(ndim: int, low: float = 0.8, high: float = 2.5, factor: float = 1.0) -> KernelField:
    """Ten Gaussians keyed to intensity 10 ... 100."""
    sigmas = factor * np.linspace(low, high, 10)
    return KernelField.by_intensity({a: gaussian_kernel(s, ndim=ndim) for a, s in zip(LEVELS, sigmas, strict=True)})


def motions(ndim: int) -> KernelField:
    """Ten motion kernels of 2 to 7.4 mm in ten directions."""
    return KernelField.by_intensity(
        {level: motion_kernel(2 + 0.6 * k, _direction(k, ndim)) for k, level in enumerate(LEVELS)}
    )


def disks(ndim: int) -> KernelField:
    """Four disks (balls in three dimensions) of radius 1 to 4 mm: ever more out of focus."""
    kernel = disk_kernel if ndim == 2 else ball_kernel
    return KernelField.by_intensity({10.0 + 30 * k: kernel(1.0 + k) for k in range(4)})


def narrowing(ndim: int) -> KernelField:
    """Three Gaussians, the narrowest where it is brightest."""
    return KernelField.by_intensity(
        {at: gaussian_kernel(s, ndim=ndim) for at, s in ((10, 2.0), (55, 1.4), (100, 0.8))}
    )


def family(name: str, ndim: int, count: int) -> list[AnyKernel]:
    """So many kernels of a family, from little blur to much."""
    shares = np.linspace(0, 1, count)
    if name == "Gaussians":
        return [gaussian_kernel(0.8 + 1.7 * t, ndim=ndim) for t in shares]
    if name == "disks":
        return [(disk_kernel if ndim == 2 else ball_kernel)(1 + 2.5 * t) for t in shares]
    if name == "motions":
        return [motion_kernel(2 + 5.4 * t, _direction(9 * t, ndim)) for t in shares]
    raise ValueError(f"no family {name!r}")


def _direction(k: float, ndim: int) -> float | tuple[float, float, float]:
    return 18.0 * k if ndim == 2 else (np.sin(k), np.cos(k), 0.3)


def field_of(key: str, name: str, shape: tuple[int, ...], seed: int) -> KernelField:
    """Kernels of a family, keyed by intensity, region, position, or one for all ("uniform")."""
    ndim = len(shape)
    if key == "intensity":
        return KernelField.by_intensity(zip(LEVELS, family(name, ndim, len(LEVELS)), strict=True))
    if key == "region":
        hills = ndimage.gaussian_filter(np.random.default_rng(seed).standard_normal(shape), min(shape) / 8)
        labels = np.digitize(hills, np.quantile(hills, (0.25, 0.5, 0.75))) + 1
        kernels = dict(enumerate(family(name, ndim, 4), 1))
        return KernelField.by_region(labels, kernels, feather=2.0)
    if key == "position":
        corners = list(
            itertools.product(*([0.0, (n - 1) / 2, n - 1.0] if ndim == 2 else [0.0, n - 1.0] for n in shape))
        )
        return KernelField.by_position(zip(corners, family(name, ndim, len(corners)), strict=True))
    if key == "uniform":
        return KernelField.uniform(family(name, ndim, 3)[1])
    raise ValueError(f"no key {key!r}")


def noise_of(law: str, amount: float, signal: np.ndarray, seed: int) -> np.ndarray:
    """Noise on a signal of 0 ... 100: "Gaussian" of sigma `amount`, or that of "Poisson" counts with this peak."""
    rng = np.random.default_rng(seed)
    if law == "Gaussian":
        return amount * rng.standard_normal(signal.shape)
    gain = 100 / amount
    return gain * rng.poisson(np.maximum(signal, 0) / gain) - np.maximum(signal, 0)


def blur(truth: np.ndarray, field: KernelField, model: str, sigma: float, seed: int = 0) -> np.ndarray:
    """y = A x + noise, the kernels keyed to the true intensity; float32."""
    noise = sigma * np.random.default_rng(seed).standard_normal(truth.shape)
    return (exact(field, truth, model).forward(truth) + noise).astype(np.float32)


def blur_by_measured(
    truth: np.ndarray, field: KernelField, model: str, noise: np.ndarray, rounds: int = 200
) -> np.ndarray | None:
    """y = A x + noise, the kernels keyed to y itself: a fixed point, by steps that get shorter where they do not
    come nearer. float32; None where they come to no end."""
    y = exact(field, truth, model).forward(truth) + noise
    share, last, end = 0.5, math.inf, 1e-3 * float(noise.std()) + 1e-4
    for _ in range(rounds):
        step = exact(field, y, model).forward(truth) + noise - y
        change = float(np.sqrt(np.mean(np.square(step))))
        if change < end:
            return y.astype(np.float32)
        if change > 0.97 * last:
            share = max(0.7 * share, 0.1)
        y, last = y + share * step, change
    return y.astype(np.float32) if change < 30 * end else None


def exact(field: KernelField, guide: np.ndarray, model: str) -> SpatiallyVariantBlur:
    """The blur in float64, uncompressed."""
    return SpatiallyVariantBlur(field, guide.shape, guide=guide, model=model, dtype="float64", low_rank=0)


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
