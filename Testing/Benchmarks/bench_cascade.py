"""The Gaussian cascade against FFTs of every kernel: time, stated bound, measured error.

    python Testing/Benchmarks/bench_cascade.py [--runs 5] [--json FILE]

Prints a table and writes the same as JSON. Times are those of one convolution from scratch, with whatever
is prepared for it; the contestants take turns, and medians are given. `direct` is one real FFT of the
padded image, and for every kernel the FFT of the kernel, the product, an inverse FFT and the weights.
`operator` is `SpatiallyVariantBlur`, which may compress families of kernels to fewer of its own accord; its
own error is in the table too. `faster` is the time of `direct` over that of the cascade, `processor` the same
for the time summed over threads, `operator/` that of the operator over that of the cascade (processor).
`expected` is what `Cascade.worthwhile` says beforehand (against the operator).
"""

from __future__ import annotations

import numpy as np
from results import Results, Table, options_of, take_turns
from scipy import fft

from SpatialDeconvLib.arrays.threads import usable_processors
from SpatialDeconvLib.blur.cascade import Cascade
from SpatialDeconvLib.blur.operator import SpatiallyVariantBlur
from SpatialDeconvLib.kernels.field import BoundField, KernelField
from SpatialDeconvLib.kernels.shapes import gaussian_kernel

CASES = [
    # name, shape, spacing, smallest and largest sigma in mm
    ("0.6 ... 2.0", (96, 128, 128), 1.0, 0.6, 2.0),
    ("0.8 ... 2.5", (96, 128, 128), 1.0, 0.8, 2.5),
    ("1 ... 4", (96, 128, 128), 1.0, 1.0, 4.0),
    ("1 ... 8", (96, 128, 128), 1.0, 1.0, 8.0),
    ("2 ... 12, slices of 3 mm", (48, 160, 160), (3.0, 1.0, 1.0), 2.0, 12.0),
    ("1 ... 4, plane", (1024, 1024), 1.0, 1.0, 4.0),
    ("2 ... 20, plane", (1024, 1024), 1.0, 2.0, 20.0),
]


class DirectFFT:
    """One FFT of the image, one inverse FFT per kernel; the edge repeated."""

    def __init__(self, bound: BoundField):
        self.bound, self.workers = bound, usable_processors()
        kernels = [bound.kernel(k).values.astype(np.float32) for k in range(len(bound))]
        self.radii = [max(h.shape[a] // 2 for h in kernels) for a in range(len(bound.shape))]
        self.grid = [fft.next_fast_len(n + 2 * r, real=True) for n, r in zip(bound.shape, self.radii, strict=True)]
        self.spectra = []
        for h in kernels:
            padded = np.zeros(self.grid, np.float32)
            padded[tuple(slice(0, n) for n in h.shape)] = h
            padded = np.roll(padded, [-(n // 2) for n in h.shape], range(h.ndim))
            self.spectra.append(fft.rfftn(padded, workers=self.workers))
        self.box = tuple(slice(r, r + n) for r, n in zip(self.radii, bound.shape, strict=True))

    def detector(self, x: np.ndarray) -> np.ndarray:
        width = [(r, g - n - r) for n, r, g in zip(x.shape, self.radii, self.grid, strict=True)]
        spectrum = fft.rfftn(np.pad(x, width, mode="edge"), workers=self.workers)
        y = np.zeros_like(x)
        for k, response in enumerate(self.spectra):
            filtered = fft.irfftn(spectrum * response, self.grid, workers=self.workers, overwrite_x=True)
            y += self.bound.weight(k) * filtered[self.box]
        return y


def measure(results: Results, table: Table, case: tuple) -> None:
    name, shape, spacing, low, high = case
    rng = np.random.default_rng(0)
    guide = rng.uniform(0, 110, shape).astype(np.float32)
    sigmas = np.linspace(low, high, 10)
    kernels = {10.0 * (n + 1): gaussian_kernel(float(s), spacing, ndim=len(shape)) for n, s in enumerate(sigmas)}
    bound = KernelField.by_intensity(kernels).bind(guide, spacing)
    x = rng.choice(np.array([-1, 1], np.float32), shape)
    cascade = Cascade(bound)
    calls = {
        "direct": lambda: DirectFFT(bound).detector(x),
        "operator": lambda: SpatiallyVariantBlur(bound, shape, boundary="edge", dtype="float32").forward(x),
        "cascade": lambda: Cascade(bound).detector(x),
    }
    times = take_turns(calls, results.settings["runs"], warm_up=True)
    (direct, direct_busy), (operator, operator_busy), (own, busy) = (times[key].median for key in calls)
    expected = bool(cascade.worthwhile)
    error, operator_error = (
        float(np.abs(times[key].result - times["direct"].result).max()) for key in ("cascade", "operator")
    )
    table.row(
        name, direct, operator, own, direct / own, direct_busy / busy, operator_busy / busy, expected,
        cascade.error_bound, error, operator_error,
    )  # fmt: skip
    results.add(
        f"ten Gaussians, sigma mm {name}",
        own,
        "s",
        ratio=direct / own,
        shape=shape,
        direct_seconds=direct,
        operator_seconds=operator,
        processor_seconds={"direct": direct_busy, "operator": operator_busy, "cascade": busy},
        bound=cascade.error_bound,
        error=error,
        operator_error=operator_error,
        expected=expected,
        steps=[list(level.steps) for level in cascade.levels],
    )


def main() -> None:
    parser = options_of(__doc__, "cascade")
    parser.add_argument("--runs", type=int, default=5, help="runs of each contestant (default 5)")
    options = parser.parse_args()
    results = Results("cascade", runs=options.runs)
    table = Table(
        [("ten Gaussians, sigma mm", "<26"), ("direct", ">7.3f"), ("operator", ">9.3f"), ("cascade", ">8.3f"),
         ("faster", ">7.1f"), ("processor", ">9.1f"), ("operator/", ">9.1f"), ("expected", ">9"),
         ("bound", ">9.1e"), ("error", ">9.1e"), ("operator error", ">14.1e")]
    )  # fmt: skip
    for case in CASES:
        measure(results, table, case)
    results.write(options.json)


if __name__ == "__main__":
    main()
