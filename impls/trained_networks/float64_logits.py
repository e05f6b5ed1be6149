"""Computes the logits of a network in float64, and how much the network amplifies rounding."""

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from bench.core.workload import Array


def float64_logits(network: nn.Module, x: Array, *, rounded: bool = False) -> Array:
    """Return the logits that PyTorch computes in float64, (batch, classes).

    Args:
        network: in float64 and evaluation mode afterwards.
        x: (batch, channels, height, width).
        rounded: whether the output of each layer is rounded to float32. What that changes does not depend on the
            kernels of any library.

    Raises:
        TypeError: where the network does not return one tensor.
    """
    network = network.double().eval()
    if rounded:
        for module in network.modules():
            if next(module.children(), None) is None:
                module.register_forward_hook(_round)
    with torch.inference_mode():
        logits = network(torch.from_numpy(np.array(x, np.float64)))
    if not isinstance(logits, Tensor):
        raise TypeError(f"the network returns a {type(logits).__name__}; it has to return one tensor")
    array: Array = logits.numpy()
    return array


def _round(module: nn.Module, inputs: Any, output: Any) -> Any:
    return output.float().double() if isinstance(output, Tensor) and output.dtype == torch.float64 else output
