"""Kernels measured from an original and its blurred image.

- `estimate`: the public functions; `record`: what they return; `measured`: what there is to say about them.
- `run`: one estimation, from the checked `pair` to kernels: options, displacement (`shift`), passes, judgement.
- `equations`: the linear equations on the voxels where edges need no assumption.
- `solve`: kernels from the equations, by Lanczos' process under a penalty (`krylov`), for kernels of a field
  coupled with each other (`neighbours`), with signs and sums (`constrained`).
- `fourier`: regularised division of spectra instead.

Kernels judged by the blurred image alone:

- `width`: by what factor they are too wide; by the spectra of its patches (`patchspectra`, `widthposterior`), and
  by how well they explain it (`widthrisk`).
- `check`: that, and what else there is to say before a run.
"""

from .estimate import estimate_kernel, estimate_kernels
from .record import Estimate, EstimatedField, EstimatedKernel
from .width import WidthEstimate, estimate_width

__all__ = [
    "Estimate",
    "EstimatedField",
    "EstimatedKernel",
    "WidthEstimate",
    "estimate_kernel",
    "estimate_kernels",
    "estimate_width",
]
