"""The graph convolutional network."""

from torch import nn

from impls.node_classification._layers import GraphConvolution
from impls.node_classification._training import DROPOUT, WEIGHT_DECAY, Recipe, TrainedModel
from impls.node_classification._two_layers import TwoLayers
from impls.node_classification.workload import NodeClassificationCase


class Gcn(TrainedModel):
    """Two graph convolutions: the network of Kipf and Welling, tuned where regularised."""

    workload = "node_classification"
    requires = ("torch", "torch-geometric")
    paper = "arXiv 1609.02907"
    note = "Timed: logits of the whole graph from dense features. Training is not in it."
    tuned = False
    """Whether it is trained as Kipf and Welling tuned it, whatever the case's recipe is."""
    variants = {
        "gcn": {},
        "gcn_tuned": {
            "tuned": True,
            "summary": "gcn as Kipf and Welling tuned it: width 16, dropout 0.5 and weight decay in every case.",
            "note": "Timed: logits of the whole graph from dense features. Training is not in it. Trained alike in "
            "every case but for the number of epochs: not with the case's recipe, width or number of parameters.",
        },
    }

    def recipe(self, case: NodeClassificationCase) -> Recipe:
        return Recipe(16, DROPOUT, WEIGHT_DECAY) if self.tuned else super().recipe(case)

    def build(self, features: int, width: int, classes: int, dropout: float) -> nn.Module:
        return TwoLayers(GraphConvolution(features, width), GraphConvolution(width, classes), dropout)
