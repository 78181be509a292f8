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
