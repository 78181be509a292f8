"""How close is an image to a reference? RMSE, PSNR and SSIM, for any number of dimensions."""

from __future__ import annotations

import math

import numpy as np
from scipy import ndimage

from .errors import InputError

_TRUNCATE = 3.5  # Gaussian windows end at this many sigmas, as in scikit-image


def rmse(reference: np.ndarray, image: np.ndarray, mask: np.ndarray | None = None) -> float:
    """Root mean squared error, ``sqrt(mean((image - reference)**2))``, in image units.

    Parameters
    ----------
    reference, image : arrays of one shape
        Any real type; the sum runs in float64.
    mask : array of the same shape, optional
        Only voxels where it is non-zero count.

    Raises
    ------
    InputError
        Shapes that differ, complex or non-finite values, an empty mask.
    """
    reference, image, mask = _checked(reference, image, mask)
    difference = np.subtract(image, reference, dtype=np.float64)
    if mask is not None:
        difference = difference[mask]
    return math.sqrt(float(np.mean(np.square(difference, out=difference))))


def psnr(
    reference: np.ndarray,
    image: np.ndarray,
    data_range: float | None = None,
    mask: np.ndarray | None = None,
) -> float:
    """Peak signal-to-noise ratio, ``20 log10(data_range / rmse)``, in dB; infinite for equal images.

    Parameters
    ----------
    reference, image : arrays of one shape
    data_range : float, optional
        Peak-to-peak range of the signal. Default: maximum minus minimum of the reference, inside
        the mask. Give it when results are to be compared between crops.
    mask : array of the same shape, optional
        Only voxels where it is non-zero count.

    Raises
    ------
    InputError
        As for `rmse`, and a range that is not positive (a constant reference).
    """
    reference, image, mask = _checked(reference, image, mask)
    data_range = _range(reference, data_range, mask)
    error = rmse(reference, image, mask)
    return math.inf if error == 0.0 else 20.0 * math.log10(data_range / error)


def ssim(
    reference: np.ndarray,
    image: np.ndarray,
    data_range: float | None = None,
    mask: np.ndarray | None = None,
    *,
    sigma: float = 1.5,
    k1: float = 0.01,
    k2: float = 0.03,
) -> float:
    r"""Mean structural similarity with Gaussian windows [1]_, 1 for equal images.

    .. math::
        S = \frac{(2\mu_x\mu_y + C_1)(2\sigma_{xy} + C_2)}
                 {(\mu_x^2 + \mu_y^2 + C_1)(\sigma_x^2 + \sigma_y^2 + C_2)},
        \qquad C_n = (k_n\,\mathrm{range})^2

    The same number as scikit-image's ``structural_similarity`` with ``gaussian_weights=True``,
    ``use_sample_covariance=False``: population moments, windows cut at 3.5 sigma, the mean taken
    over the voxels whose whole window lies inside the image. Windows do not reach along axes
    shorter than themselves (11 voxels at sigma 1.5), so a single slice or a thin stack is compared
    slice by slice.

    Parameters
    ----------
    reference, image : arrays of one shape
    data_range : float, optional
        As for `psnr`.
    mask : array of the same shape, optional
        The map is averaged over the voxels where it is non-zero (and the whole window fits).
    sigma : float
        Width of the window in voxels.
    k1, k2 : float
        The stabilising constants of [1]_.

    Raises
    ------
    InputError
        As for `psnr`; an image smaller than one window; a mask with no voxel a window fits around.

    References
    ----------
    .. [1] Z. Wang, A. C. Bovik, H. R. Sheikh, E. P. Simoncelli, "Image quality assessment: from
       error visibility to structural similarity", IEEE Trans. Image Processing 13(4), 2004.
    """
    reference, image, mask = _checked(reference, image, mask)
    data_range = _range(reference, data_range, mask)
    if not sigma > 0:
        raise InputError(f"sigma: {sigma} is not a window width; give a positive number of voxels")
    radius = int(_TRUNCATE * sigma + 0.5)
    spread = [sigma if n >= 2 * radius + 1 else 0.0 for n in reference.shape]
    if not any(spread):
        raise InputError(
            f"image: shape {reference.shape} is smaller than one window of {2 * radius + 1}; "
            "compare larger images or give a smaller sigma"
        )
    similarity = _similarity_map(reference, image, spread, (k1 * data_range) ** 2, (k2 * data_range) ** 2)
    inner = tuple(
        slice(radius, n - radius) if s else slice(None) for n, s in zip(reference.shape, spread, strict=True)
    )
    similarity = similarity[inner]
    if mask is not None:
        similarity = similarity[mask[inner]]
        if similarity.size == 0:
            raise InputError(f"mask: no voxel is further than {radius} voxels from the edge; enlarge the mask")
    return float(np.mean(similarity))


def _similarity_map(x: np.ndarray, y: np.ndarray, sigma: list[float], c1: float, c2: float) -> np.ndarray:
    def mean(values: np.ndarray) -> np.ndarray:
        return ndimage.gaussian_filter(values, sigma, truncate=_TRUNCATE)

    x, y = x.astype(np.float64), y.astype(np.float64)
    mean_x, mean_y = mean(x), mean(y)
    covariance = mean(x * y) - mean_x * mean_y
    variances = mean(x * x) + mean(y * y) - mean_x**2 - mean_y**2
    similarity = (2 * mean_x * mean_y + c1) * (2 * covariance + c2)
    similarity /= (mean_x**2 + mean_y**2 + c1) * (variances + c2)
    return similarity


def _checked(
    reference: np.ndarray, image: np.ndarray, mask: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
    reference, image = np.asarray(reference), np.asarray(image)
    if reference.shape != image.shape:
        raise InputError(
            f"image: shape {image.shape} differs from the reference's {reference.shape}; resample one of them"
        )
    for name, values in (("reference", reference), ("image", image)):
        if np.iscomplexobj(values):
            raise InputError(f"{name}: complex values; compare magnitudes")
        if values.size == 0:
            raise InputError(f"{name}: shape {values.shape} holds no values")
        bad = values.size - np.count_nonzero(np.isfinite(values))
        if bad:
            raise InputError(f"{name}: {bad} values are not finite; replace them before comparing")
    if mask is None:
        return reference, image, None
    mask = np.asarray(mask)
    if mask.shape != reference.shape:
        raise InputError(f"mask: shape {mask.shape} differs from the images' {reference.shape}")
    mask = mask != 0
    if not mask.any():
        raise InputError("mask: no voxel is selected; give a mask that holds part of the images")
    return reference, image, mask


def _range(reference: np.ndarray, data_range: float | None, mask: np.ndarray | None) -> float:
    if data_range is None:
        values = reference if mask is None else reference[mask]
        data_range = float(values.max()) - float(values.min())
        if data_range == 0.0:
            raise InputError("data_range: the reference is constant; give the range its values could have")
    if not (data_range > 0 and math.isfinite(data_range)):
        raise InputError(f"data_range: {data_range} is not a positive number")
    return float(data_range)
