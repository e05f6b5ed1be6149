"""Channels with small filters go first."""

from torch import nn

from impls.compression._compressed_network import Task
from impls.compression._method import RankingMethod
from impls.pruning import scores
from impls.pruning.budget import ChannelRanking, by_score
from impls.pruning.channel_groups import ChannelGroup


class L1Norm(RankingMethod):
    """Removes the channels whose filters have the smallest L1 norms."""

    workload = "compression"
    requires = ("torch", "safetensors", "torch-pruning")
    targets = ("cpu", "edge", "cuda")
    paper = "arXiv 1608.08710"
    note = "Timed: logits of a batch of normalised images, by the compressed network on the case's runtime."

    def rankings(self, network: nn.Module, groups: list[ChannelGroup], task: Task) -> list[ChannelRanking]:
        return [by_score(scores.l1_norm(group)) for group in groups]
