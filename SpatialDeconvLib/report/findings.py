"""What a report says, before it is a page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..kernels.field import KernelField
from ..run.job import Job
from ..run.pipeline import Result
from . import numbers
from .pixels import GreyScale, kernel_colours


@dataclass
class Findings:
    """What a report says, before it is a page. Arrays are (k, j, i) and scalar; `channel` says which of a vector.

    Attributes
    ----------
    before, after, reference : ndarray
        The image as it was given, the result, and what it was compared with.
    filled : ndarray
        `before` as the run took it: where it was no number, the nearest number.
    slices, places : list
        The most changed slices, and in the first of them the most changed windows (first voxels j, i).
    window : (rows, columns)
        Size of these windows in voxels.
    residual : Residual or None
    no_residual : str
        Why there is none.
    shares : list of float
        Mean weight of each kernel.
    """

    operation: str
    title: str
    result: Result
    field: KernelField
    spacing: tuple[float, ...]
    recipe: Mapping[str, Any]
    job: Job
    before: np.ndarray
    filled: np.ndarray
    after: np.ndarray
    reference: np.ndarray | None
    guide: np.ndarray | None
    mask: np.ndarray | None
    slices: list[int]
    places: list[tuple[int, int]]
    window: tuple[int, int]
    profiles: list[numbers.Profile]
    shares: list[float]
    grey: GreyScale
    directions: tuple[tuple[str, str], ...] | None
    channel: tuple[int, int] | None = None
    residual: numbers.Residual | None = None
    no_residual: str = ""
    metrics: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    output: str | None = None
    command: Sequence[str] | None = None
    frames: Sequence[Mapping[str, Any]] = ()

    @property
    def noise(self) -> float | None:
        """The standard deviation of the noise that was used, in this channel."""
        return self._of_channel("noise", self.result.noise)

    @property
    def run_residual(self) -> float | None:
        """The residual that the run gave, in this channel."""
        return self._of_channel("residual", self.result.residual)

    def _of_channel(self, name: str, otherwise: Any) -> Any:
        channels = self.result.automatic.get("channels")
        if self.channel is None or not channels or self.channel[0] >= len(channels):
            return otherwise
        return channels[self.channel[0]][name]

    @property
    def frame(self) -> str:
        """What the frame of a sequence is called that is shown here; empty for a volume."""
        shown = next((f for f in self.frames if f.get("shown")), None)
        return "" if shown is None else str(shown.get("name", shown["index"]))

    @property
    def colours(self) -> list[str]:
        """One CSS colour for each kernel, in their order."""
        return kernel_colours(len(self.field.kernels))
