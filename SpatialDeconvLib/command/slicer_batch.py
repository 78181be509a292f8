"""The `spatialdeconv` command inside the Slicer application:

    Slicer --no-splash --no-main-window --python-script SpatialDeconvLib/command/slicer_batch.py -- deconvolve ...

Slicer runs this file in the namespace of its console, with its folder on the path, and does not exit by itself,
whatever happens here; so every way out of it goes through slicer.util.exit. ASCII only: Slicer reads the file in
the encoding of the system.
"""


def _command():
    """Run the command that the arguments stand for and return its exit status."""
    import os
    import sys
    import traceback

    folder = os.path.dirname(os.path.abspath(__file__))
    root = os.path.dirname(os.path.dirname(folder))
    try:
        # The modules of this folder are reached through their package; "files" or "report" may be others' names.
        sys.path[:] = [path for path in sys.path if os.path.abspath(path) != folder]
        if root not in sys.path:
            sys.path.insert(0, root)
        from SpatialDeconvLib.__main__ import main

        arguments = sys.argv[1:]
        if arguments[:1] and arguments[0].startswith("-") and "--" in arguments:
            arguments = arguments[arguments.index("--") + 1 :]  # what stands before are options of Slicer's own
        return main(arguments)
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else int(stop.code is not None)
    except BaseException:
        traceback.print_exc()
        return 1


def _exit_with(code):
    import slicer

    slicer.util.exit(code)


_exit_with(_command())
