"""What ITK, MRML and SimpleITK say of a file that they cannot read or write, in one line."""

from __future__ import annotations

import re
from pathlib import Path

from . import nifti

# The system errors worth showing: ITK adds the last one that happened, whether or not it has to do with it.
_DISK_ERRORS = (
    "No space left on device",
    "File too large",
    "Disk quota exceeded",
    "Input/output error",
    "Permission denied",
    "Read-only file system",
)
_LONGEST = 200
#: How the names of image files end that ITK reads.
SUFFIXES = (".nrrd", ".nhdr", ".nii.gz", ".nii", ".mha", ".mhd", ".tiff", ".tif", ".png", ".jpeg", ".jpg", ".bmp")

#: What readers say -> what it means.
_MEANINGS = {
    "No orthonormal definition found": "its axes are sheared, and ITK only supports orthonormal ones",
    "Unknown PixelType: unsigned_char": "grey with an opacity, or another kind of pixels that ITK does not know",
    "Unknown PixelType": "a type of voxels that ITK does not know",
    "Zero-valued spacing": "a voxel size of 0",
    "determinant is 0": "two of its axes have one direction",
}


def reason_of(text: str) -> str:
    """Return the one informative line of what was printed or raised; empty when there is none."""
    for said, meaning in _MEANINGS.items():
        if said in text:
            return meaning
    lines = [re.sub(r" \[vtk\w+\.cxx, line.*", "", line.strip()) for line in text.splitlines()]
    nrrd = [re.sub(r"^\[nrrd\] _?\w*:\s*", "", line) for line in lines if line.startswith("[nrrd]")]
    useful = [line for line in nrrd if line and line != "trouble"][-1:]
    useful += [line.removeprefix("Reason: ") for line in lines if line.endswith(_DISK_ERRORS)]
    useful += [line.removeprefix("** ERROR: ") for line in lines if re.match(r"(MetaImage: |\*\* ERROR)", line)]
    raised = [
        re.sub(r"^(itk|ITK|sitk)(::| )ERROR: (\w+\(0x\w+\): )?", "", line) for line in lines if "ERROR: " in line
    ]
    useful += [line for line in raised if line and not line.startswith(("**", "ERROR: In vtk"))]
    return useful[0][:_LONGEST].rstrip(".") if useful else ""


def reason_for(path: Path, text: str) -> str:
    """Return why a file cannot be read, by what readers printed and raised; empty when they did not say."""
    axes = nifti.axes_beyond_four(path)
    if axes:
        return f"it has {axes} axes, and at most four are read"
    if "Unable to determine ImageIO reader" not in text:
        return reason_of(text)
    if nifti.is_second_version(path):
        return "NIfTI-2, which ITK does not read"
    suffix = next((s for s in SUFFIXES if path.name.lower().endswith(s)), None)
    return f"not a {suffix} file" if suffix else "no known format"


def unreadable(path: Path, text: str, readable: str) -> str:
    """Return the message that a file cannot be read: the reader's own reason, or what may be wrong.

    Parameters
    ----------
    path : Path
    text : str
        What the readers printed and raised.
    readable : str
        What can be read, for the remedy.
    """
    reason = reason_for(path, text)
    if reason and not reason.startswith(("not a ", "no known ")):
        return f"{path} cannot be read: {reason}; repair it, or give {readable}"
    why = f" ({reason})" if reason else ""
    return f"{path} cannot be read{why}; it may be damaged, cut short or of another format: give {readable}"
