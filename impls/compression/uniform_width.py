"""A uniformly narrower network, trained from scratch: the simplest way to a smaller one."""

from torch import nn

from impls.compression._compressed_network import Task
from impls.compression._from_scratch import FromScratch
from impls.pruning.budget import ChannelRanking, uniform
from impls.pruning.channel_groups import ChannelGroup


class UniformWidth(FromScratch):
    """All layers lose the same share of channels; from scratch, for as many epochs as training and fine-tuning."""

    workload = "compression"
    requires = ("torch", "safetensors", "torch-pruning")
    targets = ("cpu", "edge", "cuda")
    note = "Timed: logits of a batch of normalised images, by the compressed network on the case's runtime."

    def rankings(self, network: nn.Module, groups: list[ChannelGroup], task: Task) -> list[ChannelRanking]:
        return [uniform(group.size) for group in groups]
