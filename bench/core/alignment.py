"""Arrays with the same alignment in memory in every worker.

The address that malloc returns changes the speed of the same code by one or two percent (vector loads that split cache
lines). It does so the same way in each process of one implementation, so that more rounds would not average it out.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

ALIGNMENT = 64
"""Alignment, bytes: a cache line, and the widest vector. The tensor libraries' own allocators give at least that."""


def aligned(array: NDArray[Any]) -> NDArray[Any]:
    """Return a C-contiguous copy whose data starts at a multiple of ``ALIGNMENT`` bytes."""
    buffer = np.empty(array.nbytes + ALIGNMENT, np.uint8)
    start = -buffer.ctypes.data % ALIGNMENT
    copy: NDArray[Any] = buffer[start : start + array.nbytes].view(array.dtype).reshape(array.shape)
    copy[...] = array
    return copy
