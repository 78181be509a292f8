"""``spatialdeconv check`` and ``kernel refine``: what an image says of its kernels before a run."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

from ..arrays.watch import IsCancelled, Progress
from ..errors import InputError
from ..estimation.check import KernelCheck
from ..estimation.refine import RefinedField
from ..kernels.field import KernelField
from ..mrml import checking, sequencefiles
from ..mrml.recipe import NO_SELECTION
from ..mrml.scene import ensureScene, temporaryNodes
from .parser import BLUR_SETTINGS
from .request import image_of, kernels_from_options, labels_of, mask_on, mask_source, told_of_files, volume_on
from .telling import warn


def check_on_files(
    options: argparse.Namespace,
    progress: Progress | None = None,
    cancelled: IsCancelled | None = None,
    tell: Callable[[str], None] | None = None,
) -> KernelCheck:
    """Read the volume, its kernels and its selections, and look at them; `tell`: see `request_from_options`.

    Raises
    ------
    InputError, OSError, Cancelled
    """
    kernels = kernels_from_options(options, tell)
    found: KernelCheck = _on_nodes(checking.checkKernels, options, kernels, progress, cancelled)
    return found


def refine_on_files(
    options: argparse.Namespace,
    kernels: KernelField,
    progress: Progress | None = None,
    cancelled: IsCancelled | None = None,
) -> RefinedField:
    """Read the volume and its selections, and return the kernels as wide as the volume's blur looks.

    Raises
    ------
    InputError, OSError, Cancelled
    """
    found: RefinedField = _on_nodes(
        checking.refineKernels, options, kernels, progress, cancelled, each=options.each, widen=options.widen
    )
    return found


def _on_nodes(
    look: Callable[..., Any],
    options: argparse.Namespace,
    kernels: KernelField,
    progress: Progress | None,
    cancelled: IsCancelled | None,
    **more: Any,
) -> Any:
    if sequencefiles.isSequence(options.input):
        raise InputError(f"{options.input} is a sequence; look at one of its volumes")
    selection = {name: getattr(options, name) for name in NO_SELECTION}
    files = options.input, options.mask, options.labels, options.guide
    with temporaryNodes(ensureScene()):
        image = image_of(options.input, selection, selection["resample"])
        for line in told_of_files(files, selection["spacing"], kernels, image):
            warn(line)
        return look(
            image,
            kernels,
            mask=mask_on(image, selection, mask_source(selection, options.mask, image)),
            labels=labels_of(options.labels, image),
            guide=volume_on(options.guide, image, selection["resample"]),
            resample=selection["resample"],
            noise=options.noise,
            progress=progress,
            cancelled=cancelled,
            **{name: getattr(options, name) for name in BLUR_SETTINGS},
            **more,
        )
