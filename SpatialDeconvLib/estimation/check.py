"""What can be said of kernels and an image before a run."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..arrays.watch import UNWATCHED, Watch
from ..errors import InputError
from ..kernels.described import size_text
from ..kernels.kernel import Kernel
from ..kernels.parametric import AnyKernel
from ..noise import NoiseLaw, as_noise_law
from ..run.inputs import Inputs
from ..run.job import Job
from ..run.settings import ConvolveSettings
from ..run.width import WidthEstimate, width_of


@dataclass(frozen=True)
class KernelCheck:
    """What there is to say of kernels and an image.

    Attributes
    ----------
    kernels : list of str
        Every kernel on the image's grid, and how much of the image it is for.
    noise : NoiseLaw
    width : WidthEstimate or None
        How wide the kernels are, against the image's blur.
    no_width : str
        Why there is none.
    warnings : list of str
    """

    kernels: list[str]
    noise: NoiseLaw
    width: WidthEstimate | None
    no_width: str = ""
    warnings: list[str] = field(default_factory=list)

    def lines(self) -> list[str]:
        """Return the findings, one a line; without the warnings."""
        width = f"not known: {self.no_width}" if self.width is None else self.width.advise()
        return [*self.kernels, f"noise: {self.noise.describe()}", f"width: {width}"]


def check_kernels(
    inputs: Inputs, settings: ConvolveSettings, noise: Any = "auto", watch: Watch = UNWATCHED
) -> KernelCheck:
    """Look at kernels and image as a run would take them.

    Parameters
    ----------
    inputs : Inputs
    settings : ConvolveSettings
        Model, boundary and so on of the blur.
    noise : float, array, "poisson", NoiseLaw or "auto"
        See `as_noise_law`.
    watch : Watch

    Raises
    ------
    InputError
        If a run would be refused.
    Cancelled
    """
    job = Job.prepare(inputs, settings, watch)
    law = as_noise_law(noise, job.image, job.mask, watch)
    width, reason = None, ""
    try:
        width = width_of(job, law, watch)
    except InputError as error:
        reason = error.text
    return KernelCheck(_described(job), law, width, reason, list(job.warnings))


def _described(job: Job[ConvolveSettings]) -> list[str]:
    keyed = job.bound.field
    counted = job.image.size if job.mask is None else int(np.count_nonzero(job.mask))
    lines = []
    for k in range(len(job.bound)):
        weight = job.bound.weight(k)
        share = float((weight if job.mask is None else weight[job.mask]).sum(dtype=np.float64)) / counted
        kernel = job.bound.kernel(k)
        given = keyed.kernels[k] if k < len(keyed.at) else kernel
        where = _where(keyed.key, keyed.at[k]) if k < len(keyed.at) else "elsewhere"
        lines.append(f"{where}: {_words(given, kernel)}, for {share:.1%} of the image")
    return lines


def _where(key: str, at: Any) -> str:
    if key == "uniform":
        return "kernel"
    values = at if isinstance(at, tuple) else (at,)
    return " ".join([key, *(f"{v:g}" if isinstance(v, float) else str(v) for v in values)])


def _words(given: AnyKernel, used: Kernel) -> str:
    return f"{used.name or 'kernel'}, {size_text(given, used, lambda shape: 'x'.join(map(str, shape)))}"
