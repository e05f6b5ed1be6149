"""Facts about the worker as it really ran: which libraries, how many threads, which instruction set."""

import ctypes
import importlib
import importlib.metadata
import sys
from collections.abc import Iterable
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

from threadpoolctl import threadpool_info

from bench.core.target import Target


def versions(distributions: Iterable[str]) -> dict[str, str]:
    return {name: importlib.metadata.version(name) for name in distributions}


def thread_ticks() -> dict[str, int]:
    """CPU time so far, in the kernel's ticks (mostly 10 ms), of each thread and, as ALL, of all there ever were."""
    ticks = {ALL: _ticks(Path("/proc/self/stat"))}
    for task in Path("/proc/self/task").iterdir():
        with suppress(OSError):  # it ended just now
            ticks[task.name] = _ticks(task / "stat")
    return ticks


ALL = "all"


def threads_that_ran(since: dict[str, int]) -> int:
    """How many threads did a real share of the work since: each that used over 10 % of what the busiest one used.

    Threads that have come and gone leave their time in the process's own; together they count as one.
    """
    used = {thread: ticks - since.get(thread, 0) for thread, ticks in thread_ticks().items()}
    # Each is rounded down twice, to whole ticks of user and of system time: that much is no thread of its own.
    rounding = 2 * sum(ticks > 0 for thread, ticks in used.items() if thread != ALL)
    ended = used.pop(ALL) - sum(used.values()) - rounding
    shares = [*used.values(), ended]
    return max(1, sum(ticks > 0.1 * max(shares) for ticks in shares))


def _ticks(stat: Path) -> int:
    fields = stat.read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def instruction_sets(target: Target, libraries: Iterable[str]) -> dict[str, str]:
    """What each loaded library says it uses; for a library that cannot say, whether a cap could be set at all."""
    found = _asked()
    if target.isa:
        for name in sorted(set(libraries) - {"torch", "numpy"}):
            found[f"isa {name}"] = _TOLD.get(name, f"not capped by the harness: no setting of {name} is known")
    return found


_TOLD = {"openvino": "told to stay within the cap (ONEDNN_MAX_CPU_ISA); it does not say whether it did"}


def _asked() -> dict[str, str]:
    found = {}
    torch: Any = sys.modules.get("torch")
    if torch is not None:
        found["isa torch"] = torch.backends.cpu.get_cpu_capability()
        if torch.backends.mkldnn.is_available():
            found["isa onednn"] = _isa_of_onednn(torch)
    if "numpy" in sys.modules:
        features = importlib.import_module("numpy._core._multiarray_umath").__cpu_features__
        found["isa numpy"] = _widest(features)
    for pool in threadpool_info():
        if pool.get("architecture"):
            found[f"isa {pool['internal_api']} ({Path(pool['filepath']).name})"] = pool["architecture"]
    return found


def _widest(features: dict[str, bool]) -> str:
    """What numpy's own loops may use, of those that it chooses between. It has named AVX-512 differently over time."""
    if all(features.get(name, True) for name in ("AVX512_SKX", "X86_V4")):
        return "AVX512"
    return "AVX2" if features.get("AVX2") else "baseline"


@cache
def _isa_of_onednn(torch: Any) -> str:
    """What PyTorch's oneDNN says of itself on stdout, which a worker's log receives, when it is first made to talk.

    Only then: while it may talk, it does so at every call, and takes microseconds for it.
    """
    with torch.backends.mkldnn.verbose(torch.backends.mkldnn.VERBOSE_ON):
        torch.nn.functional.conv2d(torch.ones(2, 16, 8, 8), torch.ones(16, 8, 3, 3), groups=2)
    ctypes.CDLL(None).fflush(None)
    log = Path("/proc/self/fd/1").resolve()
    said = "onednn_verbose,v1,info,cpu,isa:"
    lines = log.read_text(errors="replace").splitlines() if log.is_file() else []
    return next((line.removeprefix(said) for line in reversed(lines) if line.startswith(said)), "does not say")
