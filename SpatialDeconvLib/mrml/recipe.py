"""Recipes: what was done to make an output, as JSON beside it, enough to do it again.

{"schema": "spatialdeconv-recipe/1",
 "operation": "deconvolve",
 "parameters": {...},            the settings of the run, "auto" where that was asked for
 "automatic": {...},             what "auto" and other choices of the run turned into
 "kernel_set": {...},            the content of a kernel set file, paths absolute
 "inputs": {"image": {"path": ..., "sha256": ...}, ...},      of runs on files
 "files": {path: sha256},        of kernels and weights read from files
 "versions": {...},
 "result": {"residual": ..., "noise": ..., "iterations": ..., "warnings": [...]}}
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import importlib.metadata
import json
import os
import platform
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import scipy
import SimpleITK as sitk

from .. import __version__
from ..arrays.reading import given_path, read_json, refuse_endless
from ..arrays.writing import write_text
from ..errors import InputError, check_choice
from ..formats.headers import data_files
from ..kernels.field import KernelField
from ..kernels.sets import field_to_dict
from ..kernels.weightfiles import weight_paths
from ..run.pipeline import Result
from ..run.settings import SETTINGS

_FAMILY = "spatialdeconv-recipe/"
SCHEMA = f"{_FAMILY}1"

#: The operations that recipes are of.
OPERATIONS = (
    *SETTINGS,
    "estimate",
    "kernel prepare",
    "kernel refine",
    "kernel points",
    "kernel edge",
)
# What every recipe has, and what those of runs on files have besides.
_PARTS = ("parameters", "kernel_set", "files")
_PARTS_ON_FILES = ("inputs", "selection")

#: What of the inputs a run on files takes, as the command line has it: nothing selected, nothing resampled, the
#: voxel size of the file.
NO_SELECTION = {
    "spacing": None,
    "segments": None,
    "mask_range": None,
    "mask_box": None,
    "mask_box_mm": None,
    "resample": False,
}


def describe(operation: str, field: KernelField, result: Result) -> dict[str, Any]:
    """Return the recipe of a run, without its input files."""
    kernel_set, files = describeKernels(field)
    return {
        "schema": SCHEMA,
        "operation": operation,
        "parameters": plain(result.parameters),
        "automatic": plain(result.automatic),
        "kernel_set": kernel_set,
        "files": files,
        "versions": versions(),
        "result": plain(
            {
                "residual": result.residual,
                "noise": result.noise,
                "iterations": result.iterations,
                "region_means": [dataclasses.asdict(mean) for mean in result.region_means],
                "warnings": result.warnings,
            }
        ),
    }


def describeKernels(field: KernelField) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the content of a kernel set for a field, and the content hashes of the files that it names by path."""
    kernel_set: dict[str, Any] = plain(field_to_dict(field))
    paths = [entry["path"] for entry in kernel_set["kernels"] if entry["type"] == "file"]
    paths += weight_paths(field.key, field.at)
    return kernel_set, {path: sha256(path) for path in dict.fromkeys(paths) if os.path.exists(path)}


def writeBeside(path: str | os.PathLike, recipe: Mapping[str, Any]) -> Path:
    """Write the recipe of the output `path` to ``<path>.recipe.json`` and return that path."""
    target = Path(f"{Path(path)}.recipe.json")
    write_text(target, json.dumps(recipe, indent=2) + "\n")
    return target


def read(path: str | os.PathLike) -> dict[str, Any]:
    """Read the recipe of a run on files.

    Raises
    ------
    InputError
        If the file cannot be read, is no recipe, or lacks a part. What its parts hold is checked where they are
        used.
    """
    path = given_path(path)
    recipe = read_json(path, "recipe")
    schema = recipe.get("schema") if isinstance(recipe, dict) else None
    if not isinstance(schema, str) or not schema.startswith(_FAMILY):
        raise InputError(f"{path} is no recipe: its schema is not {SCHEMA!r}")
    with namingVersion(recipe):
        if schema != SCHEMA:
            raise InputError(
                f"recipe {path} is of the form {schema!r}, not {SCHEMA!r}; repeat it with what wrote it"
            )
        if "operation" not in recipe:
            raise _partMissing(path, "operation")
        check_choice(recipe["operation"], OPERATIONS, "operation")
        for part in _PARTS:
            _checkPart(path, recipe, part)
    if "inputs" not in recipe:
        raise InputError(f"{path} names no input files: its run was not one on files")
    for part in _PARTS_ON_FILES:
        _checkPart(path, recipe, part)
    return recipe


def _partMissing(path: Path, part: str) -> InputError:
    return InputError(f"recipe {path} has no {part!r}; take the file that was written beside the output")


def _checkPart(path: Path, recipe: Mapping[str, Any], part: str) -> None:
    if part not in recipe:
        raise _partMissing(path, part)
    if not isinstance(recipe[part], dict):
        raise InputError(f"recipe {path}: {part!r} is no object {{...}}; take the file beside the output")


@contextlib.contextmanager
def namingVersion(recipe: Mapping[str, Any]) -> Iterator[None]:
    """Add to what is refused of a recipe which version of this program wrote it."""
    try:
        yield
    except InputError as error:
        known = recipe.get("versions")
        version = known.get("spatialdeconv") if isinstance(known, dict) else None
        if not isinstance(version, str):
            raise
        text = f"{error.text} (the recipe was written by version {version[:40]}, this is {__version__})"
        raise InputError(text, error.option, **error.cure) from error


def selectionOf(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return a recipe's selection with all its words.

    Raises
    ------
    InputError
        If a word is unknown.
    """
    unknown = sorted(set(given) - set(NO_SELECTION))
    if unknown:
        raise InputError(f"{unknown[0]!r} selects no voxels; known: {', '.join(NO_SELECTION)}")
    return {**NO_SELECTION, **given}


def inputFiles(recipe: Mapping[str, Any], roles: Mapping[str, bool]) -> dict[str, str]:
    """Return the paths of a recipe's inputs by their role, after checking that no file has changed.

    Parameters
    ----------
    recipe : mapping
        As `read` returns it.
    roles : mapping
        Role -> whether every run has it.

    Raises
    ------
    InputError
        If a role is missing or unknown, or a file is gone or has changed.
    """
    inputs = recipe["inputs"]
    wrong = next((role for role in inputs if role not in roles), None)
    if wrong is not None:
        raise InputError(f"{wrong!r} is no input of {recipe['operation']}; there are {', '.join(roles)}")
    missing = next((role for role, needed in roles.items() if needed and role not in inputs), None)
    if missing is not None:
        raise InputError(f"the recipe has no input {missing!r}; take the file that was written beside the output")
    for name, digest in recipe["files"].items():
        checkFile({"path": name, "sha256": digest})
    return {role: checkFile(description) for role, description in inputs.items()}


def describeFile(path: str | os.PathLike) -> dict[str, Any]:
    """Return path and content hash of an input; for a folder (a DICOM series), of all its files in order.

    One file of a DICOM series stands for the series, as it does where it is read: "series" says so.
    """
    path = Path(path)
    if path.is_file() and _isDicom(path):
        return {"path": str(path.resolve()), "sha256": sha256(path, series=True), "series": True}
    return {"path": str(path.resolve()), "sha256": sha256(path)}


def checkFile(description: Mapping[str, Any]) -> str:
    """Return the path of an input of a recipe.

    Raises
    ------
    InputError
        If the file is gone or its content has changed.
    """
    if not isinstance(description, Mapping) or not all(
        isinstance(description.get(word), str) for word in ("path", "sha256")
    ):
        raise InputError(f"an input of the recipe, {str(description)[:80]}, does not say its path and sha256")
    path: str = description["path"]
    try:
        exists = os.path.exists(path)
    except ValueError:  # holds what no name of a file can
        exists = False
    if not exists:
        raise InputError(f"{path}, an input of the recipe, does not exist any more")
    refuse_endless(Path(path), "the recipe's input")
    if sha256(path, description.get("series", False)) != description["sha256"]:
        raise InputError(f"{path}, an input of the recipe, has changed since; the run cannot be repeated with it")
    return path


def sha256(path: str | os.PathLike, series: bool = False) -> str:
    """Return the SHA-256 of a file (a header and its data file), or of a folder's files in the order of names.

    With `series`, of all files of the DICOM series that the file belongs to, in slice order.
    """
    path = Path(path)
    files = sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]
    if series:
        from .files import seriesFiles  # here, because the recipes of arrays need no MRML

        files = seriesFiles(path)
    suffix = path.suffix.lower()
    if suffix in (".mhd", ".nhdr"):
        files += [data for data in data_files(path) if data.is_file()]
    elif suffix in (".hdr", ".img"):  # a pair of NIfTI or Analyze, of which either may be named
        files = [path.with_suffix(end) for end in (".hdr", ".img") if path.with_suffix(end).is_file()]
    digest = hashlib.sha256()
    for file in files:
        with file.open("rb") as stream:
            while block := stream.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()


def _isDicom(path: Path) -> bool:
    with path.open("rb") as stream:
        return stream.read(132)[128:] == b"DICM"


def versions() -> dict[str, str]:
    """Return the versions of everything that takes part in the numbers."""
    found = {
        "spatialdeconv": __version__,
        "python": platform.python_version(),
        "numpy": np.__version__,
        "scipy": scipy.__version__,
        "SimpleITK": sitk.Version_VersionString(),
        "platform": f"{sys.platform} {platform.machine()}",
    }
    try:
        found["slicer-core"] = importlib.metadata.version("slicer-core")
    except importlib.metadata.PackageNotFoundError:
        app = getattr(sys.modules.get("slicer"), "app", None)
        if app is not None:
            found["Slicer"] = str(app.applicationVersion)
    return found


def plain(value: Any) -> Any:
    """The value in JSON's own types."""
    if isinstance(value, Mapping):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple | np.ndarray):
        return [plain(v) for v in value]
    return value.item() if isinstance(value, np.generic) else value
