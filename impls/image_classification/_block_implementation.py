"""What the implementations share: each is a block, and measures the network that was trained with it."""

from typing import ClassVar

import torch

from bench import datasets
from bench.core.artifact import Artifact
from bench.core.implementation import Implementation
from bench.core.target import Target
from bench.core.workload import Problem
from impls.image_classification.workload import ImageClassificationCase
from impls.networks.block import Block, parse_block
from impls.networks.vgg import MIN_VGG_SIZE
from impls.runtimes.catalogue import RUNTIMES
from impls.trained_networks.deployment import deploy, device, with_converted
from impls.trained_networks.network_artifact import NetworkArtifact
from impls.trained_networks.trained_network import TrainedNetwork


class BlockImplementation(Implementation):
    """A block, which replaces the 3 x 3 convolutions of a network.

    A subclass states ``block`` in the words of ``impls.networks.block.parse_block``, or overrides ``create_block``.
    """

    block: ClassVar[str] = "standard"

    def create_block(self) -> Block:
        """Return the block."""
        return parse_block(self.block)

    def artifact(self, case: ImageClassificationCase, target: Target) -> NetworkArtifact:
        """Return the network that the case measures."""
        return NetworkArtifact(
            case.dataset,
            case.network,
            case.width_mult,
            self.create_block(),
            case.recipe,
            case.epochs,
            case.seed,
            device(target),
        )

    def artifacts(self, case: ImageClassificationCase, target: Target) -> tuple[Artifact, ...]:
        """Return the trained network, and the model that its runtime converts it to, if it does."""
        return with_converted(self.artifact(case, target), case, target)

    def unsupported(self, case: ImageClassificationCase) -> str | None:
        height, width = datasets.image_card(case.dataset).shape[1:]
        if case.network == "vgg16" and min(height, width) < MIN_VGG_SIZE:
            return f"its five poolings need images of at least {MIN_VGG_SIZE} x {MIN_VGG_SIZE}, not {height} x {width}"
        if reason := RUNTIMES[case.runtime].unavailable():
            return f"runtime={case.runtime} {reason}"
        try:
            with torch.device("meta"):
                self.artifact(case, Target("cpu")).create()
        except ValueError as error:
            return str(error)
        return None

    def prepare(self, problem: Problem, target: Target) -> TrainedNetwork:
        return deploy(problem, target, self.artifact(problem.case, target))
