"""Where a kernel's centre lies, and kernels moved so that it is index n // 2, where everything downstream has it.

The centre is the place of the array that stands for zero displacement. It need not be a voxel: a blur that is
sampled on an even number of voxels has its middle, (n - 1) / 2, between two of them. Taken by index n // 2, as ITK
takes it, such a kernel moves every result by half a voxel.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, TypeGuard

import numpy as np

from ..errors import InputError
from ..methods.choices import CENTRES

Centre = tuple[float, ...]
#: A word of `methods.choices.CENTRES` or an index, one for all axes or one per axis.
GivenCentre = str | float | Sequence[str | float]

#: Voxels by which a kernel that is moved by half a voxel may grow at either end, besides the one for the odd size.
#: With 12, Wiener, which sees more padding, comes out up to 0.5 dB further from the odd sampling of the same blur;
#: of the others a direct filter comes nearer now and then, the iterative ones are the same
#: (Testing/Benchmarks/bench_centre.py --only restore --reach 12).
REACH = 4
#: Share of a kernel's weight, in absolute values, that may be left out at its ends; and up to which negative lobes
#: are left out that come of nothing negative.
NEGLIGIBLE_WEIGHT = 1e-3
# Displacements below are none (voxels).
_NEGLIGIBLE_SHIFT = 1e-3
# Symmetry is judged where kernel or mirror image reach this share of the peak: where noise counts little, and a
# faint tail to one side does not move the middle of the blur.
_STRONG = 0.25
# Two mirror images may differ by so much, in squares: 14 % of what they are. Symmetric kernels with noise of 3 % of
# the peak pass (Testing/Python/test_centre.py), two voxels of 45 and 55 % do not.
_ASYMMETRY = 0.01
# A wide kernel about n // 2 is nearly symmetric about the middle, too: then the middle must not be the worse one,
# by more than noise may do. What is less than rounding to 8 bits is no difference.
_WORSE = 2.0
_ROUNDING = 1e-4


def centre_of(values: np.ndarray, given: GivenCentre = "auto", name: str = "centre") -> Centre:
    """Return the centre of a kernel as an index on every axis; whole numbers are ints.

    Parameters
    ----------
    values : ndarray
    given : str or float, or one per axis
    name : str
        What messages call `given`.

    Raises
    ------
    InputError
        If a word is unknown, an index lies outside or there is no centroid.
    """
    words = list(given) if one_per_axis(given) else [given] * values.ndim
    if len(words) != values.ndim:
        raise InputError(f"{name} {given!r} has {len(words)} values, the kernel {values.ndim} axes; give one each")
    symmetric = _symmetric_axes(values) if "auto" in words else ()
    centre: list[float] = []
    for axis, (word, n) in enumerate(zip(words, values.shape, strict=True)):
        if word == "auto":
            word = "middle" if axis in symmetric else "itk"
        if word == "middle":
            place = (n - 1) / 2
        elif word == "itk":
            place = n // 2
        elif word == "peak":
            place = _peak(values, axis)
        elif word == "centroid":
            place = _centroid(values, axis, name)
        else:
            place = _index(word, n, name)
        halves = round(2 * place)
        if abs(2 * place - halves) > 1e-9:  # rounding
            centre.append(float(place))
        else:
            centre.append(halves / 2 if halves % 2 else halves // 2)
    return tuple(centre)


def one_per_axis(given: GivenCentre) -> TypeGuard[Sequence[str | float]]:
    """Whether a centre is given for every axis apart; else one holds for all."""
    return isinstance(given, list | tuple | np.ndarray)


def centre_words(shape: Sequence[int], centre: Centre) -> str | list[str | float] | None:
    """Return what gives this centre whatever the values are: words and indices, one for all axes alike.

    None where there is nothing to say: the middle voxel of odd axes.
    """
    words: list[str | float] = []
    for n, place in zip(shape, centre, strict=True):
        words.append("middle" if place == (n - 1) / 2 else "itk" if place == n // 2 else place)
    if all(n % 2 and word == "middle" for n, word in zip(shape, words, strict=True)):
        return None
    kinds = {word for n, word in zip(shape, words, strict=True) if n % 2 == 0 or word != "middle"}
    word = kinds.pop()
    return word if not kinds and isinstance(word, str) else words


def centred(values: np.ndarray, centre: Centre) -> np.ndarray:
    """Return the kernel with its centre at index n // 2 on every axis: itself where it is there already.

    Whole voxels are moved by zeros at one end. A fraction of a voxel is a phase in the kernel's spectrum,
    exp(2 pi i f c): values between the samples, of the function that has no higher frequencies than they have
    (Whittaker-Shannon). It reaches beyond the kernel's ends where the blur is not smooth; there it fades to 0
    within `REACH` voxels, or ends where less than `NEGLIGIBLE_WEIGHT` is left, but not before the next odd size.
    Negative lobes of less than that are left out where the kernel has no negative values. The sum is kept.

    The blur of a picture whose spectrum falls as 1/f differs from that with the exact phase by less than 1e-6 of it
    for a Gaussian of sigma 1.5 voxels, 4e-4 for sigma 0.8, and 2e-3 for a mean of 2 voxels
    (`Testing/Python/test_centre.py`); nearly all of it lies near the highest frequency, where such kernels are 0.
    """
    found = values
    for axis, place in enumerate(centre):
        if place != values.shape[axis] // 2:
            found = _moved(found, axis, place)
    if found is values:
        return values
    if values.min() >= 0:
        lobes = float(-found[found < 0].sum())
        if lobes <= NEGLIGIBLE_WEIGHT * float(values.sum()):  # methods that need no negative weight find none
            found = np.maximum(found, 0.0)
    middle = all(place == (n - 1) / 2 for place, n in zip(centre, values.shape, strict=True))
    if middle and np.array_equal(values, np.flip(values)):
        found = 0.5 * (found + np.flip(found))  # to the last bit, so that its spectrum is real
    size = np.abs(found)
    return found + size * ((values.sum() - found.sum()) / size.sum())


def _moved(values: np.ndarray, axis: int, place: float) -> np.ndarray:
    """The kernel on an odd number of voxels along one axis, with `place` in their middle."""
    n = values.shape[axis]
    middle = math.floor(place + 0.5)
    before = max(middle, n - 1 - middle)
    if abs(place - middle) < _NEGLIGIBLE_SHIFT:
        pads = [(0, 0)] * values.ndim
        pads[axis] = (before - middle, before - (n - 1 - middle))
        return np.pad(values, pads)
    reach = before + REACH
    at = np.arange(-reach, reach + 1) + place  # where the new voxels lie between the old ones
    beyond = np.maximum(np.maximum(-at, at - (n - 1)), 0.0) / (REACH + 1)
    fading = np.where(beyond < 0.5, 1.0, np.cos(np.pi * (beyond.clip(0.5, 1.0) - 0.5)) ** 2)
    matrix = np.sinc(at[:, None] - np.arange(n)) * fading[:, None]
    # Not through BLAS, whose last digits depend on the number of threads.
    found = np.moveaxis(np.einsum("ij,j...->i...", matrix, np.moveaxis(values, axis, 0)), 0, axis)
    profile = np.abs(found).sum(axis=tuple(a for a in range(values.ndim) if a != axis))
    outer = np.cumsum(profile + profile[::-1])[:REACH]  # weight of so many voxels at both ends
    cut = int(np.count_nonzero(outer <= NEGLIGIBLE_WEIGHT * profile.sum()))
    return found[(slice(None),) * axis + (slice(cut, found.shape[axis] - cut),)]


# ----------------------------------------------------------------------------------------- single centres


def _symmetric_axes(values: np.ndarray) -> tuple[int, ...]:
    """The axes of even size on which the kernel is symmetric about its middle, to rounding, or to noise.

    Either the kernel is its own image in the middle as a point, or in the plane through the middle of one axis.
    """
    even = tuple(axis for axis, n in enumerate(values.shape) if n % 2 == 0)
    if not even:
        return ()
    values = values / np.abs(values).max()  # squares neither vanish nor overflow
    if _is_symmetric(values, tuple(range(values.ndim)), even):
        return even
    return tuple(axis for axis in even if _is_symmetric(values, (axis,), (axis,)))


def _is_symmetric(values: np.ndarray, axes: tuple[int, ...], even: tuple[int, ...]) -> bool:
    asymmetry = _difference(values, np.flip(values, axes))
    if not _ROUNDING < asymmetry <= _ASYMMETRY:
        return asymmetry <= _ROUNDING
    about_voxel = values[tuple(slice(axis in even, None) for axis in range(values.ndim))]  # n // 2 is its middle
    return asymmetry <= _WORSE * _difference(about_voxel, np.flip(about_voxel, axes))


def _difference(a: np.ndarray, b: np.ndarray) -> float:
    """|a - b|^2 / (|a|^2 + |b|^2) over what is strong in either."""
    sizes = np.maximum(np.abs(a), np.abs(b))
    strong = sizes >= _STRONG * sizes.max()
    a, b = a[strong], b[strong]
    return float(np.square(a - b).sum() / (np.square(a).sum() + np.square(b).sum()))


def _peak(values: np.ndarray, axis: int) -> float:
    """The middle of the largest values."""
    sizes = np.abs(values)  # the peak of a Laplace kernel is its negative centre
    largest = np.argwhere(sizes >= sizes.max() * (1 - 1e-6))  # a plateau is flat to rounding only
    return float(largest[:, axis].mean())


def _centroid(values: np.ndarray, axis: int, name: str) -> float:
    profile = values.sum(axis=tuple(a for a in range(values.ndim) if a != axis))
    total = float(profile.sum())
    place = float(profile @ np.arange(profile.size)) / total if total else math.inf
    if not 0 <= place <= profile.size - 1:
        raise InputError(f"{name} 'centroid': the kernel, of sum {total:.6g}, has none inside; give another")
    return place


def _index(given: Any, n: int, name: str) -> float:
    try:
        place = math.nan if isinstance(given, (str, bool)) else float(given)
    except (TypeError, ValueError, OverflowError):
        place = math.nan
    if not 0 <= place <= n - 1:
        raise InputError(
            f"{name} {given!r} is none; choose one of {', '.join(CENTRES)}, or an index from 0 to {n - 1}, one for "
            "all axes or one per axis"
        )
    return place
