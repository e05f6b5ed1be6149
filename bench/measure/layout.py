"""Randomises where a process's memory lies, as it would be in a process started anew.

Processes forked from one parent share the layout of its heap, so that they show only a part of what differs between
processes started one by one. Blocks of random sizes are allocated before an implementation's code and arrays; libraries
that were imported before the fork stay where they are.
"""

from random import Random, SystemRandom

import numpy as np

MAX_BLOCKS, MIN_BLOCK_BYTES, MAX_BLOCK_BYTES = 200, 600, 1 << 16
"""Number and sizes, in bytes, of blocks on the heap, most of them small. They shift what comes after them by any number
of bytes, and fill holes of any size that the parent left, where arrays would otherwise always be placed."""
MAX_OBJECTS, MAX_OBJECT_BYTES = 4000, 470
"""Number and sizes, in bytes, of small objects. They come from the interpreter's own pools, one for each size, where
code and what it looks up lie too."""
MAX_BYTES = 1 << 20
"""Upper limit of the size of one large block, bytes. Because of it the kernel gives other pages than to the process
before, which may or may not collide in caches, and arrays move by any part of a page, where equal parts collide."""


def randomize_layout() -> object:
    """Allocate objects, blocks and pages of random sizes; while the result is kept, later allocations lie at random."""
    system = SystemRandom()
    random = Random(system.getrandbits(64))
    objects = [bytes(random.randrange(1, MAX_OBJECT_BYTES)) for _ in range(random.randrange(MAX_OBJECTS))]
    ratio = MAX_BLOCK_BYTES / MIN_BLOCK_BYTES
    sizes = [int(MIN_BLOCK_BYTES * ratio ** random.random()) for _ in range(random.randrange(MAX_BLOCKS))]
    blocks = [np.empty(size, np.uint8) for size in sizes]
    return objects, blocks, np.ones(random.randrange(MAX_BYTES), np.uint8)
