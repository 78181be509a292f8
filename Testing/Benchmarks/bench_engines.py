"""Engine "fft" against engine "simpleitk": the ten-kernel blend, and each filter by itself.

    python Testing/Benchmarks/bench_engines.py [--runs 3] [--size 128 128 96] [--json FILE]

Prints a table and writes the same as JSON. The engines take turns, so that a machine that slows down slows
both; the ratio is that of the medians. The ratio of the processor times, summed over all threads, stands
beside it: it is what is left on a machine whose processors are busy with something else. `difference` is
the largest difference relative to the largest voxel of SimpleITK's result.
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import scipy
import SimpleITK as sitk

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from SpatialDeconvLib.arrays.threads import usable_processors
from SpatialDeconvLib.filters.fft import FFTFilters
from SpatialDeconvLib.filters.itk import SimpleITKFilters
from SpatialDeconvLib.kernels.field import KernelField
from SpatialDeconvLib.kernels.shapes import gaussian_kernel
from SpatialDeconvLib.methods import methods_of
from SpatialDeconvLib.run.pipeline import deconvolve

TARGET = 12.0
LEVELS = range(10, 101, 10)
SIGMAS = np.linspace(0.8, 2.5, 10)
NOISE = 0.5


def smooth_image(shape: tuple[int, ...]) -> np.ndarray:
    """Blobs of intensity 0 ... 100 and a little noise, float32."""
    rng = np.random.default_rng(0)
    image = scipy.ndimage.gaussian_filter(rng.standard_normal(shape), 6)
    image = 100 * (image - image.min()) / np.ptp(image)
    return (image + NOISE * rng.standard_normal(shape)).clip(0).astype(np.float32)


def compare(name: str, runs: int, slow: Callable[[], np.ndarray], fast: Callable[[], np.ndarray]) -> dict:
    seconds: dict[str, list[float]] = {"simpleitk": [], "fft": []}
    processor: dict[str, list[float]] = {"simpleitk": [], "fft": []}
    for _ in range(runs):
        results = {}
        for engine, call in (("simpleitk", slow), ("fft", fast)):
            start, busy = time.perf_counter(), time.process_time()
            results[engine] = call()
            seconds[engine].append(time.perf_counter() - start)
            processor[engine].append(time.process_time() - busy)
    reference = results["simpleitk"].astype(np.float64)
    row = {
        "name": name,
        **{engine: statistics.median(values) for engine, values in seconds.items()},
        "seconds": seconds,
        "processor_seconds": processor,
        "difference": float(np.abs(results["fft"] - reference).max() / np.abs(reference).max()),
    }
    row["ratio"] = row["simpleitk"] / row["fft"]
    row["processor_ratio"] = statistics.median(processor["simpleitk"]) / statistics.median(processor["fft"])
    print(
        f"{name:<44} {row['simpleitk']:>10.2f} {row['fft']:>8.3f} {row['ratio']:>7.1f} "
        f"{row['processor_ratio']:>9.1f} {row['difference']:>11.1e}",
        flush=True,
    )
    return row


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=3, help="runs of each engine (default 3)")
    parser.add_argument("--size", type=int, nargs=3, default=(96, 128, 128), metavar=("K", "J", "I"))
    parser.add_argument("--json", type=Path, default=Path("bench_engines.json"), help="where to write the JSON")
    arguments = parser.parse_args()

    image = smooth_image(tuple(arguments.size))
    field = KernelField.by_intensity(
        {level: gaussian_kernel(s) for level, s in zip(LEVELS, SIGMAS, strict=True)}, interpolation="linear"
    )
    kernel = gaussian_kernel(float(SIGMAS[-1])).values
    rows = []
    print(f"{'':<44} {'simpleitk':>10} {'fft':>8} {'ratio':>7} {'processor':>9} {'difference':>11}")
    for method in ("wiener", "richardson-lucy"):
        spec = methods_of("blend")[method]
        options = {"method": method, "noise": NOISE, "iterations": 10 if spec.iterates else None}
        name = f"blend of ten, {spec.label}"
        rows.append(
            compare(
                name,
                arguments.runs,
                lambda o=options: deconvolve(image, field, engine="simpleitk", **o).image,
                lambda o=options: deconvolve(image, field, engine="fft", **o).image,
            )
        )
    for method, spec in methods_of("blend").items():
        options = {"iterations": 10, "noise": NOISE, "constant": 0.01 if method == "tikhonov" else None}
        rows.append(
            compare(
                f"one kernel of {'x'.join(map(str, kernel.shape))}, {spec.label}",
                arguments.runs,
                lambda m=method, o=options: SimpleITKFilters(image).run(m, kernel, **o),
                lambda m=method, o=options: FFTFilters(image).run(m, kernel, **o),
            )
        )
    for row in rows[:2]:
        verdict = "reached" if row["ratio"] >= TARGET else "MISSED"
        print(f"{row['name']}: {row['ratio']:.1f} times faster, target {TARGET:g}: {verdict}")
    report = {
        "size": list(arguments.size),
        "runs": arguments.runs,
        "processors": usable_processors(),
        "machine": platform.machine(),
        "python": platform.python_version(),
        "numpy": np.__version__,
        "scipy": scipy.__version__,
        "simpleitk": sitk.Version.VersionString(),
        "target": TARGET,
        "rows": rows,
    }
    arguments.json.write_text(json.dumps(report, indent=2) + "\n")
    print(f"written to {arguments.json}")


if __name__ == "__main__":
    main()
