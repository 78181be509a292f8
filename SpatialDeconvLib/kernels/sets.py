"""Reading and writing kernels and kernel sets.

A kernel set is a JSON file (schema ``spatialdeconv-kernels/1``); paths in it are relative to the file::

    {"schema": "spatialdeconv-kernels/1", "key": "intensity", "interpolation": "linear", "outside": "nearest",
     "kernels": [{"at": 10, "type": "gaussian", "sigma_mm": 1.0},
                 {"at": 20, "type": "file", "path": "k20.nrrd", "log": true},
                 {"at": 30, "type": "values", "values": [[0, 1, 0], [1, 2, 1], [0, 1, 0]], "spacing_mm": 0.5}]}

`at` is a level (key "intensity"), a label value or segment name ("region"), [z, y, x] in mm ("position") or
the path of a weight image ("weights"), or [path, n] for the n-th image of a 4-D file, counted from 0, as of tissue
fractions. For a part of the data as a whole it is the number of a channel, from 1 on, or its name, a text
("channel"), or the number of a frame, from 0 on, or its index value, a text ("frame"). Key "uniform" has one
kernel and no `at`; key "region" may have "feather_mm". The words of each type are those of `ParametricKernel`: a
Gaussian has "sigma_mm", one or one per axis (k, j, i), or "covariance_mm2", rows and columns in that order, for
blur along oblique directions. Of type "radial", "path" may name a table (`read_radial_table`) instead of "r_mm"
and "density".

With key "position", "depths_mm" makes a kernel for each depth of a single one (`depth_field`)::

    {"schema": "spatialdeconv-kernels/1", "key": "position", "depths_mm": [0, 0.01, 0.02], "first_depth_mm": 0,
     "kernels": [{"type": "gibson-lanni", "na": 1.2, "wavelength_nm": 520}]}
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk

from ..arrays.reading import given_name, given_path, read_json
from ..arrays.spacing import numbers_in, spacing_tuple
from ..arrays.writing import atomically, together, write_text
from ..errors import InputError, check_choice, is_auto
from ..formats.names import library_name
from ..formats.reasons import reason_of
from ..formats.stored import StoredArray, read_array, split_variable
from ..methods.choices import KEYS
from .centres import GivenCentre, centre_of, centre_words
from .depths import depth_field
from .field import KernelField, field_of, kernel_of
from .kernel import Kernel
from .kinds import Kind
from .parametric import AnyKernel, ParametricKernel
from .shapes import STORED_KINDS, read_radial_table
from .weightfiles import read_weights, weight_file

SCHEMA = "spatialdeconv-kernels/1"
_SET_WORDS = {"schema", "key", "of", "interpolation", "outside", "feather_mm", "kernels", "comment"}
#: The words that make a kernel for each of several depths.
_DEPTH_WORDS = ("depths_mm", "first_depth_mm")


def read_kernel(
    path: str | os.PathLike,
    log: bool | float = False,
    spacing: Any = None,
    normalize: bool = True,
    centre: GivenCentre = "auto",
    variable: str | None = None,
    page: int | None = None,
    pages: str | None = None,
) -> Kernel:
    """Read a kernel from a file: any image that SimpleITK reads, .npy, .npz, .mat, FITS, a table of text (.csv).

    Parameters
    ----------
    path : path
        A 2-D or 3-D image; a single slice becomes a 2-D kernel. Of MATLAB's arrays, (j, i) or (j, i, k), the axes
        are put in order. ``file.mat:name`` names a variable.
    log : bool or float
        True when the file holds the natural logarithm of the kernel, 10 when it holds the decimal one:
        h = exp(v - max v), then normalised (the unknown scale of a logarithmic kernel is never kept). Minus
        infinity, the logarithm of 0, becomes 0.
    spacing : float or sequence of float, optional
        Voxel size in mm in axis order, instead of the file's. A file that has none (.npy, .npz, .mat, text, a
        picture, whose print resolution is none) holds the kernel in the voxels of the image it is used on.
    normalize : bool
        Scale the kernel to sum 1. Kernels whose sum is not positive (Laplace) need False.
    centre : str or float, or one per axis
        See `Kernel`.
    variable : str, optional
        Which array, of a file that holds several under names (.npz, .mat, FITS).
    page : int, optional
        Which kernel of a stack, from 1: a page of a TIFF, a volume of a 4-D image, a slice of an array.
    pages : {"first", "last"}, optional
        Which axis of the file counts the pages; by default the last of .mat, the first of others.

    Raises
    ------
    InputError
        If the file is missing, unreadable, or does not hold a kernel.
    """
    name, own = split_variable(given_name(path))
    path, variable = Path(name), variable if own is None else own
    stored = _stack(path, variable, _stamp(path)) if page is not None else read_array(path, variable)
    if stored.is_stack and page is None:
        count = len(stored.in_order(pages))
        raise InputError(
            f"kernel file {path} holds {count} kernels; say the level of each (levels), or name one (page)",
            "levels",
        )
    part = {"variable": variable, "page": page, "pages": pages}
    return _kernel_of(path, _part(path, stored, page, pages), part, log, spacing, normalize, centre)


@functools.lru_cache(maxsize=1)
def _stack(path: Path, variable: str | None, stamp: Any) -> StoredArray:
    """A file that is read page by page is read once; `stamp` tells whether it is still the same."""
    return read_array(path, variable)


def _stamp(path: Path) -> Any:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def _part(path: Path, stored: StoredArray, page: int | None, pages: str | None) -> StoredArray:
    """The page of an array that is wanted, or all of it, with its axes in order."""
    try:
        if page is None:
            return replace(stored, values=stored.in_order(pages))
        return stored.page(page, pages)
    except InputError as error:
        raise error.within(f"kernel file {path}") from error


def _kernel_of(
    path: Path,
    stored: StoredArray,
    part: Mapping[str, Any],
    log: bool | float,
    spacing: Any,
    normalize: bool,
    centre: GivenCentre,
) -> Kernel:
    """The kernel that an array out of a file holds; `part` says which of its arrays and pages that is."""
    part = {word: value for word, value in part.items() if value is not None}
    values, file_spacing = stored.values, stored.spacing
    name = " ".join([path.name, *(f"{word} {part[word]}" for word in ("variable", "page") if word in part)])
    source: dict[str, Any] = {"type": "file", "path": str(path.resolve()), **part}
    if spacing is not None and values.ndim == 2 and numbers_in(spacing, f"{path}: spacing").size == 3:
        spacing = spacing[1:]  # of a single slice
    logarithmic = log is not False and log is not None
    if logarithmic and np.issubdtype(values.dtype, np.floating) and np.any(np.isfinite(values)):
        # So far below the largest that its exponential is exactly 0.
        values = np.where(np.isneginf(values), values[np.isfinite(values)].max() - 1000.0, values)
    try:
        given = file_spacing if spacing is None else spacing
        kernel = Kernel(values, 1.0 if given is None else given, name, in_voxels=given is None)
    except InputError as error:
        raise InputError(f"{path}: {error}") from error
    if spacing is not None:
        source["spacing_mm"] = list(kernel.spacing)
    if logarithmic:
        source["log"] = log
        kernel = from_logarithm(kernel, log)
    elif normalize:
        try:
            kernel = kernel.normalized()
        except InputError as error:
            raise InputError(f"{path}: {error}; or read it with normalize=False") from error
    else:
        source["normalize"] = False
    if not is_auto(centre):
        source["centre"] = centre
    try:
        return Kernel(
            kernel.values, kernel.spacing, name, source, centre, in_voxels=kernel.in_voxels, notes=stored.notes
        )
    except InputError as error:
        raise InputError(f"{path}: {error}") from error


def from_logarithm(kernel: Kernel, base: bool | float = True, centre: GivenCentre = "auto") -> Kernel:
    """Return the kernel whose logarithm `kernel` holds, normalised; `base` True is natural, 10 decimal.

    `centre` is that of the kernel, not of its logarithm; see `Kernel`.
    """
    if base is not True and base != 10:
        raise InputError(f"log {base!r} must be true (natural logarithm) or 10 (decimal)")
    exponent = kernel.values - kernel.values.max()  # largest weight 1: no overflow, whatever the offset
    values = np.exp(exponent * (1.0 if base is True else np.log(10.0)))
    return Kernel(values, kernel.spacing, kernel.name, centre=centre, in_voxels=kernel.in_voxels).normalized()


def write_kernel(kernel: Kernel | np.ndarray, path: str | os.PathLike) -> None:
    """Write a kernel to .npy or to an image format that SimpleITK writes, atomically.

    Files have no word for the centre: a kernel whose centre is not the one that `read_kernel` will find is written
    with zeros, or moved by a fraction of a voxel, so that it lies in the middle (`Kernel.centred`). Values are
    float64 (TIFF: float32, 2-D only). NRRD and MetaImage keep the spacing exactly, NIfTI and TIFF to float32; .npy
    has none.

    Raises
    ------
    InputError
        If `kernel` is none, or has no values.
    OSError
        If the file cannot be written or the format cannot hold a kernel.
    """
    path, made = given_path(path), kernel_of(kernel)
    if isinstance(made, ParametricKernel):
        raise InputError(f"a {made.type} kernel has no values on a grid yet: write its .sampled(spacing), or a set")
    suffix = path.suffix.lower()
    if suffix in (".mhd", ".nhdr", ".hdr", ".img"):
        raise OSError(f"cannot write kernel {path}: {suffix} keeps its values in a second file; use .mha or .nrrd")
    if suffix in (".tif", ".tiff") and made.ndim == 3:
        raise OSError(f"cannot write kernel {path}: TIFF keeps no slice spacing; use .nrrd")
    _write_values(_with_default_centre(made), made.spacing, path)


def _write_values(values: np.ndarray, spacing: Sequence[float], path: Path) -> None:
    suffix = path.suffix.lower()

    def write(temporary: Path) -> None:
        if suffix == ".npy":
            with temporary.open("wb") as file:
                np.save(file, values)
            return
        image = sitk.GetImageFromArray(values.astype(np.float32 if suffix in (".tif", ".tiff") else np.float64))
        image.SetSpacing(tuple(spacing)[::-1])
        _write_image(image, temporary, path)

    atomically(path, write)


def _with_default_centre(kernel: Kernel) -> np.ndarray:
    """The kernel's values where its centre is the default one, else on odd numbers of voxels around it."""
    if kernel.centre == centre_of(kernel.values):
        return kernel.values
    values = kernel.centred().values
    return np.pad(values, [(0, 1 - n % 2) for n in values.shape])  # where n // 2 stays the centre


def _write_image(image: sitk.Image, temporary: Path, path: Path) -> None:
    try:
        sitk.WriteImage(image, library_name(temporary), useCompression=True)
    except RuntimeError as error:
        reason = reason_of(str(error)).replace(str(temporary), str(path))
        raise OSError(f"cannot write {path} ({reason}); try .nrrd or another folder") from error


# ------------------------------------------------------------------------------------------------ sets


def read_set_file(path: str | os.PathLike) -> KernelField:
    """Read a kernel set file; see the module's description for its form. `collect.read_kernel_set` takes more.

    Raises
    ------
    InputError
        If the file is missing, is no JSON, or an entry cannot be used; the message names the entry.
    """
    path = given_path(path)
    content = read_json(path, "kernel set")
    try:
        return field_from_dict(content, path.parent)
    except InputError as error:
        raise InputError(f"kernel set {path}: {error}") from error


def field_from_dict(content: Mapping[str, Any], folder: str | os.PathLike = ".") -> KernelField:
    """Make a kernel field from the content of a kernel set file; relative paths start at `folder`."""
    folder = Path(folder)
    if not isinstance(content, Mapping) or content.get("schema") != SCHEMA:
        found = content.get("schema") if isinstance(content, Mapping) else type(content).__name__
        raise InputError(f"schema is {found!r}; expected {SCHEMA!r}")
    known = _SET_WORDS.union(_DEPTH_WORDS)
    unknown = sorted(set(content) - known)
    if unknown:
        raise InputError(f"unknown word {unknown[0]!r}; known: {', '.join(sorted(known))}")
    content = written_out(content)
    key: Any = content.get("key")
    check_choice(key, KEYS, "key")
    entries = content.get("kernels")
    if not isinstance(entries, list) or not entries:
        raise InputError("the kernel set is empty; give at least one kernel under 'kernels'")
    kernels = [_kernel_from_entry(number, entry, folder) for number, entry in enumerate(entries, 1)]
    if key == "uniform":
        if len(kernels) > 1:
            raise InputError(f"key 'uniform' takes one kernel, not {len(kernels)}; choose another key")
        return KernelField.uniform(kernels[0])
    at = [_at(number, entry) for number, entry in enumerate(entries, 1)]
    options = _options(key, content)
    if key == "weights":
        files = [weight_file(a, folder) for a in at]
        return replace(KernelField.by_weights(read_weights(files), kernels), at=tuple(files))
    pairs = list(zip(at, kernels, strict=True))
    if key == "intensity":
        return KernelField.by_intensity(pairs, **options)
    if key == "channel":
        return KernelField.by_channel(pairs)
    if key == "frame":
        return KernelField.by_frame(pairs)
    if key == "region":
        return KernelField.by_region(None, pairs, **options)
    return KernelField.by_position(pairs, **options)


def written_out(content: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the content of a kernel set with an entry for each depth, instead of depths and one entry."""
    depths = {word: content[word] for word in _DEPTH_WORDS if word in content}
    if not depths:
        return content
    entries = content.get("kernels")
    if content.get("key") != "position" or "depths_mm" not in depths:
        raise InputError("depths need key 'position' and 'depths_mm'; add them, or remove 'first_depth_mm'")
    if not isinstance(entries, list) or len(entries) != 1 or not isinstance(entries[0], Mapping):
        raise InputError("'depths_mm' makes the kernels of one: give one entry under 'kernels', without 'at'")
    parameters = dict(entries[0])
    if "at" in parameters:
        raise InputError("kernel 1 has 'at', which 'depths_mm' says of all kernels; remove one of them")
    field = depth_field(parameters.pop("type", None), **depths, **parameters)
    rest = {word: value for word, value in content.items() if word not in _DEPTH_WORDS}
    return {**rest, "kernels": field_to_dict(field)["kernels"]}


def _options(key: str, content: Mapping[str, Any]) -> dict[str, Any]:
    """The set's options as arguments of the field's constructor; words its key has no use for are refused."""
    allowed = {
        "intensity": {"of": "of", "interpolation": "interpolation", "outside": "outside"},
        "region": {"outside": "outside", "feather_mm": "feather"},
        "position": {"interpolation": "interpolation"},
    }.get(key, {})
    options = {}
    for word in ("of", "interpolation", "outside", "feather_mm"):
        if word in content:
            if word not in allowed:
                raise InputError(f"{word!r} has no meaning for key {key!r}; remove it")
            options[allowed[word]] = content[word]
    return options


def _at(number: int, entry: Mapping[str, Any]) -> Any:
    if "at" not in entry:
        raise InputError(f"kernel {number} has no 'at': say what it belongs to")
    at = entry["at"]
    return tuple(at) if isinstance(at, list) else at


def _kernel_from_entry(number: int, entry: Any, folder: Path) -> AnyKernel:
    if not isinstance(entry, Mapping) or "type" not in entry:
        raise InputError(f'kernel {number} has no \'type\'; give e.g. "type": "gaussian", "sigma_mm": 1.0')
    try:
        return kernel_from_dict({k: v for k, v in entry.items() if k != "at"}, folder)
    except InputError as error:
        raise InputError(f"kernel {number}: {error}") from error


def kernel_from_dict(entry: Mapping[str, Any], folder: str | os.PathLike = ".") -> AnyKernel:
    """Make a kernel from a kernel-set entry without its `at`."""
    parameters = {k: v for k, v in entry.items() if k not in ("type", "centre")}
    centre = entry.get("centre", "auto")
    if entry["type"] == "file":
        _only(parameters, STORED_KINDS["file"])
        return read_kernel(
            Path(folder) / given_path(str(parameters["path"])),
            parameters.get("log", False),
            parameters.get("spacing_mm"),
            parameters.get("normalize", True),
            centre,
            **{word: parameters[word] for word in ("variable", "page", "pages") if word in parameters},
        )
    if entry["type"] == "values":
        _only(parameters, STORED_KINDS["values"])
        try:
            values = np.array(parameters["values"], dtype=float)
        except (TypeError, ValueError) as error:
            raise InputError(f"'values' is no regular array of numbers ({error})") from error
        spacing = parameters["spacing_mm"]
        unknown = spacing is None
        return Kernel(values, 1.0 if unknown else spacing, "values", dict(entry), centre, in_voxels=unknown)
    if entry["type"] == "radial" and "path" in parameters:
        r, density = read_radial_table(Path(folder) / given_path(str(parameters.pop("path"))))
        parameters = {**parameters, "r_mm": r, "density": density}
    return ParametricKernel(entry["type"], centre=centre, **parameters)


def _only(parameters: Mapping[str, Any], kind: Kind) -> None:
    for name in sorted(set(kind.required) - set(parameters)):
        raise InputError(f"a kernel of type {kind.name!r} needs {name!r}")
    for name in sorted(set(parameters) - set(kind.known)):
        raise InputError(f"a kernel of type {kind.name!r} has no {name!r}; known: {', '.join(sorted(kind.known))}")


def field_to_dict(field: KernelField) -> dict[str, Any]:
    """Return the content of a kernel set file for a field; kernels without a source are written as values.

    Labels and weight images are not part of it; `at` of a weight image is the path it was read from, or its
    number when it was not read from a file.
    """
    content: dict[str, Any] = {"schema": SCHEMA, "key": field.key}
    if field.key == "intensity":
        content["of"] = field.of
    if field.key in ("intensity", "position"):
        content["interpolation"] = field.interpolation
    if field.key in ("intensity", "region"):
        content["outside"] = field.outside
    if field.key == "region":
        content["feather_mm"] = field.feather
    content["kernels"] = []
    for at, kernel in zip(field.at, field.kernels, strict=True):
        entry = {} if field.key == "uniform" else {"at": list(at) if isinstance(at, tuple) else at}
        content["kernels"].append({**entry, **kernel_to_dict(kernel)})
    return content


def kernel_to_dict(kernel: AnyKernel) -> dict[str, Any]:
    """Return the kernel-set entry of a kernel, without `at`."""
    if isinstance(kernel, ParametricKernel):
        return dict(kernel.source)
    if kernel.source and kernel.source.get("type") in ("file", "values"):
        return dict(kernel.source)
    # A kernel that was sampled once is kept as it is: its parameters on another grid are another kernel.
    spacing = None if kernel.in_voxels else list(spacing_tuple(kernel.spacing, kernel.ndim))
    entry = {"type": "values", "values": kernel.values.tolist(), "spacing_mm": spacing}
    words = centre_words(kernel.shape, kernel.centre)
    return entry if words is None else {**entry, "centre": words}


def write_kernel_set(
    path: str | os.PathLike, field: KernelField | AnyKernel | np.ndarray, comment: Any = None
) -> dict[str, Any]:
    """Write a kernel set file, whole or not at all, and return its content.

    Parametric kernels are written as their parameters, kernels read from files as relative paths, others as
    .nrrd files named after the set (``<set>-kernel-<number>.nrrd``; .npy when they have no voxel size), weight
    images likewise. One kernel, or an array, is a set of key "uniform". `comment` is anything that JSON holds, for
    people: how the kernels were made.

    Raises
    ------
    InputError
        If `field` is no kernels.
    OSError
        If the file cannot be written.
    """
    path, field = given_path(path), field_of(field)
    content = field_to_dict(field)
    if comment is not None:
        content = {"schema": content.pop("schema"), "comment": comment, **content}
    with together():
        for number, (entry, kernel) in enumerate(zip(content["kernels"], field.kernels, strict=True), 1):
            if entry["type"] == "file":
                with contextlib.suppress(ValueError):  # another drive on Windows: the path stays absolute
                    entry["path"] = Path(os.path.relpath(entry["path"], path.parent.resolve())).as_posix()
            elif entry["type"] == "values" and isinstance(kernel, Kernel):
                name = f"{path.stem}-kernel-{number}.{'npy' if kernel.in_voxels else 'nrrd'}"
                _write_values(kernel.values, kernel.spacing, path.parent / name)
                kept = {k: v for k, v in entry.items() if k in ("at", "centre")}
                entry.clear()
                entry.update({**kept, "type": "file", "path": name, "normalize": False})
            if field.key == "weights":
                name = f"{path.stem}-weight-{number}.nrrd"
                _write_weights(field.weight_arrays[number - 1], path.parent / name)
                entry["at"] = name
        write_text(path, json.dumps(content, indent=2) + "\n")
    return content


def _write_weights(weights: np.ndarray, path: Path) -> None:
    image = sitk.GetImageFromArray(np.asarray(weights, dtype=np.float32))
    atomically(path, lambda temporary: _write_image(image, temporary, path))
