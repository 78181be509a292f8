"""The demo cases as volume nodes, for Slicer's Sample Data module."""

from __future__ import annotations

import os
from pathlib import Path

import slicer

from .. import cases
from ..errors import InputError
from ..mrml.scene import addToScene, imageDataFromArray, vtkFromMatrix

CASES = {"brain": cases.brain_case, "portal": cases.portal_case}


def loadCase(name: str, folder: str | os.PathLike):
    """Put a demo case into the scene and its kernel set into a folder.

    Parameters
    ----------
    name : {"brain", "portal"}
    folder : path
        Where the kernel set and the kernel file it names are written; made if need be.

    Returns
    -------
    (blurred, truth) volume nodes, path of the kernel set

    Raises
    ------
    InputError
        If there is no such case.
    """
    if name not in CASES:
        raise InputError(f"sample {name!r} is unknown; choose one of {', '.join(CASES)}")
    case = CASES[name]()
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    kernelSet = case.write_kernels(folder)
    arrays = {f"{name} (sharp)": case.truth, f"{name} (blurred)": case.blurred}
    truth, blurred = (_addVolume(array, case.ijk_to_ras, nodeName) for nodeName, array in arrays.items())
    return (blurred, truth), kernelSet


def _addVolume(array, ijkToRas, name: str):
    node = slicer.vtkMRMLScalarVolumeNode()
    node.SetName(name)
    node.SetAndObserveImageData(imageDataFromArray(array))
    node.SetIJKToRASMatrix(vtkFromMatrix(ijkToRas))
    return addToScene(node)
