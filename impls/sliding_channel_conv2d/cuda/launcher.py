"""Launch kernels on a GPU, on PyTorch's current stream."""

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
import torch
from torch import Tensor

from impls.sliding_channel_conv2d.cuda.compiler import compiled


class Gpu:
    """The launcher of one device.

    A kernel is loaded when it is first launched; that first launch must not happen while a CUDA graph is captured.
    """

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

            kernel = compiled(expression, self._architecture)
            self._kernels[expression] = ObjectCode.from_cubin(kernel.code).get_kernel(kernel.name)
        return self._kernels[expression]


@cache
def gpu(device: torch.device) -> Gpu:
    """Return the launcher of ``device``, which must have an index."""
    return Gpu(device)


def _argument(value: Tensor | int | None) -> int | np.uint32:
    """Convert an argument for cuda-core: a pointer is an int, a 32-bit number a ``np.uint32``."""
    if isinstance(value, int):
        return np.uint32(value)
    return 0 if value is None else value.data_ptr()
