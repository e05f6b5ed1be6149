"""Defines each quantity of a record once: its column, type, meaning and text.

The columns of ``frame``, the table of results, its notes and the cautions of the summary follow from this list.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import chain
from statistics import fmean, median
from typing import Any, Literal

import pandas as pd

from bench.core.record import THREADS_THAT_RAN, Latency, Memory, Record, Work
from bench.core.target import Target
from bench.peaks.model import GpuPeaks, Peaks
from bench.report.units import percent, size
from bench.stats.latencies import process_count
from bench.stats.percentile import percentile
from bench.store import Run

Form = Literal["number", "millions", "duration", "memory", "percent", "error"]
"""How the page shows a quantity: units.js has a function for each."""
FrameRow = Mapping[Any, Any]
"""A row of ``frame``, by column."""

OFTEN = 0.25
"""Fraction of affected rounds or samples above which a row's notes mention them."""
LONG_TAIL = 0.1
"""What slow calls add to the median, as a fraction, above which a row's notes mention it."""


@dataclass(frozen=True)
class Quantity:
    """A quantity of a record."""

    name: str
    """Its column in ``frame``. Times end in ``_ns`` and sizes in ``_bytes``."""
    dtype: Literal["float64", "Int64", "str"]
    value: Callable[[Run, Record], object]
    """Returns its value; None where it was not measured."""
    heading: str = ""
    """Its column in the table of results; empty where it has none of its own."""
    meaning: str = ""
    """What the reader of that column should know."""
    better: Literal["lower", "higher", ""] = ""
    form: Form = "number"
    """How that column shows it."""
    beside: tuple[str, ...] = ()
    """The quantities that the form shows with it: the ends of its interval, its parts, or its limit."""
    is_shown: bool = True
    """Whether the table shows that column before the reader chooses."""
    note: Callable[[FrameRow], str] = lambda row: ""
    """Returns what to mind in one row that passed; empty where there is nothing."""
    caution: str = ""
    """What the summary says of rows that it ``concerns``, after "In 3 of 12 measurements"; empty for nothing."""
    concerns: Callable[["pd.Series[Any]"], "pd.Series[bool]"] = lambda values: values > 0
    """Returns which of the values of rows that passed need that caution."""

    @property
    def hint(self) -> str:
        """The meaning, and which direction is better."""
        return "; ".join(filter(None, [self.meaning, self.better and f"{self.better} is better"]))


def _is_missing(value: Any) -> bool:
    return bool(pd.isna(value))


def _of_latency(value: Callable[[Latency], object]) -> Callable[[Run, Record], object]:
    return lambda run, record: value(record.latency) if record.latency else None


def _of_memory(value: Callable[[Memory], object]) -> Callable[[Run, Record], object]:
    return lambda run, record: value(record.memory) if record.memory else None


def _of_work(value: Callable[[Work], object]) -> Callable[[Run, Record], object]:
    return lambda run, record: value(record.work) if record.work else None


def _count(rounds: list[int] | None) -> int | None:
    return None if rounds is None else len(rounds)


def _samples(latency: Latency) -> list[float]:
    return list(chain.from_iterable(latency.rounds))


def _tail_share(latency: Latency) -> float:
    """Return what slow calls add to the median sample of a process, as a fraction, averaged over processes."""
    samples: dict[int, list[float]] = {}
    for index in latency.undisturbed:
        samples.setdefault(latency.processes[index], []).extend(latency.rounds[index])
    return fmean(fmean(times) / median(times) - 1 for times in samples.values())


def _threads(run: Run, record: Record) -> int | None:
    text = record.facts.get(THREADS_THAT_RAN, "")
    return int(text) if text.isdecimal() else None


def _gflops(run: Run, record: Record) -> float | None:
    """Return the speed in GFLOP/s, which is FLOP/ns; None for work without products (0 MACs)."""
    if record.work is None or record.work.macs == 0 or record.latency is None:
        return None
    return 2 * record.work.macs / record.latency.estimate


def _roofline_share(run: Run, record: Record) -> float | None:
    gflops = _gflops(run, record)
    if gflops is None or record.work is None:
        return None
    machine = run.info.machine
    attainable = _attainable(record.work, Target.parse(record.target), machine.peaks, machine.threads)
    return gflops / attainable if attainable else None


def _attainable(work: Work, target: Target, peaks: Peaks | GpuPeaks | None, threads: int) -> float | None:
    """Return the attainable GFLOP/s; None where no peaks were measured for this target."""
    if peaks is None:
        return None
    try:
        return peaks.attainable_gflops(work, threads, target.option)
    except ValueError:
        return None


def build_seconds(record: Record) -> float | None:
    """Return how long building the artifacts of a record took; None where it has none, or that was not recorded."""
    times = [artifact.seconds for artifact in record.artifacts.values() if artifact.seconds is not None]
    return sum(times) if times and len(times) == len(record.artifacts) else None


def artifact_bytes(record: Record) -> int | None:
    """Return the size of the artifacts of a record; None where it has none, or that was not recorded."""
    sizes = [artifact.size_bytes for artifact in record.artifacts.values() if artifact.size_bytes is not None]
    return sum(sizes) if sizes and len(sizes) == len(record.artifacts) else None


def _is_often(row: FrameRow, name: str, total: str) -> bool:
    return bool(not _is_missing(row[name]) and row[name] > OFTEN * row[total])


QUANTITIES = (
    Quantity("status", "str", lambda run, record: str(record.status)),
    Quantity("reason", "str", lambda run, record: record.reason),
    Quantity(
        "latency_ns",
        "float64",
        _of_latency(lambda latency: latency.estimate),
        heading="Latency per call",
        meaning="mean of all calls in a new process, with its 95 % interval",
        better="lower",
        form="duration",
        beside=("latency_low_ns", "latency_high_ns"),
    ),
    Quantity("latency_low_ns", "float64", _of_latency(lambda latency: latency.low)),
    Quantity("latency_high_ns", "float64", _of_latency(lambda latency: latency.high)),
    Quantity(
        "p99_ns",
        "float64",
        _of_latency(lambda latency: percentile(_samples(latency), 0.99) if latency.calls_per_sample == 1 else None),
    ),
    Quantity(
        "peak_bytes",
        "Int64",
        _of_memory(lambda memory: memory.peak_bytes),
        heading="Memory",
        meaning="peak during a call plus memory kept by preparing and first calls; both are shown beside it",
        better="lower",
        form="memory",
        beside=("prepared_bytes", "driver_bytes"),
    ),
    Quantity("prepared_bytes", "Int64", _of_memory(lambda memory: memory.prepared_bytes)),
    Quantity("driver_bytes", "Int64", _of_memory(lambda memory: memory.driver_bytes)),
    Quantity(
        "growth_bytes",
        "float64",
        _of_memory(lambda memory: memory.growth_bytes),
        note=lambda row: (
            f"memory grows by {size(int(row['growth_bytes']))} per call" if row["growth_bytes"] > 0 else ""
        ),
    ),
    Quantity(
        "macs",
        "Int64",
        _of_work(lambda work: work.macs),
        heading="MMACs",
        meaning="million multiply-accumulates per call",
        form="millions",
        is_shown=False,
    ),
    Quantity("sparse_macs", "Int64", _of_work(lambda work: work.sparse_macs)),
    Quantity("flop", "Int64", _of_work(lambda work: 2 * work.macs)),
    Quantity("least_bytes", "Int64", _of_work(lambda work: work.least_bytes)),
    Quantity("parameters", "Int64", _of_work(lambda work: work.parameters)),
    Quantity(
        "gflops", "float64", _gflops, heading="GFLOP/s", meaning="2 x MAC / latency", better="higher", is_shown=False
    ),
    Quantity(
        "roofline_share",
        "float64",
        _roofline_share,
        heading="% of roofline",
        meaning="GFLOP/s divided by what this machine's roofline allows",
        better="higher",
        form="percent",
    ),
    Quantity(
        "error",
        "float64",
        lambda run, record: record.check.error if record.check else None,
        heading="Error",
        meaning="largest relative error against the reference; the tolerance is shown beside it",
        better="lower",
        form="error",
        beside=("tolerance",),
        is_shown=False,
    ),
    Quantity("tolerance", "float64", lambda run, record: record.check.tolerance if record.check else None),
    Quantity(
        "tail_share",
        "float64",
        _of_latency(_tail_share),
        note=lambda row: f"slow calls add {percent(row['tail_share'])}" if row["tail_share"] > LONG_TAIL else "",
    ),
    Quantity("rounds", "Int64", _of_latency(lambda latency: len(latency.rounds))),
    Quantity("samples", "Int64", _of_latency(lambda latency: len(_samples(latency)))),
    Quantity("processes", "Int64", _of_latency(process_count)),
    Quantity(
        "stopped",
        "str",
        _of_latency(lambda latency: latency.stopped),
        note=lambda row: f"budget ended after {row['rounds']} rounds" if row["stopped"] == "budget" else "",
        caution="the budget ended before the interval was as narrow as wanted",
        concerns=lambda values: values == "budget",
    ),
    Quantity(
        "off_cpu",
        "Int64",
        _of_latency(lambda latency: latency.off_cpu),
        note=lambda row: f"{row['off_cpu']} rounds off the core" if _is_often(row, "off_cpu", "rounds") else "",
        caution="the calling thread was off its core for over 5 % of some rounds",
    ),
    Quantity(
        "disturbed",
        "Int64",
        _of_latency(lambda latency: _count(latency.disturbed)),
        caution="other processes took the core in some rounds; estimates leave out a minority",
    ),
    Quantity(
        "throttled",
        "Int64",
        _of_latency(lambda latency: _count(latency.throttled)),
        note=lambda row: (
            f"{row['throttled']} rounds with the GPU's clock throttled"
            if not _is_missing(row["throttled"]) and row["throttled"]
            else ""
        ),
        caution="the GPU held its clock down in some rounds, for its temperature or its power",
    ),
    Quantity(
        "launch_bound",
        "Int64",
        _of_latency(lambda latency: latency.launch_bound),
        note=lambda row: (
            f"in {row['launch_bound']} of {row['samples']} samples the GPU may have waited for the host"
            if _is_often(row, "launch_bound", "samples")
            else ""
        ),
        caution="some samples may include launching: the GPU may have waited for the host",
    ),
    Quantity("threads", "Int64", _threads),
    Quantity("session", "str", lambda run, record: record.session),
    Quantity("prepare_s", "float64", lambda run, record: record.seconds.get("prepare")),
    Quantity("build_s", "float64", lambda run, record: build_seconds(record)),
    Quantity("artifact_bytes", "Int64", lambda run, record: artifact_bytes(record)),
)
"""All quantities, in the order of the frame's columns."""

TABLE_QUANTITIES = tuple(quantity for quantity in QUANTITIES if quantity.heading)
"""The quantities that are columns of the table of results, in their order."""
