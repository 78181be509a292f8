"""Kernels as icons and pixmaps, remembered as long as nothing has changed."""

import qt

from ..kernels.kernel import Kernel
from . import kernelfacts, kernelpictures

ICON_SIZE, PICTURE_SIZE = 28, 96  # pixels


class KernelLooks:
    """The pictures of the table's rows.

    A kernel that is in voxels is shown in those of the image, where their size is known.
    """

    def __init__(self):
        self._icons = ((), ())

    def icons(self, rows, spacing=None):
        """Return an icon for each row, at a common scale where their sizes allow; empty ones for what has none."""
        keys = (spacing, tuple((row, kernelfacts.stampOf(row)) for row in rows))
        if keys != self._icons[0]:
            kernels = {number: _shown(row, spacing) for number, row in enumerate(rows)}
            known = {number: kernel for number, kernel in kernels.items() if kernel is not None}
            pictures = kernelpictures.thumbnails(list(known.values()), ICON_SIZE)
            icons = {number: qt.QIcon(_pixmap(picture)) for number, picture in zip(known, pictures, strict=True)}
            self._icons = keys, tuple(icons.get(number, qt.QIcon()) for number in range(len(rows)))
        return self._icons[1]

    def picture(self, row, spacing=None):
        """Return a larger picture of a row's kernel with a scale in mm; an empty one when it has none.

        A cross shows the centre of a stored kernel.
        """
        kernel = _shown(row, spacing)
        if kernel is None:
            return qt.QPixmap()
        isStored = isinstance(kernel, Kernel)
        hasScale = not (isStored and kernel.in_voxels)
        return _pixmap(kernelpictures.kernelPicture(kernel, PICTURE_SIZE, bar=hasScale, cross=isStored))

    @staticmethod
    def prepared(preparation, kernel):
        """Return a picture of a prepared kernel, whose left half is what it was before."""
        return _pixmap(kernelpictures.beforeAndAfter(preparation.before, kernel, PICTURE_SIZE))


def _shown(row, spacing):
    kernel, _problem = kernelfacts.kernelOf(row)
    inVoxels = isinstance(kernel, Kernel) and kernel.in_voxels
    return kernel.sampled(spacing) if inVoxels and spacing is not None else kernel


def _pixmap(picture):
    pixmap = qt.QPixmap()
    pixmap.loadFromData(qt.QByteArray(picture.png()))
    return pixmap
