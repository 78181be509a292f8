"""Slow, obvious implementations to compare with. They share no code with the library."""

import itertools

import numpy as np
import SimpleITK as sitk


def value_beyond(image, index, boundary):
    """The image's value at an index that may lie outside it."""
    place = []
    for i, n in zip(index, image.shape, strict=True):
        if boundary == "edge":
            i = min(max(i, 0), n - 1)
        elif boundary == "periodic":
            i = i % n
        elif not 0 <= i < n:
            return 0.0
        place.append(i)
    return image[tuple(place)]


def naive_convolve(image, kernel, boundary="edge"):
    """The textbook's loops: y[n] = sum_m h[m] x[n - m + centre], centre = size // 2."""
    result = np.zeros(image.shape)
    centre = [n // 2 for n in kernel.shape]
    for n in itertools.product(*map(range, image.shape)):
        total = 0.0
        for m in itertools.product(*map(range, kernel.shape)):
            source = [a - b + c for a, b, c in zip(n, m, centre, strict=True)]
            total += kernel[m] * value_beyond(image, source, boundary)
        result[n] = total
    return result


def hat_weights(guide, levels):
    """Linear interpolation between levels, the nearest level outside, as K weight images."""
    return [np.interp(guide, levels, np.eye(len(levels))[k]) for k in range(len(levels))]


def feathered(inside, width):
    """The share of a box of `width` voxels around each voxel that is inside, axis by axis; the border repeated."""
    share = inside.astype(float)
    for axis, n in enumerate(share.shape if width else ()):
        overlap = np.zeros((n, n))
        for i, offset in itertools.product(range(n), range(-n, n + 1)):
            ends = max(offset - 0.5, -width / 2), min(offset + 0.5, width / 2)
            overlap[i, min(max(i + offset, 0), n - 1)] += max(ends[1] - ends[0], 0) / width
        share = np.moveaxis(np.tensordot(overlap, share, (1, axis)), 0, axis)
    return share


SITK_BOUNDARY = {
    "edge": sitk.RichardsonLucyDeconvolutionImageFilter.ZERO_FLUX_NEUMANN_PAD,
    "zero": sitk.RichardsonLucyDeconvolutionImageFilter.ZERO_PAD,
    "periodic": sitk.RichardsonLucyDeconvolutionImageFilter.PERIODIC_PAD,
}


def sitk_deconvolve(filter_name, image, kernel, boundary="edge", **settings):
    """SimpleITK itself on float64 images; settings go to the setters of their name (NumberOfIterations=3)."""
    itk_filter = getattr(sitk, f"{filter_name}DeconvolutionImageFilter")()
    itk_filter.SetBoundaryCondition(SITK_BOUNDARY[boundary])
    for name, value in settings.items():
        getattr(itk_filter, f"Set{name}")(value)
    arrays = (sitk.GetImageFromArray(np.asarray(a, dtype=np.float64)) for a in (image, kernel))
    return sitk.GetArrayFromImage(itk_filter.Execute(*arrays))


def forward_differences(x):
    """One image an axis, 0 across the last voxel."""
    return np.stack([np.diff(x, axis=a, append=np.take(x, [-1], axis=a)) for a in range(x.ndim)])


def forward_differences_transposed(p):
    """The transpose of `forward_differences`."""
    out = np.zeros_like(p[0])
    for axis, along in enumerate(p):
        flux = np.moveaxis(along, axis, 0)[:-1]  # the last one never leaves
        target = np.moveaxis(out, axis, 0)
        target[:-1] -= flux
        target[1:] += flux
    return out


def total_variation_objective(forward, x, y, weight):
    """1/2 |y - A x|^2 + weight TV(x), TV exact and isotropic."""
    lengths = np.sqrt(np.square(forward_differences(x.astype(float))).sum(axis=0))
    return 0.5 * float(np.square(forward(x) - y, dtype=float).sum()) + weight * float(lengths.sum())


def chambolle_pock(forward, adjoint, y, weight, norm, iterations, step=0.1, observe=None):
    """Minimise 1/2 |y - A x|^2 + weight TV(x) over x >= 0 by Algorithm 1 of A. Chambolle and T. Pock,
    J. Math. Imaging Vision 40, 2011, with dual variables for A x and for the gradient.

    `norm` is at least |A|^2. `step` is the dual step of A x; that of the gradient is a tenth of it (sooner at the
    end than an equal one on images of 0 to 100), and the primal step follows from both.
    """
    x = np.maximum(y, 0)
    ahead, q, p = x, np.zeros_like(y), np.zeros((y.ndim, *y.shape), y.dtype)
    primal = 0.99 / (step * (norm + 0.1 * 4 * y.ndim))
    for _ in range(iterations):
        q = (q + step * (forward(ahead) - y)) / (1 + step)
        p = p + 0.1 * step * forward_differences(ahead)
        p /= np.maximum(1, np.sqrt(np.square(p).sum(axis=0)) / weight)
        new = np.maximum(x - primal * (adjoint(q) + forward_differences_transposed(p)), 0)
        x, ahead = new, 2 * new - x
        if observe is not None:
            observe(x)
    return x
