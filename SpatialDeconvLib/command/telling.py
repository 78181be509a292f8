"""What the command says beside its results, on standard error: what was assumed, what is doubtful."""

from __future__ import annotations

import sys

from .arguments import printable
from .parser import PROGRAM


def note(text: str) -> None:
    """Tell what was assumed."""
    print(f"{PROGRAM}: note: {printable(text)}", file=sys.stderr)


def warn(text: str) -> None:
    """Tell what is doubtful about files, kernels or a result."""
    print(f"{PROGRAM}: warning: {printable(text)}", file=sys.stderr)
