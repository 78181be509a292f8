"""Means of regions without what the blur carries from one into another: the geometric transfer matrix.

With p_s the indicator of region s and A the blur, a region holds on average m_r = sum_s G_rs t_s, where G_rs is the
mean over region r of A p_s and t_s the value of region s, taken to be the same everywhere in it. The means are
t = G^-1 m (Rousset, Ma and Evans 1998, J Nucl Med 39:904). A is the spatially variant blur, so every region may
have a kernel of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from ..arrays.csvtext import csv_text
from ..arrays.watch import Watch
from ..blur.operator import SpatiallyVariantBlur
from ..errors import InputError
from ..kernels.field import KernelField
from ..noise import NoiseLaw
from ..texts import mark as _
from .job import Job
from .settings import DeconvolveSettings

#: Condition of G beyond which regions cannot be told apart: rounding alone would spoil the means.
_SINGULAR = 1e5
#: The residual up to which one value per region is said to explain the image, as for results of right kernels.
_UNIFORM = 1.1


@dataclass(frozen=True)
class RegionMean:
    """The mean of one region.

    Attributes
    ----------
    part : str
        The channel or the frame; "" of a single image.
    label : int
        Its value in the label map.
    name : str
        Of the segment; "" where it has none.
    voxels : int
    measured : float
        Mean of the blurred image there, in image units.
    mean : float
        Mean without the blur.
    uncertainty : float
        Standard deviation of `mean` by the law of the noise, independent from voxel to voxel. What is wrong with
        kernels and regions is not in it.
    """

    part: str
    label: int
    name: str
    voxels: int
    measured: float
    mean: float
    uncertainty: float


def refuse_without_regions(field: KernelField) -> None:
    """Refuse region means of kernels that have nothing to do with regions.

    Raises
    ------
    InputError
    """
    if field.key != "region":
        raise InputError(
            f"region_means needs kernels keyed by region; these are keyed by {field.key}",
            "region_means",
        )


def region_means(job: Job[DeconvolveSettings], law: NoiseLaw) -> tuple[RegionMean, ...]:
    """Return the means of all regions of the label map, whatever the mask, in the order of their labels.

    Memory: four volumes besides those of one product with A. Time: a product for every region.

    Raises
    ------
    InputError
        If regions cannot be told apart at the width of the kernels.
    """
    labels = np.asarray(job.bound.field.labels).reshape(job.image.shape)
    values, place, counts = np.unique(labels, return_inverse=True, return_counts=True)
    place = place.reshape(labels.shape)
    operator = job.operator()
    transfer = _transfer(operator, place, counts, job.watch)
    _refuse_singular(transfer, values)
    measured = _means(job.image, place, counts)
    means = np.linalg.solve(transfer, measured)
    seen = operator.forward(operator.extend(means[place]), job.watch.quiet())
    _warn_of_misfit(job, law, seen)
    variances = _means(law.variance(seen), place, counts) / counts
    inverse = np.linalg.inv(transfer)
    uncertainties = np.sqrt(np.square(inverse) @ variances)
    names = {value: name for name, value in (job.bound.field.label_names or {}).items()}
    outward = (job.outward(numbers).tolist() for numbers in (measured, means, uncertainties))
    return tuple(
        RegionMean("", int(value), names.get(value, ""), int(count), *numbers)
        for value, count, *numbers in zip(values.tolist(), counts, *outward, strict=True)
    )


def _transfer(operator: SpatiallyVariantBlur, place: np.ndarray, counts: np.ndarray, watch: Watch) -> np.ndarray:
    """G: a column for every region, of what the others hold of it."""
    columns = [
        _means(operator.forward(operator.extend(place == s), part.quiet()), place, counts)
        for s, part in watch.parts(range(len(counts)), _("region"))
    ]
    return np.stack(columns, axis=1)


def _means(image: np.ndarray, place: np.ndarray, counts: np.ndarray) -> np.ndarray:
    return np.bincount(place.ravel(), image.ravel(), len(counts)) / counts


def _refuse_singular(transfer: np.ndarray, labels: np.ndarray) -> None:
    condition = np.linalg.cond(transfer)
    if not condition <= _SINGULAR:
        weakest = labels[np.abs(np.linalg.svd(transfer)[2][-1]).argsort()[-2:]]
        alike = ", ".join(f"{label:g}" for label in np.sort(weakest))
        raise InputError(
            f"the regions {alike} cannot be told apart at the width of the kernels (condition {condition:.1e}); "
            "join them, or leave region_means out",
            "region_means",
        )


def _warn_of_misfit(job: Job[DeconvolveSettings], law: NoiseLaw, seen: np.ndarray) -> None:
    expected = law.power(seen)
    if not expected > 0:
        return
    misfit = float(np.sqrt(np.sum(np.square(seen - job.image), dtype=np.float64) / expected))
    if misfit > _UNIFORM:
        job.warnings.append(
            _(
                "one value per region, blurred, differs from the image by {misfit:.3g} times the noise: the "
                "regions are not uniform, or kernels or regions do not fit; the uncertainties of their means are "
                "too small"
            ).format(misfit=misfit)
        )


# ------------------------------------------------------------------------------------------- as tables


def of_part(means: Sequence[RegionMean], part: str) -> tuple[RegionMean, ...]:
    """Return the means of a channel or a frame, with its name."""
    return tuple(replace(mean, part=", ".join(filter(None, (part, mean.part)))) for mean in means)


def columns_of(means: Sequence[RegionMean]) -> dict[str, list[Any]]:
    """Return the means as columns by name; part and name are left out where nothing has one."""
    names = [field.name for field in fields(RegionMean)]
    columns = {name: [getattr(mean, name) for mean in means] for name in names}
    return {name: column for name, column in columns.items() if any(cell != "" for cell in column)}


def csv_of(means: Sequence[RegionMean]) -> str:
    """Return the means as a table of comma-separated values, with a line of headings."""
    columns = columns_of(means)
    return csv_text(list(columns), ({name: getattr(mean, name) for name in columns} for mean in means))
