"""Microscopes' kernels: against the stack of another program, and how long they take to make.

    python Testing/Benchmarks/bench_psf.py [--stack FILE] [--json FILE]

FILE is `tests/psfs/gibsonlanni.tif` of sdeconv 1.0.4 (`pip download sdeconv==1.0.4 --no-deps`, then unzip; it needs
tifffile): 18 x 128 x 128 points, NA 1.4, 610 nm, indices 1.5 and sample 1.33, 0.25 and 0.1 micrometres. It holds
intensities at points, not over voxels, as a part of the largest one, linearly interpolated between distances of
0.05 micrometres. So does "interpolated"; "exact" computes every point. The error is the root of the mean square, as
a part of the range of values, and of the root of their mean square.
"""

from __future__ import annotations

import math
import time
from pathlib import Path

import numpy as np
from results import Results, Table, options_of

import SpatialDeconvLib as sd
from SpatialDeconvLib.kernels.shapes.optics import GibsonLanni, intensity

MICROMETRE = 1e-3  # in mm


def stack(results: Results, path: Path) -> None:
    import tifffile

    theirs = tifffile.imread(path).astype(float)
    lens = GibsonLanni(1.4, 610, 1.5, sample_index=1.33, coverslip_index=1.5)
    z = (np.arange(theirs.shape[0]) - (theirs.shape[0] - 1) / 2) * 0.25 * MICROMETRE
    places = (np.arange(theirs.shape[1]) - (theirs.shape[1] - 1) / 2) * 0.1 * MICROMETRE
    r = np.hypot(places[:, None], places)
    distances = np.arange(2 * math.ceil(r.max() / MICROMETRE / 0.1) + 4) * 0.05 * MICROMETRE
    profiles = intensity(lens, distances, z)
    unique, index = np.unique(r, return_inverse=True)
    ours = {
        "interpolated": np.stack([np.interp(r, distances, profile) for profile in profiles.T]),
        "exact": intensity(lens, unique, z).T[:, index.reshape(r.shape)],
    }
    table = Table([("points", "<14"), ("of the range", ">13.1e"), ("of the root mean square", ">24.1e")])
    for name, values in ours.items():
        error = float(np.sqrt(np.mean((values / profiles.max() - theirs) ** 2)))
        parts = error / float(np.ptp(theirs)), error / float(np.sqrt(np.mean(theirs**2)))
        results.add(f"Gibson-Lanni, {name}", parts[0], "of the range", target="<= 0.001", rms=parts[1])
        table.row(name, *parts)


def times(results: Results) -> None:
    spacing = (0.25 * MICROMETRE, 0.1 * MICROMETRE, 0.1 * MICROMETRE)
    lens = {"na": 1.2, "wavelength_nm": 520}
    kernels = {
        "born-wolf": {**lens, "immersion_index": 1.33},
        "gibson-lanni": {**lens, "depth_mm": 0.01},
        "confocal": {**lens, "depth_mm": 0.01, "excitation_nm": 488},
    }
    table = Table([("kernel", "<14"), ("voxels", "<14"), ("seconds", ">8.2f")])
    for kind, parameters in kernels.items():
        kernel = sd.ParametricKernel(kind, **parameters)
        start = time.perf_counter()
        sampled = kernel.sampled(spacing)
        seconds = time.perf_counter() - start
        size = " x ".join(map(str, sampled.shape))
        results.add(f"{kind}, {size}", seconds, "s")
        table.row(kind, size, seconds)


def main() -> None:
    parser = options_of(__doc__, "psf")
    parser.add_argument("--stack", type=Path, metavar="FILE", help="the stack to compare with")
    options = parser.parse_args()
    results = Results("psf")
    if options.stack is not None:
        stack(results, options.stack)
    times(results)
    results.print_targets()
    results.write(options.json)


if __name__ == "__main__":
    main()
