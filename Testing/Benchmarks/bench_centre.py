"""Kernels of an even size, taken by their middle: the error of the half voxel, and what it does to every method.

    python Testing/Benchmarks/bench_centre.py [--only phase|restore] [--reach N] [--json FILE]

"phase": how far the blur of a picture whose spectrum falls as 1/f is from that with the exact phase, by the number
of voxels by which the kernel may grow (`kernels.centres.REACH`).

"restore": discs (and balls), blurred by two Gaussians keyed to intensity, of 0.9 and 1.1 times sigma, noise 0.5.
PSNR with these Gaussians on odd numbers of voxels, and how much more or less it is with one voxel less, taken by
the middle and by SimpleITK's rule.
"""

from __future__ import annotations

import numpy as np
from cases import psnr
from results import Results, Table, options_of
from scipy import ndimage

import SpatialDeconvLib as sd
from SpatialDeconvLib.kernels import centres
from SpatialDeconvLib.methods.registry import methods_of

REACHES = (0, 2, 4, 8, 16)
NOISE = 0.5
#: Sigma in voxels, and the odd number of voxels that holds the kernel.
SAMPLINGS = ((0.8, 13), (1.0, 13), (1.5, 21), (2.5, 25))
SHAPES = {"discs": (96, 96), "balls": (28, 32, 32)}


def gaussian(n: int, sigma: float) -> np.ndarray:
    """On n voxels, about their middle."""
    values = np.exp(-0.5 * ((np.arange(n) - (n - 1) / 2) / sigma) ** 2)
    return values / values.sum()


def spectrum(values: np.ndarray, centre: float, frequencies: np.ndarray) -> np.ndarray:
    return np.exp(-2j * np.pi * np.multiply.outer(frequencies, np.arange(values.size) - centre)) @ values


def phase(results: Results) -> None:
    profiles = {f"Gaussian {sigma:g}": gaussian(n - 1, sigma) for sigma, n in SAMPLINGS}
    profiles |= {f"mean of {n}": np.ones(n) / n for n in (20, 4, 2)}
    frequencies = np.arange(1, 129) / 256
    table = Table([("kernel", "<14"), ("voxels", ">6d"), *((f"reach {n}", ">18") for n in REACHES)])
    usual = centres.REACH
    for name, values in profiles.items():
        middle = (values.size - 1) / 2
        exact = spectrum(values, middle, frequencies)
        cells = []
        for centres.REACH in REACHES:
            found = centres.centred(values[None], (0, middle))[0]
            difference = spectrum(found, found.size // 2, frequencies) - exact
            error = np.linalg.norm(difference / frequencies) / np.linalg.norm(exact / frequencies)
            results.add(f"phase, {name}, reach {centres.REACH}", error, "", better="less", voxels=found.size)
            cells.append(f"{error:.1e} ({found.size})")
        table.row(name, values.size, *cells)
    centres.REACH = usual


def objects(shape: tuple[int, ...]) -> np.ndarray:
    """Discs, or balls, of several sizes and heights."""
    rng = np.random.default_rng(3)
    image = np.full(shape, 20.0)
    for _ in range(12):
        middle = [rng.uniform(0.1 * n, 0.9 * n) for n in shape]
        distance = sum((x - c) ** 2 for x, c in zip(np.indices(shape), middle, strict=True))
        image[distance < (rng.uniform(0.04, 0.14) * max(shape)) ** 2] = rng.uniform(30, 110)
    return ndimage.gaussian_filter(image, 0.5)


def kernels(n: int, sigma: float, ndim: int, centre: str = "auto") -> sd.KernelField:
    found = {}
    for level, factor in ((20, 0.9), (110, 1.1)):
        line = gaussian(n, factor * sigma)
        values = line
        for _ in range(ndim - 1):
            values = np.multiply.outer(values, line)
        found[level] = sd.Kernel(values, centre=centre)
    return sd.KernelField.by_intensity(found)


def restored(
    strategy: str, name: str, model: str, blurred: np.ndarray, truth: np.ndarray, field: sd.KernelField
) -> float:
    options = {"engine": "fft"} if strategy == "blend" else {}
    if not methods_of(strategy)[name].self_keyed:
        options["guide"] = truth
    result = sd.deconvolve(blurred, field, strategy=strategy, method=name, model=model, noise=NOISE, **options)
    return psnr(result.image, truth)


def restore(results: Results) -> None:
    methods = [
        (strategy, name, model)
        for strategy in ("blend", "joint")
        for name in methods_of(strategy)
        for model in ("detector", "source")
    ]
    columns = [("object", "<7"), ("sigma", ">5g"), ("method", "<36"), ("odd", ">7.2f"), ("even", ">+7.2f")]
    table = Table([*columns, ("n // 2", ">+7.2f")])
    for objects_name, shape in SHAPES.items():
        truth = objects(shape)
        for sigma, n in SAMPLINGS:
            wide = kernels(2 * n + 1, sigma, truth.ndim)
            fields = [kernels(n, sigma, truth.ndim), kernels(n - 1, sigma, truth.ndim)]
            fields.append(kernels(n - 1, sigma, truth.ndim, "itk"))
            noise = np.random.default_rng(0).normal(0, NOISE, shape)
            for method in methods:
                blurred = sd.convolve(truth, wide, guide=truth, model=method[2]).image + noise
                blurred = blurred.astype(np.float32)
                odd, even, itk = (restored(*method, blurred, truth, field) for field in fields)
                row = f"{objects_name}, sigma {sigma:g}, {' '.join(method)}"
                results.add(row, abs(even - odd), "dB apart", target="<= 0.1", odd=odd, even=even, itk=itk)
                table.row(objects_name, sigma, " ".join(method), odd, even - odd, itk - odd)


def main() -> None:
    parser = options_of(__doc__, "centre")
    parser.add_argument("--only", choices=("phase", "restore"))
    parser.add_argument("--reach", type=int, default=centres.REACH, help="of the kernels (default %(default)s)")
    options = parser.parse_args()
    centres.REACH = options.reach
    results = Results("centre", reach=options.reach)
    if options.only != "restore":
        phase(results)
    if options.only != "phase":
        restore(results)
    results.print_targets()
    results.write(options.json)


if __name__ == "__main__":
    main()
