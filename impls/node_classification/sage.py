"""GraphSAGE."""

import torch
from torch import Tensor, nn

from impls.node_classification._layers import Features, Links, MeanConvolution, dropout
from impls.node_classification._training import TrainedModel


class Sage(TrainedModel):
    """GraphSAGE with mean aggregation over all neighbours, two layers (arXiv 1706.02216)."""

    workload = "node_classification"
    requires = ("torch", "torch-geometric")
    note = "Timed: logits of the whole graph from dense features. Training is not in it."

    def build(self, features: int, width: int, classes: int, dropout: float) -> nn.Module:
        return SageNetwork(features, width, classes, dropout)


class SageNetwork(nn.Module):
    """L2 relu(L1 x), with dropout before each."""

    def __init__(self, features: int, width: int, classes: int, dropout: float) -> None:
        super().__init__()
        self.first, self.last = MeanConvolution(features, width), MeanConvolution(width, classes)
        self.dropout = dropout

    def forward(self, x: Features, links: Links) -> Tensor:
        a = torch.relu(self.first(dropout(x, self.dropout, self.training), links))
        logits: Tensor = self.last(dropout(a, self.dropout, self.training), links)
        return logits
