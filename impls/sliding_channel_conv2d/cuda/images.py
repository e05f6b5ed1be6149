"""Tensors of images as the kernels take them."""

from dataclasses import dataclass

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

    def load_together(self, vector: int, *others: Tensor) -> bool:
        """Whether so many neighbours in memory can be loaded at once, of these and ``others`` stored alike."""
        everything = (*self.tensors, *others)
        if self.channels_last:
            even = all(tensor.shape[1] % vector == 0 for tensor in everything)
        else:
            even = self.size % vector == 0
        return even and all(tensor.data_ptr() % 16 == 0 for tensor in everything)
