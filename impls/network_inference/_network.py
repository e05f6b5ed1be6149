"""The network of a case: its weights, its logits, and its counts."""

from collections.abc import Mapping
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import nn

from bench.core.errors import UsageError
from bench.core.layers import InputSize
from bench.core.workload import Array, Problem
from bench.measure.tensors import as_tensor
from impls.models.onnx_network import OnnxNetwork, read_network
from impls.models.source import FORMS, PICKLES
from impls.models.torch_module import TORCHVISION, create_module, input_of
from impls.network_inference.workload import NetworkInferenceCase
from impls.networks.block import parse_block
from impls.networks.catalogue import create_network
from impls.networks.count import count_macs, count_parameters
from impls.networks.vgg import MIN_VGG_SIZE
from impls.trained_networks.float64_logits import float64_logits

CALIBRATION_IMAGES, MAX_CALIBRATION_SIZE = 8, 64
"""Number of random images whose statistics batch norms take over, and their largest height and width."""


class Counts(NamedTuple):
    """What a network takes for a batch."""

    macs: int
    parameters: int


def create(case: NetworkInferenceCase) -> nn.Module:
    """Return the network of a case, one of PyTorch's, in evaluation mode, the same each time, without gradients.

    Raises:
        ValueError: where its channels are not divisible by the groups.
        UsageError: where it is none of this project's, and cannot be made.
    """
    network = _initial(case).eval().requires_grad_(False)
    if _is_own(case):
        return network
    _calibrate(network, case)
    return network


def require_valid(case: NetworkInferenceCase) -> None:
    """Raise ValueError or UsageError where the network of a case cannot be made, or its images are too small."""
    if case.is_onnx_file:
        onnx_network(case)
        return
    if case.network.startswith("vgg") and min(case.size) < MIN_VGG_SIZE:
        raise ValueError(f"its five poolings need images of at least {MIN_VGG_SIZE} x {MIN_VGG_SIZE}")
    if case.network.startswith(f"{TORCHVISION}:"):
        _initial(case)  # not on the meta device, since RegNet computes its widths with tensors
    elif not _is_own(case):
        with torch.device("meta"):
            _initial(case)


def identity(case: NetworkInferenceCase) -> Mapping[str, Any]:
    """Return what decides the network and the shape of its input, as values of JSON.

    Weights are hashed before calibration, whose sums may be rounded otherwise elsewhere.
    """
    if case.is_onnx_file:
        return {"case": case.model_dump(mode="json"), "network": sha256(onnx_network(case).model).hexdigest()[:16]}
    network = _initial(case)
    digest = sha256(str(network).encode())
    for name, tensor in network.state_dict().items():
        digest.update(name.encode() + np.ascontiguousarray(tensor.numpy()).tobytes())
    return {"case": case.model_dump(mode="json"), "network": digest.hexdigest()[:16]}


def with_weights(problem: Problem) -> nn.Module:
    """Return the network of a problem with copies of its constants, on their device."""
    tensors = {name: as_tensor(array) for name, array in problem.constants.items()}
    network = _initial(problem.case).to(next((tensor.device for tensor in tensors.values()), torch.device("cpu")))
    network.load_state_dict(tensors)
    return network.eval().requires_grad_(False)


def weights(case: NetworkInferenceCase) -> dict[str, Array]:
    """Return the weights, running statistics and other constants of the network of a case."""
    if case.is_onnx_file:
        return onnx_network(case).weights()
    return {name: tensor.numpy() for name, tensor in create(case).state_dict().items()}


def reference_logits(problem: Problem, *, rounded: bool = False) -> Array:
    """Compute the logits of a problem's network in float64.

    PyTorch computes them, or, for an ONNX file, ONNX's reference evaluator.

    Args:
        problem: with its arrays on the host.
        rounded: whether the output of each layer is rounded to float32; of an ONNX file, all is computed in float32.
    """
    if problem.case.is_onnx_file:
        x = problem.inputs["x"].astype(np.float32 if rounded else np.float64)
        return onnx_network(problem.case).compute(x, problem.constants)
    return float64_logits(with_weights(problem), problem.inputs["x"], rounded=rounded)


def onnx_network(case: NetworkInferenceCase) -> OnnxNetwork:
    """Return the network of a case that is an ONNX file.

    Raises:
        UsageError: where the file cannot be read, or is no network of images of that size.
    """
    return read_network(Path(case.network), (InputSize("", (case.batch, case.channels, *case.size)),))


@cache
def count(case: NetworkInferenceCase) -> Counts | None:
    """Return the counts of a network for a batch; None where it cannot be made, or has layers that have no rule."""
    try:
        if case.is_onnx_file:
            macs = onnx_network(case).macs()
            return None if macs is None else Counts(macs, onnx_network(case).parameters())
        network = create(case)
        return Counts(case.batch * count_macs(network, case.channels, *case.size), count_parameters(network))
    except (TypeError, ValueError, UsageError):
        return None


def own_case(source: str, inputs: tuple[InputSize, ...]) -> NetworkInferenceCase:
    """Return the case of a model that is not among this project's networks.

    Raises:
        UsageError: where the model cannot be read or made, or its input is no batch of images.
    """
    suffix = Path(source).suffix.lower()
    if suffix in PICKLES:
        raise UsageError(f"{source}: a pickle is never loaded, as it may run any code; give {FORMS}")
    if suffix == ".onnx":
        shape = read_network(Path(source), inputs).shape
    elif ":" in source:
        create_module(source)
        shape = input_of(source, inputs).shape
    else:
        raise UsageError(f"no model {source!r}; give {FORMS}")
    if len(shape) != 4 or len(inputs) > 1:
        raise UsageError(f"{source}: a network takes one batch of images, such as --input-size 1x3x224x224")
    batch, channels, *size = shape
    return NetworkInferenceCase.from_parameters(
        {"network": source, "batch": batch, "channels": channels, "size": tuple(size)}
    )


def _is_own(case: NetworkInferenceCase) -> bool:
    """Whether the network is the user's own, whose weights stay as they are."""
    return ":" in case.network and not case.network.startswith(f"{TORCHVISION}:")


def _initial(case: NetworkInferenceCase) -> nn.Module:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        if ":" in case.network:
            return create_module(case.network)
        block = parse_block(case.block_text)
        return create_network(case.network, block, in_channels=case.channels, width_mult=case.width_mult)


def _calibrate(network: nn.Module, case: NetworkInferenceCase) -> None:
    """Set the running statistics of batch norms to those of a batch of random images."""
    norms = [module for module in network.modules() if isinstance(module, nn.BatchNorm2d)]
    if not norms:
        return
    momenta = [norm.momentum for norm in norms]
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # so that sums round alike on every target
    small = tuple(min(length, MAX_CALIBRATION_SIZE) for length in case.size)
    for norm in norms:
        norm.train().momentum = 1.0
    try:
        with torch.no_grad():
            try:
                network(_random_images(case.channels, small))
            except (AssertionError, RuntimeError, ValueError):
                if small == case.size:
                    raise
                network(_random_images(case.channels, case.size))  # since it needs larger ones
    finally:
        torch.set_num_threads(threads)
        for norm, momentum in zip(norms, momenta, strict=True):
            norm.eval().momentum = momentum


def _random_images(channels: int, size: tuple[int, ...]) -> torch.Tensor:
    return torch.randn(CALIBRATION_IMAGES, channels, *size, generator=torch.Generator().manual_seed(0))
