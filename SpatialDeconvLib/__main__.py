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
    import error from the middle of a compiled module.
    """
    own = threading.current_thread() is threading.main_thread()
    own = own and signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if own:
        signal.signal(signal.SIGINT, _interrupted)
    from .command.cli import main as run

    if own:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    return run(arguments)


def _interrupted(number: int, frame: Any) -> None:
    # At once: nothing has been begun, and an exception could be swallowed by the import it comes from.
    with contextlib.suppress(OSError):
        os.write(2, b"\nspatialdeconv: interrupted, nothing was written\n")
    os._exit(130)


if __name__ == "__main__":
    if not __package__:  # run by its path: the package is not on the module path, but its inside is
        sys.path[0] = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
        from SpatialDeconvLib.__main__ import main
    sys.exit(main())
