"""Engine "fft" against engine "simpleitk": the ten-kernel blend, and each filter by itself.

    python Testing/Benchmarks/bench_engines.py [--runs 3] [--size 128 128 96] [--json FILE]

Prints a table and writes the same as JSON. The engines take turns; the ratio is that of the medians. The
ratio of the processor times, summed over all threads, stands beside it: it is what is left on a machine
whose processors are busy with something else. `difference` is the largest difference relative to the
largest voxel of SimpleITK's result.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import scipy
from results import Results, Table, options_of, take_turns

from SpatialDeconvLib.filters.fft import FFTFilters
from SpatialDeconvLib.filters.itk import SimpleITKFilters
from SpatialDeconvLib.kernels.field import KernelField
from SpatialDeconvLib.kernels.shapes import gaussian_kernel
from SpatialDeconvLib.methods.registry import methods_of
from SpatialDeconvLib.run.pipeline import deconvolve

TARGET = ">= 12"  # of the blends
LEVELS = range(10, 101, 10)
SIGMAS = np.linspace(0.8, 2.5, 10)
NOISE = 0.5


def smooth_image(shape: tuple[int, ...]) -> np.ndarray:
    """Blobs of intensity 0 ... 100 and a little noise, float32."""
    rng = np.random.default_rng(0)
    image = scipy.ndimage.gaussian_filter(rng.standard_normal(shape), 6)
    image = 100 * (image - image.min()) / np.ptp(image)
    return (image + NOISE * rng.standard_normal(shape)).clip(0).astype(np.float32)


def compare(
    results: Results,
    table: Table,
    name: str,
    slow: Callable[[], np.ndarray],
    fast: Callable[[], np.ndarray],
    target: str | None = None,
) -> None:
    times = take_turns({"simpleitk": slow, "fft": fast}, results.settings["runs"])
    itk, own = times["simpleitk"], times["fft"]
    reference = itk.result.astype(np.float64)
    ratio, processor = (a / b for a, b in zip(itk.median, own.median, strict=True))
    difference = float(np.abs(own.result - reference).max() / np.abs(reference).max())
    table.row(name, itk.median[0], own.median[0], ratio, processor, difference)
    results.add(
        name,
        own.median[0],
        "s",
        ratio=ratio,
        target=target,
        simpleitk_seconds=itk.wall,
        seconds=own.wall,
        processor_ratio=processor,
        difference=difference,
    )


def main() -> None:
    parser = options_of(__doc__, "engines")
    parser.add_argument("--runs", type=int, default=3, help="runs of each engine (default 3)")
    parser.add_argument("--size", type=int, nargs=3, default=(96, 128, 128), metavar=("K", "J", "I"))
    options = parser.parse_args()

    image = smooth_image(tuple(options.size))
    field = KernelField.by_intensity(
        {level: gaussian_kernel(s) for level, s in zip(LEVELS, SIGMAS, strict=True)}, interpolation="linear"
    )
    kernel = gaussian_kernel(float(SIGMAS[-1])).values
    results = Results("engines", runs=options.runs, size=options.size)
    table = Table(
        [("", "<44"), ("simpleitk", ">10.2f"), ("fft", ">8.3f"), ("ratio", ">7.1f"), ("processor", ">9.1f"),
         ("difference", ">11.1e")]
    )  # fmt: skip
    for method in ("wiener", "richardson-lucy"):
        spec = methods_of("blend")[method]
        given = {"method": method, "noise": NOISE, "iterations": 10 if spec.iterates else None}
        compare(
            results,
            table,
            f"blend of ten, {spec.label}",
            lambda o=given: deconvolve(image, field, engine="simpleitk", **o).image,
            lambda o=given: deconvolve(image, field, engine="fft", **o).image,
            TARGET,
        )
    for method, spec in methods_of("blend").items():
        given = {"iterations": 10, "noise": NOISE, "constant": 0.01 if method == "tikhonov" else None}
        compare(
            results,
            table,
            f"one kernel of {'x'.join(map(str, kernel.shape))}, {spec.label}",
            lambda m=method, o=given: SimpleITKFilters(image).run(m, kernel, **o),
            lambda m=method, o=given: FFTFilters(image).run(m, kernel, **o),
        )
    results.print_targets()
    results.write(options.json)


if __name__ == "__main__":
    main()
