"""Images with a known truth that others published: taken from their wheels on PyPI, which are kept in a cache.

Nothing of them is in this repository. The wheels are fetched with pip, without what they depend on, and are checked
by their SHA-256.
"""

from __future__ import annotations

import hashlib
import io
import os
import subprocess
import sys
import zipfile
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

FWHM = np.sqrt(8 * np.log(2))


@dataclass(frozen=True)
class Wheel:
    name: str
    version: str
    sha256: str

    @property
    def file(self) -> str:
        return f"{self.name}-{self.version}-py3-none-any.whl"

    def images(self, *members: str) -> list[np.ndarray]:
        """Read images out of the wheel as float64."""
        import tifffile

        with zipfile.ZipFile(self._fetched()) as wheel:
            return [tifffile.imread(io.BytesIO(wheel.read(member))).astype(float) for member in members]

    def _fetched(self) -> Path:
        folder = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "spatialdeconv-benchmarks"
        path = folder / self.file
        if not path.exists():
            folder.mkdir(parents=True, exist_ok=True)
            wanted = f"{self.name}=={self.version}"
            command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", str(folder), wanted]
            if subprocess.run(command, check=False).returncode or not path.exists():
                raise SystemExit(f"{wanted} could not be fetched; put {self.file} into {folder}")
        found = hashlib.sha256(path.read_bytes()).hexdigest()
        if found != self.sha256:
            raise SystemExit(f"{path} is another file than the one that was used (SHA-256 {found}); delete it")
        return path


FLOWDEC = Wheel("flowdec", "1.1.0", "62c4f338848fcc0acfdda04ecd1c941542a7a235a69bc67109236bafb985c88a")
SDECONV = Wheel("sdeconv", "1.0.4", "44f8e897e072c9583156d49d180504c4532c6fd6ee9903cdbf4574d06f0ec777")


@dataclass(frozen=True)
class Case:
    """A blurred image, its kernel (centre at index n // 2) and its truth; results that came with them."""

    name: str
    blurred: np.ndarray
    kernel: np.ndarray
    truth: np.ndarray
    published: dict[str, np.ndarray] = field(default_factory=dict)


def bars() -> Case:
    """Hollow bars of EPFL, at a quarter of their size as in flowdec, stretched to 16 bits as its comparison did."""
    folder = "flowdec/datasets/bars-25pct/"
    images = FLOWDEC.images(*(f"{folder}{name}.tif" for name in ("data", "kernel", "actual")))
    return Case("bars", *(_sixteen_bits(image) for image in images))


def pollen() -> Case:
    """Pollen with a measured point spread function and Poisson noise, and sdeconv's own results."""
    folder = "sdeconv/data/"
    names = ("pollen_poisson_noise_blurred", "pollen_psf", "pollen")
    images = SDECONV.images(*(f"{folder}{name}.tif" for name in names))
    results = {"Richardson-Lucy": "richardson_lucy", "Wiener": "wiener", "Spitfire": "spitfire"}
    theirs = SDECONV.images(*(f"tests/deconv/pollen_{name}.tif" for name in results.values()))
    return Case("pollen", *images, dict(zip(results, theirs, strict=True)))


def _sixteen_bits(image: np.ndarray) -> np.ndarray:
    stretched = (image - image.min()) * (65535 / np.ptp(image))
    return stretched.astype(np.uint16).astype(float)


# ------------------------------------------------------------------------------------------- the scores


def psnr_of_16_bits(result: np.ndarray, truth: np.ndarray) -> float:
    """PSNR of what flowdec's comparison keeps of a result: whole numbers from 0 to 65535."""
    kept = result.clip(0, 65535).astype(np.uint16).astype(float)
    return float(10 * np.log10(65535**2 / np.mean((kept - truth) ** 2)))


def psnr_fitted(result: np.ndarray, truth: np.ndarray) -> float:
    """PSNR after the result's own scale and offset have been fitted to the truth; the peak is the truth's."""
    columns = np.stack([result.ravel(), np.ones(result.size)], axis=1)
    fitted = columns @ np.linalg.lstsq(columns, truth.ravel(), rcond=None)[0]
    return float(10 * np.log10(truth.max() ** 2 / np.mean((fitted - truth.ravel()) ** 2)))


def correlation(result: np.ndarray, truth: np.ndarray) -> float:
    return float(np.corrcoef(result.ravel(), truth.ravel())[0, 1])


# ------------------------------------------------------------------------------- the phantom of PETPVC


SPACING = (5.0, 2.5, 2.0)  # mm on k, j, i
ACTIVITY = {0: 0.0, 1: 2.0, 2: 3.0, 3: 4.0}


def petpvc_labels() -> np.ndarray:
    """Regions of the phantom of PETPVC's tests, 60 x 40 x 50 voxels: a ball of radius 20 mm, label 1, and two
    cylinders of radius 20 mm and height 90 mm along k, labels 2 and 3; drawn from their description there."""
    z, y, x = np.meshgrid(*(np.arange(n) * h for n, h in zip((60, 40, 50), SPACING, strict=True)), indexing="ij")
    labels = np.zeros(z.shape, np.int16)
    labels[(x - 50) ** 2 + (y - 25) ** 2 + (z - 150) ** 2 <= 20**2] = 1
    for label, centre in ((2, 66.0), (3, 234.0)):
        labels[((x - 50) ** 2 + (y - 50) ** 2 <= 20**2) & (np.abs(z - centre) <= 45)] = label
    return labels


def sigma_of(fwhm: tuple[float, float, float]) -> list[float]:
    """Standard deviations on k, j, i of full widths at half maximum on x, y, z, as PETPVC takes them."""
    return [width / FWHM for width in fwhm[::-1]]


# ------------------------------------------------------------------------------------------ references


def richardson_lucy(case: Case, iterations: int, shape: tuple[int, ...] | None = None) -> np.ndarray:
    """Richardson-Lucy as flowdec runs it: begun with the image, periodic, with zeros around it up to a shape."""
    shape = shape or case.blurred.shape
    starts = [(s - n) // 2 for s, n in zip(shape, case.blurred.shape, strict=True)]
    box = tuple(slice(a, a + n) for a, n in zip(starts, case.blurred.shape, strict=True))
    image, kernel = np.zeros(shape), np.zeros(shape)
    image[box], kernel[box] = case.blurred, case.kernel / case.kernel.sum()
    spectrum = np.fft.rfftn(np.fft.ifftshift(kernel))

    def filtered(x: np.ndarray, by: np.ndarray) -> np.ndarray:
        return np.fft.irfftn(np.fft.rfftn(x) * by, shape, axes=range(image.ndim))

    result = image.copy()
    for _ in range(iterations):
        blurred = filtered(result, spectrum)
        ratio = np.where(blurred < 1e-6, 0.0, image / np.where(blurred < 1e-6, 1.0, blurred))
        result = np.maximum(result * filtered(ratio, spectrum.conj()), 0.0)
    return result[box]


def gaussian_blur(image: np.ndarray, fwhm: tuple[float, float, float]) -> np.ndarray:
    from scipy import ndimage

    sigmas = [sigma / h for sigma, h in zip(sigma_of(fwhm), SPACING, strict=True)]
    return ndimage.gaussian_filter(image, sigmas, mode="nearest", truncate=6)


def transfer_matrix_means(image: np.ndarray, labels: np.ndarray, fwhm: tuple[float, float, float]) -> np.ndarray:
    """The geometric transfer matrix of Rousset et al. (1998), for one kernel."""
    regions = [labels == label for label in np.unique(labels)]
    seen = [gaussian_blur(region.astype(float), fwhm) for region in regions]
    transfer = [[blurred[region].mean() for blurred in seen] for region in regions]
    return np.linalg.solve(transfer, [image[region].mean() for region in regions])


def region_based_voxelwise(image: np.ndarray, labels: np.ndarray, fwhm: tuple[float, float, float]) -> np.ndarray:
    """RBV (Thomas et al. 2011): the image times the ratio of the regions' means, unblurred over blurred."""
    _, place = np.unique(labels, return_inverse=True)
    values = transfer_matrix_means(image, labels, fwhm)[place.reshape(labels.shape)]
    return _corrected(image, values, fwhm)


def iterative_yang(image: np.ndarray, labels: np.ndarray, fwhm: tuple[float, float, float], steps: int = 10):
    """Iterative Yang (Erlandsson et al. 2012): as RBV, with the means of the result in place of the matrix's."""
    _, place = np.unique(labels, return_inverse=True)
    result = image
    for _ in range(steps):
        means = np.bincount(place.ravel(), result.ravel()) / np.bincount(place.ravel())
        result = _corrected(image, means[place.reshape(labels.shape)], fwhm)
    return result


def _corrected(image: np.ndarray, values: np.ndarray, fwhm: tuple[float, float, float]) -> np.ndarray:
    blurred = gaussian_blur(values, fwhm)
    return image * np.divide(values, blurred, out=np.ones_like(values), where=np.abs(blurred) > 1e-9)
