"""The numbers of SimpleITK's six deconvolution filters, computed with scipy's real FFTs.

What is the same: the padding (`padding.pad_like_itk`), the circular arithmetic on the padded image, the
thresholds, the kernel rounded to the image's pixel type. What makes it fast: FFTs of real data, the image
transformed once for all kernels of one padded size, zeros of the padded kernel and voxels outside the
image left out, threads, and work in parts that stay in the cache. A multi-dimensional FFT is split into
two sweeps: over slabs of the first axis, in which the other axes are transformed and voxels are worked on,
and over blocks of the second axis, in which the first axis is transformed, there and back, and
frequencies are worked on. So an iteration goes four times through memory instead of some twenty.

ITK computes in double precision whatever the pixel type. So do the filters here that divide by the
kernel's spectrum, or rounding would be amplified by up to 1 / KernelZeroMagnitudeThreshold; only their
last transforms, and the filters that iterate on the image, use the image's own precision.

Sources: ITK's headers itkFFTConvolutionImageFilter, itk{Inverse,Tikhonov,Wiener,Landweber,
ProjectedLandweber,RichardsonLucy}DeconvolutionImageFilter and itkDivideOrZeroOutImageFilter (ITK 5.4).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from scipy import fft

from ..arrays.threads import Crew, Scratch
from ..arrays.watch import UNWATCHED, Watch
from ..errors import InputError, check_choice
from ..methods import registry as methods
from ..methods.choices import FIXED_BOUNDARIES
from .itk import landweber_step
from .padding import image_box, pad_like_itk, padded_shape

# ITK's thresholds.
_ZERO_MAGNITUDE = 1e-4  # |H| of the inverse filter, the denominator of Tikhonov's and Wiener's
_ZERO_DENOMINATOR = 1e-5  # the blurred estimate of Richardson-Lucy, in image units

_PART = 1 << 17  # numbers per part of a sweep: small enough for the cache, large enough for a call

Transfer = Callable[[np.ndarray, np.ndarray, "Scratch"], np.ndarray]


@dataclass(frozen=True)
class Asked:
    """What a filter is asked for: its kernel and numbers, and the planes of the result that are wanted."""

    kernel: np.ndarray
    iterations: int
    constant: float | None
    step: float  # of Landweber's iteration, in place of the constant
    noise: float
    planes: slice
    watch: Watch


class FFTFilters:
    """The six filters on one image; the same interface and the same numbers as `filters.itk.SimpleITKFilters`.

    Relative to the largest voxel of the result, the difference is below 1e-4 for float32 images and below
    1e-10 for float64 (`Testing/Python/test_fftfilters.py`).

    Parameters
    ----------
    image : ndarray, 2-D or 3-D, float32 or float64, finite
    boundary : {"edge", "zero", "periodic"}
        What the image is taken to be beyond its border (padding by half the kernel, then FFTs).
    workers : int, optional
        Threads; all that this process may use by default. Their number does not change the result.

    One object serves one run at a time.

    Raises
    ------
    InputError
        If `boundary` is unknown.
    """

    def __init__(self, image: np.ndarray, boundary: str = "edge", workers: int | None = None):
        check_choice(boundary, FIXED_BOUNDARIES, "boundary")
        self._dtype = np.dtype(np.float64 if image.dtype == np.float64 else np.float32)
        self._image = np.asarray(image, self._dtype)
        self._boundary = boundary
        self._crew = Crew(workers)
        self._watch = UNWATCHED
        self._padded_key: tuple | None = None
        self._padded = self._image
        self._image_spectrum: np.ndarray | None = None
        self._scratch = Scratch()

    def run(
        self,
        method: str,
        kernel: np.ndarray,
        *,
        iterations: int = 1,
        constant: float | None = None,
        noise: float = 0.0,
        planes: slice | None = None,
        watch: Watch | None = None,
    ) -> np.ndarray:
        """Deconvolve the image with one kernel.

        Parameters
        ----------
        method : str
            A method of strategy "blend" (`methods`).
        kernel : ndarray, dimension of the image
            Sums to 1; centre at ``n // 2``; may be larger than the image.
        iterations : int
            Of the iterative filters.
        constant : float, optional
            The filter's own constant (`methods.registry.Constant`); None keeps ITK's default, except for a step
            (`itk.landweber_step`).
        noise : float
            Standard deviation of the noise in image units (Wiener).
        planes : slice, optional
            The indices of the first axis whose result is wanted: the direct filters are quicker for fewer.
        watch : Watch, optional

        Returns
        -------
        ndarray, shape (but for `planes`) and dtype of the image

        Raises
        ------
        InputError
            If the method is unknown or the kernel has another number of dimensions than the image.
        Cancelled
            If `watch` says so; it is asked at every iteration.
        """
        spec = methods.method("blend", method)
        return spec.load()(self, self._asked(spec, kernel, iterations, constant, noise, planes, watch))

    def iterates(
        self, method: str, kernel: np.ndarray, counts: Iterable[int], *, watch: Watch | None = None
    ) -> Iterator[np.ndarray]:
        """Yield what `run` gives after so many iterations, for each of the counts, in one run of the iteration.

        Parameters
        ----------
        method : str
            A method that iterates.
        kernel : ndarray
        counts : iterable of int
            Rising.
        watch : Watch, optional
        """
        counts, spec = list(counts), methods.method("blend", method)
        asked = self._asked(spec, kernel, counts[-1], watch=watch)
        steps = self._STEPS.get(method)
        if steps is None:  # summed at the frequencies, however many there are
            yield from (spec.load()(self, replace(asked, iterations=count)) for count in counts)
            return
        for number, image in enumerate(steps(self, asked)):
            if number in counts:
                yield image.copy()

    def _asked(
        self,
        spec: methods.Method,
        kernel: np.ndarray,
        iterations: int,
        constant: float | None = None,
        noise: float = 0.0,
        planes: slice | None = None,
        watch: Watch | None = None,
    ) -> Asked:
        """Check what is asked for, and pad the image for it."""
        if kernel.ndim != self._image.ndim:
            raise InputError(
                f"the kernel has {kernel.ndim} dimensions, the image {self._image.ndim}; make them equal"
            )
        steps = spec.constant is not None and spec.constant.is_step
        step = landweber_step(kernel, constant) if steps else 0.0
        watch = (watch or UNWATCHED).under(spec.label)
        watch.step(0.0)
        self._watch = watch.quiet()
        kernel = kernel.astype(self._dtype)
        self._pad_for(kernel.shape)
        planes = slice(None) if planes is None else planes
        return Asked(kernel, int(iterations), constant, step, noise, planes, watch)

    # -- the filters, by the names that the registry of methods has

    def inverse(self, asked: Asked) -> np.ndarray:
        return self._filtered(asked, _inverse(_ZERO_MAGNITUDE if asked.constant is None else asked.constant))

    def tikhonov(self, asked: Asked) -> np.ndarray:
        return self._filtered(asked, _tikhonov(0.0 if asked.constant is None else asked.constant))

    def wiener(self, asked: Asked) -> np.ndarray:
        return self._filtered(asked, _wiener(asked.noise**2 * self._padded.size))

    def landweber(self, asked: Asked) -> np.ndarray:
        return self._filtered(asked, _landweber(asked.step, asked.iterations))

    def _filtered(self, asked: Asked, transfer: Transfer) -> np.ndarray:
        """A filter that multiplies the spectrum, frequency by frequency."""
        kernel, planes, watch = asked.kernel, asked.planes, asked.watch
        image = self._spectrum()
        watch.step(0.3)
        spectrum = self._kernel_spectrum(kernel)
        box = image_box(self._image.shape, kernel.shape)
        inner = (slice(None), *box[1:])
        half = self._scratch("half", image.shape, self._complex)  # kept for the next kernel
        wanted = half[box[0]][planes]
        result = np.empty((len(wanted), *self._image.shape[1:]), self._dtype)

        def frequencies(part: slice) -> None:
            response = transfer(image[:, part], spectrum(part), self._scratch)
            np.multiply(image[:, part], response, out=half[:, part], casting="same_kind")
            fft.ifft(half[:, part], axis=0, overwrite_x=True)

        def voxels(part: slice) -> None:
            result[part] = self._to_voxels(wanted[part])[inner]

        self._sweep(frequencies, image.shape, 1)
        watch.step(0.7)
        self._sweep(voxels, (result.shape[0], *half.shape[1:]), 0)
        watch.step(1.0)
        return result

    def richardson_lucy(self, asked: Asked) -> np.ndarray:
        return _last(self._lucy_steps(asked))[asked.planes].copy()

    def _lucy_steps(self, asked: Asked) -> Iterator[np.ndarray]:
        """x <- x * H^T(y / H x), the ratio taken as 0 where H x is below 1e-5, starting at y."""
        kernel, iterations, watch = asked.kernel, asked.iterations, asked.watch
        response = self._full_response(kernel)
        y, x = self._padded, self._padded.copy()
        box = image_box(self._image.shape, kernel.shape)
        half = np.empty(response.shape, self._complex)
        self._sweep(lambda part: self._from_voxels(x[part], half[part]), half.shape, 0)

        def blur(part: slice) -> None:
            _filter_columns(half[:, part], lambda s: np.multiply(s, response[:, part], out=s))

        def compare(part: slice) -> None:
            ratio = _divided_or_zero(y[part], self._to_voxels(half[part]))
            self._from_voxels(ratio, half[part])

        def blur_back(part: slice) -> None:
            h = response[:, part]
            conjugate = np.conjugate(h, out=self._scratch("conjugate", h.shape, h.dtype))
            _filter_columns(half[:, part], lambda s: np.multiply(s, conjugate, out=s))

        def correct(part: slice) -> None:
            x[part] *= self._to_voxels(half[part])
            self._from_voxels(x[part], half[part])

        yield x[box]
        for n in range(iterations):
            for work, axis in ((blur, 1), (compare, 0), (blur_back, 1), (correct, 0)):
                self._sweep(work, half.shape, axis)
            watch.step((n + 1) / iterations)
            yield x[box]

    def projected_landweber(self, asked: Asked) -> np.ndarray:
        return _last(self._projected_steps(asked))[asked.planes].copy()

    def _projected_steps(self, asked: Asked) -> Iterator[np.ndarray]:
        """x <- max(0, x + step H^T(y - H x)), starting at y."""
        kernel, iterations, step, watch = asked.kernel, asked.iterations, asked.step, asked.watch
        gradient = self._full_response(kernel)  # H, to become step H* Y
        damping = np.empty(gradient.shape, self._dtype)  # 1 - step |H|^2
        x = self._padded.copy()
        box = image_box(self._image.shape, kernel.shape)
        half = np.empty_like(gradient)

        def prepare(part: slice) -> None:
            _power(gradient[:, part], damping[:, part], self._scratch)
            damping[:, part] *= -step
            damping[:, part] += 1
            np.conjugate(gradient[:, part], out=gradient[:, part])
            gradient[:, part] *= step
            gradient[:, part] *= fft.fft(half[:, part], axis=0)

        def descend(spectrum: np.ndarray, part: slice) -> None:
            spectrum *= damping[:, part]
            spectrum += gradient[:, part]

        def project(part: slice) -> None:
            np.maximum(self._to_voxels(half[part]), 0, out=x[part])
            self._from_voxels(x[part], half[part])

        self._sweep(lambda part: self._from_voxels(x[part], half[part]), half.shape, 0)
        self._sweep(prepare, half.shape, 1)
        yield x[box]
        for n in range(iterations):
            self._sweep(lambda part: _filter_columns(half[:, part], lambda s: descend(s, part)), half.shape, 1)
            self._sweep(project, half.shape, 0)
            watch.step((n + 1) / iterations)
            yield x[box]

    #: The filters that go from image to image, by method.
    _STEPS: ClassVar = {"richardson-lucy": _lucy_steps, "projected-landweber": _projected_steps}

    # -- spectra: "half" is transformed on all axes but the first

    @property
    def _axes(self) -> tuple[int, ...]:
        return tuple(range(1, self._image.ndim))

    @property
    def _complex(self) -> np.dtype:
        return np.result_type(self._dtype, np.complex64)

    def _pad_for(self, kernel_shape: tuple[int, ...]) -> None:
        """Pad the image; kept for the next kernel, whose padded image is often the same."""
        key: tuple = padded_shape(self._image.shape, kernel_shape)
        if self._boundary == "periodic":  # padded in two steps, so the content depends on the kernel as well
            key = (key, tuple(m // 2 for m in kernel_shape))
        if key != self._padded_key:
            self._image_spectrum = None
            self._padded = pad_like_itk(self._image, kernel_shape, self._boundary)
            self._padded_key = key

    def _spectrum(self) -> np.ndarray:
        """FFT of the padded image in double precision, kept for the next kernel."""
        if self._image_spectrum is None:
            self._image_spectrum = fft.rfftn(self._padded.astype(np.float64), workers=self._crew.workers)
        return self._image_spectrum

    def _from_voxels(self, x: np.ndarray, half: np.ndarray) -> None:
        """half <- FFT of x on all axes but the first."""
        half[...] = fft.rfft(x, axis=-1)
        for axis in self._axes[:-1]:
            fft.fft(half, axis=axis, overwrite_x=True)

    def _to_voxels(self, half: np.ndarray) -> np.ndarray:
        """Inverse of `_from_voxels`; the spectrum is lost."""
        for axis in self._axes[:-1]:
            fft.ifft(half, axis=axis, overwrite_x=True)
        return fft.irfft(half, self._padded.shape[-1], axis=-1)

    def _kernel_rows(self, kernel: np.ndarray) -> np.ndarray:
        """FFT of the kernel, its centre at the origin, on all axes but the first; zero rows are left out."""
        rows = kernel.astype(np.float64)
        for axis in reversed(self._axes):
            padded = np.empty((*rows.shape[:axis], self._padded.shape[axis], *rows.shape[axis + 1 :]), rows.dtype)
            _centred(rows, axis, padded)
            transform = fft.rfft if axis == kernel.ndim - 1 else fft.fft
            rows = transform(padded, axis=axis, workers=self._crew.workers)
        return rows

    def _kernel_spectrum(self, kernel: np.ndarray) -> Callable[[slice], np.ndarray]:
        """The function that gives a block of the kernel's spectrum H, in double precision, to be overwritten.

        H is real when the kernel is its own mirror image, and then made in half the time.
        """
        rows, length = self._kernel_rows(kernel), self._padded.shape[0]
        if all(n % 2 for n in kernel.shape) and np.array_equal(kernel, np.flip(kernel)):
            return lambda part: fft.hfft(rows[len(rows) // 2 :, part], length, axis=0)

        def block(part: slice) -> np.ndarray:
            spectrum = self._scratch("kernel", (length, *rows[0, part].shape), rows.dtype)
            _centred(rows[:, part], 0, spectrum)
            return fft.fft(spectrum, axis=0, overwrite_x=True)

        return block

    def _full_response(self, kernel: np.ndarray) -> np.ndarray:
        spectrum = self._kernel_spectrum(kernel)
        *others, last = self._padded.shape
        response = np.empty((*others, last // 2 + 1), self._complex)

        def work(part: slice) -> None:
            response[:, part] = spectrum(part)

        self._sweep(work, response.shape, 1)
        return response

    def _sweep(self, work: Callable[[slice], None], shape: tuple[int, ...], axis: int) -> None:
        """Call `work` on parts of one axis, in parallel; each part has its own voxels or frequencies."""
        step = max(1, min(_PART * shape[axis] // math.prod(shape), -(-shape[axis] // self._crew.workers)))
        parts = [slice(start, start + step) for start in range(0, shape[axis], step)]
        self._crew(work, parts, self._watch.check)


# ---------------------------------------------------------------- transfer functions, block by block
#
# Each maker returns a function of the image's spectrum Y (complex128), the kernel's H (complex128 or float64)
# and scratch memory, that turns H into the filter's frequency response, the factor of Y.


def _inverse(threshold: float) -> Transfer:
    """1 / H where |H| reaches the threshold, else 0."""

    def transfer(y: np.ndarray, h: np.ndarray, scratch: Scratch) -> np.ndarray:
        magnitude = np.abs(h, out=scratch("magnitude", h.shape))
        zero = np.less(magnitude, threshold, out=scratch("zero", h.shape, np.bool_))
        np.copyto(h, 1, where=zero)
        np.divide(1, h, out=h)
        np.copyto(h, 0, where=zero)
        return h

    return transfer


def _tikhonov(constant: float) -> Transfer:
    """H* / (|H|^2 + constant), 0 where the denominator is below 1e-4."""

    def transfer(y: np.ndarray, h: np.ndarray, scratch: Scratch) -> np.ndarray:
        gain = _power(h, scratch("gain", h.shape), scratch)
        gain += constant
        with np.errstate(divide="ignore", over="ignore"):  # what is that small becomes 0
            np.divide(1, gain, out=gain)
        return _matched(h, gain)

    return transfer


def _wiener(noise_power: float) -> Transfer:
    """H* / (|H|^2 + Pn / (|Y|^2 - Pn)), 0 where the denominator is below 1e-4 or |Y|^2 is Pn."""

    def transfer(y: np.ndarray, h: np.ndarray, scratch: Scratch) -> np.ndarray:
        # 1 / denominator = S / (S |H|^2 + Pn), with S = |Y|^2 - Pn
        gain = _power(y, scratch("gain", h.shape), scratch)
        gain -= noise_power
        below = _power(h, scratch("below", h.shape), scratch)
        below *= gain
        below += noise_power
        with np.errstate(divide="ignore", invalid="ignore"):
            gain /= below
        return _matched(h, gain)

    return transfer


def _landweber(step: float, iterations: int) -> Transfer:
    """The n-th iterate of x <- x + step H*(Y - H x) from Y, over Y: 1 + step (H* - |H|^2) (1 + q + ... + q^(n-1)).

    q = 1 - step |H|^2. Nothing leaves the frequencies between the iterations, so they are summed there,
    by doubling: s(2m) = s(m) (1 + q^m), s(m + 1) = 1 + q s(m).
    """

    def transfer(y: np.ndarray, h: np.ndarray, scratch: Scratch) -> np.ndarray:
        power = _power(h, scratch("power", h.shape), scratch)
        np.conjugate(h, out=h)
        h -= power
        q = power
        q *= -step
        q += 1
        total, raised, square = (scratch(name, h.shape) for name in ("total", "raised", "square"))
        total[...] = 0
        raised[...] = 1
        for bit in f"{iterations:b}":
            np.multiply(total, raised, out=square)
            total += square
            raised *= raised
            if bit == "1":
                total *= q
                total += 1
                raised *= q
        total *= step
        h *= total
        h += 1
        return h

    return transfer


def _matched(h: np.ndarray, gain: np.ndarray) -> np.ndarray:
    """h <- h* gain, with no gain where its inverse is below ITK's threshold (or where it is NaN)."""
    most = 1 / _ZERO_MAGNITUDE
    if not (gain.min() >= -most and gain.max() <= most):
        np.copyto(gain, 0, where=~(np.abs(gain) <= most))
    np.conjugate(h, out=h)
    h *= gain
    return h


def _power(z: np.ndarray, out: np.ndarray, scratch: Scratch) -> np.ndarray:
    """out <- |z|^2, of complex or real numbers."""
    if np.isrealobj(z):
        return np.square(z, out=out)
    imaginary = np.square(z.imag, out=scratch("imaginary", z.shape, out.dtype))
    np.square(z.real, out=out)
    out += imaginary
    return out


# -------------------------------------------------------------------------------------------- helpers


def _last(iterates: Iterator[np.ndarray]) -> np.ndarray:
    for iterate in iterates:
        last = iterate
    return last


def _divided_or_zero(numerator: np.ndarray, denominator: np.ndarray) -> np.ndarray:
    """denominator <- numerator / denominator, or 0 where that is below ITK's threshold."""
    np.copyto(denominator, np.inf, where=denominator < _ZERO_DENOMINATOR)
    return np.divide(numerator, denominator, out=denominator)


def _filter_columns(half: np.ndarray, work: Callable[[np.ndarray], object]) -> None:
    """Transform a block on the first axis, change it in place with `work`, and transform it back."""
    fft.fft(half, axis=0, overwrite_x=True)
    work(half)
    fft.ifft(half, axis=0, overwrite_x=True)


def _centred(array: np.ndarray, axis: int, out: np.ndarray) -> None:
    """Zero-pad one axis to the size of `out`, index n // 2 moved to 0 and what lies before it to the end."""
    n = array.shape[axis]
    out[...] = 0
    source, target = np.moveaxis(array, axis, 0), np.moveaxis(out, axis, 0)
    target[: n - n // 2] = source[n // 2 :]
    target[target.shape[0] - n // 2 :] = source[: n // 2]
