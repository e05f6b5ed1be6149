"""Memory: the high-water mark of a call, from the kernel's own counter, and what prepare leaves behind."""

import ctypes
import gc
import resource
from pathlib import Path

from bench.core.workload import Call


def allow(extra_bytes: int) -> None:
    """Let this process have ``extra_bytes`` of writable memory beyond what it has now; more fails at once.

    The limit is on what is asked for, not on what is touched, so a call that would thrash the machine never starts.
    """
    data_pages = int(Path("/proc/self/statm").read_text().split()[5])
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    resource.setrlimit(resource.RLIMIT_DATA, (data_pages * resource.getpagesize() + extra_bytes, hard))


def settle() -> None:
    """Give freed memory back to the kernel, so that the next allocation shows."""
    gc.collect()
    libc = ctypes.CDLL(None)
    if hasattr(libc, "malloc_trim"):
        libc.malloc_trim(0)


def private_bytes() -> int:
    """Memory that the process itself has written; code and files mapped from disk do not count."""
    return _status("RssAnon")


def peak_of(call: Call) -> int:
    """Bytes that one call takes at its highest, above what the process held before it.

    The kernel's high-water mark is reset just before the call, so that nothing between two looks is missed.
    """
    settle()
    Path("/proc/self/clear_refs").write_text("5")
    before = _status("VmRSS")
    answer = call()
    peak = _status("VmHWM")
    del answer
    return max(0, peak - before)


def _status(field: str) -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(field + ":"):
            return int(line.split()[1]) * 1024
    raise OSError(f"the kernel does not report {field}")
