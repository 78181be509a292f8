"""Frames of a sequence one after another against several at once: how much faster, and that the bits agree.

    python Testing/Benchmarks/bench_sequences.py [--runs 3] [--frames 4] [--workers 2] [--json FILE]

Prints a table and writes the same as JSON. Both contestants take turns; `ratio` is the shortest time of one frame
after another over the shortest time of several at once, so above 1 several at once are faster.
`mrml.sequences` chooses its number of workers by this table.
"""

from __future__ import annotations

import numpy as np
from results import Results, Table, options_of, take_turns
from scipy import ndimage

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


def run(sequence, field: KernelField, workers: int, options: dict) -> list[np.ndarray]:
    output, _ = sequences.deconvolveSequence(sequence, field, workers=workers, noise=0.5, **options)
    images = [volumeArray(output.GetNthDataNode(n)).copy() for n in range(output.GetNumberOfDataNodes())]
    ensureScene().RemoveNode(output)
    return images


def main() -> None:
    parser = options_of(__doc__, "sequences")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--frames", type=int, default=4)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES)
    options = parser.parse_args()
    field = KernelField.by_intensity({20: gaussian_kernel(0.8), 50: gaussian_kernel(1.2), 80: gaussian_kernel(1.6)})
    results = Results("sequences", runs=options.runs, frames=options.frames, workers=options.workers)
    table = Table(
        [("voxels", ">8"), ("method", "<50"), ("one (s)", ">8.2f"), ("several", ">8.2f"), ("ratio", ">6.2f"),
         ("same bits", ">10")]
    )  # fmt: skip
    for size in options.sizes:
        sequence = make_sequence(size, options.frames)
        for method in METHODS:
            times = take_turns(
                {
                    "one": lambda s=sequence, m=method: run(s, field, 1, m),
                    "several": lambda s=sequence, m=method: run(s, field, options.workers, m),
                },
                options.runs,
            )
            one, several = times["one"].least[0], times["several"].least[0]
            pairs = zip(times["one"].result, times["several"].result, strict=True)
            same = all(np.array_equal(a, b) for a, b in pairs)
            words = ", ".join(f"{k} {v}" for k, v in method.items())
            table.row(f"{size}^3", words, one, several, one / several, same)
            results.add(f"{size}^3, {words}", several, "s", ratio=one / several, one_seconds=one, same_bits=same)
        ensureScene().RemoveNode(sequence)
    results.write(options.json)


if __name__ == "__main__":
    main()
