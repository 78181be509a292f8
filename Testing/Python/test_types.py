"""What type checkers see of the library: its public names, and how much of it they check."""

import ast
import sys
from pathlib import Path

import pytest

import SpatialDeconvLib as sd

if sys.version_info >= (3, 11):
    import tomllib

ROOT = Path(__file__).resolve().parents[2]

# What mypy does not check yet. A package that becomes clean leaves this list and pyproject.toml; none comes in.
UNCHECKED = {
    "SpatialDeconvLib.command.*",
    "SpatialDeconvLib.mrml.*",
    "SpatialDeconvLib.panel.*",
    "SpatialDeconvLib.report.*",
}


def names_for_type_checkers() -> dict[str, str]:
    """Public name -> module, as the block under TYPE_CHECKING imports them."""
    tree = ast.parse(Path(sd.__file__).read_text(encoding="utf-8"))
    (block,) = (
        node.body for node in tree.body if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
    )
    found = {}
    for line in block:
        for alias in line.names:
            assert alias.asname == alias.name, f"{alias.name} is exported only when written as 'x as x'"
            found[alias.name] = line.module
    return found


def test_type_checkers_see_the_names_that_are_imported_at_first_use():
    assert names_for_type_checkers() == sd._HOMES
    assert sorted(names_for_type_checkers()) == sd.__all__


def test_every_public_name_can_be_imported():
    for name in sd.__all__:
        assert getattr(sd, name) is not None


def test_the_package_says_that_it_is_typed():
    assert (Path(sd.__file__).parent / "py.typed").is_file()


@pytest.mark.skipif(sys.version_info < (3, 11), reason="tomllib is part of Python from 3.11")
def test_what_mypy_does_not_check_gets_less():
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["mypy"]
    assert settings["files"] == ["SpatialDeconvLib"]
    unchecked = {
        name
        for override in settings["overrides"]
        for name in override["module"]
        if override.get("ignore_errors") or name.startswith("SpatialDeconvLib")
    }
    assert unchecked <= UNCHECKED
    for name in unchecked:  # or a package that is gone leaves a name for another one to come in by
        assert (ROOT / name.removesuffix(".*").replace(".", "/")).is_dir(), name
