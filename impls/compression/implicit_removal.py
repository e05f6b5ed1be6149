"""Removes filters whose scale a training with Adam and L2 regularisation has brought near zero (arXiv 1811.12495)."""

from itertools import pairwise

import numpy as np
import torch
from torch import nn

from bench.core.target import Target
from impls.compression._compressed_network import Task
from impls.compression._method import CompressionMethod
from impls.compression.workload import CompressionCase
from impls.implicit_sparsity._regularised_network import RegularisedNetwork
from impls.implicit_sparsity._sparsity import SCALE_THRESHOLD
from impls.implicit_sparsity.workload import ImplicitSparsityCase
from impls.pruning.channel_groups import ChannelGroup, Mask, channel_groups
from impls.pruning.removal import fold_constants, remove
from impls.trained_networks.deployment import device

STRENGTH, BATCH_SIZE = 0.01, 32
"""Of the L2 regularisation, and of a step of the training: the highest strength, and the batch size, of the suite
``cifar10`` of the workload implicit_sparsity."""


class ImplicitRemoval(CompressionMethod):
    """Trains BasicNet by Adam with L2 regularisation, and removes what has become inactive by scale."""

    workload = "compression"
    requires = ("torch", "safetensors", "torch-pruning")
    targets = ("cpu", "edge", "cuda")
    paper = "arXiv 1811.12495"
    note = (
        "It stands at the share of the MACs that its training leaves active, whatever the case says, and keeps one "
        "filter or more in each layer. Timed: logits of a batch of normalised images, on the case's runtime."
    )
    within_budget = False

    def base(self, case: CompressionCase, target: Target) -> RegularisedNetwork:
        """Return the network that is trained with Adam, for as many epochs as that of the others."""
        training = ImplicitSparsityCase(
            dataset=case.dataset,
            width_mult=case.width_mult,
            strength=STRENGTH,
            batch_size=BATCH_SIZE,
            epochs=case.epochs,
            seed=case.seed,
        )
        return RegularisedNetwork(training, "adam", device(target))

    def unsupported(self, case: CompressionCase) -> str | None:
        if case.network != "basic_net":
            return "the paper's training is of basic_net"
        return super().unsupported(case)

    def compress(self, network: nn.Module, task: Task) -> None:
        groups = channel_groups(network, task.x)
        kept = [_active(group) for group in groups]
        following = {layer: norm for layer, norm in pairwise(network.modules()) if isinstance(norm, nn.BatchNorm2d)}
        for group, mask in zip(groups, kept, strict=True):
            (norm,) = group.norms()
            assert isinstance(norm.layer, nn.BatchNorm2d)
            fold_constants(group, mask, torch.relu(norm.layer.bias.detach()), following)
        remove(groups, kept)


def _active(group: ChannelGroup) -> Mask:
    """Return which channels have a scale of SCALE_THRESHOLD or more in their batch norm, or at least the largest."""
    (norm,) = group.norms()
    assert isinstance(norm.layer, nn.BatchNorm2d)
    scales = norm.layer.weight.detach().abs().numpy()
    mask: Mask = scales >= SCALE_THRESHOLD
    mask[np.argmax(scales)] = True
    return mask
