"""The signals that end a command."""

from __future__ import annotations

import signal


def ending_signals() -> list[int]:
    """Return the numbers of those that there are: of Ctrl-C, of the others where they are not ignored (nohup)."""
    found = [getattr(signal, name, None) for name in ("SIGTERM", "SIGHUP")]
    return [signal.SIGINT, *(n for n in found if n is not None and signal.getsignal(n) != signal.SIG_IGN)]
