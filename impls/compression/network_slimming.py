"""Channels go first whose scales have become small in a training that penalises scales."""

from torch import nn

from impls.compression._compressed_network import Task
from impls.compression._method import RankingMethod
from impls.compression.workload import CompressionCase
from impls.pruning import scores
from impls.pruning.budget import ChannelRanking, by_score
from impls.pruning.channel_groups import ChannelGroup

PLAIN_NETWORKS = ("basic_net", "vgg16")
SCALE_PENALTY, SCALE_PENALTY_OF_OTHERS = 1e-4, 1e-5
"""The factor of the L1 norm of all scales of batch norms in the loss, as in the authors' code
(github.com/Eric-mingjie/network-slimming): of VGG, and of all other networks (theirs
have residual or dense connections)."""


class NetworkSlimming(RankingMethod):
    """Trains a network of its own with a penalty on scales, and removes the channels with the smallest scales."""

    workload = "compression"
    requires = ("torch", "safetensors", "torch-pruning")
    targets = ("cpu", "edge", "cuda")
    paper = "arXiv 1708.06519"
    note = "Timed: logits of a batch of normalised images, by the compressed network on the case's runtime."

    def scale_penalty(self, case: CompressionCase) -> float:
        return SCALE_PENALTY if case.network in PLAIN_NETWORKS else SCALE_PENALTY_OF_OTHERS

    def rankings(self, network: nn.Module, groups: list[ChannelGroup], task: Task) -> list[ChannelRanking]:
        return [by_score(scores.batch_norm_scale(group)) for group in groups]
