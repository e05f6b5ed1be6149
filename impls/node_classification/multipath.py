"""The multipath graph network (arXiv 2105.01510), and variants with other paths and other ways to combine them."""

from typing import Literal

import torch
from torch import Tensor, nn

from impls.node_classification._layers import Features, GraphConvolution, Linear, Links, Macs, dropout
from impls.node_classification._training import TrainedModel

Combine = Literal["sum", "concatenate", "attend"]


class Multipath(TrainedModel):
    """Paths of one and of two graph convolutions, the first shared, summed (the paper's variant S)."""

    workload = "node_classification"
    requires = ("torch", "torch-geometric")
    paper = "arXiv 2105.01510"
    note = "Timed: logits of the whole graph from dense features. Training is not in it."
    depths: tuple[int, ...] = (1, 2)
    shared = True
    combine: Combine = "sum"
    variants = {
        "multipath_attend": {
            "depths": (1, 2, 3),
            "combine": "attend",
            "paper": "",
            "summary": "Paths of one, two and three graph convolutions, the first ones shared, weighted by attention.",
        },
        "multipath_concatenate": {
            "depths": (1, 2, 3),
            "shared": False,
            "combine": "concatenate",
            "paper": "",
            "summary": "Separate paths of one, two and three graph convolutions, concatenated.",
        },
        "multipath_p": {
            "depths": (1, 1),
            "shared": False,
            "summary": "Two parallel paths of one graph convolution each, summed (the paper's variant P).",
        },
        "multipath_s": {},
    }

    def build(self, features: int, width: int, classes: int, dropout: float) -> nn.Module:
        return MultipathNetwork(
            features,
            width,
            classes,
            depths=self.depths,
            combine=self.combine,
            shared=self.shared,
            dropout=dropout,
        )


class MultipathNetwork(nn.Module):
    """A linear layer of the combination of paths that start at a = relu(L x).

    Path i has ``depths[i]`` graph convolutions, each with a relu. If ``shared``, all paths are beginnings of one chain,
    as in the paper's variant S; otherwise each path has its own chain, as in variant P. ``combine`` chooses the sum of
    the paths, as in the paper; their concatenation; or their mean by attention, in which each node weights its paths by
    a softmax of q . tanh(W p + b). The paper's relu of the sum is left out, since no summand is negative.
    """

    def __init__(
        self,
        features: int,
        width: int,
        classes: int,
        *,
        depths: tuple[int, ...],
        combine: Combine = "sum",
        shared: bool = False,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.first = GraphConvolution(features, width)
        chains = [max(depths)] if shared else depths
        self.chains = nn.ModuleList(
            nn.ModuleList(GraphConvolution(width, width) for _ in range(length)) for length in chains
        )
        self.attention = PathAttention(width, len(depths)) if combine == "attend" else None
        self.last = Linear(width * (len(depths) if combine == "concatenate" else 1), classes)
        self.depths, self.combine, self.shared, self.dropout = depths, combine, shared, dropout

    def forward(self, x: Features, links: Links) -> Tensor:
        x = dropout(x, self.dropout, self.training)
        a = torch.relu(self.first(x, links))
        combined = self._combined(self._paths(a, links))
        logits: Tensor = self.last(dropout(combined, self.dropout, self.training))
        return logits

    def _paths(self, a: Tensor, links: Links) -> list[Tensor]:
        stages = [self._stages(a, chain, links) for chain in self.chains]
        if self.shared:
            return [stages[0][depth - 1] for depth in self.depths]
        return [stage[-1] for stage in stages]

    def _stages(self, a: Tensor, chain: nn.Module, links: Links) -> list[Tensor]:
        """Return the output of each convolution of a chain."""
        outputs: list[Tensor] = []
        for layer in chain.children():
            features = outputs[-1] if outputs else a
            outputs.append(torch.relu(layer(dropout(features, self.dropout, self.training), links)))
        return outputs

    def _combined(self, paths: list[Tensor]) -> Tensor:
        if self.combine == "concatenate":
            return torch.cat(paths, dim=1)
        stacked = torch.stack(paths)
        return stacked.sum(dim=0) if self.attention is None else self.attention(stacked)


class PathAttention(nn.Module):
    """The weighted mean of paths (paths, nodes, width); each node has weights of its own."""

    def __init__(self, width: int, paths: int) -> None:
        super().__init__()
        self.hidden = nn.Linear(width, width)
        self.score = nn.Linear(width, 1, bias=False)
        self.paths = paths
        for layer in (self.hidden, self.score):
            nn.init.xavier_uniform_(layer.weight)
        nn.init.zeros_(self.hidden.bias)

    def forward(self, paths: Tensor) -> Tensor:
        weights = torch.softmax(self.score(torch.tanh(self.hidden(paths))), dim=0)
        return (weights * paths).sum(dim=0)

    def macs(self, nodes: int, links: int) -> Macs:
        """Count both linear layers and the mean, for each path."""
        width = self.hidden.in_features
        return Macs(self.paths * nodes * (width * width + 2 * width))
