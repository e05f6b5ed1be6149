"""Networks as ONNX models."""

import io
import warnings

import torch
from torch import Tensor, nn

from impls.sliding_channel_conv2d.layer.backends import BACKENDS
from impls.sliding_channel_conv2d.layer.module import SlidingChannelConv2d


def to_onnx(network: nn.Module, x: Tensor) -> bytes:
    """Return a network for inputs of the shape of ``x`` as an ONNX model, whose input is ``x`` and output ``y``.

    Sliding-channel convolutions become dense ones with zeros in their weights, since ONNX has no other operator for
    them. Batch norms are folded into the convolutions before them.
    """
    file = io.BytesIO()
    network = _dense(network).eval().requires_grad_(False)
    with warnings.catch_warnings():
        # The exporter that succeeds this one takes many times as long, and each process that is timed exports anew.
        warnings.simplefilter("ignore", DeprecationWarning)
        names = {"input_names": ["x"], "output_names": ["y"]}
        torch.onnx.export(network, (x,), file, dynamo=False, **names)  # type: ignore[arg-type]
    return file.getvalue()


def _dense(module: nn.Module) -> nn.Module:
    """Return the module with its sliding-channel convolutions replaced, in place but for the module itself."""
    if isinstance(module, SlidingChannelConv2d):
        weight, bias = BACKENDS["masked_dense"].pack(module.weight, module.bias, module.windows)
        convolution = nn.Conv2d(module.windows.cin, module.windows.cout, 1, bias=bias is not None)
        convolution.weight = nn.Parameter(weight.detach())
        if bias is not None:
            convolution.bias = nn.Parameter(bias.detach())
        return convolution
    for name, child in module.named_children():
        setattr(module, name, _dense(child))
    return module
