"""Facts about the worker as it really ran: which libraries, how many threads, which instruction set."""

import importlib.metadata
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from threadpoolctl import threadpool_info

from bench.core.target import Target


def versions(distributions: Iterable[str]) -> dict[str, str]:
    return {name: importlib.metadata.version(name) for name in distributions}


def thread_ticks() -> dict[str, int]:
    """CPU time of each thread of this process so far, in the kernel's ticks (mostly 10 ms)."""
    ticks = {}
    for task in Path("/proc/self/task").iterdir():
        try:
            fields = (task / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        ticks[task.name] = int(fields[11]) + int(fields[12])
    return ticks


def threads_that_ran(since: dict[str, int]) -> int:
    """How many threads did a real share of the work since: each that used over 5 % of the process's CPU time."""
    used = {thread: ticks - since.get(thread, 0) for thread, ticks in thread_ticks().items()}
    return max(1, sum(ticks > 0.05 * sum(used.values()) for ticks in used.values()))


def instruction_sets(target: Target, libraries: Iterable[str]) -> dict[str, str]:
    """What each loaded library says it uses; for a library that cannot say, whether a cap could be set at all."""
    found = _asked()
    if target.isa:
        for name in set(libraries) - {"torch", "numpy"}:
            found[f"isa {name}"] = f"not capped: no setting of {name} is known"
    return found


def _asked() -> dict[str, str]:
    found = {}
    torch: Any = sys.modules.get("torch")
    if torch is not None:
        found["isa torch"] = torch.backends.cpu.get_cpu_capability()
    if "numpy" in sys.modules:
        from numpy._core._multiarray_umath import __cpu_features__ as features

        found["isa numpy"] = "AVX512" if features.get("AVX512_SKX") else "AVX2" if features.get("AVX2") else "baseline"
    for pool in threadpool_info():
        if pool.get("architecture"):
            found[f"isa {pool['internal_api']} ({Path(pool['filepath']).name})"] = pool["architecture"]
    return found
