"""LeNet for 28 x 28 digits, with the widths of Caffe's example, which SG-CNN prunes (arXiv 2009.13803)."""

from torch import nn


def lenet(num_classes: int = 10, in_channels: int = 1) -> nn.Module:
    """Return LeNet: logits (n, num_classes) of images (n, in_channels, 28, 28). It has no 3 x 3 convolution."""
    return nn.Sequential(
        nn.Conv2d(in_channels, 20, 5),
        nn.MaxPool2d(2),
        nn.Conv2d(20, 50, 5),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(50 * 4 * 4, 500),
        nn.ReLU(),
        nn.Linear(500, num_classes),
    )
