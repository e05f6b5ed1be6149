"""Randomises where a process's memory lies, as in a freshly started process.

Processes forked from one parent share the layout of its heap, so that they show only a part of what differs between
processes started one by one. So free chunks of the inherited heap are filled, and blocks of random sizes allocated,
before an implementation's code and arrays; libraries that were imported before the fork stay where they are.
"""

import ctypes
from random import Random, SystemRandom

import numpy as np

MAX_BLOCKS, MIN_BLOCK_BYTES, MAX_BLOCK_BYTES = 200, 600, 1 << 16
"""Number and sizes, in bytes, of blocks on the heap, most of them small. They shift what comes after them by any number
of bytes."""
MAX_OBJECTS, MAX_OBJECT_BYTES = 4000, 470
"""Number and sizes, in bytes, of small objects. They come from the interpreter's own pools, one for each size, where
code and what it looks up lie too."""
MAX_LARGE_BLOCK_BYTES = 1 << 20
"""Largest size of one large block, bytes. It makes the kernel hand out different pages in each process and shifts
arrays within a page, so that cache conflicts differ between processes."""


class _Mallinfo2(ctypes.Structure):
    """What glibc's ``mallinfo2`` returns."""

    _fields_ = (("others", ctypes.c_size_t * 8), ("fordblks", ctypes.c_size_t), ("keepcost", ctypes.c_size_t))


def randomize_layout() -> object:
    """Allocate objects, blocks and pages of random sizes; while the result is kept, later allocations lie at random."""
    random = Random(SystemRandom().getrandbits(64))
    objects = [bytes(random.randrange(1, MAX_OBJECT_BYTES)) for _ in range(random.randrange(MAX_OBJECTS))]
    chunks = _fill_free_chunks(random)
    ratio = MAX_BLOCK_BYTES / MIN_BLOCK_BYTES
    sizes = [int(MIN_BLOCK_BYTES * ratio ** random.random()) for _ in range(random.randrange(MAX_BLOCKS))]
    blocks = [np.empty(size, np.uint8) for size in sizes]
    return objects, chunks, blocks, np.ones(random.randrange(MAX_LARGE_BLOCK_BYTES), np.uint8)


def _fill_free_chunks(random: Random) -> list[np.ndarray]:
    """Allocate blocks, from large to small, until no free chunk of the inherited heap is left.

    Otherwise an array that fits a free chunk would have the same address in every process. This works with glibc 2.33
    and newer; with other C libraries it does nothing.
    """
    libc = ctypes.CDLL(None)
    if not hasattr(libc, "mallinfo2"):
        return []
    libc.mallinfo2.restype = _Mallinfo2
    libc.sbrk.restype, libc.sbrk.argtypes = ctypes.c_void_p, [ctypes.c_ssize_t]
    heap = libc.mallinfo2()
    top_chunk, free_bytes = libc.sbrk(0) - heap.keepcost, heap.fordblks - heap.keepcost
    blocks: list[np.ndarray] = []
    size = float(MAX_BLOCK_BYTES)
    while size > MIN_BLOCK_BYTES:
        block = np.empty(int(size), np.uint8)
        blocks.append(block)
        if block.ctypes.data < top_chunk and free_bytes > 0:
            free_bytes -= block.nbytes
        else:
            size *= random.uniform(0.5, 0.9)
    return blocks
