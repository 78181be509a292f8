"""Files to nodes and back, with slicer-core alone and inside Slicer.

NRRD, NIfTI and MetaImage go through MRML's storage nodes. PNG, JPEG, TIFF and DICOM go through SimpleITK
everywhere: slicer-core is built without ITK's readers of 2-D formats, and one reader for every way in gives
the same voxels on each. Slicer's readers also turn 64-bit integers into float32; here such files become double,
which holds integers up to 2^53.

Every error is one line with the path and the remedy: `InputError` for what the caller can change,
`OSError` for what the disk refuses.
"""

from ..scene import ensureScene
from .paths import PathLike, isFolder, isSegmentation, stemOf
from .reading import (
    axesOf,
    checkReadable,
    readLabelMap,
    readSegmentation,
    readVolume,
    registerConverterRules,
    toldOf,
    toldOfSize,
    voxelBytes,
)
from .series import seriesFiles
from .writing import checkOutputName, checkWritable, writeVolume

__all__ = [
    "PathLike",
    "axesOf",
    "checkOutputName",
    "checkReadable",
    "checkWritable",
    "ensureScene",
    "isFolder",
    "isSegmentation",
    "readLabelMap",
    "readSegmentation",
    "readVolume",
    "registerConverterRules",
    "seriesFiles",
    "stemOf",
    "toldOf",
    "toldOfSize",
    "voxelBytes",
    "writeVolume",
]
