"""Channels go first whose filters are near the geometric median of all."""

from torch import nn

from impls.compression._compressed_network import Task
from impls.compression._method import RankingMethod
from impls.pruning import scores
from impls.pruning.budget import ChannelRanking, by_score
from impls.pruning.channel_groups import ChannelGroup


class GeometricMedian(RankingMethod):
    """Removes the channels whose filters are nearest to all others."""

    workload = "compression"
    requires = ("torch", "safetensors", "torch-pruning")
    targets = ("cpu", "edge", "cuda")
    paper = "arXiv 1811.00250"
    note = "Timed: logits of a batch of normalised images, by the compressed network on the case's runtime."

    def rankings(self, network: nn.Module, groups: list[ChannelGroup], task: Task) -> list[ChannelRanking]:
        return [by_score(scores.geometric_median(group)) for group in groups]
