"""Reloading the library in a running Slicer, for the panel's Reload button."""

from __future__ import annotations

import ast
import importlib
import sys
from collections.abc import Collection
from pathlib import Path
from types import ModuleType

PACKAGE = __name__.split(".", 1)[0]


def reloadLibrary() -> list[str]:
    """Reload every loaded module of the library, each after the modules it imports; return their names."""
    order = loadOrder(_loadedModules())
    for name in order:
        importlib.reload(sys.modules[name])
    return order


def loadOrder(modules: dict[str, ModuleType]) -> list[str]:
    """Return the names of the modules so that each comes after those it imports at its top level.

    Imports inside functions do not count: they are resolved when the function runs.
    """
    imports = {name: _imports(module, modules.keys()) - {name} for name, module in modules.items()}
    order: list[str] = []
    while imports:
        free = sorted(name for name, needed in imports.items() if needed <= set(order))
        if not free:  # a circle: begin with the module that waits for the fewest others
            free = [min(imports, key=lambda name: (len(imports[name] - set(order)), name))]
        for name in free:
            order.append(name)
            del imports[name]
    return order


def _loadedModules() -> dict[str, ModuleType]:
    return {
        name: module
        for name, module in sys.modules.items()
        if name.split(".", 1)[0] == PACKAGE and name.rpartition(".")[2] != "__main__"
    }


def _imports(module: ModuleType, known: Collection[str]) -> set[str]:
    """Those of the `known` modules that a module imports at its top level."""
    path = Path(module.__file__ or "")
    if not path.is_file():
        return set()
    package = module.__name__ if path.name == "__init__.py" else module.__name__.rpartition(".")[0]
    names: set[str] = set()
    for statement in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(statement, ast.Import):
            names |= {alias.name for alias in statement.names}
        elif isinstance(statement, ast.ImportFrom):
            parts = package.split(".")
            base = ".".join(parts[: len(parts) - statement.level + 1]) if statement.level else ""
            source = ".".join(part for part in (base, statement.module) if part)
            # "from . import memory" needs the module memory, not the package it is in.
            submodules = (f"{source}.{alias.name}" for alias in statement.names)
            names |= {name if name in known else source for name in submodules}
    return names & set(known)
