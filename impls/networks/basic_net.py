"""BasicNet: seven convolutions, each with batch norm and ReLU (arXiv 1811.12495), for studies of sparsity."""

from torch import nn

from impls.networks.block import STANDARD, Block
from impls.networks.width import scaled

STAGES = ((64, 1), (64, 2), (128, 1), (128, 2), (256, 1), (256, 2), (256, 1))
"""Output channels and stride of convolutions C1 to C7. They are ours, since the published ones could not be had."""


def basic_net(block: Block = STANDARD, classes: int = 10, channels: int = 3, width: float = 1) -> nn.Module:
    """Return BasicNet: logits (n, classes) of images (n, channels, h, w).

    The block takes the place of every convolution but the first.
    """
    layers: list[nn.Module] = []
    cin = channels
    for stage, stride in STAGES:
        cout = scaled(stage, width)
        conv = (block if layers else STANDARD).conv3x3(cin, cout, stride)
        layers += [conv, nn.BatchNorm2d(cout), nn.ReLU()]
        cin = cout
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(cin, classes))
