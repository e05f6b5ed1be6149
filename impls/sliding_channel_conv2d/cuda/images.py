"""Tensors of images as the kernels take them."""

from dataclasses import dataclass
from math import gcd

import torch
from torch import Tensor

MOST_PIXELS = 2**31 - 2**12  # so that no kernel counts beyond 31 bits


@dataclass(frozen=True)
class Images:
    """Tensors (n, channels, h, w) stored alike: as the first of them was, NCHW or with channels last."""

    tensors: tuple[Tensor, ...]
    layout: torch.memory_format

    @classmethod
    def of(cls, *tensors: Tensor) -> "Images":
        """Raises ValueError where there are more pixels than kernels can number."""
        first = tensors[0]
        plain = first.is_contiguous() or not first.is_contiguous(memory_format=torch.channels_last)
        layout = torch.contiguous_format if plain else torch.channels_last
        made = cls(tuple(tensor.contiguous(memory_format=layout) for tensor in tensors), layout)
        if made.pixels > MOST_PIXELS:
            raise ValueError(f"{made.pixels} pixels are more than the {MOST_PIXELS} that the CUDA kernels can number")
        return made

    @property
    def channels_last(self) -> bool:
        return self.layout is torch.channels_last

    def like(self, channels: int) -> Tensor:
        """An empty tensor of so many channels, otherwise like the first."""
        first = self.tensors[0]
        shape = (first.shape[0], channels, *first.shape[2:])
        return torch.empty(shape, dtype=first.dtype, device=first.device, memory_format=self.layout)

    @property
    def size(self) -> int:
        """Pixels of a plane."""
        return self.tensors[0].shape[2] * self.tensors[0].shape[3]

    @property
    def pixels(self) -> int:
        return self.tensors[0].shape[0] * self.size

    def vector(self, most: int) -> int:
        """How many neighbours in memory can be loaded at once, wherever these begin: ``most``, a power of two, or less.

        Each vector lies within a plane, or with channels last within a pixel, at a multiple of its own size.
        """
        lengths = [tensor.shape[1] for tensor in self.tensors] if self.channels_last else [self.size]
        places = [tensor.data_ptr() // tensor.itemsize for tensor in self.tensors]
        return gcd(most, *lengths, *places)
