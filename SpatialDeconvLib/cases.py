"""The demos' data: known images, blurred with known kernels."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import SimpleITK as sitk
from scipy import ndimage

from .errors import InputError
from .kernels.field import KernelField
from .kernels.kernel import Kernel
from .kernels.parametric import ParametricKernel
from .kernels.sets import from_logarithm, read_kernel, write_kernel, write_kernel_set
from .run.pipeline import convolve

#: Files of a case in a folder: its kernel set, and a kernel stored as its logarithm.
KERNEL_SET, LOG_KERNEL = "kernels.json", "kernel-log.nrrd"

BRAIN_VOLUME = "icbm152_t1_crop.nrrd"
BRAIN_LEVELS = tuple(range(10, 101, 10))
BRAIN_SIGMAS_MM = tuple(float(s) for s in np.round(np.linspace(0.8, 2.5, 10), 3))
BRAIN_NOISE = 0.5
PORTAL_SIZE = 1024
PORTAL_SPACING_MM = 0.25
PORTAL_KERNEL_SIZE = 250
PORTAL_KERNEL_SPACING_MM = 0.40
PORTAL_RANGE = (530.0, 304446.0)
REGION_SIGMAS_MM = {1: 0.8, 2: 1.5, 3: 2.5}


@dataclass(frozen=True)
class DemoCase:
    """A known image and what became of it.

    Attributes
    ----------
    name, title : str
    truth, blurred : ndarray of float32, shape (k, j, i)
    spacing : tuple of float
        mm, in the order of the axes.
    ijk_to_ras : ndarray, shape (4, 4)
        From voxel index (i, j, k) to RAS in mm.
    field : KernelField
        The kernels that blurred the image.
    log_kernel : Kernel or None
        The logarithm of the kernel, where it is stored as such.
    data_range : float
        For PSNR and SSIM.
    iterations : mapping of method to int
        Of the iterative blends: what fits into two minutes on two cores for all methods together. The rest
        is automatic.
    edge_step : float
        Two neighbouring voxels whose true values differ by at least this are an edge.
    edge_words : str
        What an edge is, in words.
    model : {"detector", "source"}
    labels : ndarray of int16 or None
        The regions of the kernels; with them, two neighbouring voxels of different regions are an edge.
    log_scale : bool
        Whether values span decades and are to be shown so.
    unit : str
        Of the values.
    slice_index : int
        The slice to show.
    origin : {"upper", "lower"}
        Where row j = 0 is shown.
    focus : (j, i) or None
        The voxel to enlarge around; None chooses one.
    """

    name: str
    title: str
    truth: np.ndarray
    blurred: np.ndarray
    spacing: tuple[float, float, float]
    ijk_to_ras: np.ndarray
    field: KernelField
    data_range: float
    iterations: Mapping[str, int]
    edge_step: float
    edge_words: str
    model: str = "detector"
    labels: np.ndarray | None = None
    log_kernel: Kernel | None = None
    log_scale: bool = False
    unit: str = "intensity"
    slice_index: int = 0
    origin: str = "upper"
    focus: tuple[int, int] | None = None

    def edges(self) -> np.ndarray:
        """Return where the voxels on either side of an edge are: a mask of the image's shape."""
        values = self.truth if self.labels is None else self.labels
        step = self.edge_step if self.labels is None else 1
        edges = np.zeros(values.shape, bool)
        for axis in range(values.ndim):
            steep = np.abs(np.diff(values, axis=axis)) >= step
            for part in (slice(None, -1), slice(1, None)):
                edges[(slice(None),) * axis + (part,)] |= steep
        return edges

    def edge_distance(self) -> np.ndarray:
        """Return the distance of every voxel from the nearest voxel of `edges`, in mm; infinite without edges."""
        edges = self.edges()
        if not edges.any():
            return np.full(edges.shape, np.inf)
        return ndimage.distance_transform_edt(~edges, sampling=self.spacing)

    def write_kernels(self, folder: str | os.PathLike) -> Path:
        """Write the kernel set, and the kernel file it refers to, into a folder; return the set's path."""
        folder = Path(folder)
        field = self.field
        if self.log_kernel is not None:
            path = folder / LOG_KERNEL
            write_kernel(self.log_kernel, path)
            field = KernelField.uniform(read_kernel(path, log=True))
        write_kernel_set(folder / KERNEL_SET, field)
        return folder / KERNEL_SET


def sample_path(name: str) -> Path:
    """Return the path of a sample data file.

    It is looked for in the package (installed from a wheel) and in ``Resources/SampleData`` beside the
    library (a source checkout, or installed beside the Slicer module).

    Raises
    ------
    InputError
        If it is in none of them; the message lists the folders.
    """
    library = Path(__file__).resolve().parent
    folders = (
        library / "sampledata",
        library.parent / "Resources" / "SampleData",
    )
    for folder in folders:
        if (folder / name).is_file():
            return folder / name
    raise InputError(
        f"sample data {name!r} was not found in {', '.join(map(str, folders))}; install the project "
        "again, with its sample data"
    )


def brain_case(seed: int = 0, crop: Sequence[slice] | None = None) -> DemoCase:
    """The shipped MR volume, blurred by ten Gaussian kernels keyed to its own intensities, with noise.

    y = sum_k w_k(x) (h_k * x) + e: kernel k belongs to the voxels of intensity 10 k (true intensity, linear
    between the levels), e is Gaussian with sigma 0.5.

    Parameters
    ----------
    seed : int
        Of the noise.
    crop : three slices (k, j, i), optional
        Use this block of the volume only.
    """
    image = sitk.ReadImage(str(sample_path(BRAIN_VOLUME)))
    truth = sitk.GetArrayFromImage(image).astype(np.float32)
    crop = tuple(crop) if crop is not None else (slice(None),) * 3
    start = [part.indices(n)[0] for part, n in zip(crop, truth.shape, strict=True)]
    truth = np.ascontiguousarray(truth[crop])
    spacing = tuple(image.GetSpacing()[::-1])
    matrix = np.eye(4)
    matrix[:3, :3] = np.reshape(image.GetDirection(), (3, 3)) * image.GetSpacing()
    matrix[:3, 3] = image.TransformIndexToPhysicalPoint([int(n) for n in start[::-1]])
    field = KernelField.by_intensity(
        {
            level: ParametricKernel("gaussian", sigma_mm=sigma)
            for level, sigma in zip(BRAIN_LEVELS, BRAIN_SIGMAS_MM, strict=True)
        }
    )
    blurred = convolve(truth, field, spacing=spacing, model="detector", cascade=False).image
    noise = np.random.default_rng(seed).normal(0.0, BRAIN_NOISE, truth.shape)
    return DemoCase(
        name="brain",
        title="ICBM 152 T1 template, ten Gaussian kernels keyed to intensity, noise sigma 0.5",
        truth=truth,
        blurred=(blurred + noise).astype(np.float32),
        spacing=spacing,
        ijk_to_ras=np.diag([-1.0, -1.0, 1.0, 1.0]) @ matrix,  # ITK's LPS to Slicer's RAS
        field=field,
        data_range=100.0,
        iterations={"landweber": 20, "projected-landweber": 20, "richardson-lucy": 6},
        edge_step=2.0 * BRAIN_LEVELS[0],
        edge_words="neighbouring voxels whose true intensities differ by two kernel levels (20) or more, so that "
        "they have no kernel in common",
        slice_index=min(28, truth.shape[0] - 1) if truth.shape[0] > 32 else truth.shape[0] // 2,
        origin="lower",
    )


def regions_case(model: str = "detector", seed: int = 0, crop: Sequence[slice] | None = None) -> DemoCase:
    """A block of the MR volume in three regions, each with a Gaussian kernel of its own, with noise of sigma 0.5.

    Regions 1 and 2 are the left and the right half of every slice, region 3 a disk in the middle.

    Parameters
    ----------
    model : {"detector", "source"}
    seed : int
        Of the noise.
    crop : three slices (k, j, i), optional
        The block; default 32 x 64 x 64 voxels in the middle of the volume.
    """
    block = brain_case(crop=(slice(20, 52), slice(32, 96), slice(32, 96)) if crop is None else crop)
    rows, columns = block.truth.shape[1:]
    j, i = np.arange(rows)[:, None], np.arange(columns)[None, :]
    halves = np.where(i < columns // 2, 1, 2)
    disk = np.hypot(j - 0.45 * rows, i - 0.5 * columns) < columns / 4
    labels = np.broadcast_to(np.where(disk, 3, halves), block.truth.shape).astype(np.int16)
    field = KernelField.by_region(
        None, {label: ParametricKernel("gaussian", sigma_mm=sigma) for label, sigma in REGION_SIGMAS_MM.items()}
    )
    blurred = convolve(block.truth, field, spacing=block.spacing, model=model, labels=labels, cascade=False).image
    noise = np.random.default_rng(seed).normal(0.0, BRAIN_NOISE, labels.shape)
    return replace(
        block,
        name=f"regions-{model}",
        title=f"Three regions, {model} model",
        blurred=(blurred + noise).astype(np.float32),
        field=field,
        edge_words="neighbouring voxels of different regions",
        model=model,
        labels=labels,
    )


def portal_case(seed: int = 0, size: int = PORTAL_SIZE, kernel_size: int = PORTAL_KERNEL_SIZE) -> DemoCase:
    """A generated portal image with a logarithmic scatter kernel.

    The true image is the transmission of a rectangular field with collimator leaves through a water-like
    phantom with lungs, bones and an air gap, beside lead bar patterns. The kernel is that of `portal_kernel`.
    The noise is quantum noise (variance proportional to the signal, 0.4 % of the signal in the open field).
    Values are scaled so that the blurred image covers 530 ... 304446.

    Parameters
    ----------
    seed : int
        Of the noise in image and kernel.
    size, kernel_size : int
        Pixels of 0.25 mm of the image and of 0.40 mm of the kernel, on a side.
    """
    generator = np.random.default_rng(seed)
    truth = _portal_truth(size, PORTAL_SPACING_MM)
    log_kernel = portal_kernel(generator, kernel_size)
    kernel = from_logarithm(log_kernel)
    spacing = (1.0, PORTAL_SPACING_MM, PORTAL_SPACING_MM)
    blurred = convolve(truth, kernel, spacing=spacing, cascade=False, normalize=True).image.astype(np.float64)
    blurred += 0.004 * np.sqrt(np.maximum(blurred, 0.0)) * generator.standard_normal(truth.shape)
    low, high = blurred.min(), blurred.max()
    scale = (PORTAL_RANGE[1] - PORTAL_RANGE[0]) / (high - low)
    truth, blurred = ((v - low) * scale + PORTAL_RANGE[0] for v in (truth, blurred))
    matrix = np.diag([PORTAL_SPACING_MM, -PORTAL_SPACING_MM, 1.0, 1.0])  # columns to the right, rows down
    matrix[:2, 3] = -0.5 * (size - 1) * np.diag(matrix)[:2]
    return DemoCase(
        name="portal",
        title=f"Portal image, {size} x {size} pixels of {PORTAL_SPACING_MM} mm, and its scatter kernel",
        truth=truth.astype(np.float32),
        blurred=blurred.astype(np.float32),
        spacing=spacing,
        ijk_to_ras=matrix,
        field=KernelField.uniform(kernel),
        data_range=float(np.ptp(truth)),
        iterations={"landweber": 40, "projected-landweber": 40, "richardson-lucy": 30},
        edge_step=0.05 * float(np.ptp(truth)),
        edge_words="neighbouring pixels whose true values differ by 5 % of the image's range or more",
        log_kernel=log_kernel,
        log_scale=True,
        unit="detector signal",
        focus=(round(0.79 * size), round(0.33 * size)),  # the bars
    )


def portal_kernel(generator: np.random.Generator, size: int = PORTAL_KERNEL_SIZE) -> Kernel:
    """The natural logarithm of a detector's scatter kernel, 0 at its peak and about -27 in its corners.

    A narrow primary peak (light and electron spread) and two exponential skirts (scatter in the detector),

        h(r) = 0.62 g(r; 0.45 mm) + 0.26 e(r; 1.6 mm) + 0.12 e(r; 3.4 mm),

    with g a Gaussian and e(r; l) = exp(-r / l) / (2 pi l^2), both of integral 1; then the statistical noise
    of a Monte Carlo tally, whose relative error grows as fewer histories reach a pixel.

    Parameters
    ----------
    generator : numpy.random.Generator
    size : int
        Pixels of 0.40 mm on a side; the centre is pixel ``size // 2``.
    """
    axis = (np.arange(size) - size // 2) * PORTAL_KERNEL_SPACING_MM
    radius = np.hypot(axis[:, None], axis[None, :])
    values = 0.62 * np.exp(-0.5 * (radius / 0.45) ** 2) / (2 * np.pi * 0.45**2)
    for share, length in ((0.26, 1.6), (0.12, 3.4)):
        values += share * np.exp(-radius / length) / (2 * np.pi * length**2)
    histories = 1e7 * values / values.max()
    relative = np.clip(1.0 / np.sqrt(histories), 3e-4, 0.45)
    logarithm = np.log(values) + relative * generator.standard_normal(values.shape)
    logarithm -= logarithm.max()
    spacing = (PORTAL_KERNEL_SPACING_MM,) * 2
    return Kernel(logarithm.astype(np.float32), spacing, "logarithm of the scatter kernel")


def _portal_truth(size: int, spacing: float) -> np.ndarray:
    """Relative fluence behind the patient, shape (1, size, size), about 0.002 ... 1."""
    # The layout is drawn for a detector of 256 mm and scaled to smaller ones.
    scale = size * spacing / 256.0
    axis = (np.arange(size) - (size - 1) / 2) * spacing / scale
    y, x = axis[:, None], axis[None, :]
    density = _phantom(y, x)
    fluence = np.exp(-density) * (1.0 - 0.06 * (np.hypot(x, y) / 128) ** 2)  # beam profile
    fluence = _bars(fluence, y, x)
    fluence = fluence * _collimator(y, x)
    penumbra = 0.4 * scale / spacing  # the source is not a point
    return ndimage.gaussian_filter(fluence, penumbra, mode="nearest")[None]


def _ellipse(
    y: np.ndarray, x: np.ndarray, cy: float, cx: float, ry: float, rx: float, tilt: float = 0.0
) -> np.ndarray:
    """Path length through an ellipsoid, 1 at its centre and 0 outside."""
    c, s = math.cos(math.radians(tilt)), math.sin(math.radians(tilt))
    u = (c * (x - cx) + s * (y - cy)) / rx
    v = (-s * (x - cx) + c * (y - cy)) / ry
    return np.sqrt(np.clip(1.0 - u**2 - v**2, 0.0, None))


def _phantom(y: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Line integral of the attenuation of a chest-like phantom at 6 MV."""
    density = 1.15 * _ellipse(y, x, 12, 0, 150, 118) ** 0.5  # the body
    for side in (-1, 1):
        density = density - 0.62 * _ellipse(y, x, -2, side * 48, 66, 34, side * 6)  # lungs
        for rib in range(6):
            centre = -48 + 20 * rib
            arc = np.abs(y - centre - 0.004 * (np.abs(x) - 30) ** 2)
            inside = (side * x > 22) & (side * x < 84)
            density = density + np.where(inside, 0.085 * np.sqrt(np.clip(1 - (arc / 3.2) ** 2, 0, None)), 0)
    density = density + 0.50 * _ellipse(y, x, 20, -8, 40, 30, 25)  # heart
    density = density - 0.30 * _ellipse(y, x, -62, 0, 46, 7)  # windpipe
    for number in range(9):  # spine
        density = density + 0.20 * _ellipse(y, x, -92 + 25 * number, 1, 9.5, 13)
    for cy, cx in ((-30, 38), (6, -52), (40, 60)):  # gold markers
        density = density + 1.1 * _ellipse(y, x, cy, cx, 1.4, 1.4)
    return np.maximum(density, 0.0)


def _bars(fluence: np.ndarray, y: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Lead bars, 0.1 to 0.8 line pairs a mm, along the lower edge of the field."""
    left = -60.0
    for pairs in (0.1, 0.2, 0.25, 0.4, 0.5, 0.8):
        width = 2.5 / pairs if pairs > 0.1 else 20.0
        inside = (x >= left) & (x < left + width) & (y > 66) & (y < 82)
        bar = ((x - left) * pairs) % 1.0 < 0.5
        fluence = np.where(inside & bar, 0.35 * fluence, fluence)
        left += width + 6.0
    return fluence


def _collimator(y: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Transmission of jaws and multileaf collimator: 1 in the field, about 1 % behind the leaves."""
    rows = np.floor((y + 100) / 10)  # leaves of 10 mm at the detector
    opening = 96 - 0.9 * np.abs(rows - 9.5) ** 1.6 + 5 * np.sin(1.7 * rows)
    field = (np.abs(x) < opening) & (np.abs(y) < 92)
    leakage = 0.010 + 0.004 * (np.abs((y + 100) / 10 - rows - 0.5) > 0.46)  # between the leaves
    jaws = np.where(np.abs(y) < 104, leakage, 0.002)
    return np.where(field, 1.0, jaws)
