"""The last layers of a network for images."""

from torch import nn


def classifier(cin: int, num_classes: int) -> tuple[nn.Module, ...]:
    """Return the layers from (n, cin, h, w) to logits (n, num_classes): the mean over the image, and a linear layer."""
    return nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(cin, num_classes)
