"""How the penalties of a field's kernels hang together: their balance, and which kernels are neighbours."""

from __future__ import annotations

import numpy as np

from ..kernels.field import KernelField

# What is left of a kernel's own penalty when it follows its neighbours: just enough to be definite.
_OWN = 1e-4
# Penalties differ by at most the square of e to this.
_BALANCE = 4.0


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
        before = np.arange(count - 1)
        graph[before, before + 1] = np.median(gaps) / gaps
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


def coupling(
    balance: np.ndarray, graph: np.ndarray, strength: float, followers: np.ndarray | None = None
) -> np.ndarray:
    """The matrix Q of sum_k b_k |h_k|^2 + strength sum_(k,l) a_kl sqrt(b_k b_l) |h_k - h_l|^2, with balance b.

    With `followers` (K,) of bool, only pairs with a follower count, without balance, and a follower has next to
    no penalty of its own: it becomes the mean of its neighbours, weighted by a_kl.
    """
    own = balance.copy()
    if followers is None:
        graph = strength * graph * np.sqrt(np.outer(balance, balance))
    else:
        graph = strength * graph * (followers[:, None] | followers)
        own[followers] = _OWN
    return np.diag(own + graph.sum(axis=1)) - graph


def balanced(roughness: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Weights b_k of the kernels' penalties that let each kernel contribute as much: 1 / roughness, mean (log) 0.

    Kernels that are not known, (K,) of bool, take the typical weight.
    """
    if known.sum() < 2:
        return np.ones(len(roughness))
    logs = np.zeros(len(roughness))
    logs[known] = -np.log(roughness[known])
    logs[known] -= logs[known].mean()
    return np.exp(logs.clip(-_BALANCE, _BALANCE))
