"""Which kernels of a field are neighbours, and the penalty on their differences."""

from __future__ import annotations

import numpy as np

from .fields import KernelField

# What is left of a kernel's own penalty when it follows its neighbours: just enough to be definite.
_OWN = 1e-4


def neighbour_graph(field: KernelField) -> np.ndarray:
    """Symmetric strengths a_kl >= 0 of the pairs of a field's kernels, shape (K, K).

    Levels: adjacent ones, median gap / gap. Positions: each one's 2 x dimension nearest, median distance /
    distance. Regions and weight images have no order: all pairs, 1 / (K - 1).
    """
    count = len(field.at)
    graph = np.zeros((count, count))
    if count < 2:
        return graph
    if field.key == "intensity":
        gaps = np.diff(field.at)
        k = np.arange(count - 1)
        graph[k, k + 1] = np.median(gaps) / gaps
    elif field.key == "position":
        points = np.array(field.at, dtype=float)
        distance = np.linalg.norm(points[:, None] - points, axis=-1)
        np.fill_diagonal(distance, np.inf)
        nearest = np.argsort(distance, axis=1, kind="stable")[:, : 2 * points.shape[1]]
        typical = float(np.median(distance.min(axis=1)))
        for k, others in enumerate(nearest):
            for j in others[np.isfinite(distance[k, others])]:
                graph[k, j] = typical / distance[k, j]
    else:
        graph += 1 / (count - 1)
    graph = np.maximum(graph, graph.T)
    np.fill_diagonal(graph, 0)
    return graph


def coupling(graph: np.ndarray, strength: float, followers: np.ndarray | None = None) -> np.ndarray:
    """The matrix Q of sum_k |h_k|^2 + strength sum_(k,l) a_kl |h_k - h_l|^2.

    With `followers` (K,) of bool, only pairs with a follower count, and a follower has next to no penalty of its
    own: it takes what its neighbours are.
    """
    own = np.ones(len(graph))
    if followers is not None:
        graph = graph * (followers[:, None] | followers)
        own[followers] = _OWN
    return np.diag(own + strength * graph.sum(axis=1)) - strength * graph
