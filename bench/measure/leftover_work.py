"""Tells whether a process is idle once its calls have returned, or continues work that they only began."""

import time

from bench.core.workload import Call
from bench.measure.process_tree import cpu_time, descendants

BURST_S, MAX_CALLS = 0.02, 1000
"""The time after which a burst of calls ends, s, and the most calls in it."""
MIN_CALLS, LONG_BURST_S = 3, 0.3
"""The fewest calls in a burst, unless they take longer than LONG_BURST_S together, s."""
REPEAT_ABOVE_S = 1e-3
"""Leftover processor time above which it is measured again, s."""
SLICE_S, SHORT_SLICE_S, IDLE_SHARE = 0.02, 0.005, 0.03
"""Lengths of a slice of time, s, and the share of it below which a process counts as idle."""
MIN_WAIT_S, MAX_WAIT_S = 0.05, 0.5
"""The shortest and the longest time for which a process is watched after its calls, until it is idle, s."""


def leftover_cpu_s(call: Call) -> float:
    """Return the processor time used after many calls have returned, beyond that after a single call, s.

    Threads that only spin for a while, waiting for more work, spin as long after one call as after many. Work that was
    begun and not waited for piles up every time, so leftover time that is seen once must be seen again. The
    result is 0 for a process that is not idle even after a single call, where leftover time cannot be distinguished.
    """
    first = _measure_leftover(call) or 0.0
    if first < REPEAT_ABOVE_S:
        return first
    wait_until_idle()
    second = _measure_leftover(call)
    return first if second is None else min(first, second)


def _measure_leftover(call: Call) -> float | None:
    """Return what many calls leave beyond a single one, s; None where the process is not idle after a single one."""
    after_single, idle = _cpu_time_after(call, max_calls=1)
    return max(0.0, _cpu_time_after(call, MAX_CALLS)[0] - after_single) if idle else None


def wait_until_idle() -> None:
    """Wait until other threads and processes have ended what earlier calls began; MAX_WAIT_S at most, as some spin."""
    began, used = time.perf_counter(), _other_cpu_time_s()
    while time.perf_counter() - began < MAX_WAIT_S:
        time.sleep(SHORT_SLICE_S)
        now = _other_cpu_time_s()
        if now - used < IDLE_SHARE * SHORT_SLICE_S:
            return
        used = now


def _cpu_time_after(call: Call, max_calls: int) -> tuple[float, bool]:
    """Return the processor time used after a burst of calls, s, and whether the process was idle in the end."""
    began = time.perf_counter()
    for calls in range(1, max_calls + 1):
        call()
        if time.perf_counter() - began > (BURST_S if calls >= MIN_CALLS else LONG_BURST_S):
            break
    returned, start = time.perf_counter(), _other_cpu_time_s()
    used, idle = start, False
    while (waited := time.perf_counter() - returned) < MIN_WAIT_S or (not idle and waited < MAX_WAIT_S):
        time.sleep(SLICE_S)
        now = _other_cpu_time_s()
        used, idle = now, now - used < IDLE_SHARE * SLICE_S
    return used - start, idle


def _other_cpu_time_s() -> float:
    """Return the processor time of all other threads, and of all processes that this one has started, s."""
    return time.process_time() - time.thread_time() + sum(map(cpu_time, descendants()))
