"""The network of a case: its weights, its logits, and its counts."""

from collections.abc import Mapping
from functools import cache
from hashlib import sha256
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import nn

from bench.core.errors import UsageError
from bench.core.layers import InputSize
from bench.core.workload import Array, Problem
from bench.measure.tensors import as_tensor
from impls.models.torch_module import TORCHVISION, create_module, input_of
from impls.network_inference.workload import NetworkInferenceCase
from impls.networks.block import parse_block
from impls.networks.catalogue import create_network
from impls.networks.count import count_macs, count_parameters
from impls.networks.vgg import MIN_VGG_SIZE

CALIBRATION_IMAGES, MAX_CALIBRATION_SIZE = 8, 64
"""Number of random images whose statistics batch norms take over, and their largest height and width."""


class Counts(NamedTuple):
    """What a network takes for one image."""

    macs: int
    parameters: int


def create(case: NetworkInferenceCase) -> nn.Module:
    """Return the network of a case in evaluation mode, the same each time, without gradients.

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
    if case.network.startswith("vgg") and min(case.size) < MIN_VGG_SIZE:
        raise ValueError(f"its five poolings need images of at least {MIN_VGG_SIZE} x {MIN_VGG_SIZE}")
    if not _is_own(case):
        with torch.device("meta"):
            _initial(case)


def identity(case: NetworkInferenceCase) -> Mapping[str, Any]:
    """Return what decides the network and the shape of its input, as values of JSON.

    Weights are hashed before calibration, whose sums may be rounded otherwise elsewhere.
    """
    network = _initial(case)
    digest = sha256(str(network).encode())
    for name, tensor in network.state_dict().items():
        digest.update(name.encode() + np.ascontiguousarray(tensor.numpy()).tobytes())
    return {"case": case.model_dump(mode="json"), "network": digest.hexdigest()[:16]}


def with_weights(problem: Problem) -> nn.Module:
    """Return the network of a problem with copies of its constants, on their device."""
    tensors = {name: as_tensor(array) for name, array in problem.constants.items()}
    network = _initial(problem.case).to(next(iter(tensors.values())).device)
    network.load_state_dict(tensors)
    return network.eval().requires_grad_(False)


def logits(network: nn.Module, x: Array) -> Array:
    """Return the logits of a network for images, as an array."""
    with torch.inference_mode():
        output: Array = network(torch.from_numpy(x)).numpy()
        return output


@cache
def count(case: NetworkInferenceCase) -> Counts | None:
    """Return the counts of a network for one image; None where it has layers for which there is no rule."""
    network = create(case)
    try:
        return Counts(count_macs(network, case.channels, *case.size), count_parameters(network))
    except TypeError:
        return None


def own_case(source: str, inputs: tuple[InputSize, ...]) -> NetworkInferenceCase:
    """Return the case of a model that is not among this project's networks.

    Raises:
        UsageError: where it is no PyTorch model, cannot be made, or its input is no batch of images.
    """
    if ":" not in source or source.endswith(".onnx"):
        raise UsageError(
            f"{source}: whole models are PyTorch's; give torchvision:NAME, or module:function, which returns a "
            "torch.nn.Module. --layers-of measures the layers of an ONNX file"
        )
    create_module(source)
    shape = input_of(source, inputs).shape
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
    momenta = [norm.momentum for norm in norms]
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # so that sums round alike on every target
    size = (min(length, MAX_CALIBRATION_SIZE) for length in case.size)
    images = torch.randn(CALIBRATION_IMAGES, case.channels, *size, generator=torch.Generator().manual_seed(0))
    for norm in norms:
        norm.train().momentum = 1.0
    try:
        with torch.no_grad():
            network(images)
    finally:
        torch.set_num_threads(threads)
        for norm, momentum in zip(norms, momenta, strict=True):
            norm.eval().momentum = momentum
