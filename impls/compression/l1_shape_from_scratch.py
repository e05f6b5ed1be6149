"""The shape that L1 norms choose, trained from scratch: does a method keep more than a shape (arXiv 1810.05270)?"""

from torch import nn

from impls.compression._compressed_network import FineTuning, Task
from impls.compression._from_scratch import FromScratch
from impls.compression.workload import CompressionCase
from impls.pruning import scores
from impls.pruning.budget import Ranking, by_score
from impls.pruning.channel_groups import ChannelGroup


class L1ShapeFromScratch(FromScratch):
    """The shape that ``l1_norm`` chooses, trained from scratch for as many epochs as the others in all."""

    workload = "compression"
    requires = ("torch", "safetensors", "torch-pruning")
    targets = ("cpu", "edge", "cuda")
    paper = "arXiv 1810.05270"
    note = "Timed: logits of a batch of normalised images, by the compact network on the case's runtime."
    equal_cost = False
    variants = {
        "l1_shape_equal_epochs": {},
        "l1_shape_equal_cost": {
            "equal_cost": True,
            "summary": "The shape that l1_norm chooses, trained from scratch for as many MACs as the others in all.",
        },
    }

    def rankings(self, network: nn.Module, groups: list[ChannelGroup], task: Task) -> list[Ranking]:
        return [by_score(scores.l1_norm(group)) for group in groups]

    def fine_tuning(self, case: CompressionCase) -> FineTuning:
        """Return more epochs at equal cost: an epoch of the compact shape costs the kept share of the whole one's."""
        training = super().fine_tuning(case)
        epochs = round(case.epochs / case.keep) + case.fine_tuning_epochs
        return training._replace(epochs=(epochs,)) if self.equal_cost else training
