"""Kernels as icons and pixmaps, and their kernels, remembered as long as nothing has changed."""

import os

import qt

from ..errors import InputError
from . import kernelpictures

ICON_SIZE, PICTURE_SIZE = 28, 96  # pixels
_MOST = 300  # kernels that are remembered


class KernelLooks:
    """The kernels of the table's rows and their pictures.

    A row of a volume or file is looked at again when the volume's voxels or the file have changed.
    """

    def __init__(self):
        self._kernels = {}
        self._icons = ((), ())

    def kernel(self, row):
        """Return the kernel of a row and "", or None and why there is none."""
        key = (row, _stamp(row))
        if key not in self._kernels:
            if len(self._kernels) > _MOST:
                self._kernels.clear()
            try:
                self._kernels[key] = row.kernel(), ""
            except (InputError, OSError, MemoryError) as error:
                self._kernels[key] = None, " ".join(str(error).split())
        return self._kernels[key]

    def icons(self, rows):
        """Return an icon for each row, at a common scale where their sizes allow; empty ones for what has none."""
        keys = tuple((row, _stamp(row)) for row in rows)
        if keys != self._icons[0]:
            kernels = {number: self.kernel(row)[0] for number, row in enumerate(rows)}
            known = {number: kernel for number, kernel in kernels.items() if kernel is not None}
            pictures = kernelpictures.thumbnails(list(known.values()), ICON_SIZE)
            icons = {number: qt.QIcon(_pixmap(picture)) for number, picture in zip(known, pictures, strict=True)}
            self._icons = keys, tuple(icons.get(number, qt.QIcon()) for number in range(len(rows)))
        return self._icons[1]

    def picture(self, row):
        """Return a larger picture of a row's kernel with a scale in mm; an empty one when it has none."""
        kernel, _problem = self.kernel(row)
        return qt.QPixmap() if kernel is None else _pixmap(kernelpictures.kernelPicture(kernel, PICTURE_SIZE))


def _pixmap(picture):
    pixmap = qt.QPixmap()
    pixmap.loadFromData(qt.QByteArray(picture.png()))
    return pixmap


def _stamp(row):
    """What changes when the stored values of a row do."""
    if row.kind == "volume" and row.volume is not None and row.volume.GetImageData() is not None:
        return row.volume.GetImageData().GetMTime(), row.volume.GetSpacing()
    if row.kind == "file":
        try:
            return os.stat(row.path).st_mtime_ns
        except OSError:
            return None
    return None
