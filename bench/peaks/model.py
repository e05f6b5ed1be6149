"""Peaks as they are stored, and the roofline that they make."""

import itertools
import math
from typing import NamedTuple

from pydantic import Field

from bench.core.record import Stored, Work
from bench.core.target import COLD


class Peak(Stored):
    """fp32 multiply-adds in registers, of all threads together. FLOP = 2 x MAC."""

    isa: str
    threads: int = Field(ge=1)
    gflops: float = Field(gt=0)


class Bandwidth(Stored):
    """Copying: bytes read plus bytes written."""

    working_set_bytes: int = Field(gt=0, description="source plus destination")
    bytes_per_second: float = Field(gt=0)


class HostBandwidth(Bandwidth):
    """Copying, of all threads together."""

    threads: int = Field(ge=1)


class Peaks(Stored):
    """What the cores of a machine can do: the fastest short slice of each measurement."""

    peaks: list[Peak] = Field(description="best instruction set first")
    bandwidths: list[HostBandwidth]

    def attainable_gflops(self, work: Work, threads: int, isa: str | None = None) -> float:
        """Return the roofline: the lesser of the peak, and FLOP a byte times bandwidth, in GFLOP/s.

        The bandwidth is that of a copy whose working set has the size of the work's ``least_bytes``, since a small
        problem called again and again lives in a cache: measured sizes are interpolated, linearly in the logarithms of
        both size and bandwidth, and beyond them the nearest counts. A copy writes a byte for each one that it reads; an
        operator that mostly reads can exceed this limit where bandwidth is what binds it.

        ``isa`` None means the best.

        Raises:
            ValueError: for an instruction set or a number of threads that was not measured.
        """
        peaks = [peak.gflops for peak in self.peaks if peak.threads == threads and isa in (None, peak.isa)]
        bandwidths = self.roofline(threads).bandwidths
        if not peaks or not bandwidths:
            known = ", ".join(f"{peak.isa} with {peak.threads} thread(s)" for peak in self.peaks)
            raise ValueError(f"no peak measured for {isa or 'any ISA'} with {threads} thread(s), only for {known}")
        peak = max(peaks) * 4 / work.itemsize  # Vectors hold half as many numbers of twice the size.
        return _attainable(work, peak, sorted(bandwidths))

    def roofline(self, threads: int) -> "Roofline":
        """Return the roofline for a number of threads."""
        return Roofline(
            [(f"{peak.isa} peak", peak.gflops) for peak in self.peaks if peak.threads == threads],
            [(b.working_set_bytes, b.bytes_per_second) for b in self.bandwidths if b.threads == threads],
        )


class GpuPeaks(Stored):
    """What a GPU can do: the fastest of several measurements of each."""

    gpu: str
    peaks: dict[str, float] = Field(description="GFLOP/s of a large product of matrices, by what is multiplied")
    bandwidths: list[Bandwidth]
    empty_graph_ns: float = Field(gt=0, description="replay of a CUDA graph of one empty kernel, after the one before")

    def attainable_gflops(self, work: Work, threads: int, option: str | None = None) -> float:
        """Return the roofline, like ``Peaks.attainable_gflops``.

        With option ``cold`` the largest copy's bandwidth counts, since no cache helps. ``threads`` are the host's, and
        make no difference.

        Raises:
            ValueError: for arithmetic that was not measured.
        """
        arithmetic = work.arithmetic or {4: "float32", 8: "float64"}[work.itemsize]
        if arithmetic not in self.peaks or not self.bandwidths:
            raise ValueError(f"no peak measured for {arithmetic}, only for {', '.join(self.peaks)}")
        bandwidths = sorted(self.roofline(threads).bandwidths)
        return _attainable(work, self.peaks[arithmetic], bandwidths[-1:] if option == COLD else bandwidths)

    def roofline(self, threads: int) -> "Roofline":
        return Roofline(
            [(f"{arithmetic} product", gflops) for arithmetic, gflops in self.peaks.items()],
            [(b.working_set_bytes, b.bytes_per_second) for b in self.bandwidths],
        )


class Roofline(NamedTuple):
    """What bounds the speed of any work."""

    peaks: list[tuple[str, float]]
    """The names of peaks, with their GFLOP/s."""
    bandwidths: list[tuple[int, float]]
    """Working sets in bytes, with the bytes a second at which they are copied."""


def _attainable(work: Work, peak: float, bandwidths: list[tuple[int, float]]) -> float:
    if work.least_bytes == 0:
        return peak
    return min(peak, 2 * work.macs / work.least_bytes * _interpolate(bandwidths, work.least_bytes) / 1e9)


def _interpolate(points: list[tuple[int, float]], x: int) -> float:
    """Return y at x, linear in both logarithms between points sorted by x; beyond them, that of the nearest."""
    if x <= points[0][0]:
        return points[0][1]
    for (x0, y0), (x1, y1) in itertools.pairwise(points):
        if x <= x1:
            return float(y0 * (y1 / y0) ** (math.log(x / x0) / math.log(x1 / x0)))
    return points[-1][1]
