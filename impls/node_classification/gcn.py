"""The graph convolutional network."""

import torch
from torch import Tensor, nn

from impls.node_classification._layers import Features, GraphConvolution, Links, dropout
from impls.node_classification._training import TrainedModel


class Gcn(TrainedModel):
    """Two graph convolutions: the network of Kipf and Welling (arXiv 1609.02907), tuned where regularised."""

    workload = "node_classification"
    requires = ("torch", "torch-geometric")
    note = "Timed: logits of the whole graph from dense features. Training is not in it."

    def build(self, features: int, width: int, classes: int, dropout: float) -> nn.Module:
        return GcnNetwork(features, width, classes, dropout)


class GcnNetwork(nn.Module):
    """L2 relu(L1 x), with dropout before each."""

    def __init__(self, features: int, width: int, classes: int, dropout: float) -> None:
        super().__init__()
        self.first, self.last = GraphConvolution(features, width), GraphConvolution(width, classes)
        self.dropout = dropout

    def forward(self, x: Features, links: Links) -> Tensor:
        a = torch.relu(self.first(dropout(x, self.dropout, self.training), links))
        logits: Tensor = self.last(dropout(a, self.dropout, self.training), links)
        return logits
