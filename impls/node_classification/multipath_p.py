"""The multipath graph network, variant P."""

from torch import nn

from impls.node_classification._multipath import Multipath
from impls.node_classification._training import TrainedModel


class MultipathP(TrainedModel):
    """Two parallel paths of one graph convolution each, summed (arXiv 2105.01510, variant P)."""

    workload = "node_classification"
    requires = ("torch", "torch-geometric")
    note = "Timed: logits of the whole graph from dense features. Training is not in it."

    def build(self, features: int, width: int, classes: int, dropout: float) -> nn.Module:
        return Multipath(features, width, classes, depths=(1, 1), dropout=dropout)
