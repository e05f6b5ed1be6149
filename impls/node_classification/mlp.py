"""A multilayer perceptron, which sees no edge."""

import torch
from torch import Tensor, nn

from impls.node_classification._layers import Features, Linear, Links, dropout
from impls.node_classification._training import TrainedModel


class Mlp(TrainedModel):
    """Two linear layers on a node's own features: what the edges are worth, by leaving them out."""

    workload = "node_classification"
    requires = ("torch", "torch-geometric")
    note = "Timed: logits of the whole graph from dense features. Training is not in it."

    def build(self, features: int, width: int, classes: int, dropout: float) -> nn.Module:
        return MlpNetwork(features, width, classes, dropout)


class MlpNetwork(nn.Module):
    """L2 relu(L1 x), with dropout before each."""

    def __init__(self, features: int, width: int, classes: int, dropout: float) -> None:
        super().__init__()
        self.first, self.last = Linear(features, width), Linear(width, classes)
        self.dropout = dropout

    def forward(self, x: Features, links: Links) -> Tensor:
        a = torch.relu(self.first(dropout(x, self.dropout, self.training)))
        logits: Tensor = self.last(dropout(a, self.dropout, self.training))
        return logits
