"""``spatialdeconv batch``: many cases, several at a time, on this computer or on a cluster."""

from .command import CasesFailed, add_command

__all__ = ["CasesFailed", "add_command"]
