"""Channels that go at random: what any method must beat."""

import numpy as np
from torch import nn

from impls.compression._compressed_network import Task
from impls.compression._method import RankingMethod
from impls.pruning import scores
from impls.pruning.budget import ChannelRanking, by_score
from impls.pruning.channel_groups import ChannelGroup


class RandomChannels(RankingMethod):
    """Removes channels at random."""

    workload = "compression"
    requires = ("torch", "safetensors", "torch-pruning")
    targets = ("cpu", "edge", "cuda")
    note = "Timed: logits of a batch of normalised images, by the compressed network on the case's runtime."

    def rankings(self, network: nn.Module, groups: list[ChannelGroup], task: Task) -> list[ChannelRanking]:
        generator = np.random.default_rng(task.seed)
        return [by_score(scores.random(group, generator)) for group in groups]
