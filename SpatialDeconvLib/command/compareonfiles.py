"""``spatialdeconv compare``: a block of a volume as every method leaves it."""

from __future__ import annotations

import argparse
from collections.abc import Callable

from ..arrays.watch import IsCancelled, Progress
from ..errors import InputError
from ..mrml import sequencefiles, sheets
from ..mrml.recipe import NO_SELECTION
from ..mrml.scene import ensureScene, spacingOf, temporaryNodes
from ..run.sheet import Sheet
from .parser import BLUR_SETTINGS
from .request import image_of, kernels_from_options, labels_of, mask_on, mask_source, told_of_files, volume_on
from .telling import warn


def compare_on_files(
    options: argparse.Namespace,
    progress: Progress | None = None,
    cancelled: IsCancelled | None = None,
    tell: Callable[[str], None] | None = None,
) -> Sheet:
    """Read the volume, its kernels and its selections, try every method, and draw what they make of it.

    `tell`: see `request_from_options`.

    Raises
    ------
    InputError, OSError, ImportError, Cancelled
        Then there is no picture.
    """
    if sequencefiles.isSequence(options.input):
        raise InputError(f"{options.input} is a sequence; compare methods on one of its volumes")
    if options.output:
        from ..report.figures import require_matplotlib

        require_matplotlib()  # before the work rather than after it
    kernels = kernels_from_options(options, tell)
    selection = {name: getattr(options, name) for name in NO_SELECTION}
    with temporaryNodes(ensureScene()):
        image = image_of(options.input, selection, selection["resample"])
        files = options.input, options.mask, options.labels, options.guide
        for line in told_of_files(files, selection["spacing"], kernels, image):
            warn(line)
        sheet = sheets.compareMethods(
            image,
            kernels,
            around=options.around,
            size=options.size,
            mask=mask_on(image, selection, mask_source(selection, options.mask, image)),
            labels=labels_of(options.labels, image),
            guide=volume_on(options.guide, image, selection["resample"]),
            resample=selection["resample"],
            noise=options.noise,
            progress=progress,
            cancelled=cancelled,
            **{name: getattr(options, name) for name in BLUR_SETTINGS},
        )
        if options.output:
            from ..report.figures import sheet_figure

            sheet_figure(options.output, sheet, spacingOf(image))
    return sheet
