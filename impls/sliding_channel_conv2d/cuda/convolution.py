"""The layer and its gradients on a GPU: which kernels are launched, how often, on what."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

import torch
from torch import Tensor

from impls.sliding_channel_conv2d.cuda.bands import STAGE_WORDS, Bands, forward, transposed
from impls.sliding_channel_conv2d.layer.windows import Windows

Cut = Callable[[Windows, int], Bands]

THREADS = 128
PIXELS = 128
"""That a block of threads computes its outputs for."""
MOST_PIXELS = 2**31 - 1
BLOCKS_EACH = 8
"""Blocks for each multiprocessor into which the sums over pixels are split, at most."""


class Launcher(Protocol):
    """Something that runs kernels in order: a GPU's stream, or what stands in for it in tests."""

    multiprocessors: int

    def launch(self, kernel: str, blocks: int, threads: int, arguments: Sequence[Tensor | int | None]) -> None:
        """``kernel`` is an expression such as ``packed<Half>``; arguments are pointers and 32-bit numbers."""


@dataclass(frozen=True)
class Format:
    """How numbers are stored and multiplied; ``name`` is that of the kernels' type."""

    name: str
    per_word: int
    """Numbers in a 32-bit word of the tensor cores' operands."""
    exact: bool = False
    """In float32, without tensor cores."""

    @property
    def vector(self) -> int:
        """Numbers in 16 bytes."""
        return 4 * self.per_word


FORMATS = {
    "float32": Format("Float", 1, exact=True),
    "tf32": Format("Tf32", 1),
    "float16": Format("Half", 2),
    "bfloat16": Format("Bfloat16", 2),
}
"""By what the operands are; sums are of float32 in all."""


def format_of(dtype: torch.dtype, tf32: bool) -> Format:
    """The format for tensors of ``dtype``; float32 is multiplied as ``tf32`` where that is allowed."""
    name = "tf32" if tf32 and dtype == torch.float32 else str(dtype).removeprefix("torch.")
    if name not in FORMATS:
        raise TypeError(f"the CUDA kernels take float32, float16 and bfloat16, not {name}")
    return FORMATS[name]


class Convolution:
    """One layer's kernels for one format. Tensors are of its dtype; an answer is stored as the first of them is."""

    def __init__(self, windows: Windows, format_: Format, launcher: Launcher) -> None:
        self._windows, self._format, self._launcher = windows, format_, launcher

    def forward(self, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        """Y (n, cout, h, w) of x (n, cin, h, w), weight (cout, width) and bias (cout,)."""
        return self._product(forward, x, weight, bias, self._windows.cout)

    def input_gradient(self, dy: Tensor, weight: Tensor) -> Tensor:
        """Returns dX (n, cin, h, w) of dy (n, cout, h, w) and weight (cout, width)."""
        return self._product(transposed, dy, weight, None, self._windows.cin)

    def weight_gradient(self, dy: Tensor, x: Tensor) -> Tensor:
        """Returns dW (cout, width) of dy (n, cout, h, w) and x (n, cin, h, w): the same in every call, bit by bit."""
        gradient = x.new_zeros(self._windows.cout, self._windows.width)
        images = _Images.of(dy, x)
        if images.pixels == 0:
            return gradient
        tables = _tables(forward, self._windows, self._format, x.device)
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

    def _product(self, cut: Cut, x: Tensor, weight: Tensor, bias: Tensor | None, channels: int) -> Tensor:
        images = _Images.of(x)
        y = x.new_empty((x.shape[0], channels, *x.shape[2:])).to(memory_format=images.layout)
        if images.pixels == 0:
            return y
        tables = _tables(cut, self._windows, self._format, x.device)
        count = tables.packing.numel()
        packed = weight.new_empty(count)
        self._launch(f"packed<{self._format.name}>", _blocks(count), weight.contiguous(), tables.packing, packed, count)
        tiles = len(tables.outputs)
        self._launch(
            self._expression("product", images, y),
            tiles * -(-images.pixels // PIXELS),
            *(*images.tensors, packed, None if bias is None else bias.contiguous(), y),
            *(tables.outputs, tables.first, tables.inputs),
            *(tiles, images.pixels, images.size, x.shape[1], channels),
        )
        return y

    def _expression(self, kernel: str, images: "_Images", *others: Tensor) -> str:
        last = "true" if images.layout is torch.channels_last else "false"
        vector = self._format.vector if images.come_by(self._format.vector, *others) else 1
        return (
            f"{kernel}_exact<{last}, {vector}>"
            if self._format.exact
            else f"{kernel}<{self._format.name}, {last}, {vector}>"
        )

    def _launch(self, kernel: str, blocks: int, *arguments: Tensor | int | None) -> None:
        self._launcher.launch(kernel, blocks, THREADS, arguments)


@dataclass(frozen=True)
class _Images:
    """Tensors (n, channels, h, w) stored alike: as the first of them was, NCHW or with channels last."""

    tensors: tuple[Tensor, ...]
    layout: torch.memory_format

    @classmethod
    def of(cls, *tensors: Tensor) -> "_Images":
        """Raises ValueError where there are more pixels than kernels can number."""
        first = tensors[0]
        plain = first.is_contiguous() or not first.is_contiguous(memory_format=torch.channels_last)
        layout = torch.contiguous_format if plain else torch.channels_last
        made = cls(tuple(tensor.contiguous(memory_format=layout) for tensor in tensors), layout)
        if made.pixels > MOST_PIXELS:
            raise ValueError(f"{made.pixels} pixels are more than the {MOST_PIXELS} that the CUDA kernels can number")
        return made

    @property
    def size(self) -> int:
        """Pixels of a plane."""
        return self.tensors[0].shape[2] * self.tensors[0].shape[3]

    @property
    def pixels(self) -> int:
        return self.tensors[0].shape[0] * self.size

    def come_by(self, vector: int, *others: Tensor) -> bool:
        """Whether so many neighbours in memory can be loaded at once, of these and ``others`` stored alike."""
        everything = (*self.tensors, *others)
        if self.layout is torch.channels_last:
            even = all(tensor.shape[1] % vector == 0 for tensor in everything)
        else:
            even = self.size % vector == 0
        return even and all(tensor.data_ptr() % 16 == 0 for tensor in everything)


@dataclass(frozen=True)
class _Tables:
    """``Bands`` where the kernels find them: int32 tensors, see there."""

    outputs: Tensor
    first: Tensor
    inputs: Tensor
    places: Tensor
    packing: Tensor
    """``places`` in the order in which the product reads weights."""
    chunk_tiles: Tensor
    chunk_entries: Tensor


@lru_cache(maxsize=512)
def _tables(cut: Cut, windows: Windows, format_: Format, device: torch.device) -> _Tables:
    bands = cut(windows, format_.per_word)
    packing = bands.weights if format_.exact else bands.in_fragments(format_.per_word)
    arrays = (bands.outputs, bands.first, bands.inputs, bands.weights, packing, *bands.chunks)
    return _Tables(*(torch.from_numpy(array).to(device) for array in arrays))


def _blocks(count: int) -> int:
    return -(-count // THREADS)
