"""SimpleITK's six deconvolution filters, one kernel at a time, with their traps handled.

What is fixed here, so that callers need not know it (SimpleITK 2.5, ITK 5.4):

* the kernel gets the image's pixel type and dimension, and is normalised by the caller, not by ITK;
* Wiener's ``NoiseVariance`` is compared with an unnormalised |FFT|^2, so it is sigma^2 times the number of
  voxels of the padded image;
* the output region is always SAME: three of the six filters silently ignore VALID;
* Landweber diverges for steps of 2 / max|H|^2 and above: refused, and 1 / max|H|^2 is the default;
* progress comes from the filter's own events, cancelling goes through its Abort, and the watch is asked twenty
  times a second in the caller's thread.
"""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass

import numpy as np
import scipy.fft
import SimpleITK as sitk

from ..errors import InputError
from ..watch import UNWATCHED, Watch
from .padding import padded_shape

_ASK_INTERVAL = 0.05  # seconds

BOUNDARIES = {
    "edge": sitk.InverseDeconvolutionImageFilter.ZERO_FLUX_NEUMANN_PAD,
    "zero": sitk.InverseDeconvolutionImageFilter.ZERO_PAD,
    "periodic": sitk.InverseDeconvolutionImageFilter.PERIODIC_PAD,
}


@dataclass(frozen=True)
class Method:
    """One of the six filters.

    Attributes
    ----------
    label, describe : str
        For people.
    itk : str
        Name of the SimpleITK filter class.
    iterations : int or None
        Default number of iterations; None for the direct filters.
    constant : str or None
        What `regularization` means for this filter, the name of ITK's setter without "Set".
    local : bool
        Whether a voxel of the result depends on its surroundings only, so that a part of the image with a
        margin gives the same result. Wiener weighs each frequency by the power of the whole image, and
        the inverse filter rings through all of it.
    nonnegative : bool
        Whether the filter takes the image, or its result, to be non-negative.
    """

    label: str
    describe: str
    itk: str
    iterations: int | None = None
    constant: str | None = None
    local: bool = True
    nonnegative: bool = False


METHODS: dict[str, Method] = {
    "inverse": Method(
        "Inverse",
        "Divides by the kernel's spectrum where that exceeds a threshold; fast, amplifies noise.",
        "InverseDeconvolutionImageFilter",
        constant="KernelZeroMagnitudeThreshold",
        local=False,
    ),
    "tikhonov": Method(
        "Tikhonov",
        "Inverse filter damped by a constant; fast and linear.",
        "TikhonovDeconvolutionImageFilter",
        constant="RegularizationConstant",
    ),
    "wiener": Method(
        "Wiener",
        "Weighs every frequency by its signal-to-noise ratio; fast, needs the noise level.",
        "WienerDeconvolutionImageFilter",
        local=False,
    ),
    "landweber": Method(
        "Landweber",
        "Gradient steps on the squared residual; stopping early regularises.",
        "LandweberDeconvolutionImageFilter",
        iterations=20,
        constant="Alpha",
    ),
    "projected-landweber": Method(
        "Projected Landweber",
        "Landweber steps, with negative values set to zero after each.",
        "ProjectedLandweberDeconvolutionImageFilter",
        iterations=20,
        constant="Alpha",
        nonnegative=True,
    ),
    "richardson-lucy": Method(
        "Richardson-Lucy",
        "Multiplicative steps for counts (Poisson noise); keeps the result positive.",
        "RichardsonLucyDeconvolutionImageFilter",
        iterations=10,
        nonnegative=True,
    ),
}


class SimpleITKFilters:
    """The six filters on one image.

    Parameters
    ----------
    image : ndarray, 2-D or 3-D, float32 or float64, finite
    boundary : {"edge", "zero", "periodic"}
        What the image is taken to be beyond its border (padding by half the kernel, then FFTs).
    """

    def __init__(self, image: np.ndarray, boundary: str = "edge"):
        self._pixel_type = sitk.sitkFloat64 if image.dtype == np.float64 else sitk.sitkFloat32
        self._dtype = np.float64 if image.dtype == np.float64 else np.float32
        self._shape = image.shape
        self._boundary = BOUNDARIES[boundary]
        self._image = sitk.GetImageFromArray(np.ascontiguousarray(image, dtype=self._dtype))

    def run(
        self,
        method: str,
        kernel: np.ndarray,
        *,
        iterations: int = 1,
        constant: float | None = None,
        noise: float = 0.0,
        watch: Watch | None = None,
    ) -> np.ndarray:
        """Deconvolve the image with one kernel.

        Parameters
        ----------
        method : str
            A name of `METHODS`.
        kernel : ndarray, dimension of the image
            Sums to 1; centre at ``n // 2``.
        iterations : int
            Of the iterative filters.
        constant : float, optional
            The filter's own constant (`Method.constant`); None keeps ITK's default, except for Landweber.
        noise : float
            Standard deviation of the noise in image units (Wiener).
        watch : Watch, optional
            Asked, and told the filter's own progress, twenty times a second.

        Returns
        -------
        ndarray, shape and dtype of the image

        Raises
        ------
        Cancelled
            If `watch` says so.
        """
        spec = METHODS[method]
        itk_filter = getattr(sitk, spec.itk)()
        itk_filter.SetNormalize(False)
        itk_filter.SetBoundaryCondition(self._boundary)
        itk_filter.SetOutputRegionMode(itk_filter.SAME)
        if spec.iterations is not None:
            itk_filter.SetNumberOfIterations(int(iterations))
        if spec.constant == "Alpha":
            constant = landweber_step(kernel, constant)
        if spec.constant and constant is not None:
            getattr(itk_filter, f"Set{spec.constant}")(float(constant))
        if method == "wiener":
            voxels = float(np.prod(padded_shape(self._shape, kernel.shape)))
            itk_filter.SetNoiseVariance(noise**2 * voxels)
        itk_kernel = sitk.Cast(sitk.GetImageFromArray(np.ascontiguousarray(kernel)), self._pixel_type)
        result = _execute(itk_filter, self._image, itk_kernel, spec.label, watch or UNWATCHED)
        return sitk.GetArrayFromImage(result)


def landweber_step(kernel: np.ndarray, step: float | None = None) -> float:
    """Return the step of Landweber's iteration: 1 / max|H|^2, or `step` when it is below 2 / max|H|^2.

    Raises
    ------
    InputError
        If the iteration would diverge.
    """
    # |H| of a non-negative kernel is largest at frequency 0; of others, on a grid fine enough to see it.
    if kernel.min() >= 0:
        bound = float(kernel.sum()) ** 2
    else:
        bound = float(np.abs(scipy.fft.rfftn(kernel, [2 * n for n in kernel.shape])).max()) ** 2
    if step is None:
        return 1.0 / bound
    if not 0 < step < 2.0 / bound:
        raise InputError(
            f"regularization {step:g} as Landweber's step must lie between 0 and {2.0 / bound:.4g} "
            "(2 / max|H|^2), or the iteration diverges; 'auto' takes half of that"
        )
    return step


def _execute(itk_filter, image, kernel, label: str, watch: Watch) -> sitk.Image:
    """Run an ITK filter in a thread of its own, and meanwhile ask the watch in this one.

    ITK's events come once an iteration or less: too rarely for a window that has to be repainted.
    """
    done, stop = [0.0], threading.Event()

    def on_progress() -> None:  # in the filter's thread
        done[0] = min(float(itk_filter.GetProgress()), 1.0)
        if stop.is_set():
            itk_filter.Abort()

    itk_filter.AddCommand(sitk.sitkProgressEvent, on_progress)
    try:
        with ThreadPoolExecutor(1) as pool:
            running = pool.submit(itk_filter.Execute, image, kernel)
            try:
                while True:
                    watch.step(done[0], label)
                    if wait([running], timeout=_ASK_INTERVAL).done:
                        break
            except BaseException:
                stop.set()
                raise
            result = running.result()
    except RuntimeError as error:
        if "memory" in str(error).lower() or "bad_alloc" in str(error):
            raise MemoryError(
                f"SimpleITK ran out of memory in the {label} filter; crop the image, or use engine 'fft'"
            ) from error
        raise
    finally:
        itk_filter.RemoveAllCommands()
    watch.tell(1.0, label)
    return result
