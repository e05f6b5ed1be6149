"""Counts of arXiv 2009.13803: parameters and multiply-accumulates of its unpruned networks."""

from collections.abc import Callable
from functools import partial

import torch
from torch import nn

from bench.claims.cells import Total
from bench.paper.recipe import Recipe
from impls.networks.block import STANDARD
from impls.networks.catalogue import network
from impls.networks.count import macs, parameters
from impls.networks.lenet import lenet

RESNET50 = partial(network, "resnet50", STANDARD, classes=1000, imagenet_stem=True)


def _total(unit: str, name: str, build: Callable[[], nn.Module], count: Callable[[nn.Module], int]) -> Total:
    """Return a count of one network, whose weights need no values for it."""

    def values() -> dict[str, float]:
        with torch.device("meta"):
            return {name: float(count(build()))}

    return Total(unit, values)


RECIPE = Recipe(
    counts={
        "lenet_parameters": _total("parameters", "LeNet", lenet, parameters),
        "lenet_macs": _total("MACs", "LeNet", lenet, lambda net: macs(net, 1, 28, 28)),
        "resnet50_parameters": _total("parameters", "ResNet50", RESNET50, parameters),
        "resnet50_macs": _total("MACs", "ResNet50", RESNET50, lambda net: macs(net, 3, 224, 224)),
    },
)
