"""PyTorch's eager mode."""

from collections.abc import Callable

import torch
from torch import Tensor, nn


def build(network: nn.Module, x: Tensor, threads: int) -> Callable[[], Tensor]:
    """Return a call of ``network`` on ``x``, without gradients; the number of threads is that of the process."""
    torch.set_num_threads(threads)
    network.eval().requires_grad_(False)

    def call() -> Tensor:
        with torch.inference_mode():
            output: Tensor = network(x)
            return output

    return call


def build_channels_last(network: nn.Module, x: Tensor, threads: int) -> Callable[[], Tensor]:
    """Return the same with weights stored channels last, as ``x`` should be."""
    return build(network.to(memory_format=torch.channels_last), x, threads)  # type: ignore[call-overload]
