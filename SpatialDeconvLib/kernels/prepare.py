"""Kernels as somebody measured them, made fit for use: background, centre, size, edge, symmetry, sum.

One step after another, each with what it did in words and numbers. What is not asked for is what `Kernel.check`
proposes.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, overload

import numpy as np
from scipy import ndimage

from ..errors import InputError, check_choice, check_number, is_auto
from ..methods.choices import PREPARED_CENTRES, SYMMETRIES
from .centres import Centre, centre_of, centred
from .faults import border_of, cure_of, faults_of, strong_centroid
from .field import KernelField, kernel_of
from .kernel import Kernel, sizes_text
from .parametric import AnyKernel, ParametricKernel

#: Share of the weight that is kept of a kernel whose background was subtracted, where nobody says.
ENERGY = 0.999
# What stands out of a background's noise reaches so many standard deviations, as the mean of a voxel and its
# neighbours: of 1000 voxels of nothing but noise, one does.
_SEEN = 3.0
# What stands out and touches nothing else is noise where it has less than this share of the weight.
_SPECK = 0.01
# A peak that is not so many standard deviations high is the largest of many voxels of noise.
_PEAK = 5.0


@dataclass(frozen=True)
class Step:
    """One thing that was done to a kernel: its name, that of the argument that asks for it; words; numbers."""

    name: str
    text: str
    numbers: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Preparation:
    """What was done to a kernel.

    Attributes
    ----------
    before : Kernel
        As it was given.
    steps : tuple of Step
        In the order in which they were done; those that changed nothing are missing.
    """

    before: Kernel
    steps: tuple[Step, ...] = ()

    def lines(self) -> list[str]:
        """Return what was done, a line for each step."""
        return [step.text for step in self.steps] or ["nothing was to be done"]

    def record(self) -> list[dict[str, Any]]:
        """Return it as a kernel set file keeps it."""
        return [{"step": step.name, "text": step.text, **step.numbers} for step in self.steps]


@dataclass(frozen=True, eq=False, repr=False)
class PreparedKernel(Kernel):
    """A `Kernel` that carries what was done to it as `preparation`."""

    preparation: Preparation = field(repr=False, kw_only=True)


@dataclass(frozen=True, eq=False)
class PreparedField(KernelField):
    """A `KernelField` whose stored kernels are `PreparedKernel`."""

    @property
    def preparations(self) -> dict[Any, Preparation]:
        """What was done, by what each kernel belongs to."""
        pairs = zip(self.at, self.kernels, strict=True)
        return {at: kernel.preparation for at, kernel in pairs if isinstance(kernel, PreparedKernel)}

    def record(self) -> list[dict[str, Any]]:
        """Return what was done as a kernel set file keeps it."""
        return [{"at": at, "steps": done.record()} for at, done in self.preparations.items()]


@overload
def prepare_kernel(
    kernels: KernelField,
    *,
    background: float | str | None = ...,
    recentre: str | None = ...,
    energy: float | str | None = ...,
    symmetry: str | None = ...,
    taper: int | str | None = ...,
    normalize: bool = ...,
) -> PreparedField: ...
@overload
def prepare_kernel(
    kernels: Kernel | np.ndarray,
    *,
    background: float | str | None = ...,
    recentre: str | None = ...,
    energy: float | str | None = ...,
    symmetry: str | None = ...,
    taper: int | str | None = ...,
    normalize: bool = ...,
) -> PreparedKernel: ...
def prepare_kernel(
    kernels: KernelField | Kernel | np.ndarray,
    *,
    background: float | str | None = "auto",
    recentre: str | None = "auto",
    energy: float | str | None = "auto",
    symmetry: str | None = None,
    taper: int | str | None = "auto",
    normalize: bool = True,
) -> PreparedField | PreparedKernel:
    """Make measured kernels fit for use.

    In this order, each step only where it is asked for, or where "auto" finds it needed, as `Kernel.check` does:

    Parameters
    ----------
    kernels : Kernel, KernelField, or an array
        Of a field, every stored kernel by itself; those that are made from parameters stay as they are.
    background : float, "border", "auto" or None
        What is subtracted, in units of the values: a number, or the median of the outermost voxels, of the half of
        them that is farther from the peak. What does not stand out of the noise that the border shows (the mean of
        a voxel and its neighbours below 3 of its standard deviations; specks of less than 1 % of the weight), and
        what is negative, becomes 0.
    recentre : {"centroid", "peak", "auto", None}
        The new centre, to a fraction of a voxel; values stay where they are, because a kernel knows its centre
        (see `Kernel`). "centroid" is the mean place of the weight that reaches a quarter of the peak, "peak" the
        vertex of the parabola through the logarithms of the largest value and its neighbours (exact for a
        Gaussian).
    energy : float, "auto" or None
        Share of the weight, 0 to 1, that the box around the centre has that is kept; "auto" is 0.999 where a
        background was subtracted, and everything where none was.
    symmetry : {"point", "mirror", "radial", None}
        The mean of the kernel and its image in its centre; of all mirror images in the planes through its centre;
        or of rings around it, in mm, slice by slice.
    taper : int, "auto" or None
        Voxels at each end over which the kernel fades to 0, by a squared sine; half an axis at most.
    normalize : bool
        Scale to sum 1.

    Returns
    -------
    PreparedKernel or PreparedField
        With what was done, as ``.preparation`` of each kernel.

    Raises
    ------
    InputError
        If an argument is out of range, there is nothing but background, or nothing is left.

    Examples
    --------
    >>> import numpy as np
    >>> import SpatialDeconvLib as sd
    >>> psf = 100 + np.pad(7700 * sd.gaussian_kernel(1.5, ndim=2).values, 9)    # on a camera's offset
    >>> for line in sd.prepare_kernel(sd.Kernel(psf)).preparation.lines():
    ...     print(line)
    background of 100 subtracted, the border's median: 93% of the weight
    cropped from 31x31 to 11x11 voxels, which hold 0.9996 of the weight
    scaled to sum 1 from 7697
    """
    options = _Options(background, recentre, energy, symmetry, taper, normalize)
    if isinstance(kernels, KernelField):
        return _prepared_field(kernels, options)
    kernel = kernel_of(kernels)
    if isinstance(kernel, ParametricKernel):
        raise InputError(f"a {kernel.type} kernel is made from its parameters; only stored values are prepared")
    return _prepared(kernel, options)


@dataclass(frozen=True)
class _Options:
    """The arguments, checked."""

    background: float | str | None
    recentre: str | None
    energy: float | str | None
    symmetry: str | None
    taper: int | str | None
    normalize: bool

    def __post_init__(self) -> None:
        if isinstance(self.background, str):
            check_choice(self.background, ("auto", "border"), "background")
        elif self.background is not None:
            check_number(self.background, "background")
        if self.recentre is not None:
            check_choice(self.recentre, ("auto", *PREPARED_CENTRES), "recentre")
        if self.symmetry is not None:
            check_choice(self.symmetry, tuple(SYMMETRIES), "symmetry")
        if self.energy is not None and not is_auto(self.energy):
            share = check_number(self.energy, "energy", 0, "a share of the weight or 'auto'")
            if not 0 < share <= 1:
                raise InputError(
                    f"energy {self.energy!r} must be a share of the weight above 0, at most 1", "energy"
                )
        if self.taper is not None and not is_auto(self.taper):
            voxels = check_number(self.taper, "taper", 0, "a number of voxels or 'auto'")
            if voxels != int(voxels):
                raise InputError(f"taper {self.taper!r} must be a whole number of voxels", "taper")


def _prepared_field(keyed: KernelField, options: _Options) -> PreparedField:
    if not any(isinstance(kernel, Kernel) for kernel in keyed.kernels):
        raise InputError("all kernels are made from their parameters; only stored values are prepared")
    kernels: list[AnyKernel] = []
    for at, kernel in zip(keyed.at, keyed.kernels, strict=True):
        try:
            kernels.append(_prepared(kernel, options) if isinstance(kernel, Kernel) else kernel)
        except InputError as error:
            raise error.within("the kernel" if keyed.key == "uniform" else f"the kernel at {at}") from error
    kept = {f.name: getattr(keyed, f.name) for f in fields(KernelField)}
    return PreparedField(**{**kept, "kernels": tuple(kernels)})


def _prepared(kernel: Kernel, options: _Options) -> PreparedKernel:
    if kernel.looks_logarithmic:
        raise InputError("the values look like a logarithm: read the kernel with log=True before it is prepared")
    work = _Work(kernel)
    subtracted = work.subtract(options.background)
    work.recentre(options.recentre)
    taper = work.needed("taper") if is_auto(options.taper) else options.taper  # not for what is cropped on purpose
    work.crop((ENERGY if subtracted else None) if is_auto(options.energy) else options.energy)
    work.symmetrize(options.symmetry)
    work.fade(taper)
    if options.normalize:
        work.normalize()
    done = Preparation(kernel, tuple(work.steps))
    return PreparedKernel(
        work.values, kernel.spacing, kernel.name, None if work.steps else kernel.source, work.centre,
        kernel.in_voxels, preparation=done,
    )  # fmt: skip


class _Work:
    """A kernel on its way."""

    def __init__(self, kernel: Kernel):
        self.kernel = kernel
        self.values: np.ndarray = kernel.values
        self.centre: Centre = kernel.centre
        self.steps: list[Step] = []

    def needed(self, name: str) -> Any:
        """What `Kernel.check` would propose for an argument now."""
        return cure_of(faults_of(self.values, self.centre)).get(name)

    def _tell(self, name: str, text: str, **numbers: Any) -> None:
        self.steps.append(Step(name, text, numbers))

    def subtract(self, background: float | str | None) -> bool:
        """Subtract a background; return whether there was one."""
        if is_auto(background):
            background = self.needed("background")
        if background is None:
            return False
        border = border_of(self.values)
        if background == "border":
            if border is None:
                raise InputError(
                    f"a kernel of {_size(self.values)} voxels is too small to have a border; give the background "
                    "as a number",
                    "background",
                )
            level, origin = border.level, ", the border's median"
        else:
            level, origin = float(background), ""
        noise = 0.0 if border is None else border.noise
        left = _risen(self.values - level, noise)
        if not left.max() > _PEAK * noise:
            raise InputError(
                f"nothing is left above a background of {level:.4g}: the kernel is all background; check the "
                "file, or give a lower background",
                "background",
            )
        share = level * self.values.size / float(np.abs(self.values).sum())
        text = f"background of {level:.4g} subtracted{origin}: {abs(share):.0%} of the weight"
        if noise:
            text += f"; what does not rise above its noise of {noise:.3g} is 0"
        self._tell("background", text, level=level, share=share, noise=noise)
        self.values = left
        return True

    def recentre(self, word: str | None) -> None:
        if is_auto(word):
            word = self.needed("recentre")
        if word is None:
            return
        before = self.centre
        place = strong_centroid(self.values) if word == "centroid" else _peak_place(self.values)
        self.centre = centre_of(self.values, place)
        moved = [float(after - then) for after, then in zip(self.centre, before, strict=True)]
        if any(moved):
            text = f"centre moved from ({_places(before)}) to its {word}, ({_places(self.centre)})"
            self._tell("recentre", text, centre=list(self.centre), moved=moved)

    def crop(self, energy: float | str | None) -> None:
        if energy is None:
            return
        box = _box(self.values, self.centre, float(energy))
        kept = self.values[box]
        if kept.shape == self.values.shape:
            return
        share = float(kept.sum() / self.values.sum())
        text = f"cropped from {_size(self.values)} to {_size(kept)} voxels, which hold {share:.4g} of the weight"
        self._tell("energy", text, shape=list(kept.shape), share=share)
        self.centre = centre_of(kept, [c - side.start for c, side in zip(self.centre, box, strict=True)])
        self.values = kept

    def symmetrize(self, word: str | None) -> None:
        if word is None:
            return
        values = _about_middle(self.values, self.centre)
        if word == "point":
            found = 0.5 * (values + np.flip(values))
        elif word == "mirror":
            found = values
            for axis in range(values.ndim):
                found = 0.5 * (found + np.flip(found, axis))
        else:
            found = _ring_means(values, self.kernel.spacing)
        unit = float(np.abs(values).max())  # squares of very small values would vanish
        change = float(np.linalg.norm((found - values) / unit) / np.linalg.norm(values / unit))
        text = f"{SYMMETRIES[word]}: {change:.2g} of it (in squares' root) was not"
        self._tell("symmetry", text, symmetry=word, change=change)
        self.values = found
        self.centre = centre_of(found, "middle")

    def fade(self, taper: Any) -> None:
        if not taper:
            return
        values, widths = self.values, []
        for axis, n in enumerate(values.shape):
            width = min(int(taper), (n - 1) // 2)
            rising = np.sin(0.5 * np.pi * np.minimum(np.arange(n) / max(width, 1), 1.0)) ** 2
            if width:
                values = values * np.reshape(
                    rising * rising[::-1], [-1 if a == axis else 1 for a in range(values.ndim)]
                )
            widths.append(width)
        lost = 1.0 - float(np.abs(values).sum() / np.abs(self.values).sum())
        text = f"faded to 0 over {sizes_text(widths)} voxels at each end, which takes {lost:.1%} of the weight"
        self._tell("taper", text, voxels=widths, lost=lost)
        self.values = values

    def normalize(self) -> None:
        total = float(self.values.sum())
        self.values = Kernel(self.values, self.kernel.spacing, self.kernel.name).normalized().values
        if not math.isclose(total, 1.0, rel_tol=1e-9):
            self._tell("normalize", f"scaled to sum 1 from {total:.4g}", sum=total)


# ----------------------------------------------------------------------------------------------- helpers


def _risen(values: np.ndarray, noise: float) -> np.ndarray:
    """The values that stand out of noise, none of them negative."""
    positive = np.maximum(values, 0.0)
    if not noise:
        return positive
    size = [min(n, 3) for n in values.shape]
    mean = ndimage.uniform_filter(values, size, mode="nearest")
    seen = mean > _SEEN * noise / math.sqrt(math.prod(size))
    parts, count = ndimage.label(seen, ndimage.generate_binary_structure(values.ndim, values.ndim))
    weights = ndimage.sum_labels(positive, parts, np.arange(1, count + 1))
    part_of_it = np.concatenate([[False], weights >= _SPECK * weights.sum()])
    return np.where(part_of_it[parts], positive, 0.0)


def _peak_place(values: np.ndarray) -> list[float]:
    """The vertex of parabolas through the logarithms of the largest value and its neighbours."""
    place = [float(c) for c in centre_of(values, "peak")]
    largest = tuple(int(p) for p in place)
    if any(p != int(p) for p in place) or values[largest] < values.max():
        return place  # of several largest values, their middle
    for axis, n in enumerate(values.shape):
        at = largest[axis]
        if not 0 < at < n - 1:
            continue
        line = values[tuple(slice(None) if a == axis else p for a, p in enumerate(largest))]
        three = line[at - 1 : at + 2]
        if three.min() > 0:
            before, middle, after = np.log(three)
            bend = before - 2 * middle + after
            if bend < 0:  # else a plateau
                place[axis] += float((before - after) / (2 * bend))
    return place


def _box(values: np.ndarray, centre: Centre, energy: float) -> tuple[slice, ...]:
    """The box around the centre that holds the share of the weight; what is outside is shared by the axes."""
    least = 1.0 - (1.0 - energy) / values.ndim
    box = []
    for axis, place in enumerate(centre):
        profile = values.sum(axis=tuple(a for a in range(values.ndim) if a != axis))
        distance = np.abs(np.arange(profile.size) - place)
        order = np.argsort(distance, kind="stable")
        share = np.cumsum(profile[order]) / profile.sum()
        last = order[min(int(np.count_nonzero(share < least - 1e-12)), len(order) - 1)]
        inside = np.flatnonzero(distance <= distance[last] + 1e-9)
        box.append(slice(int(inside[0]), int(inside[-1]) + 1))
    return tuple(box)


def _about_middle(values: np.ndarray, centre: Centre) -> np.ndarray:
    """The kernel with its centre in the middle of the array: with zeros where that is enough."""
    if any(2 * place != int(2 * place) for place in centre):
        values = centred(values, centre)
        centre = tuple(n // 2 for n in values.shape)
    ends = [(n - 1, int(2 * place)) for n, place in zip(values.shape, centre, strict=True)]
    return np.pad(values, [(max(last - twice, 0), max(twice - last, 0)) for last, twice in ends])


def _ring_means(values: np.ndarray, spacing: tuple[float, ...]) -> np.ndarray:
    """Every slice as the means of rings about its middle, half a voxel wide, interpolated in between."""
    axes = [(np.arange(n) - (n - 1) / 2) * h for n, h in zip(values.shape[-2:], spacing[-2:], strict=True)]
    distance = np.hypot(axes[0][:, None], axes[1])
    ring = np.rint(distance / (0.5 * min(spacing[-2:]))).astype(int).ravel()
    count = np.bincount(ring)
    used = count > 0
    radius = np.bincount(ring, distance.ravel())[used] / count[used]
    found = np.empty(values.shape)
    for index in np.ndindex(values.shape[:-2]):
        means = np.bincount(ring, values[index].ravel())[used] / count[used]
        found[index] = np.interp(distance, radius, means)
        total = found[index].sum()
        if total:
            found[index] *= values[index].sum() / total
    return found


def _places(centre: Centre) -> str:
    return ", ".join(f"{place:.4g}" for place in centre)


def _size(values: np.ndarray) -> str:
    return "x".join(map(str, values.shape))
