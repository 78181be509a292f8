"""One run in tiles, so that it takes no more memory than it may.

What a run chooses belongs to all of the image: it is chosen once, on a sample of it (`sample`), and fixed in a
`Plan`, together with the numbers that steer an iteration (`solvers.agreement`). Then tile after tile is cut out
with the halo that its kernels need (`layout`, `cutting`), worked on by the plan (`solve`) and put into its place
(`tiled`).
"""

from .layout import Tile
from .memory import CONVOLVE_VOLUMES
from .plan import Plan, foreseen_tiles, plan_of
from .solve import Solved, solve_tile
from .tiled import planned, run_in_tiles, runs_in_tiles

__all__ = [
    "CONVOLVE_VOLUMES",
    "Plan",
    "Solved",
    "Tile",
    "foreseen_tiles",
    "plan_of",
    "planned",
    "run_in_tiles",
    "runs_in_tiles",
    "solve_tile",
]
