"""A run on a volume that stays in its file: tiles are read, worked on (`run.tiles`) and written one after another.

- `stored`: the inputs of a run as files of which boxes are read.
- `journal`: what a run keeps beside its unfinished output, so that a killed one goes on where it was.
- `work`: one tile, here or in another process; `running`: all of them.
"""

from .journal import Journal
from .running import StoredResult, Workers, output_type, run_stored
from .stored import StoredInputs, exceeds_memory, opened
from .work import tile_task

__all__ = [
    "Journal",
    "StoredInputs",
    "StoredResult",
    "Workers",
    "exceeds_memory",
    "opened",
    "output_type",
    "run_stored",
    "tile_task",
]
