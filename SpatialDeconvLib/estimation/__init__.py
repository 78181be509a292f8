"""Kernels measured from an original and its blurred image.

- `estimate`: the public functions; `record`: what they return; `measured`: what there is to say about them.
- `run`: one estimation, from the checked `pair` to kernels: options, displacement (`shift`), passes, judgement.
- `equations`: the linear equations on the voxels where edges need no assumption.
- `solve`: kernels from the equations, by Lanczos' process under a penalty (`krylov`), for kernels of a field
  coupled with each other (`neighbours`), with signs and sums (`constrained`).
- `fourier`: regularised division of spectra instead.

- `check`: what there is to say of an image and its kernels before a run, their width (`run.width`) included.
- `refine`: kernels made as wide as the image's blur looks.
"""

from .estimate import estimate_kernel, estimate_kernels
from .record import Estimate, EstimatedField, EstimatedKernel

__all__ = [
    "Estimate",
    "EstimatedField",
    "EstimatedKernel",
    "estimate_kernel",
    "estimate_kernels",
]
