"""What the implementations share: each is a block, and measures the network that was trained with it."""

from typing import ClassVar

import torch

from bench import artifacts, datasets
from bench.core.artifact import Artifact
from bench.core.implementation import Implementation
from bench.core.record import Work
from bench.core.target import Target
from bench.core.workload import Problem
from bench.measure.tensors import as_tensor
from impls.converted_models.converted_model import ConvertedModel, Example
from impls.image_classification._trained_network import TrainedNetwork
from impls.image_classification.workload import ImageClassificationCase
from impls.networks.block import Block, parse_block
from impls.networks.count import count_macs, count_parameters
from impls.networks.vgg import MIN_VGG_SIZE
from impls.runtimes.catalogue import RUNTIMES
from impls.trained_networks.network_artifact import NetworkArtifact, load_weights


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
        device = "cuda" if target.kind == "cuda" else "cpu"
        return NetworkArtifact(
            case.dataset,
            case.network,
            case.width_mult,
            self.create_block(),
            case.recipe,
            case.epochs,
            case.seed,
            device,
        )

    def artifacts(self, case: ImageClassificationCase, target: Target) -> tuple[Artifact, ...]:
        """Return the trained network, and the model that its runtime converts it to, if it does."""
        network = self.artifact(case, target)
        return (network, _converted(network, case, target)) if _converts(case, target) else (network,)

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
        case: ImageClassificationCase = problem.case
        runtime = RUNTIMES[case.runtime]
        artifact = self.artifact(case, target)
        loaded = artifacts.load(artifact)
        network = artifact.create()
        load_weights(network, loaded.arrays)
        example = as_tensor(problem.lay_out("x", (0, 2, 3, 1) if runtime.channels_last else (0, 1, 2, 3)))
        weight_bytes = sum(array.nbytes for array in loaded.arrays.values())
        macs = case.batch * count_macs(network, *example.shape[1:])
        work = Work(
            macs=macs,
            least_bytes=example.nbytes + weight_bytes,
            parameters=count_parameters(network),
        )
        facts = {"trained on": loaded.description.built_by.processor}
        threads, keys = len(target.cores), [artifact.key]
        if _converts(case, target):
            converted = _converted(artifact, case, target)
            call, model_facts = converted.load(example, threads)
            facts |= model_facts
            keys.append(converted.key)
        else:
            call = runtime.build(network.to(example.device), example, threads, target.isa)
        return TrainedNetwork(
            call,
            work,
            loaded.description.history,
            facts,
            artifact_keys=tuple(keys),
            artifact=artifact,
            weight_bytes=weight_bytes,
        )


def _converts(case: ImageClassificationCase, target: Target) -> bool:
    return RUNTIMES[case.runtime].converts("cuda" if target.kind == "cuda" else "cpu")


def _converted(network: NetworkArtifact, case: ImageClassificationCase, target: Target) -> ConvertedModel:
    shape = (case.batch, *datasets.image_card(case.dataset).shape)

    def example() -> Example:
        trained = network.create()
        load_weights(trained, artifacts.load(network).arrays)
        order = torch.channels_last if RUNTIMES[case.runtime].channels_last else torch.contiguous_format
        return Example(trained, torch.zeros(shape).contiguous(memory_format=order))

    source = {"artifact": network.key, "shape": list(shape)}
    return ConvertedModel(case.runtime, source, f"batch={case.batch} {network.label}", example, target.isa)
