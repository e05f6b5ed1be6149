"""The networks by their names."""

from collections.abc import Callable
from functools import partial

from torch import nn

from impls.networks.basic_net import basic_net
from impls.networks.block import Block
from impls.networks.densenet import densenet
from impls.networks.mobilenet import mobilenet
from impls.networks.resnet import basic_block, basic_block_second_conv, bottleneck, resnet
from impls.networks.resnet8 import resnet8
from impls.networks.vgg import vgg
from impls.networks.wide_resnet import wide_resnet

NETWORKS: dict[str, Callable[..., nn.Module]] = {
    "basic_net": basic_net,
    "densenet40": partial(densenet, 40, 12),
    "mobilenet": mobilenet,
    "resnet8": resnet8,
    "resnet18_cifar": partial(resnet, basic_block_second_conv, (2, 2, 2, 2)),
    "resnet20": partial(resnet, basic_block, (3, 3, 3), base_width=16),
    "resnet34": partial(resnet, basic_block, (3, 4, 6, 3), num_classes=1000, imagenet_stem=True),
    "resnet50_cifar": partial(resnet, bottleneck, (3, 4, 6, 3)),
    "resnet56": partial(resnet, basic_block, (9, 9, 9), base_width=16),
    "vgg16": partial(vgg, 16),
    "vgg19": partial(vgg, 19),
    "wrn_40_2": partial(wide_resnet, 40, 2),
}
"""Networks whose 3 x 3 convolutions a block decides: each takes block, num_classes, in_channels and width_mult."""


def create_network(name: str, block: Block, **options: float) -> nn.Module:
    """Return a network with random weights.

    Args:
        name: a key of NETWORKS.
        block: what takes the place of its 3 x 3 convolutions.
        **options: ``num_classes``, ``in_channels`` and ``width_mult``; each network has defaults.

    Raises:
        ValueError: where there is no such network, or its channels are not divisible by the block's groups.
    """
    if name not in NETWORKS:
        raise ValueError(f"no network {name!r}; choose from {', '.join(NETWORKS)}")
    return NETWORKS[name](block=block, **options)
