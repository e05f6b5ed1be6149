"""Where the kernels find what stands where."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from impls.sliding_channel_conv2d.cuda.bands import Bands
from impls.sliding_channel_conv2d.cuda.formats import Format
from impls.sliding_channel_conv2d.layer.windows import Windows

Cut = Callable[[Windows, int], Bands]


@dataclass(frozen=True)
class Tables:
    """``Bands`` where the kernels find them: int32 tensors, see there."""

    outputs: Tensor
    first: Tensor
    inputs: Tensor
    places: Tensor
    packing: Tensor
    """``places`` in the order in which the product reads weights."""
    chunk_tiles: Tensor
    chunk_entries: Tensor
    positions: Tensor
    """The inverse of ``places``, int64: where in it each weight stands."""


@lru_cache(maxsize=512)
def tables_of(cut: Cut, windows: Windows, format_: Format, device: torch.device) -> Tables:
    bands = cut(windows, format_.per_word)
    packing = bands.weights if format_.exact else bands.in_fragments(format_.per_word)
    there = np.flatnonzero(bands.weights >= 0)
    positions = there[np.argsort(bands.weights.ravel()[there])]
    arrays = (bands.outputs, bands.first, bands.inputs, bands.weights, packing, *bands.chunks, positions)
    return Tables(*(torch.from_numpy(array).to(device) for array in arrays))
