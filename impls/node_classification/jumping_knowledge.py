"""A jumping knowledge network."""

import torch
from torch import Tensor, nn

from impls.node_classification._layers import Features, GraphConvolution, Linear, Links, dropout
from impls.node_classification._training import TrainedModel


class JumpingKnowledge(TrainedModel):
    """Three graph convolutions, all of whose features a linear layer sees, concatenated."""

    workload = "node_classification"
    requires = ("torch", "torch-geometric")
    paper = "arXiv 1806.03536"
    note = "Timed: logits of the whole graph from dense features. Training is not in it."

    def build(self, features: int, width: int, classes: int, dropout: float) -> nn.Module:
        return JumpingKnowledgeNetwork(features, width, classes, dropout)


class JumpingKnowledgeNetwork(nn.Module):
    """[a, b, c] -> linear, with c = relu(L3 b), b = relu(L2 a) and a = relu(L1 x)."""

    def __init__(self, features: int, width: int, classes: int, dropout: float) -> None:
        super().__init__()
        self.layers = nn.ModuleList([GraphConvolution(size, width) for size in (features, width, width)])
        self.last = Linear(3 * width, classes)
        self.dropout = dropout

    def forward(self, x: Features, links: Links) -> Tensor:
        outputs: list[Tensor] = []
        for layer in self.layers:
            features = outputs[-1] if outputs else x
            outputs.append(torch.relu(layer(dropout(features, self.dropout, self.training), links)))
        logits: Tensor = self.last(dropout(torch.cat(outputs, dim=1), self.dropout, self.training))
        return logits
