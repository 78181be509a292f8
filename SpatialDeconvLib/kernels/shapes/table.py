"""Kernels from a table of distances and densities, as Monte Carlo programs and measurements give them."""

from __future__ import annotations

import os
from collections.abc import Sequence

import numpy as np

from ...arrays.reading import given_path
from ...arrays.spacing import Spacing, numbers_in, spacing_tuple
from ...errors import InputError
from ...formats.tables import read_table
from ...texts import mark as _
from ..kernel import Kernel, refuse_huge
from .arguments import radii_of, resolve_ndim
from .quadrature import radial_integrals, working_bytes

# A table that ends above this part of its largest density goes on farther than it says.
_ENDS = 0.01
_NODES = 4  # per axis of a voxel: densities have corners at the table's distances


def radial_kernel(
    r: Sequence[float], density: Sequence[float], spacing: Spacing = 1.0, *, ndim: int | None = None
) -> Kernel:
    """Kernel whose density at a distance is read from a table; each weight is the integral over the voxel, sum 1.

    Between two distances the density is linear; nearer than the first it is that of the first, and farther than the
    last it is 0.

    Parameters
    ----------
    r : sequence of float, at least 2
        Distances from the centre in mm, not negative, increasing.
    density : sequence of float, as many
        Weight per area (2-D) or volume (3-D) at these distances, in any unit: values of the kernel, not what lies
        within rings.
    spacing : float or sequence of float
        Voxel size in mm.
    ndim : int, optional
        2 or 3; taken from `spacing` when it is a sequence, else 3.

    Raises
    ------
    InputError
        If the table is none, or its weights sum to nothing.
    """
    distances, values = _checked(r, density)
    ndim = resolve_ndim(ndim, spacing)
    spacings = spacing_tuple(spacing, ndim)
    last = float(distances[-1])
    radii = radii_of((last,) * ndim, spacings)
    name = f"table to {last:g} mm"
    # In units of the last distance. Of a voxel that is larger than the table, the rest is 0.
    places, sizes = distances / last, [min(h / last, 2.0) for h in spacings]
    scale = max(float(np.diff(places).min()), 0.01)
    working = working_bytes(radii, sizes, scale, _NODES)
    refuse_huge([2 * n + 1 for n in radii], f"a {name}", spacings, working)
    weights = radial_integrals(lambda x: np.interp(x, places, values, right=0.0), radii, sizes, scale, _NODES)
    total = float(weights.sum())
    if total <= 1e-12 * float(np.abs(weights).sum()):
        raise InputError("the densities of the table sum to nothing; give some that are greater than 0")
    source = {"type": "radial", "r_mm": distances.tolist(), "density": values.tolist()}
    end = abs(float(values[-1])) / float(np.abs(values).max())
    ends = _("its table ends at {last:g} mm with {share:.0%} of the largest density; beyond, it is taken to be 0")
    notes = () if end <= _ENDS else (ends.format(last=last, share=end),)
    return Kernel(weights / total, spacings, name, source, notes=notes)


def _checked(r: Sequence[float], density: Sequence[float]) -> tuple[np.ndarray, np.ndarray]:
    distances, values = numbers_in(r, "r"), numbers_in(density, "density")
    if distances.ndim != 1 or values.shape != distances.shape or distances.size < 2:
        raise InputError(
            f"r has {distances.size} and density {values.size} numbers; a table needs as many of both, at least 2"
        )
    if not (np.all(np.isfinite(distances)) and np.all(np.isfinite(values))):
        raise InputError("the table holds NaN or infinite numbers; take these lines out")
    if distances[0] < 0 or np.any(np.diff(distances) <= 0):
        raise InputError(f"r {_few(distances)} must not be negative, and increase from line to line (mm)")
    return distances, values


def _few(numbers: np.ndarray) -> str:
    shown = ", ".join(f"{v:g}" for v in numbers[:4])
    return f"{shown}, ..." if numbers.size > 4 else shown


def read_radial_table(path: str | os.PathLike) -> tuple[list[float], list[float]]:
    """Read a text file of two columns: distance in mm and density.

    Any table that `formats.tables` reads: cells between semicolons, tabs, commas or blanks, decimal commas,
    headings and comments, UTF-8 or UTF-16.

    Returns
    -------
    r, density
        Of `radial_kernel`.

    Raises
    ------
    InputError
        If the file cannot be read, or is no table of two columns; the message names the line.
    """
    path = given_path(path)
    remedy = "give a distance in mm and a density in every line"
    try:
        values = read_table(path)
    except FileNotFoundError as error:
        raise InputError(f"table {path} does not exist; check the path") from error
    except OSError as error:
        raise InputError(f"table {path} cannot be read ({error.strerror}); check the path") from error
    except InputError as error:
        raise InputError(f"table {error.text}: {remedy}", error.option, **error.cure) from error
    if values.shape[1] != 2:
        raise InputError(f"table {path} has {values.shape[1]} columns; {remedy}")
    return values[:, 0].tolist(), values[:, 1].tolist()
