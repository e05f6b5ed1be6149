"""Measures what the cores of this machine can do."""

import importlib
import importlib.util
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from pydantic import ValidationError

from bench.core.files import write_whole
from bench.core.target import Target
from bench.machine import environment
from bench.peaks.model import HostBandwidth, Peak, Peaks

WORKING_SETS = tuple(2**power for power in (15, 18, 21, 24, 28))
"""Bytes copied over, from what fits a level-1 cache to what fits none."""

_PASSES = 2
"""Separate passes in which each peak is measured; the best one counts, so that one disturbance does not spoil it."""
_SECONDS, _SECONDS_QUICK = 0.2, 0.02
"""Length of one measurement, thorough or quick."""


class PeaksUnavailableError(Exception):
    """The native part that measures peaks is not built; the message says how to build it."""


def measure_peaks(quick: bool = True) -> Peaks:
    """Measure peaks with one thread, on the core of target ``edge``, and with all cores given.

    This takes about 1.5 s, or 10 s where not ``quick``.

    Raises:
        PeaksUnavailableError: where the native part is not built.
    """
    try:
        native = importlib.import_module("bench._peaks")
    except ImportError as error:
        raise PeaksUnavailableError(
            f"peaks cannot be measured ({error}); to build what measures them: pip install ."
        ) from None
    seconds = _SECONDS_QUICK if quick else _SECONDS
    peaks: dict[tuple[str, int], float] = {}
    bandwidths: dict[tuple[int, int], float] = {}
    for _ in range(_PASSES):
        for cores in _core_sets():
            threads = len(cores)
            # Affinity belongs to a thread: that of the pinned thread ends with it, and the caller's stays as it was.
            with ThreadPoolExecutor(1, initializer=os.sched_setaffinity, initargs=(0, cores)) as pinned:
                for isa in native.isas():
                    gflops = pinned.submit(native.fma_gflops, isa, threads, seconds).result()
                    peaks[isa, threads] = max(gflops, peaks.get((isa, threads), 0))
                for size in WORKING_SETS:
                    bandwidth = pinned.submit(native.copy_bytes_per_second, size, threads, seconds).result()
                    bandwidths[size, threads] = max(bandwidth, bandwidths.get((size, threads), 0))
    return Peaks(
        peaks=[Peak(isa=isa, threads=threads, gflops=best) for (isa, threads), best in peaks.items()],
        bandwidths=[
            HostBandwidth(working_set_bytes=size, threads=threads, bytes_per_second=best)
            for (size, threads), best in bandwidths.items()
        ],
    )


def peaks(folder: Path, thorough: bool = False, watch: Callable[[str], None] = lambda text: None) -> Peaks | None:
    """Return this machine's peaks, measured once and kept as ``folder/<machine_id>.json``.

    They are measured anew where the file cannot be read or lacks the number of cores now given, and always where
    ``thorough``, which takes longer; ``watch`` is then called with what is being done. None where the native part is
    not built.
    """
    path = folder / f"{environment(()).machine_id}.json"
    if not thorough and (stored := _stored(path)):
        return stored
    if importlib.util.find_spec("bench._peaks"):
        watch("measuring the peaks of this machine, once")
    try:
        measured = measure_peaks(quick=not thorough)
    except PeaksUnavailableError:
        return None
    write_whole(path, measured.model_dump_json(indent=1))
    return measured


def _stored(path: Path) -> Peaks | None:
    try:
        stored = Peaks.model_validate_json(path.read_bytes())
    except (OSError, ValidationError):
        return None
    return stored if {len(cores) for cores in _core_sets()} <= {peak.threads for peak in stored.peaks} else None


def _core_sets() -> list[tuple[int, ...]]:
    edge_cores, all_cores = Target("edge").cores, Target("cpu").cores
    return [edge_cores] if len(all_cores) == 1 else [edge_cores, all_cores]
