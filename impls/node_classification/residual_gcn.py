"""Three graph convolutions with a residual connection, the residual baseline of arXiv 2105.01510."""

import torch
from torch import Tensor, nn

from impls.node_classification._layers import Features, Links, dropout
from impls.node_classification._training import TrainedModel
from impls.node_classification.gcn3 import Gcn3Network


class ResidualGcn(TrainedModel):
    """gcn3 with the first convolution's features added to the second's, a baseline of the multipath paper."""

    workload = "node_classification"
    requires = ("torch", "torch-geometric")
    paper = "arXiv 2105.01510"
    note = "Timed: logits of the whole graph from dense features. Training is not in it."

    def build(self, features: int, width: int, classes: int, dropout: float) -> nn.Module:
        return ResidualGcnNetwork(features, width, classes, dropout)


class ResidualGcnNetwork(Gcn3Network):
    """relu(L3 b) -> linear, with b = relu(L2 a) + a and a = relu(L1 x)."""

    def forward(self, x: Features, links: Links) -> Tensor:
        a = torch.relu(self.first(dropout(x, self.dropout, self.training), links))
        b = torch.relu(self.second(dropout(a, self.dropout, self.training), links)) + a
        c = torch.relu(self.third(dropout(b, self.dropout, self.training), links))
        logits: Tensor = self.last(dropout(c, self.dropout, self.training))
        return logits
