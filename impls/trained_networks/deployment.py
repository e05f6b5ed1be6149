"""Runs a trained network by one of the runtimes."""

from typing import Any, Protocol

import torch

from bench import artifacts, datasets
from bench.core.artifact import Artifact
from bench.core.record import Work
from bench.core.target import Target
from bench.core.workload import Problem
from bench.measure.tensors import as_tensor
from impls.converted_models.converted_model import ConvertedModel, Example
from impls.networks.count import count_macs, count_parameters
from impls.runtimes.catalogue import RUNTIMES
from impls.trained_networks.trained_network import TrainedNetwork, TrainedNetworkArtifact


class DeployedCase(Protocol):
    """A case that says which images a network is given, and by what it is run."""

    dataset: str
    runtime: str
    batch: int


def device(target: Target) -> str:
    """Return the PyTorch device on which networks for a target are trained."""
    return "cuda" if target.kind == "cuda" else "cpu"


def with_converted(network: TrainedNetworkArtifact, case: DeployedCase, target: Target) -> tuple[Artifact, ...]:
    """Return a trained network, and the model that the case's runtime converts it to, if it does."""
    return (network, _converted(network, case, target)) if _converts(case, target) else (network,)


def deploy(problem: Problem, target: Target, artifact: TrainedNetworkArtifact) -> TrainedNetwork:
    """Return the call of a trained network on the runtime of the problem's case.

    Raises:
        RunError: where an artifact is not built, or damaged.
    """
    case: Any = problem.case
    runtime = RUNTIMES[case.runtime]
    loaded = artifacts.load(artifact)
    network = artifact.load_network()
    example = as_tensor(problem.lay_out("x", (0, 2, 3, 1) if runtime.channels_last else (0, 1, 2, 3)))
    weight_bytes = sum(tensor.nbytes for tensor in network.state_dict().values())
    work = Work(
        macs=case.batch * count_macs(network, *example.shape[1:]),
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
        facts |= runtime.facts(call)
    return TrainedNetwork(
        call,
        work,
        loaded.description.history,
        facts,
        artifact_keys=tuple(keys),
        artifact=artifact,
        weight_bytes=weight_bytes,
    )


def _converts(case: DeployedCase, target: Target) -> bool:
    return RUNTIMES[case.runtime].converts(device(target))


def _converted(network: TrainedNetworkArtifact, case: DeployedCase, target: Target) -> ConvertedModel:
    shape = (case.batch, *datasets.image_card(case.dataset).shape)

    def example() -> Example:
        order = torch.channels_last if RUNTIMES[case.runtime].channels_last else torch.contiguous_format
        return Example(network.load_network(), torch.zeros(shape).contiguous(memory_format=order))

    source = {"artifact": network.key, "shape": list(shape)}
    return ConvertedModel(case.runtime, source, f"batch={case.batch} {network.label}", example, target.isa)
