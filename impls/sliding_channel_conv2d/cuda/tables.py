"""Where the kernels find what stands where."""

from collections.abc import Callable
from dataclasses import dataclass

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


class LayerTables:
    """The tables of one layer, each made when first asked for, and kept as long as this is."""

    def __init__(self, windows: Windows, format_: Format) -> None:
        self._windows, self._format = windows, format_
        self._made: dict[tuple[Cut, torch.device], Tables] = {}

    def of(self, cut: Cut, device: torch.device) -> Tables:
        if (cut, device) not in self._made:
            self._made[cut, device] = self._make(cut, device)
        return self._made[cut, device]

    def _make(self, cut: Cut, device: torch.device) -> Tables:
        bands = cut(self._windows, self._format.per_word)
        packing = bands.weights if self._format.exact else bands.in_fragments(self._format.per_word)
        there = np.flatnonzero(bands.weights >= 0)
        positions = there[np.argsort(bands.weights.ravel()[there])]
        arrays = (bands.outputs, bands.first, bands.inputs, bands.weights, packing, *bands.chunks, positions)
        return Tables(*(torch.from_numpy(array).to(device) for array in arrays))
