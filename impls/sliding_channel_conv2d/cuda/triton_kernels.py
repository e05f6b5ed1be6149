"""The same tiles in Triton, autotuned."""

from typing import Any

import torch
import triton
import triton.language as tl
from torch import Tensor

from impls.sliding_channel_conv2d.cuda.bands import (
    CHUNK,
    OUTPUTS,
    STAGE_WORDS,
    forward,
    forward_with_bias,
    transposed,
)
from impls.sliding_channel_conv2d.cuda.formats import Format
from impls.sliding_channel_conv2d.cuda.images import Images
from impls.sliding_channel_conv2d.cuda.tables import Cut, LayerTables
from impls.sliding_channel_conv2d.layer.windows import Windows

SPLITS = 64
"""Of the pixels that a gradient of weights is summed over, at most."""


def _settings(*pixels_and_warps: tuple[int, int]) -> list[Any]:
    """Few, since each is compiled for about a second, for each kernel, dtype and layout."""
    return [
        triton.Config({"PIXELS": pixels}, num_warps=warps, num_stages=stages)
        for pixels, warps in pixels_and_warps
        for stages in (2, 4)
    ]


@triton.jit
def _place(pixel, channels, size, CHANNELS_LAST: tl.constexpr):
    """Of pixels in memory, from the beginning of a plane."""
    if CHANNELS_LAST:
        place = pixel.to(tl.int64) * channels
    else:
        place = (pixel // size).to(tl.int64) * channels * size + pixel % size
    return place


@triton.jit
def product(
    x, weights, bias, y, outputs, first, inputs, tiles, pixels, size, from_channels, to_channels,
    HAS_BIAS: tl.constexpr, CHANNELS_LAST: tl.constexpr, OUTPUTS: tl.constexpr, ENTRIES: tl.constexpr,
    PRECISION: tl.constexpr, PIXELS: tl.constexpr,
):  # fmt: skip
    """Y[o] = bias[o] + sum_j V[o, j] X[j] for the outputs of a tile and PIXELS pixels."""
    block = tl.program_id(0)
    tile = block % tiles
    pixel = block // tiles * PIXELS + tl.arange(0, PIXELS)
    inside = pixel < pixels
    plane = 1 if CHANNELS_LAST else size
    row = tl.arange(0, OUTPUTS)
    read = x + _place(pixel, from_channels, size, CHANNELS_LAST)[None, :]
    sums = tl.zeros((OUTPUTS, PIXELS), tl.float32)
    for begin in range(tl.load(first + tile), tl.load(first + tile + 1), ENTRIES):
        entry = begin + tl.arange(0, ENTRIES)
        number = tl.load(inputs + entry)
        there = (number >= 0)[:, None] & inside[None, :]
        values = tl.load(read + number.to(tl.int64)[:, None] * plane, mask=there, other=0.0)
        v = tl.load(weights + entry[None, :] * OUTPUTS + row[:, None])
        sums = tl.dot(v, values, sums, input_precision=PRECISION)
    output = tl.load(outputs + tile * OUTPUTS + row)
    known = output >= 0
    if HAS_BIAS:
        sums += tl.load(bias + output, mask=known, other=0.0).to(tl.float32)[:, None]
    write = y + output.to(tl.int64)[:, None] * plane + _place(pixel, to_channels, size, CHANNELS_LAST)[None, :]
    tl.store(write, sums.to(y.dtype.element_ty), mask=known[:, None] & inside[None, :])


@triton.jit
def outer(
    dy, x, parts, outputs, first, inputs, chunk_tiles, chunk_entries, chunks, entries, pixels, each, size,
    dy_channels, x_channels, WITH_BIAS: tl.constexpr, CHANNELS_LAST: tl.constexpr, OUTPUTS: tl.constexpr,
    CHUNK: tl.constexpr, PRECISION: tl.constexpr, PIXELS: tl.constexpr,
):  # fmt: skip
    """parts[split, entry, o] = sum over the split's pixels of dY[o] X[entry], for CHUNK of a tile's entries.

    WITH_BIAS: plane x_channels of X is all ones.
    """
    block = tl.program_id(0)
    chunk, split = block % chunks, block // chunks
    tile, begin = tl.load(chunk_tiles + chunk), tl.load(chunk_entries + chunk)
    row, entry = tl.arange(0, OUTPUTS), begin + tl.arange(0, CHUNK)
    mine = entry < tl.load(first + tile + 1)
    output = tl.load(outputs + tile * OUTPUTS + row)
    number = tl.load(inputs + entry, mask=mine, other=-1)
    stored = (number >= 0) & (number < x_channels)
    plane = 1 if CHANNELS_LAST else size
    left = dy + output.to(tl.int64)[:, None] * plane
    right = x + number.to(tl.int64)[:, None] * plane
    sums = tl.zeros((OUTPUTS, CHUNK), tl.float32)
    end = tl.minimum(pixels, (split + 1) * each)
    for start in range(split * each, end, PIXELS):
        pixel = start + tl.arange(0, PIXELS)
        inside = (pixel < end)[None, :]
        of_dy = _place(pixel, dy_channels, size, CHANNELS_LAST)[None, :]
        of_x = _place(pixel, x_channels, size, CHANNELS_LAST)[None, :]
        a = tl.load(left + of_dy, mask=(output >= 0)[:, None] & inside, other=0.0)
        b = tl.load(right + of_x, mask=stored[:, None] & inside, other=0.0)
        if WITH_BIAS:
            b = tl.where((number == x_channels)[:, None] & inside, 1.0, b)
        sums = tl.dot(a, tl.trans(b), sums, input_precision=PRECISION)
    place = (split.to(tl.int64) * entries + entry[None, :]) * OUTPUTS + row[:, None]
    tl.store(parts + place, sums, mask=mine[None, :])


def _fitting(settings: list[Any], _: dict[str, Any], **constants: Any) -> list[Any]:
    """Without tensor cores, more than 32 pixels of OUTPUTS and CHUNK planes do not fit the registers."""
    return [one for one in settings if constants["PRECISION"] != "ieee" or one.kwargs["PIXELS"] <= 32]


class TritonConvolution:
    """As ``Convolution``; kernels are tuned for each size of layer when first called."""

    product: Any = triton.autotune(
        _settings((64, 4), (128, 4), (128, 8), (256, 8)),
        key=["tiles", "pixels", "size", "from_channels", "to_channels", "HAS_BIAS", "CHANNELS_LAST", "PRECISION"],
    )(product)
    outer: Any = triton.autotune(
        _settings((16, 8), (32, 8), (64, 4), (64, 8), (128, 8)),
        key=[
            *("chunks", "entries", "pixels", "size", "dy_channels", "x_channels"),
            *("WITH_BIAS", "CHANNELS_LAST", "PRECISION"),
        ],
        prune_configs_by={"early_config_prune": _fitting},
    )(outer)

    def __init__(self, windows: Windows, format_: Format) -> None:
        self._windows, self._format = windows, format_
        self._tables = LayerTables(windows, format_)
        self._precision = "ieee" if format_.exact else "tf32"
        self._entries = STAGE_WORDS * format_.per_word

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
        """Returns dW (cout, width) of dy (n, cout, h, w) and x (n, cin, h, w)."""
        return self._sums_over_pixels(forward, dy, x).view(self._windows.cout, self._windows.width)

    def parameter_gradients(self, dy: Tensor, x: Tensor) -> Tensor:
        """Returns dW and behind it dbias, (cout * width + cout,)."""
        return self._sums_over_pixels(forward_with_bias, dy, x)

    def _sums_over_pixels(self, cut: Cut, dy: Tensor, x: Tensor) -> Tensor:
        images = Images.of(dy, x)
        tables = self._tables.of(cut, x.device)
        entries, chunks = len(tables.inputs), len(tables.chunk_tiles)
        each = max(256, -(-images.pixels // (SPLITS * 256)) * 256)
        splits = -(-images.pixels // each)
        parts = torch.empty(splits, entries * OUTPUTS, device=x.device)
        if splits:
            with torch.cuda.device_of(x):  # Triton launches on the current one
                self.outer[(splits * chunks,)](
                    *(*images.tensors, parts, tables.outputs, tables.first, tables.inputs),
                    *(tables.chunk_tiles, tables.chunk_entries, chunks, entries, images.pixels, each, images.size),
                    *(dy.shape[1], x.shape[1]),
                    WITH_BIAS=cut is forward_with_bias,
                    CHANNELS_LAST=images.channels_last,
                    OUTPUTS=OUTPUTS,
                    CHUNK=CHUNK,
                    PRECISION=self._precision,
                )
        return parts.sum(0)[tables.positions].to(x.dtype)

    def _pack(self, cut: Cut, weight: Tensor) -> Tensor:
        """Every number of the tiles, those of no weight zero."""
        tables = self._tables.of(cut, weight.device)
        return weight.new_zeros(tables.places.numel()).index_put((tables.positions,), weight.flatten())

    def _product(self, cut: Cut, x: Tensor, packed: Tensor, bias: Tensor | None, channels: int) -> Tensor:
        images = Images.of(x)
        y = images.like(channels)
        if images.pixels == 0:
            return y
        tables = self._tables.of(cut, x.device)
        tiles = len(tables.outputs)

        def grid(meta: dict[str, int]) -> tuple[int]:
            return (tiles * triton.cdiv(images.pixels, meta["PIXELS"]),)

        with torch.cuda.device_of(x):
            self.product[grid](
                *(*images.tensors, packed, packed if bias is None else bias.contiguous(), y),
                *(tables.outputs, tables.first, tables.inputs, tiles, images.pixels, images.size, x.shape[1], channels),
                HAS_BIAS=bias is not None,
                CHANNELS_LAST=images.channels_last,
                OUTPUTS=OUTPUTS,
                ENTRIES=self._entries,
                PRECISION=self._precision,
            )
        return y
