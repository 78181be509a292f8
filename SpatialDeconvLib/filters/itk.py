"""SimpleITK's six deconvolution filters, one kernel at a time, with their traps handled.

What is fixed here, so that callers need not know it (SimpleITK 2.5, ITK 5.4):

* the kernel gets the image's pixel type and dimension, and is normalised by the caller, not by ITK;
* Wiener's ``NoiseVariance`` is compared with an unnormalised |FFT|^2, so it is sigma^2 times the number of
  voxels of the padded image;
* the output region is always SAME: three of the six filters silently ignore VALID;
* Landweber diverges for steps of 2 / max|H|^2 and above: refused, and 1 / max|H|^2 is the default;
* progress comes from the filter's own events, cancelling goes through its Abort and waits for no event, and the
  watch is asked twenty times a second in the caller's thread.
"""

from __future__ import annotations

import threading
from concurrent.futures import Future, ThreadPoolExecutor, wait

import numpy as np
import scipy.fft
import SimpleITK as sitk

from ..arrays.watch import UNWATCHED, Watch
from ..errors import InputError
from ..methods import registry as methods
from ..methods.registry import FILTER_STEP
from .padding import padded_shape

_ASK_INTERVAL = 0.05  # seconds

# Filters that were told to stop and have not ended yet.
_left: set[Future] = set()

#: ITK's names for what lies beyond the border.
_CONDITIONS = {
    "edge": sitk.InverseDeconvolutionImageFilter.ZERO_FLUX_NEUMANN_PAD,
    "zero": sitk.InverseDeconvolutionImageFilter.ZERO_PAD,
    "periodic": sitk.InverseDeconvolutionImageFilter.PERIODIC_PAD,
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
        self._boundary = _CONDITIONS[boundary]
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
            A method of strategy "blend" (`methods`).
        kernel : ndarray, dimension of the image
            Sums to 1; centre at ``n // 2``. Others are moved before (`kernels.centres.centred`, which says how
            exactly).
        iterations : int
            Of the iterative filters.
        constant : float, optional
            The filter's own constant (`methods.registry.Constant`); None keeps ITK's default, except for a step.
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
        spec = methods.method("blend", method)
        itk_filter = getattr(sitk, spec.itk)()
        itk_filter.SetNormalize(False)
        itk_filter.SetBoundaryCondition(self._boundary)
        itk_filter.SetOutputRegionMode(itk_filter.SAME)
        if spec.iterates:
            itk_filter.SetNumberOfIterations(int(iterations))
        if spec.constant is not None and spec.constant.is_step:
            constant = landweber_step(kernel, constant)
        if spec.constant is not None and constant is not None:
            getattr(itk_filter, f"Set{spec.constant.itk}")(float(constant))
        if spec.tuned == "noise":
            voxels = float(np.prod(padded_shape(self._shape, kernel.shape)))
            itk_filter.SetNoiseVariance(noise**2 * voxels)
        itk_kernel = sitk.Cast(sitk.GetImageFromArray(np.ascontiguousarray(kernel)), self._pixel_type)
        result = _execute(itk_filter, self._image, itk_kernel, spec.label, watch or UNWATCHED)
        return sitk.GetArrayFromImage(result)


def landweber_step(kernel: np.ndarray, step: float | None = None) -> float:
    """Return the step of Landweber's iteration: 1 / max|H|^2, or `step` where the iteration converges with it.

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
    most = FILTER_STEP.most / bound
    if not 0 < step < most:
        raise InputError(
            f"regularization {step:g} as Landweber's step must lie between 0 and {most:.4g} "
            f"({FILTER_STEP.most:g} / max|H|^2), or the iteration diverges; 'auto' takes half of that"
        )
    return step


def _execute(
    itk_filter: sitk.ImageFilter, image: sitk.Image, kernel: sitk.Image, label: str, watch: Watch
) -> sitk.Image:
    """Run an ITK filter in a thread of its own, and meanwhile ask the watch in this one.

    ITK's events come once an iteration or less: too rarely for a window that has to be repainted, or for somebody
    who has cancelled. So a filter that is to stop is left alone; it ends at its next event, and the next one waits
    for it.
    """
    done, stop = [0.0], threading.Event()

    def on_progress() -> None:  # in the filter's thread
        done[0] = min(float(itk_filter.GetProgress()), 1.0)
        if stop.is_set():
            itk_filter.Abort()

    while _left:  # or there would be the memory of two
        watch.step(0.0, label)
        _left.difference_update(wait(_left, timeout=_ASK_INTERVAL).done)
    itk_filter.AddCommand(sitk.sitkProgressEvent, on_progress)
    pool = ThreadPoolExecutor(1)
    running = pool.submit(itk_filter.Execute, image, kernel)
    running.add_done_callback(lambda _: itk_filter.RemoveAllCommands())
    pool.shutdown(wait=False)
    try:
        while True:
            watch.step(done[0], label)
            if wait([running], timeout=_ASK_INTERVAL).done:
                break
        result = running.result()
    except RuntimeError as error:
        if "memory" in str(error).lower() or "bad_alloc" in str(error):
            raise MemoryError(
                f"SimpleITK ran out of memory in the {label} filter; crop the image, or use engine 'fft'"
            ) from error
        raise
    finally:
        if not running.done():
            stop.set()
            _left.add(running)
    watch.tell(1.0, label)
    return result
