"""What a measurement from points returns: kernels, and every point with what became of it."""

from __future__ import annotations

import dataclasses
from collections import Counter
from dataclasses import dataclass

from ...kernels.field import KernelField


@dataclass(frozen=True)
class Point:
    """A bright place in an image.

    Attributes
    ----------
    position : tuple of float
        In mm along the image's axes, from the centre of its first voxel; to a fraction of a voxel for points that
        were used.
    flux : float
        Sum of its values above the background, in image units; NaN where it was not measured.
    signal_to_noise : float
        Its height above the background over the standard deviation of the image's noise.
    rejected : str
        Why it was not used; "" where it was.
    """

    position: tuple[float, ...]
    flux: float
    signal_to_noise: float
    rejected: str = ""


@dataclass(frozen=True, kw_only=True, eq=False)
class PointSpreads:
    """Kernels measured from points.

    Attributes
    ----------
    field : KernelField
        Uniform, or keyed by position: goes wherever a field goes.
    points : tuple of Point
        All that were found, used or not, the brightest first.
    noise : float
        Standard deviation of the image's noise, in its unit.
    uncertainty : tuple of float
        Of each kernel: the expected error from noise, relative to the root of the kernel's sum of squares.
    counts : tuple of int
        The points that each kernel rests on.
    full_widths : tuple of tuple of float
        Of each kernel and axis: the full width at half maximum in mm, along the lines through its centre; 0 on an
        axis of one voxel.
    warnings : list of str
    """

    field: KernelField
    points: tuple[Point, ...]
    noise: float
    uncertainty: tuple[float, ...]
    counts: tuple[int, ...]
    full_widths: tuple[tuple[float, ...], ...]
    warnings: list[str] = dataclasses.field(default_factory=list)

    @property
    def used(self) -> tuple[Point, ...]:
        """The points that the kernels rest on."""
        return tuple(point for point in self.points if not point.rejected)

    def headline(self) -> str:
        """One line about the whole."""
        kernels = self.field.kernels
        size = "x".join(map(str, kernels[0].shape))  # type: ignore[union-attr]  # measured ones have values
        what = f"{len(kernels)} kernel{'s' * (len(kernels) != 1)} of {size} voxels"
        return f"{what} from {self.points_text()}, noise {self.noise:.4g}"

    def points_text(self) -> str:
        """How many points were used, and why others were not."""
        reasons = Counter(point.rejected for point in self.points if point.rejected)
        text = f"{len(self.used)} of {len(self.points)} points"
        return text + (f" (not used: {reasons_text(reasons)})" if reasons else "")

    def lines(self) -> list[str]:
        """One line per kernel."""
        lines = []
        for at, error, count, widths in zip(
            self.field.at, self.uncertainty, self.counts, self.full_widths, strict=True
        ):
            place = "kernel" if self.field.key == "uniform" else f"[{', '.join(f'{v:.4g}' for v in at)}] mm"
            width = " x ".join(f"{w:.4g}" for w in widths)
            lines.append(
                f"{place}: FWHM {width} mm, {count} point{'s' * (count != 1)}, uncertain by {100 * error:.2g} %"
            )
        return lines


def reasons_text(reasons: Counter[str]) -> str:
    """How often each reason occurs, in words."""
    return ", ".join(f"{count} {reason}" for reason, count in reasons.most_common())
