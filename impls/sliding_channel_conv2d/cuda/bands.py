"""A product with a banded sparse matrix, cut into dense tiles: the tables that all CUDA kernels work by.

The kernels know nothing of windows. What they compute is Y[o] = sum_j V[o, j] X[j] over planes of pixels, where V holds
the weights of a layer (forward) or is its transpose (the gradient of the input), and tables say which weight stands
where. Rows of V whose windows overlap are put into one tile, which reads the union of their windows once.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from impls.sliding_channel_conv2d.layer.windows import Windows

OUTPUTS = 64
"""Outputs of a tile."""
STAGE_WORDS = 16
"""32-bit words of inputs that a kernel brings on chip at a time: a tile's inputs are a multiple of it."""
CHUNK = 64
"""Entries whose weights' gradients a block of threads computes."""
NONE = -1
"""In a table: no output, no input, no weight."""

Table = NDArray[np.int32]


@dataclass(frozen=True)
class Bands:
    """Tiles of OUTPUTS outputs each. ``inputs`` and ``weights`` of tile t are the part first[t] to first[t + 1].

    ``outputs`` (tiles, OUTPUTS): the output planes. ``inputs`` (entries,): the input planes. Those of a tile ascend in
    both. ``weights`` (entries, OUTPUTS): the place in the layer's weight of what multiplies them.
    """

    outputs: Table
    first: Table
    inputs: Table
    weights: Table

    @property
    def tiles(self) -> int:
        return len(self.outputs)

    @cached_property
    def chunks(self) -> tuple[Table, Table]:
        """Tile and first entry of each part of at most CHUNK entries that lies within a tile."""
        parts = [
            (tile, entry)
            for tile in range(self.tiles)
            for entry in range(self.first[tile], self.first[tile + 1], CHUNK)
        ]
        tiles, entries = np.array(parts, np.int32).T
        return np.ascontiguousarray(tiles), np.ascontiguousarray(entries)

    def in_fragments(self, per_word: int) -> Table:
        """``weights`` in the order in which lanes hold the left operand of mma.m16n8k8 (words of one number), or of
        m16n8k16 (of two): (entries / 8 words, 4 blocks of 16 outputs, 32 lanes, 4 words, per_word).

        Lane 4 g + t holds rows g and g + 8 of columns t, then both of t + 4 (PTX ISA, matrix fragments for mma).
        """
        by_word = self.weights.reshape(-1, 2, 4, per_word, OUTPUTS // 16, 2, 8)  # step, half, t, number, block, half, g
        return np.ascontiguousarray(by_word.transpose(0, 4, 6, 2, 1, 5, 3))


def forward(windows: Windows, per_word: int) -> Bands:
    """The tiles of the layer itself, of filters whose windows lie side by side."""
    filters = np.repeat(np.arange(windows.cout), windows.width)
    return _cut(filters, windows.channels.ravel(), _by_window(windows), per_word)


def forward_with_bias(windows: Windows, per_word: int) -> Bands:
    """As ``forward``, with the bias as a weight of every filter, behind all others: of plane cin, which is all ones."""
    filters = np.repeat(np.arange(windows.cout), windows.width)
    rows = np.concatenate([filters, np.arange(windows.cout)])
    columns = np.concatenate([windows.channels.ravel(), np.full(windows.cout, windows.cin)])
    return _cut(rows, columns, _by_window(windows), per_word)


def transposed(windows: Windows, per_word: int) -> Bands:
    """The tiles of the gradient of the input: channels in their own order, which is that of the windows too."""
    filters = np.repeat(np.arange(windows.cout), windows.width)
    return _cut(windows.channels.ravel(), filters, np.arange(windows.cin), per_word)


def _by_window(windows: Windows) -> NDArray[np.int64]:
    return np.argsort(np.array(windows.starts), kind="stable")


def _cut(rows: NDArray[np.int64], columns: NDArray[np.int64], order: NDArray[np.int64], per_word: int) -> Bands:
    """Weight i stands in row rows[i], column columns[i]; ``order`` lists all rows: every OUTPUTS are a tile."""
    # Those of a tile ascend, so that with channels last what is written together lies together.
    order = np.concatenate([np.sort(part) for part in np.split(order, range(OUTPUTS, len(order), OUTPUTS))])
    place = np.empty_like(order)
    place[order] = np.arange(len(order))
    tile, within = np.divmod(place[rows], OUTPUTS)
    count = -(-len(order) // OUTPUTS)
    outputs = np.full(count * OUTPUTS, NONE, np.int32)
    outputs[: len(order)] = order
    first, inputs, weights = [0], [], []
    for number in range(count):
        here = np.flatnonzero(tile == number)
        planes, entry = np.unique(columns[here], return_inverse=True)
        stage = STAGE_WORDS * per_word
        padded = max(1, -(-len(planes) // stage)) * stage
        block = np.full((padded, OUTPUTS), NONE, np.int32)
        block[entry, within[here]] = here
        inputs.append(np.pad(planes, (0, padded - len(planes)), constant_values=NONE))
        weights.append(block)
        first.append(first[-1] + padded)
    return Bands(
        outputs=outputs.reshape(count, OUTPUTS),
        first=np.array(first, np.int32),
        inputs=np.concatenate(inputs).astype(np.int32),
        weights=np.concatenate(weights),
    )
