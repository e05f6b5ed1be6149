"""Detects speeds that a machine cannot reach: a sign of work that was not done."""

from bench.core.record import Work
from bench.peaks.model import GpuPeaks, Peaks

PEAK_TOLERANCE, BANDWIDTH_TOLERANCE = 1.5, 4.0
"""How many times its measured peak a machine may seem to reach: peaks are measured in short slices, and an operator
that mostly reads can be faster than a copy."""


def implausible(latency_ns: float, work: Work, peaks: Peaks | GpuPeaks, threads: int) -> str:
    """Return why a latency cannot be that of the work; empty where it can.

    Only the fewest multiplications count: those of the fastest known algorithm, without products with padding.
    """
    roofline = peaks.roofline(threads)
    fewest = work.macs if work.fewest_macs is None else work.fewest_macs
    gflops = 2 * fewest / latency_ns
    peak = max((gflops for _, gflops in roofline.peaks), default=0.0) * 4 / min(4, work.itemsize)
    if peak and gflops > PEAK_TOLERANCE * peak:
        return (
            f"{_time(latency_ns)} per call would be {gflops:,.0f} GFLOP/s even with the fastest known algorithm, and "
            f"this machine reaches {peak:,.0f}: does every call compute its output anew?"
        )
    bandwidth = max((speed for _, speed in roofline.bandwidths), default=0.0)
    if bandwidth and work.least_bytes / latency_ns * 1e9 > BANDWIDTH_TOLERANCE * bandwidth:
        return (
            f"{_time(latency_ns)} per call would be {work.least_bytes / latency_ns:,.0f} GB/s, and this machine copies "
            f"{bandwidth / 1e9:,.0f}: does every call compute its output anew?"
        )
    return ""


def _time(nanoseconds: float) -> str:
    return f"{nanoseconds / 1e3:,.3g} us"
