"""Kernels written as the ending of an output says: a set, or one kernel."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..kernels.field import KernelField
from ..kernels.sets import SCHEMA, write_kernel, write_kernel_set


def write_kernels(output: str | Path, field: KernelField, comment: Any = None) -> dict[str, Any]:
    """Write a kernel set (.json) with a comment, or the one kernel of a field; return the set, its paths absolute.

    Raises
    ------
    OSError
        If a file cannot be written.
    """
    path = Path(output).absolute()
    if path.suffix.lower() != ".json":
        write_kernel(field.kernels[0], path)  # type: ignore[arg-type]  # measured and stored ones have values
        entry = {"type": "file", "path": str(path), "normalize": False}
        return {"schema": SCHEMA, "key": "uniform", "kernels": [entry]}
    content = write_kernel_set(path, field, comment)
    for entry in content["kernels"]:
        if "path" in entry:
            entry["path"] = str(path.parent / entry["path"])
    return content
