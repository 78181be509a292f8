"""A stored kernel in words: what was understood of its file, and what a run makes of its size."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from .kernel import Kernel
from .parametric import AnyKernel


def facts_of(kernel: Kernel) -> list[str]:
    """Return how large a kernel is, what its values sum to, and where its centre is, in a few words each."""
    size = " x ".join(map(str, kernel.shape))
    spacing = kernel.spacing[:1] if len(set(kernel.spacing)) == 1 else kernel.spacing
    sizes = f"{size} voxels" if kernel.in_voxels else f"{size} of {' x '.join(f'{s:.6g}' for s in spacing)} mm"
    return [sizes, f"sum {kernel.total:.6g}", f"centre {', '.join(f'{c:.4g}' for c in kernel.centre)}"]


def size_text(given: AnyKernel, used: Kernel, words: Callable[[Sequence[int]], str]) -> str:
    """Return the size of a kernel as it was given, and the one that it is used with where that is another.

    A kernel on the image's grid has its centre in a voxel: one of an even size is larger there. `words` writes a
    shape.
    """
    own = given.shape if isinstance(given, Kernel) else used.shape
    ndim = min(len(own), used.ndim)  # slices are added to, or taken from, kernels of one slice
    text = f"{words(own)} voxels"
    return text if own[-ndim:] == used.shape[-ndim:] else f"{text} (used as {words(used.shape[-len(own) :])})"
