"""Three graph convolutions, the baseline of arXiv 2105.01510."""

import torch
from torch import Tensor, nn

from impls.node_classification._layers import Features, GraphConvolution, Linear, Links, dropout
from impls.node_classification._training import TrainedModel


class Gcn3(TrainedModel):
    """Three graph convolutions and a linear layer: the baseline of the multipath paper."""

    workload = "node_classification"
    requires = ("torch", "torch-geometric")
    paper = "arXiv 2105.01510"
    note = "Timed: logits of the whole graph from dense features. Training is not in it."

    def build(self, features: int, width: int, classes: int, dropout: float) -> nn.Module:
        return Gcn3Network(features, width, classes, dropout)


class Gcn3Network(nn.Module):
    """relu(L3 b) -> linear, with b = relu(L2 a) and a = relu(L1 x)."""

    def __init__(self, features: int, width: int, classes: int, dropout: float) -> None:
        super().__init__()
        self.first = GraphConvolution(features, width)
        self.second, self.third = GraphConvolution(width, width), GraphConvolution(width, width)
        self.last = Linear(width, classes)
        self.dropout = dropout

    def forward(self, x: Features, links: Links) -> Tensor:
        a = torch.relu(self.first(dropout(x, self.dropout, self.training), links))
        b = torch.relu(self.second(dropout(a, self.dropout, self.training), links))
        c = torch.relu(self.third(dropout(b, self.dropout, self.training), links))
        logits: Tensor = self.last(dropout(c, self.dropout, self.training))
        return logits
