"""Launches on the GPU of a tensor, on PyTorch's current stream."""

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
import torch
from torch import Tensor

from impls.sliding_channel_conv2d.cuda.compiler import compiled


class Gpu:
    """One device. Kernels are loaded when first launched, which must not be while a CUDA graph is captured."""

    def __init__(self, device: torch.device) -> None:
        from cuda.core import Device

        self._torch_device = device
        properties = torch.cuda.get_device_properties(device)
        self.multiprocessors: int = properties.multi_processor_count
        self._architecture = f"sm_{properties.major}{properties.minor}"
        self._device = Device(device.index)
        self._kernels: dict[str, Any] = {}

    def launch(self, kernel: str, blocks: int, threads: int, arguments: Sequence[Tensor | int | None]) -> None:
        from cuda.core import LaunchConfig, launch

        with torch.cuda.device(self._torch_device):
            self._device.set_current()
            stream = torch.cuda.current_stream()
            launch(stream, LaunchConfig(grid=blocks, block=threads), self._kernel(kernel), *map(_argument, arguments))

    def _kernel(self, expression: str) -> Any:
        if expression not in self._kernels:
            from cuda.core import ObjectCode

            made = compiled(expression, self._architecture)
            self._kernels[expression] = ObjectCode.from_cubin(made.code).get_kernel(made.name)
        return self._kernels[expression]


@cache
def gpu(device: torch.device) -> Gpu:
    """The launcher of a device, whose index must be told."""
    return Gpu(device)


def _argument(value: Tensor | int | None) -> int | np.uint32:
    """A pointer, which cuda-core takes as a number of its size, or 32 bits."""
    if isinstance(value, int):
        return np.uint32(value)
    return 0 if value is None else value.data_ptr()
