"""Collects facts about a worker as it really ran: libraries, number of threads, instruction sets."""

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
    """Return the installed version of each distribution."""
    return {name: importlib.metadata.version(name) for name in distributions}


def thread_ticks() -> dict[str, int]:
    """Return the CPU time so far of each thread and, as ALL, of all threads ever, in kernel ticks (mostly 10 ms)."""
    ticks = {ALL: _ticks(Path("/proc/self/stat"))}
    for task in Path("/proc/self/task").iterdir():
        with suppress(OSError):  # a thread that ended just now
            ticks[task.name] = _ticks(task / "stat")
    return ticks


ALL = "all"


def threads_that_ran(since: dict[str, int]) -> int:
    """Count the threads that have done a real share of the work: over 10 % of the busiest thread's CPU time.

    ``since`` is an earlier result of ``thread_ticks``, where counting starts. The time of threads that have ended is
    part of the process's; together they count as one thread.
    """
    used = {thread: ticks - since.get(thread, 0) for thread, ticks in thread_ticks().items()}
    # A thread's time is rounded down twice, to whole ticks of user and of system time: that much is no other thread.
    rounding = 2 * sum(ticks > 0 for thread, ticks in used.items() if thread != ALL)
    ended = used.pop(ALL) - sum(used.values()) - rounding
    shares = [*used.values(), ended]
    return max(1, sum(ticks > 0.1 * max(shares) for ticks in shares))


def _ticks(stat: Path) -> int:
    fields = stat.read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def instruction_sets(target: Target, libraries: Iterable[str]) -> dict[str, str]:
    """Return what each loaded library says it uses; for one that cannot say, whether a cap could be set at all."""
    reported = _reported_isas()
    if target.isa:
        for name in sorted(set(libraries) - {"torch", "numpy"}):
            reported[f"isa {name}"] = _UNREPORTED.get(name, f"not capped by the harness: no setting of {name} is known")
    return reported


_UNREPORTED = {"openvino": "told to stay within the cap (ONEDNN_MAX_CPU_ISA); it does not say whether it did"}


def _reported_isas() -> dict[str, str]:
    reported = {}
    torch: Any = sys.modules.get("torch")
    if torch is not None:
        reported["isa torch"] = torch.backends.cpu.get_cpu_capability()
        if torch.backends.mkldnn.is_available():
            reported["isa onednn"] = _isa_of_onednn(torch)
    if "numpy" in sys.modules:
        features = importlib.import_module("numpy._core._multiarray_umath").__cpu_features__
        reported["isa numpy"] = _widest(features)
    for pool in threadpool_info():
        if pool.get("architecture"):
            reported[f"isa {pool['internal_api']} ({Path(pool['filepath']).name})"] = pool["architecture"]
    return reported


def _widest(features: dict[str, bool]) -> str:
    """Return which of its instruction sets numpy's own loops may use. Its name for AVX-512 has changed over time."""
    if all(features.get(name, True) for name in ("AVX512_SKX", "X86_V4")):
        return "AVX512"
    return "AVX2" if features.get("AVX2") else "baseline"


@cache
def _isa_of_onednn(torch: Any) -> str:
    """Return the instruction set that PyTorch's oneDNN prints at its first verbose call, to stdout, a worker's log.

    It is verbose only once: it would print at every call, which takes microseconds.
    """
    with torch.backends.mkldnn.verbose(torch.backends.mkldnn.VERBOSE_ON):
        torch.nn.functional.conv2d(torch.ones(2, 16, 8, 8), torch.ones(16, 8, 3, 3), groups=2)
    ctypes.CDLL(None).fflush(None)
    log = Path("/proc/self/fd/1").resolve()
    prefix = "onednn_verbose,v1,info,cpu,isa:"
    lines = log.read_text(errors="replace").splitlines() if log.is_file() else []
    return next((line.removeprefix(prefix) for line in reversed(lines) if line.startswith(prefix)), "does not say")
