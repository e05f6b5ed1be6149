"""Synthetic graphs with a power-law degree distribution."""

import numpy as np

from bench.core.workload import Array


def draw_edges(nodes: int, edges: int, rng: np.random.Generator) -> Array:
    """``edges`` distinct undirected pairs of distinct nodes, (2, edges) int64.

    Pairs are drawn one after the other, without replacement, with a chance in proportion to the product of their nodes'
    attractions, which fall as rank^-1/2. Expected degrees then follow a power law of exponent 3, as those of networks
    grown by preferential attachment do (Barabasi and Albert, 1999), until the hubs of a dense graph have met everyone.
    Where a node stands in that ranking says nothing of its number. Some nodes stay without an edge.
    """
    pairs = nodes * (nodes - 1) // 2
    chosen = _draw_sparse(nodes, edges, rng) if edges < pairs // 8 else _draw_dense(nodes, edges, rng)
    return rng.permutation(nodes)[chosen]


def _draw_sparse(nodes: int, edges: int, rng: np.random.Generator) -> Array:
    """Ends drawn independently; loops and pairs seen before are left out."""
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
    """The same distribution, without rejections: pairs arrive after exponential waiting times, the first ones count."""
    low, high = np.triu_indices(nodes, 1)
    attraction = np.diff(np.sqrt(np.arange(nodes + 1)))
    waited = rng.exponential(size=len(low)) / (attraction[low] * attraction[high])
    first = np.argsort(waited)[:edges]
    return np.stack([low[first], high[first]])
