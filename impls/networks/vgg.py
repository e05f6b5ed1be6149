"""VGG with batch norm for small images (arXiv 1409.1556), as DSXplore's authors train it on CIFAR-10."""

from torch import nn

from impls.networks.block import STANDARD, Block
from impls.networks.head import classifier
from impls.networks.width import scale_channels

POOL = 0
MIN_VGG_SIZE = 32
"""The least height and width of an image: five poolings halve it."""
LAYERS = {
    16: (64, 64, POOL, 128, 128, POOL, 256, 256, 256, POOL, 512, 512, 512, POOL, 512, 512, 512, POOL),
    19: (64, 64, POOL, 128, 128, POOL, *[256] * 4, POOL, *[512] * 4, POOL, *[512] * 4, POOL),
}
"""Output channels of each convolution, or a pooling, by the number of layers with weights in the original."""


def vgg(
    layers: int, block: Block = STANDARD, num_classes: int = 10, in_channels: int = 3, width_mult: float = 1
) -> nn.Module:
    """Return VGG16 or VGG19: logits (n, num_classes) of images (n, in_channels, h, w), with h and w at least 32.

    The block takes the place of every convolution but the first.
    """
    features: list[nn.Module] = []
    cin = in_channels
    for channels in LAYERS[layers]:
        if channels == POOL:
            features.append(nn.MaxPool2d(2))
            continue
        cout = scale_channels(channels, width_mult)
        conv = block.conv3x3(cin, cout, bias=True) if features else STANDARD.conv3x3(cin, cout, bias=True)
        features += [conv, nn.BatchNorm2d(cout), nn.ReLU()]
        cin = cout
    return nn.Sequential(*features, *classifier(cin, num_classes))
