"""Makes the C library's allocator keep freed memory, as it mostly does in a process that has run for a while.

By default it adapts the thresholds at which it returns memory to the kernel. Whether it returns the output of every
single call depends on what else is on the heap: the same convolution can spend half of its time on page faults in one
process, and none in the next.
"""

import ctypes

_TRIM_THRESHOLD, _TOP_PAD, _MMAP_THRESHOLD = -1, -2, -3
MAX_KEPT_BYTES = 32 << 20
"""The largest block that is kept when freed, bytes: the C library's highest threshold. Larger ones go to the kernel."""


def keep_freed_memory() -> None:
    """Keep freed memory for the next call from now on; do nothing with a C library other than glibc."""
    libc = ctypes.CDLL(None)
    if hasattr(libc, "mallopt"):
        libc.mallopt(_MMAP_THRESHOLD, MAX_KEPT_BYTES)
        libc.mallopt(_TRIM_THRESHOLD, 1 << 30)
        libc.mallopt(_TOP_PAD, 1 << 20)
