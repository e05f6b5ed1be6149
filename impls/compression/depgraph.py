"""Channels go first whose weights are small in every layer: the magnitude of DepGraph."""

from torch import nn

from impls.compression._compressed_network import Task
from impls.compression._method import RankingMethod
from impls.pruning import scores
from impls.pruning.budget import ChannelRanking, by_score
from impls.pruning.channel_groups import ChannelGroup


class DepGraph(RankingMethod):
    """Removes the channels whose weights have the smallest squares, averaged over all layers that they are in."""

    workload = "compression"
    requires = ("torch", "safetensors", "torch-pruning")
    targets = ("cpu", "edge", "cuda")
    paper = "arXiv 2301.12900"
    note = "Timed: logits of a batch of normalised images, by the compressed network on the case's runtime."

    def rankings(self, network: nn.Module, groups: list[ChannelGroup], task: Task) -> list[ChannelRanking]:
        return [by_score(scores.group_magnitude(group)) for group in groups]
