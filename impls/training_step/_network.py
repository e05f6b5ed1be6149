"""The network of a case, its loss and gradients, and the MACs of a training step."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from bench.core.workload import Problem
from bench.measure.tensors import as_tensor
from impls.networks.block import parse_block
from impls.networks.catalogue import create_network
from impls.networks.count import count_macs
from impls.training_step.workload import CLASSES, TrainingStepCase


def create(case: TrainingStepCase) -> nn.Module:
    """Return the network of a case in training mode, with the same initial weights each time.

    Raises:
        ValueError: where its channels are not divisible by the groups.
    """
    torch.manual_seed(0)
    block = parse_block(case.block_text)
    return create_network(case.network, block, num_classes=CLASSES, in_channels=3, width_mult=case.width_mult).train()


def with_parameters(problem: Problem) -> nn.Module:
    """Return the network of a problem with copies of its parameters, on their device."""
    network = create(problem.case)
    tensors = {name: as_tensor(array) for name, array in problem.constants.items()}
    network.to(next(iter(tensors.values())).device)
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            parameter.copy_(tensors[name])
    return network


def weights(network: nn.Module) -> list[nn.Parameter]:
    """Return the parameters whose gradients are output: the weights of convolutions and linear layers."""
    return [parameter for parameter in network.parameters() if parameter.ndim > 1]


def loss_and_gradients(network: nn.Module, images: Any, labels: Any) -> tuple[Tensor, ...]:
    """Return the loss (1,) and the gradients of ``weights``; the other gradients are computed too."""
    parameters = list(network.parameters())
    x = as_tensor(images).to(parameters[0].dtype)
    loss = cross_entropy(network(x), as_tensor(labels))
    gradients = dict(zip(parameters, torch.autograd.grad(loss, parameters), strict=True))
    return (loss.detach().reshape(1), *(gradients[parameter] for parameter in weights(network)))


def count_training_macs(network: nn.Module, size: int) -> int:
    """Return the MACs of the loss and all gradients for an image (3, size, size).

    The weight gradient and the input gradient of a layer each take as many MACs as its forward pass; the first layer
    needs no input gradient.
    """
    first = next(layer for layer in network.modules() if isinstance(layer, nn.Conv2d))
    return 3 * count_macs(network, 3, size, size) - count_macs(first, 3, size, size)
