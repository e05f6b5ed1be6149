"""The tuned graph convolutional network, whatever the case's recipe is."""

from impls.node_classification._training import DROPOUT, WEIGHT_DECAY, Recipe
from impls.node_classification.gcn import Gcn
from impls.node_classification.workload import NodeClassificationCase


class GcnTuned(Gcn):
    """gcn as Kipf and Welling tuned it (arXiv 1609.02907): width 16, dropout 0.5 and weight decay in every case."""

    workload = "node_classification"
    requires = ("torch", "torch-geometric")
    note = (
        "Timed: logits of the whole graph from dense features. Training is not in it. Trained alike in every case but "
        "for the number of epochs: not with the case's recipe, width or number of parameters."
    )

    def recipe(self, case: NodeClassificationCase) -> Recipe:
        return Recipe(16, DROPOUT, WEIGHT_DECAY)
