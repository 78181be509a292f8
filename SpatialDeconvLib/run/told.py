"""What a run says of kernels that it had to change, and of what was given and did nothing."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import DTypeLike

from ..arrays.boxes import slabs
from ..kernels.field import BoundField, KernelField
from ..kernels.kernel import Kernel, sizes_text
from ..kernels.parametric import AnyKernel
from ..texts import joined
from ..texts import mark as _

# A kernel whose largest weight leaves less to all others changes nothing that one could see: a Gaussian of a
# tenth of a voxel leaves 6e-7 on an axis.
_NOTHING = 1e-6


def told_of_kernels(
    field: KernelField,
    bound: BoundField,
    guide: np.ndarray,
    mask: np.ndarray | None,
    guided: bool,
    dtype: DTypeLike = np.float32,
    unit: float = 1.0,
) -> list[str]:
    """What to say of a run's kernels, and of keys that choose none of them.

    Parameters
    ----------
    field : KernelField
        As it was given.
    bound : BoundField
        The same on the image's grid.
    guide, mask : ndarray
        On that grid; the mask may be None.
    guided : bool
        Whether a guide was given.
    dtype : {float32, float64}
        Of the weights that the run works with.
    unit : float
        Of the guide's values and the levels, in the caller's.
    """
    told = [*_resampled(field, bound), *_narrow(field, bound), *_noted(field, bound)]
    if guided and field.key != "intensity":
        told.append(_("the guide was not used: the kernels are keyed by {key}").format(key=field.key))
    if field.key == "intensity":
        told.extend(_levels_elsewhere(field, guide, mask, unit))
    elif field.key == "position":
        told.extend(_positions_elsewhere(field, bound))
    else:
        told.extend(_used_nowhere(field, bound, mask, dtype))
    return told


def of_no_effect(bound: BoundField, mask: np.ndarray | None, dtype: DTypeLike = np.float32) -> bool:
    """Whether no kernel that is used at a voxel (where the mask is) blurs anything."""
    return all(_does_nothing(bound.kernel(k)) or not bound.uses(k, mask, dtype) for k in range(len(bound)))


def without_effect(same: bool, idle: bool) -> str:
    """Why a result has no residual that would tell anything: it is the image itself, or nothing blurs; else ""."""
    if same:
        return _("the result is the image itself: nothing was changed")
    if idle:
        return _("no kernel blurs the voxels that were worked on: there was no blur to undo")
    return ""


def unchanged(result: np.ndarray, image: np.ndarray, mask: np.ndarray | None) -> bool:
    """Whether a result is the image itself where the mask is; of an image of one value nobody knows."""
    low, high = _range(image, mask)
    if low == high:
        return False
    for slab in slabs(image.shape):
        same = result[slab] == image[slab]
        if not (same if mask is None else same | ~mask[slab]).all():
            return False
    return True


def _resampled(field: KernelField, bound: BoundField) -> list[str]:
    """One line on the kernels that were brought onto the image's voxels: from, to, sigma before and after."""
    told = []
    for number, (at, kernel) in enumerate(zip(field.at, field.kernels, strict=True)):
        sampled = bound.kernel(number)
        if not isinstance(kernel, Kernel) or kernel.in_voxels:
            continue
        spacing = sampled.spacing[-kernel.ndim :]
        own = kernel.spacing[-len(spacing) :]
        if np.allclose(own, spacing, rtol=1e-6, atol=0):
            continue
        text = _("{kernel} was resampled from voxels of {before} mm to {after} mm{widths}").format(
            kernel=_place(field, at), before=sizes_text(own), after=sizes_text(spacing),
            widths=_widths_told(kernel, sampled),
        )  # fmt: skip
        told.append(text)
    if not told:
        return []
    more = _("; so were {count} others").format(count=len(told) - 1) if len(told) > 1 else ""
    remedy = _(". Is the kernel's voxel size another, give it (--kernel-spacing, the spacing of a Kernel)")
    return [joined("", (told[0], more, remedy))]


def _widths_told(before: Kernel, after: Kernel) -> str:
    """The standard deviations of a kernel and of what it became, in mm and in the voxels of each."""
    widths, found = before.widths(), after.widths()
    if not (widths and found):
        return ""
    found = found[-before.ndim :]
    in_mm = [
        _rounded([n * h for n, h in zip(sizes, spacing, strict=True)])
        for sizes, spacing in ((widths, before.spacing), (found, after.spacing[-before.ndim :]))
    ]
    same = _(": sigma {before} mm is kept ({voxels} voxels are now {now})")
    other = _(": sigma {before} mm became {after} mm ({voxels} voxels are now {now})")
    values = {"before": in_mm[0], "after": in_mm[1], "voxels": _rounded(widths), "now": _rounded(found)}
    return (same if in_mm[0] == in_mm[1] else other).format(**values)


def _place(field: KernelField, at: object) -> str:
    """What messages call one of the kernels."""
    return _("the kernel") if field.key == "uniform" else _("the kernel at {at}").format(at=at)


def _rounded(sizes: Sequence[float]) -> str:
    return sizes_text([float(f"{size:.3g}") for size in sizes])


def _narrow(field: KernelField, bound: BoundField) -> list[str]:
    """One line on the kernels that are so much narrower than a voxel that they do nothing."""
    narrow = []
    for number, (at, kernel) in enumerate(zip(field.at, field.kernels, strict=True)):
        if not _is_meant_to_do_nothing(kernel) and _does_nothing(bound.kernel(number)):
            narrow.append((at, bound.kernel(number)))
    if not narrow:
        return []
    at, sampled = narrow[0]
    more = _(", and so do {count} others").format(count=len(narrow) - 1) if len(narrow) > 1 else ""
    text = _(
        "{kernel} ({name}) is far narrower than a voxel of {size} mm and changes nothing{more}; sizes of kernels "
        "and voxels are in mm"
    )
    size = sizes_text(sampled.spacing)
    return [text.format(kernel=_place(field, at), name=sampled.name, size=size, more=more)]


def _does_nothing(kernel: Kernel) -> bool:
    centre = kernel.values[kernel.centre_voxel]
    return kernel.centre == kernel.centre_voxel and bool(np.abs(kernel.values).sum() < centre * (1 + _NOTHING))


def _is_meant_to_do_nothing(kernel: AnyKernel) -> bool:
    if isinstance(kernel, Kernel):
        return np.count_nonzero(kernel.values) == 1
    return not any(kernel.lengths)


def _noted(field: KernelField, bound: BoundField) -> list[str]:
    """One line on what the kernels say of how they were made."""
    notes = [(at, joined("; ", bound.kernel(number).notes)) for number, at in enumerate(field.at)]
    notes = [(at, text) for at, text in notes if text]
    if not notes:
        return []
    more = _(" ({count} other kernels have such notes, too)").format(count=len(notes) - 1) if len(notes) > 1 else ""
    return [joined("", (_place(field, notes[0][0]), ": ", notes[0][1], more))]


def _levels_elsewhere(field: KernelField, guide: np.ndarray, mask: np.ndarray | None, unit: float) -> list[str]:
    low, high = (value * unit for value in _range(guide, mask))
    first, last = field.at[0] * unit, field.at[-1] * unit
    if first <= high and low <= last:
        return []
    if field.outside == "unchanged":
        used = _("nothing was filtered")
    elif len(field.at) > 1:
        used = _("only the kernel at {level:g} was used").format(level=last if low > last else first)
    else:
        return []
    levels = _("levels {first:g} ... {last:g}") if len(field.at) > 1 else _("level {first:g}")
    if low < high:
        text = _(
            "the values that choose, {low:g} ... {high:g}, all lie outside the {levels}: {used}; check their unit"
        )
    else:
        text = _("the values that choose, all {low:g}, lie outside the {levels}: {used}; check their unit")
    levels = levels.format(first=first, last=last)
    return [text.format(low=low + 0.0, high=high, levels=levels, used=used)]  # + 0: no -0


def _positions_elsewhere(field: KernelField, bound: BoundField) -> list[str]:
    ndim = len(bound.shape)
    points = np.array([position[-ndim:] for position in field.at], dtype=float)
    size = np.array(bound.shape) * bound.spacing
    if len(points) == 1 or ((points >= -size) & (points <= 2 * size)).all(axis=1).any():
        return []
    text = _(
        "the kernels' positions all lie far from the image, which is {size} mm large: they hardly differ in it; "
        "positions are in mm from its first voxel"
    )
    return [text.format(size=sizes_text(size))]


def _used_nowhere(field: KernelField, bound: BoundField, mask: np.ndarray | None, dtype: DTypeLike) -> list[str]:
    """One line on the regions and weights that no voxel has."""
    unused = [str(at) for k, at in enumerate(field.at) if not bound.uses(k, mask, dtype)]
    if not unused:
        return []
    shown: str = ", ".join(unused[:5])
    if len(unused) > 5:
        shown = _("{some} and {count} others").format(some=shown, count=len(unused) - 5)
    if field.key == "region":
        text = _("not used: the kernels at {shown}: no voxel that is worked on has their label")
    else:
        text = _("not used: the kernels at {shown}: their weight is 0 at every voxel that is worked on")
    return [text.format(shown=shown)]


def _range(values: np.ndarray, mask: np.ndarray | None) -> tuple[float, float]:
    """The least and the largest value where the mask is."""
    if mask is None:
        return float(values.min()), float(values.max())
    parts = [values[slab][mask[slab]] for slab in slabs(values.shape)]
    parts = [part for part in parts if part.size]
    return min(float(part.min()) for part in parts), max(float(part.max()) for part in parts)
