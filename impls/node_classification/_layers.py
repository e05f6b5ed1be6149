"""Layers of the graph networks. Each layer states its multiply-accumulates by formula."""

from functools import cached_property
from typing import NamedTuple, Protocol, runtime_checkable

import torch
from torch import Tensor, nn

from impls.node_classification._sparse import Sparse

Features = Tensor | Sparse


class Macs(NamedTuple):
    """Multiply-accumulates of a call: with all entries of dense matrices, and with the non-zeros of sparse ones."""

    dense: int
    sparse: int = 0


@runtime_checkable
class Counted(Protocol):
    """A layer that states its multiply-accumulates."""

    def macs(self, nodes: int, links: int) -> Macs:
        """Count one use in a graph of ``nodes`` nodes and ``links`` edges, each counted in both directions."""


class Links:
    """The edges of a graph, and the matrices that propagate features along them.

    ``edges`` (2, count), int64, holds each edge in both directions, without self-loops.
    """

    def __init__(self, edges: Tensor, nodes: int) -> None:
        self.edges = edges
        self.nodes = nodes

    @cached_property
    def with_loops(self) -> Tensor:
        """The edges, followed by a loop at each node."""
        return torch.cat([self.edges, torch.arange(self.nodes).expand(2, -1)], dim=1)

    @cached_property
    def symmetric(self) -> Sparse:
        """D^-1/2 (A + I) D^-1/2 (Kipf & Welling, arXiv 1609.02907, section 2)."""
        rows, columns = self.with_loops
        scale = torch.bincount(rows, minlength=self.nodes).float().rsqrt()
        return Sparse(rows, columns, scale[rows] * scale[columns], (self.nodes, self.nodes))

    @cached_property
    def mean(self) -> Sparse:
        """D^-1 A: the mean over neighbours, or 0 for a node without any."""
        rows, columns = self.edges
        degrees = torch.bincount(rows, minlength=self.nodes).float()
        return Sparse(rows, columns, 1 / degrees[rows], (self.nodes, self.nodes))


class Linear(nn.Module):
    """Y = X W + b with X dense or sparse; W starts uniform (Glorot and Bengio), b starts as zero."""

    def __init__(self, features: int, width: int, bias: bool = True) -> None:
        super().__init__()
        self.weight = nn.Parameter(nn.init.xavier_uniform_(torch.empty(features, width)))
        self.bias = nn.Parameter(torch.zeros(width)) if bias else None

    def forward(self, x: Features) -> Tensor:
        product: Tensor = x @ self.weight
        return product if self.bias is None else product + self.bias

    def macs(self, nodes: int, links: int) -> Macs:
        """Count features as dense, since a call is given dense ones."""
        return Macs(nodes * self.weight.numel())


class GraphConvolution(nn.Module):
    """Y = P^hops X W + b, where P is ``Links.symmetric``; propagation follows W, whose output is not wider than X."""

    def __init__(self, features: int, width: int, hops: int = 1) -> None:
        super().__init__()
        self.linear = Linear(features, width, bias=False)
        self.bias = nn.Parameter(torch.zeros(width))
        self.hops = hops

    def forward(self, x: Features, links: Links) -> Tensor:
        y: Tensor = self.linear(x)
        for _ in range(self.hops):
            y = links.symmetric @ y
        return y + self.bias

    def macs(self, nodes: int, links: int) -> Macs:
        """Count the propagation only; ``linear`` counts its own."""
        return Macs(0, self.hops * (links + nodes) * len(self.bias))


class MeanConvolution(nn.Module):
    """Y = X W + M X V + b, where M is ``Links.mean``: GraphSAGE's mean aggregator (arXiv 1706.02216, section 3.3)."""

    def __init__(self, features: int, width: int) -> None:
        super().__init__()
        self.own = Linear(features, width)
        self.neighbours = Linear(features, width, bias=False)

    def forward(self, x: Features, links: Links) -> Tensor:
        own: Tensor = self.own(x)
        neighbours: Tensor = self.neighbours(x)
        return own + links.mean @ neighbours

    def macs(self, nodes: int, links: int) -> Macs:
        return Macs(0, links * self.neighbours.weight.shape[1])


def dropout(x: Features, p: float, training: bool) -> Features:
    """Apply nn.functional.dropout, to a sparse matrix's entries only, since zeros stay zeros anyway."""
    if not training or not p:
        return x
    return x.dropout(p) if isinstance(x, Sparse) else nn.functional.dropout(x, p)


def macs(model: nn.Module, nodes: int, links: int) -> Macs:
    """Count the multiply-accumulates of one forward pass of ``model``, which uses each of its layers once.

    Raises:
        TypeError: where a matrix is in no layer that states its multiply-accumulates, since they would be missing.
    """
    counted = {id(p) for layer in model.modules() if isinstance(layer, Counted) for p in layer.parameters()}
    uncounted = [name for name, p in model.named_parameters() if p.dim() > 1 and id(p) not in counted]
    if uncounted:
        raise TypeError(
            f"{', '.join(uncounted)}: in no layer with a method macs(nodes, links), so that work would not be counted; "
            "use the layers of impls/node_classification/_layers.py, or give yours that method"
        )
    parts = [layer.macs(nodes, links) for layer in model.modules() if isinstance(layer, Counted)]
    return Macs(sum(part.dense for part in parts), sum(part.sparse for part in parts))
