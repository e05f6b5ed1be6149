"""The layer and its gradients on a GPU: which kernels are launched, how often, on what."""

from collections.abc import Sequence
from typing import Protocol

import torch
from torch import Tensor

from impls.sliding_channel_conv2d.cuda.bands import STAGE_WORDS, forward, forward_with_bias, transposed
from impls.sliding_channel_conv2d.cuda.formats import Format
from impls.sliding_channel_conv2d.cuda.images import Images
from impls.sliding_channel_conv2d.cuda.tables import Cut, LayerTables
from impls.sliding_channel_conv2d.layer.windows import Windows

THREADS = 128
PIXELS = 128
"""That a block of threads computes its outputs for."""
BLOCKS_EACH = 4
"""Blocks for each multiprocessor into which the sums over pixels are split, at most."""


class Launcher(Protocol):
    """Something that runs kernels in order: a GPU's stream, or what stands in for it in tests."""

    multiprocessors: int

    def launch(self, kernel: str, blocks: int, threads: int, arguments: Sequence[Tensor | int | None]) -> None:
        """``kernel`` is an expression such as ``packed<Half>``; arguments are pointers and 32-bit numbers."""


class Convolution:
    """One layer's kernels for one format. Tensors are of its dtype; an answer is stored as the first of them is."""

    def __init__(self, windows: Windows, format_: Format, launcher: Launcher) -> None:
        self._windows, self._format, self._launcher = windows, format_, launcher
        self._tables = LayerTables(windows, format_)

    def forward(self, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        """Y (n, cout, h, w) of x (n, cin, h, w), weight (cout, width) and bias (cout,)."""
        return self.apply(x, self.pack(weight), bias)

    def pack(self, weight: Tensor) -> Tensor:
        """The weight as ``apply`` takes it: who keeps a weight packs it once."""
        return self._pack(forward, weight)

    def apply(self, x: Tensor, packed: Tensor, bias: Tensor | None) -> Tensor:
        """As ``forward``, of what ``pack`` returned."""
        return self._product(forward, x, packed, bias, self._windows.cout)

    def input_gradient(self, dy: Tensor, weight: Tensor) -> Tensor:
        """Returns dX (n, cin, h, w) of dy (n, cout, h, w) and weight (cout, width)."""
        return self._product(transposed, dy, self._pack(transposed, weight), None, self._windows.cin)

    def weight_gradient(self, dy: Tensor, x: Tensor) -> Tensor:
        """Returns dW (cout, width) of dy (n, cout, h, w) and x (n, cin, h, w): the same in every call, bit by bit."""
        return self._sums_over_pixels(forward, dy, x).view(self._windows.cout, self._windows.width)

    def parameter_gradients(self, dy: Tensor, x: Tensor) -> Tensor:
        """Returns dW and behind it dbias, (cout * width + cout,), by one kernel; otherwise as ``weight_gradient``."""
        return self._sums_over_pixels(forward_with_bias, dy, x)

    def _sums_over_pixels(self, cut: Cut, dy: Tensor, x: Tensor) -> Tensor:
        images = Images.of(dy, x)
        tables = self._tables.of(cut, x.device)
        if images.pixels == 0:
            return x.new_zeros(len(tables.positions))
        gradient = x.new_empty(len(tables.positions))
        chunks, stage = len(tables.chunk_tiles), STAGE_WORDS * self._format.per_word
        most = max(1, BLOCKS_EACH * self._launcher.multiprocessors // chunks)
        each = -(-images.pixels // (most * stage)) * stage
        splits = -(-images.pixels // each)
        count = tables.places.numel()
        parts = torch.empty(splits * count, device=x.device)
        self._launch(
            self._expression("outer", images),
            splits * chunks,
            *(*images.tensors, parts, tables.outputs, tables.first, tables.inputs),
            *(tables.chunk_tiles, tables.chunk_entries, chunks, len(tables.inputs)),
            *(images.pixels, each, images.size, dy.shape[1], x.shape[1]),
        )
        self._launch(f"unpacked<{self._format.name}>", _blocks(count), parts, tables.places, gradient, count, splits)
        return gradient

    def _pack(self, cut: Cut, weight: Tensor) -> Tensor:
        """Every number of the tiles, those of no weight zero, in the order in which the products read them."""
        packing = self._tables.of(cut, weight.device).packing
        count = packing.numel()
        packed = weight.new_empty(count)
        self._launch(f"packed<{self._format.name}>", _blocks(count), weight.contiguous(), packing, packed, count)
        return packed

    def _product(self, cut: Cut, x: Tensor, packed: Tensor, bias: Tensor | None, channels: int) -> Tensor:
        images = Images.of(x)
        y = images.like(channels)
        if images.pixels == 0:
            return y
        tables = self._tables.of(cut, x.device)
        tiles = len(tables.outputs)
        self._launch(
            self._expression("product", images),
            tiles * -(-images.pixels // PIXELS),
            *(*images.tensors, packed, None if bias is None else bias.contiguous(), y),
            *(tables.outputs, tables.first, tables.inputs),
            *(tiles, images.pixels, images.size, x.shape[1], channels),
        )
        return y

    def _expression(self, kernel: str, images: Images) -> str:
        form = f"{'true' if images.channels_last else 'false'}, {images.vector(self._format.vector)}>"
        return f"{kernel}_exact<{form}" if self._format.exact else f"{kernel}<{self._format.name}, {form}"

    def _launch(self, kernel: str, blocks: int, *arguments: Tensor | int | None) -> None:
        self._launcher.launch(kernel, blocks, THREADS, arguments)


def _blocks(count: int) -> int:
    return -(-count // THREADS)
