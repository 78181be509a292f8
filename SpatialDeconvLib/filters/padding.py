"""How ITK's FFT filters pad: shared by both engines, so that both see the same circular problem."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from scipy import fft

#: numpy's names for what lies beyond the border.
NUMPY_MODES: dict[str, Literal["edge", "constant", "wrap"]] = {
    "edge": "edge",
    "zero": "constant",
    "periodic": "wrap",
}


def padded_shape(image_shape: Sequence[int], kernel_shape: Sequence[int]) -> tuple[int, ...]:
    """Return the size of the FFTs that ITK 5.4 takes for an image and a kernel.

    Per axis: the image and half the kernel (``n // 2``) on either side, then up to the next number whose
    prime factors are 2, 3 and 5 (`itk::FFTPadImageFilter` with the VNL back end): scipy's, for real transforms.
    """
    return tuple(
        fft.next_fast_len(n + 2 * (m // 2), real=True) for n, m in zip(image_shape, kernel_shape, strict=True)
    )


def pad_like_itk(image: np.ndarray, kernel_shape: Sequence[int], boundary: str) -> np.ndarray:
    """Pad an image as ITK does: by half the kernel, then to `padded_shape`, the smaller half in front.

    The boundary condition holds in both steps one after the other. That matters for "periodic" only: the
    second step repeats the image with its first border, not the image.

    Parameters
    ----------
    image : ndarray
    kernel_shape : sequence of int
        One size per axis of the image.
    boundary : {"edge", "zero", "periodic"}

    Returns
    -------
    ndarray of `padded_shape`, the dtype of the image
    """
    radii = [m // 2 for m in kernel_shape]
    target = padded_shape(image.shape, kernel_shape)
    extra = [p - n - 2 * r for p, n, r in zip(target, image.shape, radii, strict=True)]
    mode = NUMPY_MODES[boundary]
    padded = np.pad(image, [(r, r) for r in radii], mode=mode)
    return np.pad(padded, [(e // 2, e - e // 2) for e in extra], mode=mode)


def pad_line(n: int, radius: int, padded: int, boundary: str) -> np.ndarray:
    """Return which voxel of an axis `pad_like_itk` puts at each place of the padded one; -1: zero."""
    line = np.arange(n) + 1  # 0 is none
    extra = padded - n - 2 * radius
    mode = NUMPY_MODES[boundary]
    return np.pad(np.pad(line, radius, mode=mode), (extra // 2, extra - extra // 2), mode=mode) - 1


def image_box(image_shape: Sequence[int], kernel_shape: Sequence[int]) -> tuple[slice, ...]:
    """Return where the image lies in the array of `pad_like_itk`."""
    # Half the kernel and half of what is left of p - n are together (p - n) // 2, whatever the kernel.
    starts = [(p - n) // 2 for p, n in zip(padded_shape(image_shape, kernel_shape), image_shape, strict=True)]
    return tuple(slice(s, s + n) for s, n in zip(starts, image_shape, strict=True))
