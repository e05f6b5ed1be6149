"""Memory layouts of images that kernels take: NCHW, and channels-last."""

from dataclasses import dataclass
from math import gcd

import torch
from torch import Tensor

MOST_PIXELS = 2**31 - 2**12  # no kernel then counts beyond 31 bits


@dataclass(frozen=True)
class Images:
    """Tensors (n, channels, h, w) in one layout, NCHW or channels-last: that of the first of them."""

    tensors: tuple[Tensor, ...]
    layout: torch.memory_format

    @classmethod
    def of(cls, *tensors: Tensor) -> "Images":
        """Bring tensors into the layout of the first.

        Raises:
            ValueError: where there are more pixels than kernels can number.
        """
        first = tensors[0]
        nchw = first.is_contiguous() or not first.is_contiguous(memory_format=torch.channels_last)
        layout = torch.contiguous_format if nchw else torch.channels_last
        images = cls(tuple(tensor.contiguous(memory_format=layout) for tensor in tensors), layout)
        if images.pixels > MOST_PIXELS:
            raise ValueError(f"{images.pixels} pixels are more than the {MOST_PIXELS} that the CUDA kernels can number")
        return images

    @property
    def channels_last(self) -> bool:
        return self.layout is torch.channels_last

    def like(self, channels: int) -> Tensor:
        """Return an empty tensor with ``channels`` channels, otherwise like the first."""
        first = self.tensors[0]
        shape = (first.shape[0], channels, *first.shape[2:])
        return torch.empty(shape, dtype=first.dtype, device=first.device, memory_format=self.layout)

    @property
    def size(self) -> int:
        """Number of pixels of a plane."""
        return self.tensors[0].shape[2] * self.tensors[0].shape[3]

    @property
    def pixels(self) -> int:
        """Number of pixels of all images."""
        return self.tensors[0].shape[0] * self.size

    def vector(self, most: int) -> int:
        """Return how many neighbours in memory can be loaded as one vector: ``most``, a power of two, or less.

        Each vector lies within a plane (channels-last: within a pixel) and at a multiple of its own size.
        """
        lengths = [tensor.shape[1] for tensor in self.tensors] if self.channels_last else [self.size]
        offsets = [tensor.data_ptr() // tensor.itemsize for tensor in self.tensors]
        return gcd(most, *lengths, *offsets)
