"""What controls share: a network of the compressed architecture, which is trained from new weights."""

import torch
from torch import nn

from impls.compression._compressed_network import FineTuning, Task
from impls.compression._method import RankingMethod
from impls.compression.workload import CompressionCase
from impls.training.recipe import RECIPES


class FromScratch(RankingMethod):
    """A control: channels go as a subclass ranks them, and all weights are drawn anew.

    It is trained by the recipe of the network before, for as many epochs as that network and its fine-tuning together.
    """

    def compress(self, network: nn.Module, task: Task) -> None:
        super().compress(network, task)
        torch.manual_seed(task.seed)
        for layer in network.modules():
            if callable(reset := getattr(layer, "reset_parameters", None)):
                reset()

    def fine_tuning(self, case: CompressionCase) -> FineTuning:
        return FineTuning(RECIPES[case.recipe], (case.epochs + case.fine_tuning_epochs,))
