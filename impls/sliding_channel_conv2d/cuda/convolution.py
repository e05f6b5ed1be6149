"""The layer and its gradients on a GPU, as launches of kernels."""

from collections.abc import Sequence
from typing import Protocol

import torch
from torch import Tensor

from impls.sliding_channel_conv2d._windows import Windows
from impls.sliding_channel_conv2d.cuda.formats import Format
from impls.sliding_channel_conv2d.cuda.layout import Images
from impls.sliding_channel_conv2d.cuda.tables import LayerTables, MakeTiling
from impls.sliding_channel_conv2d.cuda.tiling import (
    BLOCK_K_WORDS,
    BLOCK_N,
    THREADS,
    forward,
    forward_with_bias,
    transposed,
)

BLOCKS_EACH = 4
"""Most blocks for each multiprocessor into which the sums over pixels are split."""


class Launcher(Protocol):
    """Something that runs kernels in order: a GPU's stream, or its substitute in tests."""

    multiprocessors: int

    def launch(self, kernel: str, blocks: int, threads: int, arguments: Sequence[Tensor | int | None]) -> None:
        """Launch ``kernel``, an expression such as ``packed<Half>``.

        A tensor is passed as a pointer, None as a null pointer, an integer as a 32-bit number.
        """


class Convolution:
    """One layer's kernels for one format. Tensors have its dtype; an output has the first argument's memory format."""

    def __init__(self, windows: Windows, format_: Format, launcher: Launcher) -> None:
        self._windows, self._format, self._launcher = windows, format_, launcher
        self._tables = LayerTables(windows, format_)

    def forward(self, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        """Compute Y (n, cout, h, w) from x (n, cin, h, w), weight (cout, width) and bias (cout,)."""
        return self.apply(x, self.pack(weight), bias)

    def pack(self, weight: Tensor) -> Tensor:
        """Return the weight in the form that ``apply`` takes; a weight that does not change is packed once."""
        return self._pack(forward, weight)

    def apply(self, x: Tensor, packed: Tensor, bias: Tensor | None) -> Tensor:
        """Compute what ``forward`` does, from a weight that ``pack`` returned."""
        return self._multiply(forward, x, packed, bias, self._windows.cout)

    def input_gradient(self, dy: Tensor, weight: Tensor) -> Tensor:
        """Compute dX (n, cin, h, w) from dy (n, cout, h, w) and weight (cout, width)."""
        return self._multiply(transposed, dy, self._pack(transposed, weight), None, self._windows.cin)

    def weight_gradient(self, dy: Tensor, x: Tensor) -> Tensor:
        """Compute dW (cout, width) from dy (n, cout, h, w) and x (n, cin, h, w).

        It is the same in every call, bit by bit.
        """
        return self._sums_over_pixels(forward, dy, x).view(self._windows.cout, self._windows.width)

    def parameter_gradients(self, dy: Tensor, x: Tensor) -> Tensor:
        """Compute dW and behind it dbias, (cout * width + cout,), with one kernel.

        Otherwise it is like ``weight_gradient``.
        """
        return self._sums_over_pixels(forward_with_bias, dy, x)

    def _sums_over_pixels(self, make_tiling: MakeTiling, dy: Tensor, x: Tensor) -> Tensor:
        images = Images.of(dy, x)
        tables = self._tables.of(make_tiling, x.device)
        if images.pixels == 0:
            return x.new_zeros(len(tables.positions))
        gradient = x.new_empty(len(tables.positions))
        chunks, block_k = len(tables.chunk_tiles), BLOCK_K_WORDS * self._format.per_word
        max_split_k = max(1, BLOCKS_EACH * self._launcher.multiprocessors // chunks)
        pixels_each = -(-images.pixels // (max_split_k * block_k)) * block_k
        split_k = -(-images.pixels // pixels_each)
        count = tables.weight_index.numel()
        partial_sums = torch.empty(split_k * count, device=x.device)
        self._launch(
            self._expression("weight_gradient", images),
            split_k * chunks,
            *(*images.tensors, partial_sums, tables.outputs, tables.first, tables.inputs),
            *(tables.chunk_tiles, tables.chunk_entries, chunks, len(tables.inputs)),
            *(images.pixels, pixels_each, images.size, dy.shape[1], x.shape[1]),
        )
        self._launch(
            f"unpacked<{self._format.name}>",
            _blocks(count),
            *(partial_sums, tables.weight_index, gradient, count, split_k),
        )
        return gradient

    def _pack(self, make_tiling: MakeTiling, weight: Tensor) -> Tensor:
        """Return all entries of the tiles, zero where there is no weight, in the order in which kernels read them."""
        packing = self._tables.of(make_tiling, weight.device).packing
        count = packing.numel()
        packed = weight.new_empty(count)
        self._launch(f"packed<{self._format.name}>", _blocks(count), weight.contiguous(), packing, packed, count)
        return packed

    def _multiply(
        self, make_tiling: MakeTiling, x: Tensor, packed: Tensor, bias: Tensor | None, channels: int
    ) -> Tensor:
        images = Images.of(x)
        y = images.like(channels)
        if images.pixels == 0:
            return y
        tables = self._tables.of(make_tiling, x.device)
        tiles = len(tables.outputs)
        self._launch(
            self._expression("forward", images),
            tiles * -(-images.pixels // BLOCK_N),
            *(*images.tensors, packed, None if bias is None else bias.contiguous(), y),
            *(tables.outputs, tables.first, tables.inputs),
            *(tiles, images.pixels, images.size, x.shape[1], channels),
        )
        return y

    def _expression(self, kernel: str, images: Images) -> str:
        parameters = f"{'true' if images.channels_last else 'false'}, {images.vector(self._format.vector)}>"
        return f"{kernel}_exact<{parameters}" if self._format.exact else f"{kernel}<{self._format.name}, {parameters}"

    def _launch(self, kernel: str, blocks: int, *arguments: Tensor | int | None) -> None:
        self._launcher.launch(kernel, blocks, THREADS, arguments)


def _blocks(count: int) -> int:
    return -(-count // THREADS)
