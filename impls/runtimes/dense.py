"""Networks whose sliding-channel convolutions are dense, for runtimes that know no other operator for them."""

from torch import nn

from impls.sliding_channel_conv2d.layer.backends import BACKENDS
from impls.sliding_channel_conv2d.layer.module import SlidingChannelConv2d


def dense(network: nn.Module) -> nn.Module:
    """Return a network in evaluation mode, without gradients, whose sliding-channel convolutions have become dense.

    These have zeros in their weights. Layers are replaced in place, except for the network itself.
    """
    return _replace(network).eval().requires_grad_(False)


def _replace(module: nn.Module) -> nn.Module:
    if isinstance(module, SlidingChannelConv2d):
        weight, bias = BACKENDS["masked_dense"].pack(module.weight, module.bias, module.windows)
        convolution = nn.Conv2d(module.windows.cin, module.windows.cout, 1, bias=bias is not None)
        convolution.weight = nn.Parameter(weight.detach())
        if bias is not None:
            convolution.bias = nn.Parameter(bias.detach())
        return convolution
    for name, child in module.named_children():
        setattr(module, name, _replace(child))
    return module
