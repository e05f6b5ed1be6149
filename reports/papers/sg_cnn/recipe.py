"""Counts of arXiv 2009.13803: parameters and multiply-accumulates of its networks, unpruned and pruned."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial

import torch
from torch import nn

from bench.claims.counts import Total
from bench.paper.recipe import Recipe
from impls.networks.count import count_macs, count_parameters, macs_by_layer
from impls.networks.lenet import lenet
from impls.networks.torchvision_networks import densenet121_cifar, densenet201, resnet50

MAX_LINEAR_PER_CENT = 60
"""Per cent of the weights of a fully connected layer that are pruned at the most."""


def paper_parameters(network: nn.Module, per_cent: float = 0) -> float:
    """Return the parameters of a network by the paper's rule, ``per_cent`` of those of each prunable layer pruned.

    They are the weights of convolutions, the weights and biases of fully connected layers, and two for each output
    channel of a prunable convolution, which are those of its batch norm.
    """
    weights = sum(layer.weight.numel() for layer in network.modules() if isinstance(layer, nn.Conv2d))
    connected = sum(count_parameters(layer) for layer in network.modules() if isinstance(layer, nn.Linear))
    pruned = sum(share * layer.weight.numel() for layer, share in _pruned_shares(network, per_cent).items())
    return weights + connected + 2 * _prunable_channels(network) - pruned


def paper_flops(network: nn.Module, *image: int, per_cent: float = 0) -> float:
    """Return the FLOPs of a network by the paper's rule for one image (channels, h, w), pruned as above.

    They are the multiply-accumulates, and one addition for each output channel of a prunable convolution and for each
    bias of a fully connected layer.
    """
    biases = sum(layer.out_features for layer in network.modules() if isinstance(layer, nn.Linear))
    macs = macs_by_layer(network, *image)
    pruned = sum(share * macs[layer] for layer, share in _pruned_shares(network, per_cent).items())
    return sum(macs.values()) + biases + _prunable_channels(network) - pruned


def _pruned_shares(network: nn.Module, per_cent: float) -> dict[nn.Conv2d | nn.Linear, float]:
    """Return the fraction of each prunable layer's weights that is pruned.

    The threshold is a percentile of a layer's importances, so whatever the weights are, the fraction is about this one.
    """
    connected = [layer for layer in network.modules() if isinstance(layer, nn.Linear)]
    return {
        **dict.fromkeys(_prunable_convolutions(network), per_cent / 100),
        **dict.fromkeys(connected, min(per_cent, MAX_LINEAR_PER_CENT) / 100),
    }


def _prunable_channels(network: nn.Module) -> int:
    return sum(layer.out_channels for layer in _prunable_convolutions(network))


def _prunable_convolutions(network: nn.Module) -> list[nn.Conv2d]:
    """Return all convolutions but the first one and those of shortcuts."""
    _, *others = ((name, layer) for name, layer in network.named_modules() if isinstance(layer, nn.Conv2d))
    return [layer for name, layer in others if "downsample" not in name]


def _total(unit: str, name: str, build: Callable[[], nn.Module], count: Callable[[nn.Module], float]) -> Total:
    """Return a count of one network, whose weights need no values for it."""

    def values() -> dict[str, float]:
        with torch.device("meta"):
            return {name: float(count(build()))}

    return Total(unit, values)


def _paper_counts(
    quantity: str, name: str, build: Callable[[], nn.Module], size: int, pruned: Sequence[int]
) -> Mapping[str, Total]:
    """Return both counts by the paper's rule for images of ``size`` x ``size``, unpruned and with each per cent pruned.

    A quantity is named ``<quantity>_parameters``, or ``<quantity>_75_parameters`` with 75 % pruned.
    """
    counts = {}
    for per_cent in (0, *pruned):
        label = f"{quantity}_{per_cent}" if per_cent else quantity
        title = f"{name}, {per_cent} % pruned" if per_cent else name
        flops = partial(_flops, size=size, per_cent=per_cent)
        counts[f"{label}_parameters"] = _total("parameters", title, build, partial(paper_parameters, per_cent=per_cent))
        counts[f"{label}_flops"] = _total("MACs", title, build, flops)
    return counts


def _flops(network: nn.Module, size: int, per_cent: float) -> float:
    return paper_flops(network, 3, size, size, per_cent=per_cent)


RECIPE = Recipe(
    counts={
        "lenet_parameters": _total("parameters", "LeNet", lenet, count_parameters),
        "lenet_macs": _total("MACs", "LeNet", lenet, lambda net: count_macs(net, 1, 28, 28)),
        **_paper_counts("densenet121", "DenseNet121", densenet121_cifar, 32, pruned=(75, 90, 95)),
        **_paper_counts("densenet201", "DenseNet201", densenet201, 224, pruned=(80,)),
        **_paper_counts("resnet50", "ResNet50", resnet50, 224, pruned=(60, 70, 80)),
    },
)
