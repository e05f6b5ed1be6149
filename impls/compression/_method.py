"""What the implementations share: each compresses a trained network, fine-tunes it, and measures the result."""

import importlib.metadata
import inspect
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from bench import datasets
from bench.core.artifact import Artifact
from bench.core.implementation import Implementation
from bench.core.target import Target
from bench.core.workload import Problem
from impls.compression._compressed_network import CompressedNetwork, FineTuning, Task
from impls.compression.workload import CompressionCase
from impls.implicit_sparsity._regularised_network import RegularisedNetwork
from impls.networks.block import DW_PW, STANDARD, Block
from impls.networks.catalogue import create_network
from impls.networks.vgg import MIN_VGG_SIZE
from impls.pruning.budget import ChannelRanking, keep_within, min_macs
from impls.pruning.channel_groups import ChannelGroup, MacCounter, channel_groups
from impls.pruning.removal import fold_into_representatives, remove, resize
from impls.runtimes.catalogue import RUNTIMES
from impls.trained_networks.deployment import deploy, device, with_converted
from impls.trained_networks.network_artifact import NetworkArtifact
from impls.trained_networks.trained_network import TrainedNetwork, TrainedNetworkArtifact
from impls.training.recipe import RECIPES

FINE_TUNING_RATE = 0.25
"""The learning rate of fine-tuning, as a share of the training's."""


class CompressionMethod(Implementation):
    """A method. A subclass implements ``compress``; one that ranks channels is a ``RankingMethod``."""

    within_budget: ClassVar[bool] = True
    """Whether its networks keep to the case's share of MACs; uncompressed ones and ``implicit_removal`` do not."""

    @abstractmethod
    def compress(self, network: nn.Module, task: Task) -> None:
        """Make a trained network smaller, in place, so that it has at most ``task.macs``.

        Its layers stay convolutions, fully connected layers and batch norms under the same names, unless a method
        overrides ``restore``.
        """

    def restore(self, network: nn.Module, tensors: Mapping[str, Tensor]) -> None:
        """Turn an uncompressed network into the compressed one that these tensors belong to, in place."""
        resize(network, tensors)

    def base(self, case: CompressionCase, target: Target) -> NetworkArtifact | RegularisedNetwork:
        """Return the trained network that is compressed."""
        return NetworkArtifact(
            case.dataset,
            case.network,
            case.width_mult,
            block_of(case.network),
            case.recipe,
            case.epochs,
            case.seed,
            device(target),
            self.scale_penalty(case),
        )

    def scale_penalty(self, case: CompressionCase) -> float:
        """Return the factor of the L1 norm of all scales of batch norms in the loss of that network; usually none."""
        return 0.0

    def fine_tuning(self, case: CompressionCase) -> FineTuning:
        """Return how the compressed network is trained further: as before, with a lower learning rate."""
        recipe = RECIPES[case.recipe]
        return FineTuning(
            replace(recipe, learning_rate=FINE_TUNING_RATE * recipe.learning_rate), (case.fine_tuning_epochs,)
        )

    def identity(self) -> Mapping[str, Any]:
        """Return what decides the network besides the case: the class, and what its variants set."""
        names = dict.fromkeys(name for variant in self.variants.values() for name in variant if name != "summary")
        identity = {"method": type(self).__name__} | {name: getattr(self, name) for name in names}
        libraries = [name for name in self.requires if name not in ("torch", "safetensors")]
        identity["libraries"] = {name: importlib.metadata.version(name) for name in libraries}
        source = Path(inspect.getfile(type(self)))
        if source.parent != Path(__file__).parent:  # a plug-in's file may change at any time
            identity["source"] = sha256(source.read_bytes()).hexdigest()[:12]
        return identity

    def artifact(self, case: CompressionCase, target: Target) -> TrainedNetworkArtifact:
        """Return the network that the case measures."""
        return CompressedNetwork(self.base(case, target), self, case, self.fine_tuning(case))

    def artifacts(self, case: CompressionCase, target: Target) -> tuple[Artifact, ...]:
        """Return the trained network, the compressed one, and the model that its runtime converts it to, if it does."""
        networks = with_converted(self.artifact(case, target), case, target)
        return tuple({each.key: each for each in (self.base(case, target), *networks)}.values())

    def unsupported(self, case: CompressionCase) -> str | None:
        height, width = datasets.image_card(case.dataset).shape[1:]
        if case.network == "vgg16" and min(height, width) < MIN_VGG_SIZE:
            return f"its five poolings need images of at least {MIN_VGG_SIZE} x {MIN_VGG_SIZE}, not {height} x {width}"
        if reason := RUNTIMES[case.runtime].unavailable():
            return f"runtime={case.runtime} {reason}"
        return None

    def prepare(self, problem: Problem, target: Target) -> TrainedNetwork:
        return deploy(problem, target, self.artifact(problem.case, target))


class RankingMethod(CompressionMethod):
    """A method that removes channels in an order, by one threshold for all layers: see ``impls.pruning.budget``."""

    @abstractmethod
    def rankings(self, network: nn.Module, groups: list[ChannelGroup], task: Task) -> list[ChannelRanking]:
        """Return in which order the channels of each group go."""

    def compress(self, network: nn.Module, task: Task) -> None:
        groups = channel_groups(network, task.x)
        rankings = self.rankings(network, groups, task)
        kept = keep_within(groups, rankings, MacCounter(network, task.x), task.macs, task.round_to)
        for group, ranking, mask in zip(groups, rankings, kept, strict=True):
            if ranking.representatives:
                fold_into_representatives(group, ranking.representatives(int(mask.sum())))
        remove(groups, kept)

    def unsupported(self, case: CompressionCase) -> str | None:
        """Return also why no choice of channels has so few MACs, as layers keep a floor (``MIN_KEPT_SHARE``)."""
        if reason := super().unsupported(case):
            return reason
        share = _min_share(case.dataset, case.network, case.width_mult, case.round_to)
        if share > case.keep:
            return (
                f"keep={case.keep:g} cannot be reached: with round_to={case.round_to} and a tenth of each layer's "
                f"channels, {share:.0%} of the MACs remain"
            )
        return None


def block_of(network: str) -> Block:
    """Return the block of a network as it is usually built: depthwise and pointwise convolutions for MobileNet."""
    return DW_PW if network == "mobilenet" else STANDARD


def untrained(dataset: str, network: str, width_mult: float) -> tuple[nn.Module, Tensor]:
    """Return a network with initial weights, and an example of its input."""
    card = datasets.image_card(dataset)
    created = create_network(
        network, block_of(network), num_classes=card.classes, in_channels=card.shape[0], width_mult=width_mult
    )
    return created, torch.zeros(1, *card.shape)


@cache
def _min_share(dataset: str, network: str, width_mult: float, round_to: int) -> float:
    """Return the share of a network's MACs that is left where each layer is as narrow as it may be."""
    created, x = untrained(dataset, network, width_mult)
    groups, counts = channel_groups(created, x), MacCounter(created, x)
    return min_macs(groups, counts, round_to) / counts.macs(groups, [np.ones(group.size, bool) for group in groups])
