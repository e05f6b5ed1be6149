"""MobileNet v1 (arXiv 1704.04861) for small images, as DSXplore's authors train it on CIFAR-10."""

from torch import nn

from impls.networks.block import DW_PW, STANDARD, Block
from impls.networks.head import classifier
from impls.networks.width import scale_channels

LAYERS = ((64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), *[(512, 1)] * 5, (1024, 2), (1024, 1))
"""Output channels and stride of each block."""


def mobilenet(block: Block = DW_PW, num_classes: int = 10, in_channels: int = 3, width_mult: float = 1) -> nn.Module:
    """Return MobileNet v1: logits (n, num_classes) of images (n, in_channels, h, w).

    Its first layer keeps the size of the image. The block takes the place of every depthwise convolution and the
    pointwise one after it.
    """
    cin = scale_channels(32, width_mult)
    features = [STANDARD.conv3x3(in_channels, cin), nn.BatchNorm2d(cin), nn.ReLU()]
    for channels, stride in LAYERS:
        cout = scale_channels(channels, width_mult)
        features += [block.conv3x3(cin, cout, stride, norm=True), nn.BatchNorm2d(cout), nn.ReLU()]
        cin = cout
    return nn.Sequential(*features, *classifier(cin, num_classes))
