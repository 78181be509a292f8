"""``python -m SpatialDeconvLib`` is the ``spatialdeconv`` command; ``python path/to/SpatialDeconvLib`` too."""

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Sequence
from typing import Any


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status: `command.cli.main`, with a Ctrl-C that works from the start.

    Loading numpy, scipy and SimpleITK takes a second, in which an interrupt would end in a traceback, or in an
    import error from the middle of a compiled module. Standard streams that are closed are opened before any file.
    """
    from .command.signals import ending_signals
    from .command.streams import open_standard_descriptors

    open_standard_descriptors()
    defaults = {}
    if threading.current_thread() is threading.main_thread():
        defaults = {number: signal.getsignal(number) for number in ending_signals()}
        defaults = {n: d for n, d in defaults.items() if d in (signal.default_int_handler, signal.SIG_DFL)}
    for number in defaults:
        signal.signal(number, _interrupted)
    try:
        from .command.cli import main as run

        return run(arguments)
    finally:
        for number, handler in defaults.items():
            signal.signal(number, handler)


def _interrupted(number: int, frame: Any) -> None:
    # At once: nothing has been begun, and an exception could be swallowed by the import it comes from.
    with contextlib.suppress(OSError):
        os.write(2, b"\nspatialdeconv: interrupted, nothing was written\n")
    os._exit(128 + number)


if __name__ == "__main__":
    if not __package__:  # run by its path: the package is not on the module path, but its inside is
        sys.path[0] = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
        from SpatialDeconvLib.__main__ import main
    sys.exit(main())
