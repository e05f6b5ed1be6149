"""BasicNet: seven convolutions, each with batch norm and ReLU (arXiv 1811.12495), for studies of sparsity."""

from torch import nn

from impls.networks.block import STANDARD, Block
from impls.networks.head import classifier
from impls.networks.width import scale_channels

LAYERS = ((64, 1), (64, 2), (128, 1), (128, 2), (256, 1), (256, 2), (256, 1))
"""Output channels and stride of convolutions C1 to C7. They are ours, since the published ones could not be had."""


def basic_net(block: Block = STANDARD, num_classes: int = 10, in_channels: int = 3, width_mult: float = 1) -> nn.Module:
    """Return BasicNet: logits (n, num_classes) of images (n, in_channels, h, w).

    The block takes the place of every convolution but the first.
    """
    layers: list[nn.Module] = []
    cin = in_channels
    for channels, stride in LAYERS:
        cout = scale_channels(channels, width_mult)
        conv = (block if layers else STANDARD).conv3x3(cin, cout, stride)
        layers += [conv, nn.BatchNorm2d(cout), nn.ReLU()]
        cin = cout
    return nn.Sequential(*layers, *classifier(cin, num_classes))
