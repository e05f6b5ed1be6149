"""Limits as they are stored, and the roofline that they make."""

import itertools
import math
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from bench.core.record import Work
from bench.core.target import COLD


class _Stored(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Peak(_Stored):
    """fp32 multiply-adds in registers, of all threads together. FLOP = 2 x MAC."""

    isa: str
    threads: int = Field(ge=1)
    gflops: float = Field(gt=0)


class Bandwidth(_Stored):
    """Copying, of all threads together: bytes read plus bytes written."""

    working_set_bytes: int = Field(gt=0, description="source plus destination")
    threads: int = Field(ge=1)
    bytes_per_second: float = Field(gt=0)


class Limits(_Stored):
    """What the cores of a machine can do: the fastest short slice of each measurement."""

    peaks: list[Peak] = Field(description="best instruction set first")
    bandwidths: list[Bandwidth]

    def attainable_gflops(self, work: Work, threads: int, isa: str | None = None) -> float:
        """The roofline: the lesser of the peak, and FLOP a byte times bandwidth, in GFLOP/s.

        The bandwidth is that of a copy whose working set has the size of the work's ``least_bytes``, since a small
        problem called again and again lives in a cache: measured sizes are interpolated, linearly in the logarithms of
        both size and bandwidth, and beyond them the nearest counts. A copy writes a byte for each one that it reads; an
        operator that mostly reads can exceed this limit where bandwidth is what binds it.

        ``isa`` None means the best. Raises ValueError for an instruction set or a number of threads not measured.
        """
        peaks = [peak.gflops for peak in self.peaks if peak.threads == threads and isa in (None, peak.isa)]
        flows = sorted((b.working_set_bytes, b.bytes_per_second) for b in self.bandwidths if b.threads == threads)
        if not peaks or not flows:
            known = ", ".join(f"{peak.isa} with {peak.threads} thread(s)" for peak in self.peaks)
            raise ValueError(f"no limit measured for {isa or 'any ISA'} with {threads} thread(s), only for {known}")
        peak = max(peaks) * 4 / work.itemsize  # Vectors hold half as many numbers of twice the size.
        return _roofline(work, peak, flows)

    def roofs(self, threads: int) -> "Roofs":
        """For this many threads."""
        return Roofs(
            [(f"{peak.isa} peak", peak.gflops) for peak in self.peaks if peak.threads == threads],
            [(b.working_set_bytes, b.bytes_per_second) for b in self.bandwidths if b.threads == threads],
        )


class Flow(_Stored):
    """Copying on a GPU: bytes read plus bytes written."""

    working_set_bytes: int = Field(gt=0, description="source plus destination")
    bytes_per_second: float = Field(gt=0)


class GpuLimits(_Stored):
    """What a GPU can do: the fastest of several measurements of each."""

    gpu: str
    peaks: dict[str, float] = Field(description="GFLOP/s of a large product of matrices, by what is multiplied")
    flows: list[Flow]
    empty_graph_ns: float = Field(gt=0, description="replay of a CUDA graph of one empty kernel, after the one before")

    def attainable_gflops(self, work: Work, threads: int, option: str | None = None) -> float:
        """The roofline, as of ``Limits``; with option ``cold`` by the largest copy's bandwidth, since no cache helps.

        Raises ValueError for arithmetic that was not measured. ``threads`` are the host's, which are not in the way.
        """
        arithmetic = work.arithmetic or {4: "float32", 8: "float64"}[work.itemsize]
        if arithmetic not in self.peaks or not self.flows:
            raise ValueError(f"no limit measured for {arithmetic}, only for {', '.join(self.peaks)}")
        flows = sorted((flow.working_set_bytes, flow.bytes_per_second) for flow in self.flows)
        return _roofline(work, self.peaks[arithmetic], flows[-1:] if option == COLD else flows)

    def roofs(self, threads: int) -> "Roofs":
        return Roofs(
            [(f"{arithmetic} product", gflops) for arithmetic, gflops in self.peaks.items()],
            [(flow.working_set_bytes, flow.bytes_per_second) for flow in self.flows],
        )


class Roofs(NamedTuple):
    """What a figure of a roofline draws."""

    peaks: list[tuple[str, float]]
    """What computes, and its GFLOP/s."""
    flows: list[tuple[int, float]]
    """Bytes of a working set, and the bytes a second that it is copied at."""


def _roofline(work: Work, peak: float, flows: list[tuple[int, float]]) -> float:
    if work.least_bytes == 0:
        return peak
    return min(peak, 2 * work.macs / work.least_bytes * _interpolated(flows, work.least_bytes) / 1e9)


def _interpolated(points: list[tuple[int, float]], x: int) -> float:
    """The y at x between the points, sorted by x, linear in both logarithms; the end's y beyond them."""
    if x <= points[0][0]:
        return points[0][1]
    for (x0, y0), (x1, y1) in itertools.pairwise(points):
        if x <= x1:
            return float(y0 * (y1 / y0) ** (math.log(x / x0) / math.log(x1 / x0)))
    return points[-1][1]
