"""Counts of arXiv 2009.13803: parameters and multiply-accumulates of its unpruned networks."""

from collections.abc import Callable
from functools import partial

import torch
from torch import nn

from bench.claims.cells import Total
from bench.paper.recipe import Recipe
from impls.networks.block import STANDARD
from impls.networks.catalogue import create_network
from impls.networks.count import count_macs, count_parameters
from impls.networks.lenet import lenet

RESNET50 = partial(create_network, "resnet50_cifar", STANDARD, num_classes=1000, imagenet_stem=True)


def _total(unit: str, name: str, build: Callable[[], nn.Module], count: Callable[[nn.Module], int]) -> Total:
    """Return a count of one network, whose weights need no values for it."""

    def values() -> dict[str, float]:
        with torch.device("meta"):
            return {name: float(count(build()))}

    return Total(unit, values)


RECIPE = Recipe(
    counts={
        "lenet_parameters": _total("parameters", "LeNet", lenet, count_parameters),
        "lenet_macs": _total("MACs", "LeNet", lenet, lambda net: count_macs(net, 1, 28, 28)),
        "resnet50_parameters": _total("parameters", "ResNet50", RESNET50, count_parameters),
        "resnet50_macs": _total("MACs", "ResNet50", RESNET50, lambda net: count_macs(net, 3, 224, 224)),
    },
)
