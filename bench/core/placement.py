"""Where arrays lie in memory: at the same alignment in every worker.

Where malloc happens to put an array shifts the speed of the very same code by one or two percent (cache lines split by
vector loads), the same way in each process of one implementation, so that no number of rounds would even it out.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

ALIGNMENT = 64
"""Bytes: a cache line, and the widest vector. The tensor libraries' own allocators give at least that."""


def aligned(array: NDArray[Any]) -> NDArray[Any]:
    """A C-contiguous copy whose data starts at a multiple of ``ALIGNMENT``."""
    room = np.empty(array.nbytes + ALIGNMENT, np.uint8)
    start = -room.ctypes.data % ALIGNMENT
    copy: NDArray[Any] = room[start : start + array.nbytes].view(array.dtype).reshape(array.shape)
    copy[...] = array
    return copy
