"""Counts for arXiv 1908.02620 and the methods beside it: parameters of an unpruned network."""

import torch

from bench.claims.counts import Total
from bench.paper.recipe import Recipe
from impls.networks.block import STANDARD
from impls.networks.catalogue import create_network
from impls.networks.count import count_parameters


def _vgg19() -> dict[str, float]:
    with torch.device("meta"):  # counting needs no values
        return {"VGG-19": float(count_parameters(create_network("vgg19", STANDARD)))}


RECIPE = Recipe(counts={"vgg19_parameters": Total("parameters", _vgg19)})
