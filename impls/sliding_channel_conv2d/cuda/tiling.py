"""The tiling of a product with a banded sparse matrix into dense tiles: the tables that all CUDA kernels read.

The kernels know nothing of windows. They compute Y[o] = sum_j V[o, j] X[j] over planes of pixels, where V holds the
weights of a layer (forward) or is that matrix's transpose (the gradient of the input). Tables say which weight belongs
to which entry of V. Rows of V whose windows overlap share a tile, which reads the union of their windows once.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from impls.sliding_channel_conv2d._windows import Windows

THREADS = 128
"""Number of threads of a block."""
BLOCK_M = 64
"""Number of outputs of a tile."""
BLOCK_N = 128
"""Number of pixels that a block of threads computes outputs for."""
BLOCK_K_WORDS = 16
"""Number of 32-bit words of inputs that a kernel loads at a time. A tile's inputs fill a multiple of it."""
CHUNK = 64
"""Number of entries whose weights' gradients a block of threads computes."""
NONE = -1
"""In a table, marks that there is no output, input or weight."""
MACROS = {
    "THREADS": THREADS,
    "BLOCK_M": BLOCK_M,
    "BLOCK_N": BLOCK_N,
    "BLOCK_K_WORDS": BLOCK_K_WORDS,
    "CHUNK": CHUNK,
}
"""The sizes that kernels are compiled with, by the names that they have there."""

Table = NDArray[np.int32]


@dataclass(frozen=True)
class Tiling:
    """Tiles of BLOCK_M outputs each. The planes of a tile ascend in ``outputs`` and in ``inputs``."""

    outputs: Table
    """The output planes, (tiles, BLOCK_M)."""
    first: Table
    """The first entry of each tile, and the number of all entries: tile t has entries first[t] to first[t + 1]."""
    inputs: Table
    """The input planes, (entries,)."""
    weights: Table
    """The index in the layer's weight of the factor for each input and output, (entries, BLOCK_M)."""

    @property
    def tiles(self) -> int:
        return len(self.outputs)

    @cached_property
    def chunks(self) -> tuple[Table, Table]:
        """The tile and the first entry of each chunk: at most CHUNK entries of one tile."""
        chunks = [
            (tile, entry)
            for tile in range(self.tiles)
            for entry in range(self.first[tile], self.first[tile + 1], CHUNK)
        ]
        tiles, entries = np.array(chunks, np.int32).T
        return np.ascontiguousarray(tiles), np.ascontiguousarray(entries)

    def in_fragments(self, per_word: int) -> Table:
        """Return ``weights`` in the order in which lanes hold the left operand of mma.m16n8k8 or mma.m16n8k16.

        The former is for words of one number, the latter for words of two. The shape is (entries / 8 words, 4 blocks of
        16 outputs, 32 lanes, 4 words, per_word). Lane 4 g + t holds rows g and g + 8 of column t, then the same rows
        of column t + 4 (PTX ISA, matrix fragments for mma).
        """
        by_word = self.weights.reshape(-1, 2, 4, per_word, BLOCK_M // 16, 2, 8)  # step, half, t, number, block, half, g
        return np.ascontiguousarray(by_word.transpose(0, 4, 6, 2, 1, 5, 3))


def forward(windows: Windows, per_word: int) -> Tiling:
    """Return the tiles of the layer itself: each has filters whose windows begin side by side."""
    filters = np.repeat(np.arange(windows.cout), windows.width)
    return _make_tiling(filters, windows.channels.ravel(), _by_window(windows), per_word)


def forward_with_bias(windows: Windows, per_word: int) -> Tiling:
    """Return the tiles of ``forward`` with the bias as one more weight of every filter.

    These weights follow all others. Each multiplies plane cin, which is all ones.
    """
    filters = np.repeat(np.arange(windows.cout), windows.width)
    rows = np.concatenate([filters, np.arange(windows.cout)])
    columns = np.concatenate([windows.channels.ravel(), np.full(windows.cout, windows.cin)])
    return _make_tiling(rows, columns, _by_window(windows), per_word)


def transposed(windows: Windows, per_word: int) -> Tiling:
    """Return the tiles of the gradient of the input: channels in order, which is that of the windows too."""
    filters = np.repeat(np.arange(windows.cout), windows.width)
    return _make_tiling(windows.channels.ravel(), filters, np.arange(windows.cin), per_word)


def _by_window(windows: Windows) -> NDArray[np.int64]:
    return np.argsort(np.array(windows.starts), kind="stable")


def _make_tiling(
    rows: NDArray[np.int64], columns: NDArray[np.int64], order: NDArray[np.int64], per_word: int
) -> Tiling:
    """Return tiles of BLOCK_M rows each, taken from ``order``, of a matrix with weight i at rows[i], columns[i]."""
    # The rows of a tile ascend, so that channels-last outputs that are written together are adjacent.
    order = np.concatenate([np.sort(part) for part in np.split(order, range(BLOCK_M, len(order), BLOCK_M))])
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    tile, tile_row = np.divmod(rank[rows], BLOCK_M)
    count = -(-len(order) // BLOCK_M)
    outputs = np.full(count * BLOCK_M, NONE, np.int32)
    outputs[: len(order)] = order
    first, inputs, weights = [0], [], []
    for index in range(count):
        tile_weights = np.flatnonzero(tile == index)
        planes, entry = np.unique(columns[tile_weights], return_inverse=True)
        block_k = BLOCK_K_WORDS * per_word
        padded = max(1, -(-len(planes) // block_k)) * block_k
        block = np.full((padded, BLOCK_M), NONE, np.int32)
        block[entry, tile_row[tile_weights]] = tile_weights
        inputs.append(np.pad(planes, (0, padded - len(planes)), constant_values=NONE))
        weights.append(block)
        first.append(first[-1] + padded)
    return Tiling(
        outputs=outputs.reshape(count, BLOCK_M),
        first=np.array(first, np.int32),
        inputs=np.concatenate(inputs).astype(np.int32),
        weights=np.concatenate(weights),
    )
