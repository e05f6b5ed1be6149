"""The graph convolutional network."""

from torch import nn

from impls.node_classification._layers import GraphConvolution
from impls.node_classification._training import TrainedModel
from impls.node_classification._two_layers import TwoLayers


class Gcn(TrainedModel):
    """Two graph convolutions: the network of Kipf and Welling (arXiv 1609.02907), tuned where regularised."""

    workload = "node_classification"
    requires = ("torch", "torch-geometric")
    note = "Timed: logits of the whole graph from dense features. Training is not in it."

    def build(self, features: int, width: int, classes: int, dropout: float) -> nn.Module:
        return TwoLayers(GraphConvolution(features, width), GraphConvolution(width, classes), dropout)
