"""Three graph convolutions with a residual connection, the other baseline of arXiv 2105.01510."""

from torch import nn

from impls.node_classification._training import TrainedModel
from impls.node_classification.gcn3 import Gcn3Network


class ResidualGcn(TrainedModel):
    """gcn3 with the first convolution's features added to the second's: the residual baseline of arXiv 2105.01510."""

    workload = "node_classification"
    requires = ("torch", "torch-geometric")
    note = "Timed: logits of the whole graph from dense features. Training is not in it."

    def build(self, features: int, width: int, classes: int, dropout: float) -> nn.Module:
        return Gcn3Network(features, width, classes, dropout, residual=True)
