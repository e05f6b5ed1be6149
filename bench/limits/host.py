"""Measures what the cores of this machine can do."""

import importlib
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from pydantic import ValidationError

from bench.core.files import write_whole
from bench.core.target import Target
from bench.limits.model import Bandwidth, Limits, Peak
from bench.machine import environment

WORKING_SETS = tuple(2**power for power in (15, 18, 21, 24, 28))
"""Bytes copied over, from what fits a level-1 cache to what fits none."""

_PASSES = 2
"""Each limit is measured in separate passes, the best counting, so that one disturbance does not spoil it."""
_SECONDS, _SECONDS_QUICK = 0.2, 0.02


class LimitsUnavailable(Exception):
    """The native part that measures limits is not built; the message says how to build it."""


def measure_limits(quick: bool = True) -> Limits:
    """Measure with one thread, on the core of target ``edge``, and with all cores given.

    Takes about 1.5 s, or 10 s where not ``quick``. Raises LimitsUnavailable where the native part is not built.
    """
    try:
        native = importlib.import_module("bench._limits")
    except ImportError as error:
        raise LimitsUnavailable(
            f"limits cannot be measured ({error}); to build what measures them: pip install ."
        ) from None
    seconds = _SECONDS_QUICK if quick else _SECONDS
    peaks: dict[tuple[str, int], float] = {}
    flows: dict[tuple[int, int], float] = {}
    for _ in range(_PASSES):
        for cores in _core_sets():
            threads = len(cores)
            # Affinity belongs to a thread: this one's ends with it, and the caller's stays as it was.
            with ThreadPoolExecutor(1, initializer=os.sched_setaffinity, initargs=(0, cores)) as pinned:
                for isa in native.isas():
                    found = pinned.submit(native.fma_gflops, isa, threads, seconds).result()
                    peaks[isa, threads] = max(found, peaks.get((isa, threads), 0))
                for size in WORKING_SETS:
                    found = pinned.submit(native.copy_bytes_per_second, size, threads, seconds).result()
                    flows[size, threads] = max(found, flows.get((size, threads), 0))
    return Limits(
        peaks=[Peak(isa=isa, threads=threads, gflops=best) for (isa, threads), best in peaks.items()],
        bandwidths=[
            Bandwidth(working_set_bytes=size, threads=threads, bytes_per_second=best)
            for (size, threads), best in flows.items()
        ],
    )


def limits(folder: Path, thorough: bool = False) -> Limits | None:
    """This machine's limits, measured once and kept as ``folder/<machine_id>.json``.

    A file that cannot be read, or that lacks the number of cores now given, is measured anew; so is any where
    ``thorough``, which takes longer. None where the native part is not built.
    """
    path = folder / f"{environment(()).machine_id}.json"
    if not thorough and (kept := _kept(path)):
        return kept
    try:
        measured = measure_limits(quick=not thorough)
    except LimitsUnavailable:
        return None
    write_whole(path, measured.model_dump_json(indent=1))
    return measured


def _kept(path: Path) -> Limits | None:
    try:
        kept = Limits.model_validate_json(path.read_bytes())
    except (OSError, ValidationError):
        return None
    return kept if {len(cores) for cores in _core_sets()} <= {peak.threads for peak in kept.peaks} else None


def _core_sets() -> list[tuple[int, ...]]:
    one, every = Target("edge").cores, Target("cpu").cores
    return [one] if len(every) == 1 else [one, every]
