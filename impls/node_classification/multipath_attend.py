"""A multipath graph network whose paths are combined by attention."""

from torch import nn

from impls.node_classification._multipath import Multipath
from impls.node_classification._training import TrainedModel


class MultipathAttend(TrainedModel):
    """Paths of one, two and three graph convolutions, the first ones shared, weighted by attention."""

    workload = "node_classification"
    requires = ("torch", "torch-geometric")
    note = "Timed: logits of the whole graph from dense features. Training is not in it."

    def build(self, features: int, width: int, classes: int, dropout: float) -> nn.Module:
        return Multipath(features, width, classes, depths=(1, 2, 3), shared=True, combine="attend", dropout=dropout)
