"""GraphSAGE."""

from torch import nn

from impls.node_classification._layers import MeanConvolution
from impls.node_classification._training import TrainedModel
from impls.node_classification._two_layers import TwoLayers


class Sage(TrainedModel):
    """GraphSAGE with mean aggregation over all neighbours, two layers."""

    workload = "node_classification"
    requires = ("torch", "torch-geometric")
    paper = "arXiv 1706.02216"
    note = "Timed: logits of the whole graph from dense features. Training is not in it."

    def build(self, features: int, width: int, classes: int, dropout: float) -> nn.Module:
        return TwoLayers(MeanConvolution(features, width), MeanConvolution(width, classes), dropout)
