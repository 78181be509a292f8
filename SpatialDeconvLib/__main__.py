"""``python -m SpatialDeconvLib`` is the ``spatialdeconv`` command."""

import sys

from .doors.cli import main

if __name__ == "__main__":
    sys.exit(main())
