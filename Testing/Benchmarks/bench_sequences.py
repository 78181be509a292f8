"""Frames of a sequence one after another against several at once: how much faster, and that the bits agree.

    python Testing/Benchmarks/bench_sequences.py [--runs 3] [--frames 4] [--workers 2] [--json FILE]

Prints a table and writes the same as JSON. Both contestants take turns; `ratio` is the shortest time of one frame
after another over the shortest time of several at once, so above 1 several at once are faster.
`mrml.sequences` chooses its number of workers by this table.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path

import numpy as np
from scipy import ndimage

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from SpatialDeconvLib.kernels.field import KernelField
from SpatialDeconvLib.kernels.shapes import gaussian_kernel
from SpatialDeconvLib.mrml import sequences
from SpatialDeconvLib.mrml.scene import ensureScene, imageDataFromArray, volumeArray

SIZES = (32, 48, 64, 96)
METHODS = (
    {"method": "wiener"},
    {"method": "richardson-lucy", "iterations": 5},
    {"method": "wiener", "engine": "fft"},
    {"method": "richardson-lucy", "iterations": 5, "engine": "fft"},
    {"strategy": "joint", "iterations": 10},
)


def make_sequence(size: int, count: int):
    """Return a sequence of smooth random frames, 0 ... 100."""
    import slicer

    sequence = ensureScene().AddNewNodeByClass("vtkMRMLSequenceNode", f"{size}")
    for number in range(count):
        image = ndimage.gaussian_filter(np.random.default_rng(number).random((size,) * 3), 2)
        frame = slicer.vtkMRMLScalarVolumeNode()
        scaled = 100 * (image - image.min()) / np.ptp(image)
        frame.SetAndObserveImageData(imageDataFromArray(scaled.astype(np.float32)))
        sequence.SetDataNodeAtValue(frame, str(number))
    return sequence


def measure(sequence, field: KernelField, options: dict, workers: int, runs: int) -> dict:
    """Return the shortest times with one worker and with several, and whether the results are the same."""
    shortest, images = {1: np.inf, workers: np.inf}, {}
    for _ in range(runs):
        for number in (1, workers):
            started = time.perf_counter()
            output, _ = sequences.deconvolveSequence(sequence, field, workers=number, noise=0.5, **options)
            shortest[number] = min(shortest[number], time.perf_counter() - started)
            frames = range(output.GetNumberOfDataNodes())
            images[number] = [volumeArray(output.GetNthDataNode(n)).copy() for n in frames]
            ensureScene().RemoveNode(output)
    same = all(np.array_equal(a, b) for a, b in zip(images[1], images[workers], strict=True))
    return {
        "one": shortest[1],
        "several": shortest[workers],
        "ratio": shortest[1] / shortest[workers],
        "same": same,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--frames", type=int, default=4)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES)
    parser.add_argument("--json", metavar="FILE")
    options = parser.parse_args()
    field = KernelField.by_intensity({20: gaussian_kernel(0.8), 50: gaussian_kernel(1.2), 80: gaussian_kernel(1.6)})
    rows = []
    print(f"{'voxels':>8}  {'method':48} {'one (s)':>8} {'several':>8} {'ratio':>6}  same bits")
    for size in options.sizes:
        sequence = make_sequence(size, options.frames)
        for method in METHODS:
            row = measure(sequence, field, method, options.workers, options.runs)
            rows.append({"size": size, **method, **row})
            words = ", ".join(f"{k} {v}" for k, v in method.items())
            print(
                f"{size:>6}^3  {words:48} {row['one']:8.2f} {row['several']:8.2f} {row['ratio']:6.2f}  "
                f"{'yes' if row['same'] else 'NO'}",
                flush=True,
            )
        ensureScene().RemoveNode(sequence)
    if options.json:
        Path(options.json).write_text(json.dumps(rows, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
