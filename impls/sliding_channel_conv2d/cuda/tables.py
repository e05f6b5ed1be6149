"""The tables that kernels read, as tensors on a device."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from impls.sliding_channel_conv2d._windows import Windows
from impls.sliding_channel_conv2d.cuda.formats import Format
from impls.sliding_channel_conv2d.cuda.tiling import Tiling

MakeTiling = Callable[[Windows, int], Tiling]
"""Makes the tiles from windows and the numbers in a word: ``forward`` and the like in ``tiling``."""


@dataclass(frozen=True)
class Tables:
    """The tables of a ``Tiling``, which explains them, as int32 tensors."""

    outputs: Tensor
    first: Tensor
    inputs: Tensor
    weight_index: Tensor
    """``Tiling.weights``."""
    packing: Tensor
    """``weight_index`` in the order in which the kernels of products read weights."""
    chunk_tiles: Tensor
    chunk_entries: Tensor
    positions: Tensor
    """The inverse of ``weight_index``, int64: the index in it of each weight."""


class LayerTables:
    """The tables of one layer. Each is made when it is first needed, and then kept."""

    def __init__(self, windows: Windows, format_: Format) -> None:
        self._windows, self._format = windows, format_
        self._tables: dict[tuple[MakeTiling, torch.device], Tables] = {}

    def of(self, make_tiling: MakeTiling, device: torch.device) -> Tables:
        """Return the tables of a tiling on ``device``."""
        if (make_tiling, device) not in self._tables:
            self._tables[make_tiling, device] = self._make(make_tiling, device)
        return self._tables[make_tiling, device]

    def _make(self, make_tiling: MakeTiling, device: torch.device) -> Tables:
        tiling = make_tiling(self._windows, self._format.per_word)
        packing = tiling.in_fragments(self._format.per_word) if self._format.tensor_cores else tiling.weights
        used = np.flatnonzero(tiling.weights >= 0)
        positions = used[np.argsort(tiling.weights.ravel()[used])]
        arrays = (tiling.outputs, tiling.first, tiling.inputs, tiling.weights, packing, *tiling.chunks, positions)
        return Tables(*(torch.from_numpy(array).to(device) for array in arrays))
