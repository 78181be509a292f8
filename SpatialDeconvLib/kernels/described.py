"""A stored kernel in words: what was understood of its file."""

from __future__ import annotations

from .kernel import Kernel


def facts_of(kernel: Kernel) -> list[str]:
    """Return how large a kernel is, what its values sum to, and where its centre is, in a few words each."""
    size = " x ".join(map(str, kernel.shape))
    spacing = kernel.spacing[:1] if len(set(kernel.spacing)) == 1 else kernel.spacing
    sizes = f"{size} voxels" if kernel.in_voxels else f"{size} of {' x '.join(f'{s:.6g}' for s in spacing)} mm"
    return [sizes, f"sum {kernel.total:.6g}", f"centre {', '.join(f'{c:.4g}' for c in kernel.centre)}"]
