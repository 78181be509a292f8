"""Recipes of the words of ``spatialdeconv kernel``: what made the kernels, and the same options again."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ...errors import InputError
from ..arguments import option_values

# What every word has or may have and a recipe keeps elsewhere or not at all: where results go, and how kernels are
# read, which the recipe has as a kernel set.
_NOT_KEPT = ("help", "quiet", "log_file", "output", "figure")
_READING = ("kernels", "levels", "log", "kernel_spacing", "centre")


@dataclass(frozen=True)
class Record:
    """What a recipe keeps of a word of `kernel`; `recorded` gives it to the word's parser, as default "record".

    Attributes
    ----------
    parser : argparse.ArgumentParser
        The word's own.
    operation : str
        One of `recipe.OPERATIONS`.
    roles : dict
        Option that names a volume -> whether every run has it.
    """

    parser: argparse.ArgumentParser
    operation: str
    roles: dict[str, bool]

    @property
    def reads_kernels(self) -> bool:
        """Whether the word is given kernels, which the recipe has as a kernel set."""
        return any(action.dest == "kernels" for action in self.parser._actions)

    def _parameters(self) -> list[str]:
        from ...mrml.recipe import NO_SELECTION

        left_out = {*_NOT_KEPT, *_READING, *self.roles, *NO_SELECTION}
        return [action.dest for action in self.parser._actions if action.dest not in left_out]

    def _selection(self) -> list[str]:
        from ...mrml.recipe import NO_SELECTION

        return [action.dest for action in self.parser._actions if action.dest in NO_SELECTION]

    def write(
        self,
        options: argparse.Namespace,
        kernel_set: Mapping[str, Any],
        files: Mapping[str, str],
        result: Mapping[str, Any],
    ) -> None:
        """Write the recipe of what the word has made beside its output.

        Parameters
        ----------
        options : argparse.Namespace
        kernel_set : mapping
            Of the kernels that it was given, or else of those that it made.
        files : mapping
            Path -> content hash of the files of the kernels that it was given.
        result : mapping
            What a reader of the recipe wants to know of the result.
        """
        from ...mrml import recipe as recipes
        from ..estimate import plain

        given = {role: getattr(options, role) for role in self.roles}
        recipe = {
            "schema": recipes.SCHEMA,
            "operation": self.operation,
            "parameters": {name: getattr(options, name) for name in self._parameters()},
            "kernel_set": kernel_set,
            "files": files,
            "inputs": {role: recipes.describeFile(path) for role, path in given.items() if path},
            "selection": {name: getattr(options, name) for name in self._selection()},
            "versions": recipes.versions(),
            "result": result,
        }
        recipes.writeBeside(options.output, plain(recipe))

    def options(self, recipe: Mapping[str, Any], output: str, quiet: bool) -> argparse.Namespace:
        """Return the options that a recipe stands for, after checking that its files are unchanged.

        Raises
        ------
        InputError
            If the recipe cannot be used, or an input is gone or has changed.
        """
        from ...mrml import recipe as recipes

        made = {action.dest: self.parser.get_default(action.dest) for action in self.parser._actions}
        with recipes.namingVersion(recipe):
            for part, names in (("parameters", self._parameters()), ("selection", self._selection())):
                wrong = next((name for name in recipe[part] if name not in names), None)
                if wrong is not None:
                    raise InputError(f"{wrong!r} is no word of the {part} of {self.operation}")
                found = option_values(self.parser, recipe[part], self.operation)
                made |= {name: value for name, value in found.items() if value is not None}
        made |= recipes.inputFiles(recipe, self.roles)
        made |= {"kernels": list(recipe["files"]), "output": output, "figure": None, "quiet": quiet}
        return argparse.Namespace(**{**self.parser._defaults, **made})


def recorded(parser: argparse.ArgumentParser, operation: str, roles: Mapping[str, bool]) -> None:
    """Let `repeat` know a word of `kernel` whose output has a recipe beside it; see `Record`."""
    parser.set_defaults(record=Record(parser, operation, dict(roles)))
