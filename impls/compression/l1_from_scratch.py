"""The architecture that L1 norms choose, trained from scratch: do methods keep more than that (arXiv 1810.05270)?"""

from torch import nn

from impls.compression._compressed_network import FineTuning, Task
from impls.compression._from_scratch import FromScratch
from impls.compression.workload import CompressionCase
from impls.pruning import scores
from impls.pruning.budget import ChannelRanking, by_score
from impls.pruning.channel_groups import ChannelGroup


class L1FromScratch(FromScratch):
    """The architecture that ``l1_norm`` chooses, from scratch, for as many epochs as training and fine-tuning."""

    workload = "compression"
    requires = ("torch", "safetensors", "torch-pruning")
    targets = ("cpu", "edge", "cuda")
    paper = "arXiv 1810.05270"
    note = "Timed: logits of a batch of normalised images, by the compressed network on the case's runtime."
    equal_training_macs = False
    variants = {
        "l1_scratch_equal_epochs": {},
        "l1_scratch_equal_training_macs": {
            "equal_training_macs": True,
            "summary": "The architecture of l1_norm, from scratch, with as many MACs as training and fine-tuning.",
        },
    }

    def rankings(self, network: nn.Module, groups: list[ChannelGroup], task: Task) -> list[ChannelRanking]:
        return [by_score(scores.l1_norm(group)) for group in groups]

    def fine_tuning(self, case: CompressionCase) -> FineTuning:
        """Return more epochs for equal MACs: a compressed network takes the kept share of them in an epoch."""
        training = super().fine_tuning(case)
        epochs = round(case.epochs / case.keep) + case.fine_tuning_epochs
        return training._replace(epochs=(epochs,)) if self.equal_training_macs else training
