"""The tiles of the CUDA kernels in Triton, autotuned."""

from typing import Any

import torch
import triton
import triton.language as tl
from torch import Tensor

from impls.sliding_channel_conv2d._windows import Windows
from impls.sliding_channel_conv2d.cuda.formats import Format
from impls.sliding_channel_conv2d.cuda.layout import Images
from impls.sliding_channel_conv2d.cuda.tables import MakeTiling
from impls.sliding_channel_conv2d.cuda.tiled_convolution import TiledConvolution
from impls.sliding_channel_conv2d.cuda.tiling import BLOCK_K_WORDS, BLOCK_M, CHUNK, forward_with_bias

MAX_SPLIT_K = 64
"""Most slices of the pixels that a gradient of weights is summed over."""


def _configs(*pixels_and_warps: tuple[int, int]) -> list[Any]:
    """Return few configurations: compiling each takes about a second for each kernel, dtype and layout."""
    return [
        triton.Config({"BLOCK_N": pixels}, num_warps=warps, num_stages=stages)
        for pixels, warps in pixels_and_warps
        for stages in (2, 4)
    ]


@triton.jit
def _pixel_offset(pixel, channels, size, CHANNELS_LAST: tl.constexpr):
    """Return the offset of pixels in memory from the beginning of a plane."""
    if CHANNELS_LAST:
        offset = pixel.to(tl.int64) * channels
    else:
        offset = (pixel // size).to(tl.int64) * channels * size + pixel % size
    return offset


@triton.jit
def forward_kernel(
    x, weights, bias, y, outputs, first, inputs, tiles, pixels, size, from_channels, to_channels,
    HAS_BIAS: tl.constexpr, CHANNELS_LAST: tl.constexpr, BLOCK_M: tl.constexpr, ENTRIES: tl.constexpr,
    PRECISION: tl.constexpr, BLOCK_N: tl.constexpr,
):  # fmt: skip
    """Compute Y[o] = bias[o] + sum_j V[o, j] X[j] for the outputs of a tile and BLOCK_N pixels."""
    block = tl.program_id(0)
    tile = block % tiles
    pixel = block // tiles * BLOCK_N + tl.arange(0, BLOCK_N)
    inside = pixel < pixels
    plane = 1 if CHANNELS_LAST else size
    row = tl.arange(0, BLOCK_M)
    x_pixels = x + _pixel_offset(pixel, from_channels, size, CHANNELS_LAST)[None, :]
    sums = tl.zeros((BLOCK_M, BLOCK_N), tl.float32)
    for begin in range(tl.load(first + tile), tl.load(first + tile + 1), ENTRIES):
        entry = begin + tl.arange(0, ENTRIES)
        channel = tl.load(inputs + entry)
        mask = (channel >= 0)[:, None] & inside[None, :]
        values = tl.load(x_pixels + channel.to(tl.int64)[:, None] * plane, mask=mask, other=0.0)
        v = tl.load(weights + entry[None, :] * BLOCK_M + row[:, None])
        sums = tl.dot(v, values, sums, input_precision=PRECISION)
    output = tl.load(outputs + tile * BLOCK_M + row)
    output_exists = output >= 0
    if HAS_BIAS:
        sums += tl.load(bias + output, mask=output_exists, other=0.0).to(tl.float32)[:, None]
    y_planes = y + output.to(tl.int64)[:, None] * plane
    y_offset = _pixel_offset(pixel, to_channels, size, CHANNELS_LAST)[None, :]
    tl.store(y_planes + y_offset, sums.to(y.dtype.element_ty), mask=output_exists[:, None] & inside[None, :])


@triton.jit
def weight_gradient_kernel(
    dy, x, partial_sums, outputs, first, inputs, chunk_tiles, chunk_entries, chunks, entries, pixels, each, size,
    dy_channels, x_channels, WITH_BIAS: tl.constexpr, CHANNELS_LAST: tl.constexpr, BLOCK_M: tl.constexpr,
    CHUNK: tl.constexpr, PRECISION: tl.constexpr, BLOCK_N: tl.constexpr,
):  # fmt: skip
    """Compute partial_sums[slice, entry, o], the sum over a slice's pixels of dY[o] X[entry].

    Each program handles CHUNK of a tile's entries and a slice of ``each`` pixels.
    WITH_BIAS: plane x_channels of X is all ones.
    """
    block = tl.program_id(0)
    chunk, slice_ = block % chunks, block // chunks
    tile, begin = tl.load(chunk_tiles + chunk), tl.load(chunk_entries + chunk)
    row, entry = tl.arange(0, BLOCK_M), begin + tl.arange(0, CHUNK)
    in_tile = entry < tl.load(first + tile + 1)
    output = tl.load(outputs + tile * BLOCK_M + row)
    channel = tl.load(inputs + entry, mask=in_tile, other=-1)
    stored = (channel >= 0) & (channel < x_channels)
    plane = 1 if CHANNELS_LAST else size
    dy_planes = dy + output.to(tl.int64)[:, None] * plane
    x_planes = x + channel.to(tl.int64)[:, None] * plane
    sums = tl.zeros((BLOCK_M, CHUNK), tl.float32)
    end = tl.minimum(pixels, (slice_ + 1) * each)
    for start in range(slice_ * each, end, BLOCK_N):
        pixel = start + tl.arange(0, BLOCK_N)
        inside = (pixel < end)[None, :]
        dy_offset = _pixel_offset(pixel, dy_channels, size, CHANNELS_LAST)[None, :]
        x_offset = _pixel_offset(pixel, x_channels, size, CHANNELS_LAST)[None, :]
        a = tl.load(dy_planes + dy_offset, mask=(output >= 0)[:, None] & inside, other=0.0)
        b = tl.load(x_planes + x_offset, mask=stored[:, None] & inside, other=0.0)
        if WITH_BIAS:
            b = tl.where((channel == x_channels)[:, None] & inside, 1.0, b)
        sums = tl.dot(a, tl.trans(b), sums, input_precision=PRECISION)
    offset = (slice_.to(tl.int64) * entries + entry[None, :]) * BLOCK_M + row[:, None]
    tl.store(partial_sums + offset, sums, mask=in_tile[None, :])


def _prune(configs: list[Any], _: dict[str, Any], **constants: Any) -> list[Any]:
    """Drop configurations whose tiles do not fit the registers.

    Without tensor cores these are all with more than 32 pixels of BLOCK_M and CHUNK planes.
    """
    return [config for config in configs if constants["PRECISION"] != "ieee" or config.kwargs["BLOCK_N"] <= 32]


class TritonConvolution(TiledConvolution):
    """One layer's kernels in Triton, which are tuned when first called for a size of layer."""

    forward_kernel: Any = triton.autotune(
        _configs((64, 4), (128, 4), (128, 8), (256, 8)),
        key=["tiles", "pixels", "size", "from_channels", "to_channels", "HAS_BIAS", "CHANNELS_LAST", "PRECISION"],
    )(forward_kernel)
    weight_gradient_kernel: Any = triton.autotune(
        _configs((16, 8), (32, 8), (64, 4), (64, 8), (128, 8)),
        key=[
            *("chunks", "entries", "pixels", "size", "dy_channels", "x_channels"),
            *("WITH_BIAS", "CHANNELS_LAST", "PRECISION"),
        ],
        prune_configs_by={"early_config_prune": _prune},
    )(weight_gradient_kernel)

    def __init__(self, windows: Windows, format_: Format) -> None:
        super().__init__(windows, format_)
        self._precision = "tf32" if format_.tensor_cores else "ieee"
        self._entries = BLOCK_K_WORDS * format_.per_word

    def _sums_over_pixels(self, make_tiling: MakeTiling, dy: Tensor, x: Tensor) -> Tensor:
        images = Images.of(dy, x)
        tables = self._tables.of(make_tiling, x.device)
        entries, chunks = len(tables.inputs), len(tables.chunk_tiles)
        pixels_each = max(256, -(-images.pixels // (MAX_SPLIT_K * 256)) * 256)
        split_k = -(-images.pixels // pixels_each)
        partial_sums = torch.empty(split_k, entries * BLOCK_M, device=x.device)
        if split_k:
            with torch.cuda.device_of(x):  # Triton launches on the current device
                self.weight_gradient_kernel[(split_k * chunks,)](
                    *(*images.tensors, partial_sums, tables.outputs, tables.first, tables.inputs),
                    *(tables.chunk_tiles, tables.chunk_entries, chunks, entries),
                    *(images.pixels, pixels_each, images.size, dy.shape[1], x.shape[1]),
                    WITH_BIAS=make_tiling is forward_with_bias,
                    CHANNELS_LAST=images.channels_last,
                    BLOCK_M=BLOCK_M,
                    CHUNK=CHUNK,
                    PRECISION=self._precision,
                )
        return partial_sums.sum(0)[tables.positions].to(x.dtype)

    def _pack(self, make_tiling: MakeTiling, weight: Tensor) -> Tensor:
        tables = self._tables.of(make_tiling, weight.device)
        return weight.new_zeros(tables.weight_index.numel()).index_put((tables.positions,), weight.flatten())

    def _multiply(
        self, make_tiling: MakeTiling, x: Tensor, packed: Tensor, bias: Tensor | None, channels: int
    ) -> Tensor:
        images = Images.of(x)
        y = images.like(channels)
        if images.pixels == 0:
            return y
        tables = self._tables.of(make_tiling, x.device)
        tiles = len(tables.outputs)

        def grid(meta: dict[str, int]) -> tuple[int]:
            return (tiles * triton.cdiv(images.pixels, meta["BLOCK_N"]),)

        with torch.cuda.device_of(x):
            self.forward_kernel[grid](
                *(*images.tensors, packed, packed if bias is None else bias.contiguous(), y),
                *(tables.outputs, tables.first, tables.inputs, tiles, images.pixels, images.size, x.shape[1], channels),
                HAS_BIAS=bias is not None,
                CHANNELS_LAST=images.channels_last,
                BLOCK_M=BLOCK_M,
                ENTRIES=self._entries,
                PRECISION=self._precision,
            )
        return y
