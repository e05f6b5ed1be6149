"""Simple graph convolution."""

from torch import Tensor, nn

from impls.node_classification._layers import Features, GraphConvolution, Links, dropout
from impls.node_classification._training import TrainedModel
from impls.node_classification.workload import NodeClassificationCase


class Sgc(TrainedModel):
    """Simple graph convolution: features propagated twice, and one linear layer."""

    workload = "node_classification"
    requires = ("torch", "torch-geometric")
    paper = "arXiv 1902.07153"
    note = "Timed: logits of the whole graph from dense features. Training is not in it."

    def unsupported(self, case: NodeClassificationCase) -> str | None:
        return "it has no hidden width by which to choose its parameters" if case.equal_parameters else None

    def build(self, features: int, width: int, classes: int, dropout: float) -> nn.Module:
        return SgcNetwork(features, classes, dropout)


class SgcNetwork(nn.Module):
    """P P X W + b, with dropout before it."""

    def __init__(self, features: int, classes: int, dropout: float) -> None:
        super().__init__()
        self.only = GraphConvolution(features, classes, hops=2)
        self.dropout = dropout

    def forward(self, x: Features, links: Links) -> Tensor:
        logits: Tensor = self.only(dropout(x, self.dropout, self.training), links)
        return logits
