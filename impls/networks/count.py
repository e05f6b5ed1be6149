"""Counts the parameters and multiply-accumulates (MACs) of a network."""

from collections import Counter
from collections.abc import Mapping
from math import prod

import torch
from torch import Tensor, nn

from impls.sliding_channel_conv2d.layer.module import SlidingChannelConv2d


def count_parameters(network: nn.Module) -> int:
    """Return the number of trainable parameters; running statistics of batch norms are not counted."""
    return sum(parameter.numel() for parameter in network.parameters())


def count_macs(network: nn.Module, *image: int) -> int:
    """Return the multiply-accumulates of convolutions and fully connected layers for one image (channels, h, w).

    Raises:
        TypeError: where a layer with parameters is of a type for which there is no rule.
    """
    return sum(macs_by_layer(network, *image).values())


def macs_by_layer(network: nn.Module, *image: int) -> Mapping[nn.Module, int]:
    """Return the multiply-accumulates of each convolution and fully connected layer for one image (channels, h, w).

    It runs a forward pass on zeros. Additions of biases and residuals, batch norms, activations and poolings are not
    counted. A layer of another type must have a method ``macs_per_output()``.

    Raises:
        TypeError: where a layer with parameters is of a type for which there is no rule.
    """
    macs: Counter[nn.Module] = Counter()

    def count(layer: nn.Module, _inputs: tuple[Tensor, ...], output: Tensor) -> None:
        macs[layer] += output.numel() * _macs_per_output(layer)

    layers = [layer for layer in network.modules() if _has_own_parameters(layer) and not isinstance(layer, _NO_MACS)]
    handles = [layer.register_forward_hook(count) for layer in layers]
    training, device = network.training, next(network.parameters()).device
    try:
        with torch.no_grad():
            network.eval()(torch.zeros(1, *image, device=device))
    finally:
        network.train(training)
        for handle in handles:
            handle.remove()
    return macs


_NO_MACS = (nn.BatchNorm1d, nn.BatchNorm2d)


def _has_own_parameters(layer: nn.Module) -> bool:
    return any(True for _ in layer.parameters(recurse=False))


def _macs_per_output(layer: nn.Module) -> int:
    if callable(rule := getattr(layer, "macs_per_output", None)):
        return int(rule())
    match layer:
        case nn.Conv2d():
            return layer.in_channels // layer.groups * prod(layer.kernel_size)
        case nn.Linear():
            return layer.in_features
        case SlidingChannelConv2d():
            return layer.windows.width
    raise TypeError(f"no rule for the MACs of {type(layer).__name__}: give it a method macs_per_output()")
