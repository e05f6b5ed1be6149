"""The layer and its gradients on a GPU, as launches of the CUDA kernels."""

from collections.abc import Sequence
from typing import Protocol

import torch
from torch import Tensor

from impls.sliding_channel_conv2d._windows import Windows
from impls.sliding_channel_conv2d.cuda.formats import Format
from impls.sliding_channel_conv2d.cuda.layout import Images
from impls.sliding_channel_conv2d.cuda.tables import MakeTiling
from impls.sliding_channel_conv2d.cuda.tiled_convolution import TiledConvolution
from impls.sliding_channel_conv2d.cuda.tiling import BLOCK_K_WORDS, BLOCK_N, THREADS

BLOCKS_EACH = 4
"""Most blocks for each multiprocessor into which the sums over pixels are split."""


class Launcher(Protocol):
    """Something that runs kernels in order: a GPU's stream, or its substitute in tests."""

    multiprocessors: int

    def launch(self, kernel: str, blocks: int, threads: int, arguments: Sequence[Tensor | int | None]) -> None:
        """Launch ``kernel``, an expression such as ``pack_weights<Half>``.

        A tensor is passed as a pointer, None as a null pointer, an integer as a 32-bit number.
        """


class Convolution(TiledConvolution):
    """One layer's kernels in CUDA C++; gradients are the same in every call, bit by bit."""

    def __init__(self, windows: Windows, format_: Format, launcher: Launcher) -> None:
        super().__init__(windows, format_)
        self._launcher = launcher

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
            f"reduce_split_k<{self._format.name}>",
            _blocks(count),
            *(partial_sums, tables.weight_index, gradient, count, split_k),
        )
        return gradient

    def _pack(self, make_tiling: MakeTiling, weight: Tensor) -> Tensor:
        packing = self._tables.of(make_tiling, weight.device).packing
        count = packing.numel()
        packed = weight.new_empty(count)
        self._launch(f"pack_weights<{self._format.name}>", _blocks(count), weight.contiguous(), packing, packed, count)
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
        return (
            f"{kernel}<{self._format.name}, {parameters}"
            if self._format.tensor_cores
            else f"{kernel}_simt<{parameters}"
        )

    def _launch(self, kernel: str, blocks: int, *arguments: Tensor | int | None) -> None:
        self._launcher.launch(kernel, blocks, THREADS, arguments)


def _blocks(count: int) -> int:
    return -(-count // THREADS)
