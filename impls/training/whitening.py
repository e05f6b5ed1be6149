"""Whitening filters: where the first convolution of a network begins."""

import torch
from torch import Tensor, nn

SAMPLE = 5000
"""Images whose patches the filters are made of."""
EPSILON = 1e-2
"""Added to each variance, so that a direction with hardly any does not become noise."""


def whiten_first_convolution(network: nn.Module, images: Tensor) -> None:
    """Set the filters of the first convolution to whitening filters of the patches of ``images``.

    They are the principal directions of the patches, that of the largest variance first, each scaled so that its
    response has about unit variance, and then the same with the opposite sign, as cifar10-fast and airbench do. Filters
    beyond twice the number of directions stay as they are. The convolution is trained like any other.

    Args:
        network: one whose first convolution has one group.
        images: normalised images, (n, channels, height, width).
    """
    first = next(layer for layer in network.modules() if isinstance(layer, nn.Conv2d))
    patches = nn.functional.unfold(images[:SAMPLE], first.kernel_size, stride=first.kernel_size)
    patches = patches.transpose(1, 2).flatten(0, 1).double()
    covariance = patches.T @ patches / len(patches)
    variances, directions = torch.linalg.eigh(covariance)
    filters = (directions / (variances + EPSILON).sqrt()).T.flip(0)
    largest = filters.abs().argmax(dim=1, keepdim=True)
    filters = filters * filters.gather(1, largest).sign()  # the sign of an eigenvector is arbitrary
    count = min((first.out_channels + 1) // 2, len(filters))
    both = torch.cat([filters[:count], -filters[:count]])[: first.out_channels]
    with torch.no_grad():
        first.weight[: len(both)] = both.reshape(-1, *first.weight.shape[1:]).float()
