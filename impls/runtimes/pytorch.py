"""PyTorch's eager mode."""

import time
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from impls.loaders.layer_times import LayerTimes, repeat


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


def layer_times(network: nn.Module, x: Tensor, threads: int, calls: int) -> LayerTimes:
    """Return the times of the leaf modules; what lies between modules is not among them."""
    compute = build(network, x, threads)
    layers: list[tuple[str, float]] = []
    began = 0.0

    def start(*_: Any) -> None:
        nonlocal began
        began = time.perf_counter()

    def stop(name: str) -> Callable[..., None]:
        return lambda *_: layers.append((name, time.perf_counter() - began))

    for name, module in network.named_modules():
        if not any(module.children()):
            module.register_forward_pre_hook(start)
            module.register_forward_hook(stop(f"{type(module).__name__} {name}"))

    def call() -> list[tuple[str, float]]:
        layers.clear()
        compute()
        return list(layers)

    return repeat(call, calls)
