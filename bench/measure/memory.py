"""Measures memory: the high-water mark of a call, from the kernel's own counter, and what prepare leaves behind."""

import ctypes
import gc
import resource
from contextlib import suppress
from pathlib import Path

from bench.core.workload import Call
from bench.measure.process_tree import descendants

_SELF = Path("/proc/self")


def allow(extra_bytes: int) -> None:
    """Limit this process to ``extra_bytes`` of writable memory beyond what it has now; allocating more fails at once.

    The limit is on what is requested, not on what is touched, so a call that would thrash the machine never starts.
    """
    data_pages = int((_SELF / "statm").read_text().split()[5])
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    resource.setrlimit(resource.RLIMIT_DATA, (data_pages * resource.getpagesize() + extra_bytes, hard))


def release_memory() -> None:
    """Give freed memory back to the kernel, so that the next allocation shows."""
    gc.collect()
    libc = ctypes.CDLL(None)
    if hasattr(libc, "malloc_trim"):
        libc.malloc_trim(0)


def private_bytes() -> int:
    """Return the bytes that this process has written, shared memory included, plus its descendants' private memory.

    Code and files mapped from disk do not count.
    """
    own = _read(_SELF, "status", "RssAnon") + _read(_SELF, "status", "RssShmem")
    return own + sum(_read_or_zero(child, "smaps_rollup", "Private_Dirty") for child in descendants())


def peak_of(call: Call) -> int:
    """Return the bytes that one call takes at its highest, above what was held before it.

    The kernel's high-water mark is reset just before the call, so that nothing between two readings is missed.
    Processes that this one has started count by their own marks, which they need not have reached at the same time.
    """
    release_memory()
    children = descendants()
    for child in children:
        with suppress(OSError):  # one that ended just now
            (child / "clear_refs").write_text("5")
    (_SELF / "clear_refs").write_text("5")
    before = {child: _read_or_zero(child, "status", "VmRSS") for child in children}
    own_before = _read(_SELF, "status", "VmRSS")
    output = call()
    peak = _read(_SELF, "status", "VmHWM")
    children_peak = sum(max(0, _read_or_zero(child, "status", "VmHWM") - held) for child, held in before.items())
    del output
    return max(0, peak - own_before) + children_peak


def _read(process: Path, file: str, field: str) -> int:
    for line in (process / file).read_text().splitlines():
        if line.startswith(field + ":"):
            return int(line.split()[1]) * 1024
    raise OSError(f"the kernel does not report {field}")


def _read_or_zero(process: Path, file: str, field: str) -> int:
    """Like ``_read``, but 0 for a process that has ended."""
    try:
        return _read(process, file, field)
    except OSError:
        return 0
