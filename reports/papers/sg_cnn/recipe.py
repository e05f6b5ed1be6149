"""Counts of arXiv 2009.13803: parameters and multiply-accumulates of its unpruned networks."""

from collections.abc import Callable, Mapping

import torch
from torch import nn

from bench.claims.counts import Total
from bench.paper.recipe import Recipe
from impls.networks.count import count_macs, count_parameters
from impls.networks.lenet import lenet
from impls.networks.torchvision_networks import densenet121_cifar, densenet201, resnet50


def paper_parameters(network: nn.Module) -> int:
    """Return the parameters of a network by the paper's rule.

    They are the weights of convolutions, the weights and biases of fully connected layers, and two for each output
    channel of a prunable convolution, which are those of its batch norm.
    """
    weights = sum(layer.weight.numel() for layer in network.modules() if isinstance(layer, nn.Conv2d))
    connected = sum(count_parameters(layer) for layer in network.modules() if isinstance(layer, nn.Linear))
    return weights + connected + 2 * _prunable_channels(network)


def paper_flops(network: nn.Module, *image: int) -> int:
    """Return the FLOPs of a network by the paper's rule for one image (channels, h, w).

    They are the multiply-accumulates, and one addition for each output channel of a prunable convolution and for each
    bias of a fully connected layer.
    """
    biases = sum(layer.out_features for layer in network.modules() if isinstance(layer, nn.Linear))
    return count_macs(network, *image) + biases + _prunable_channels(network)


def _prunable_channels(network: nn.Module) -> int:
    """Return the output channels of all convolutions but the first one and those of shortcuts."""
    _, *others = ((name, layer) for name, layer in network.named_modules() if isinstance(layer, nn.Conv2d))
    return sum(layer.out_channels for name, layer in others if "downsample" not in name)


def _total(unit: str, name: str, build: Callable[[], nn.Module], count: Callable[[nn.Module], int]) -> Total:
    """Return a count of one network, whose weights need no values for it."""

    def values() -> dict[str, float]:
        with torch.device("meta"):
            return {name: float(count(build()))}

    return Total(unit, values)


def _paper_counts(quantity: str, name: str, build: Callable[[], nn.Module], size: int) -> Mapping[str, Total]:
    """Return both counts of a network by the paper's rule, for images of ``size`` x ``size``."""
    return {
        f"{quantity}_parameters": _total("parameters", name, build, paper_parameters),
        f"{quantity}_flops": _total("MACs", name, build, lambda net: paper_flops(net, 3, size, size)),
    }


RECIPE = Recipe(
    counts={
        "lenet_parameters": _total("parameters", "LeNet", lenet, count_parameters),
        "lenet_macs": _total("MACs", "LeNet", lenet, lambda net: count_macs(net, 1, 28, 28)),
        **_paper_counts("densenet121", "DenseNet121", densenet121_cifar, 32),
        **_paper_counts("densenet201", "DenseNet201", densenet201, 224),
        **_paper_counts("resnet50", "ResNet50", resnet50, 224),
    },
)
