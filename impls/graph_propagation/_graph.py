"""Synthetic graphs with a power-law degree distribution."""

import numpy as np

from bench.core.workload import Array


def draw_edges(nodes: int, edges: int, rng: np.random.Generator) -> Array:
    """Draw ``edges`` distinct undirected pairs of distinct nodes, (2, edges) int64.

    Pairs are drawn one after the other, without replacement, with a probability proportional to the product of their
    nodes' attractions, which fall as rank^-1/2. Expected degrees then follow a power law of exponent 3, like those of
    networks grown by preferential attachment (Barabasi and Albert, 1999), until the hubs of a dense graph are linked to
    every node. The number of a node is independent of its rank. Some nodes stay without an edge.
    """
    pairs = nodes * (nodes - 1) // 2
    ranks = _draw_sparse(nodes, edges, rng) if edges < pairs // 8 else _draw_dense(nodes, edges, rng)
    return rng.permutation(nodes)[ranks]


def _draw_sparse(nodes: int, edges: int, rng: np.random.Generator) -> Array:
    """Draw ends independently, and leave out loops and repeated pairs; returns ranks."""
    keys = np.empty(0, np.int64)
    while len(keys) < edges:
        # The square of a uniform number is below t with probability t^1/2, which is the sum of ranks' attractions.
        ends = (nodes * rng.random((2, edges)) ** 2).astype(np.int64)
        low, high = ends.min(axis=0), ends.max(axis=0)
        keys = np.concatenate([keys, (low * nodes + high)[low < high]])
        _, first = np.unique(keys, return_index=True)
        keys = keys[np.sort(first)]
    return np.stack(np.divmod(keys[:edges], nodes))


def _draw_dense(nodes: int, edges: int, rng: np.random.Generator) -> Array:
    """Draw from the same distribution without rejections: the first pairs to arrive after exponential waiting times."""
    low, high = np.triu_indices(nodes, 1)
    attraction = np.diff(np.sqrt(np.arange(nodes + 1)))
    waiting_time = rng.exponential(size=len(low)) / (attraction[low] * attraction[high])
    first = np.argsort(waiting_time)[:edges]
    return np.stack([low[first], high[first]])
