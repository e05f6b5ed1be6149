"""Records as one tidy DataFrame."""

from collections.abc import Iterable, Mapping
from itertools import chain
from typing import Any

import numpy as np
import pandas as pd

from bench.core.record import THREADS_THAT_RAN, Latency, Record, Work
from bench.core.target import Target
from bench.limits.model import GpuLimits, Limits
from bench.stats.percentile import percentile
from bench.store import Run

KEYS = ("run", "workload", "implementation", "case", "target")
_FLOATS = (
    "latency_ns",
    "latency_low_ns",
    "latency_high_ns",
    "p99_ns",
    "error",
    "tolerance",
    "gflops",
    "roofline_share",
    "prepare_s",
)
_COUNTS = (
    "rounds",
    "samples",
    "preempted",
    "throttled",
    "exposed",
    "threads",
    "peak_bytes",
    "prepared_bytes",
    "driver_bytes",
    "macs",
    "sparse_macs",
    "flop",
    "least_bytes",
    "parameters",
)
_TEXTS = ("status", "reason", "stopped", "sitting")
_METRIC = "metric_"
_COLUMNS = [
    "status",
    "reason",
    "latency_ns",
    "latency_low_ns",
    "latency_high_ns",
    "p99_ns",
    "rounds",
    "samples",
    "preempted",
    "throttled",
    "exposed",
    "threads",
    "stopped",
    "peak_bytes",
    "prepared_bytes",
    "driver_bytes",
    "error",
    "tolerance",
    "macs",
    "sparse_macs",
    "flop",
    "least_bytes",
    "parameters",
    "gflops",
    "roofline_share",
    "sitting",
    "prepare_s",
]


def frame(runs: Iterable[Run]) -> pd.DataFrame:
    """The records of ``runs``, one row each, in their order.

    ``run, workload, implementation, case, target`` come first, then each case parameter in a column of its own (a tuple
    as text, ``3x3``; a parameter whose name is taken as ``case_<name>``), then what was measured. Times end in ``_ns``,
    sizes in ``_bytes``; ``gflops`` is 2 x MAC / latency in 1e9 FLOP/s and ``roofline_share`` the fraction of what the
    machine can attain at the work's FLOP/byte. Metrics of the check are columns ``metric_<name>``. What was not
    measured is missing: all of it where the status is not passed, ``p99_ns`` where too few samples back it or a sample
    is the mean of several calls, ``roofline_share`` where the run has no limits.
    """
    records = [(run, record) for run in runs for record in run.records]
    parameters = [{_column(k): _text(v) for k, v in record.parameters.items()} for _, record in records]
    metrics = [_metrics(record) for _, record in records]
    data: dict[str, pd.Series[Any]] = {}
    keys = [(run.name, *record.key) for run, record in records]
    for place, name in enumerate(KEYS):
        data[name] = pd.Series([key[place] for key in keys], dtype="str")
    for name in _names(parameters):
        data[name] = pd.Series([row.get(name) for row in parameters], dtype=object).convert_dtypes()
    measured = [_measured(run, record) for run, record in records]
    for name in _COLUMNS:
        data[name] = pd.Series([row.get(name) for row in measured], dtype=_dtype(name))
    for name in _names(metrics):
        data[name] = pd.Series([row.get(name) for row in metrics], dtype="float64")
    return pd.DataFrame(data)


def parameter_columns(table: pd.DataFrame) -> list[str]:
    """The columns of a ``frame`` that hold case parameters."""
    return [name for name in table.columns if name not in {*KEYS, *_COLUMNS} and not name.startswith(_METRIC)]


def parameter_text(value: object) -> str:
    """A case parameter as a reader sees it, and as ``--case`` takes it."""
    return str(value).lower() if isinstance(value, bool | np.bool_) else str(value)


def panels(table: pd.DataFrame, sweep: str | None) -> list[tuple[str, pd.DataFrame]]:
    """The rows of each shape, and a title made of the parameters that differ between shapes.

    A shape is what all parameters but ``sweep`` say; without a sweep all rows make one panel without a title.
    """
    others = [name for name in parameter_columns(table) if name != sweep]
    varied = [name for name in others if table[name].nunique(dropna=False) > 1]
    if sweep is None or not varied:
        return [("", table)]
    texts = [", ".join(f"{name} {parameter_text(row[name])}" for name in varied) for row in table.to_dict("records")]
    return [(str(title), rows) for title, rows in table.groupby(pd.Series(texts, table.index), sort=False)]


def metric_columns(table: pd.DataFrame) -> list[str]:
    """The columns of a ``frame`` that hold metrics of the check, ``metric_<name>``."""
    return [name for name in table.columns if name.startswith(_METRIC)]


def metric_column(metric: str) -> str:
    """The column of a ``frame`` that holds a metric of the check."""
    return _METRIC + metric


def bare_metric(column: str) -> str:
    """The metric's own name."""
    return column.removeprefix(_METRIC)


def _dtype(name: str) -> str:
    return "float64" if name in _FLOATS else "Int64" if name in _COUNTS else "str"


def _column(parameter: str) -> str:
    taken = parameter in KEYS or parameter in _COLUMNS or parameter.startswith(_METRIC)
    return f"case_{parameter}" if taken else parameter


def _text(value: object) -> object:
    return "x".join(map(str, value)) if isinstance(value, list | tuple) else value


def _names(rows: Iterable[Mapping[str, object]]) -> list[str]:
    return list(dict.fromkeys(chain.from_iterable(rows)))


def _metrics(record: Record) -> dict[str, float]:
    return {metric_column(name): value for name, value in record.check.metrics.items()} if record.check else {}


def _measured(run: Run, record: Record) -> dict[str, object]:
    row: dict[str, object] = {
        "status": str(record.status),
        "reason": record.reason,
        "sitting": record.sitting,
        "prepare_s": record.seconds.get("prepare"),
    }
    if record.work:
        row |= record.work.model_dump(exclude={"itemsize", "arithmetic"}) | {"flop": 2 * record.work.macs}
    if record.check:
        row |= {"error": record.check.error, "tolerance": record.check.tolerance}
    if record.memory:
        row |= record.memory.model_dump()
    if (threads := record.facts.get(THREADS_THAT_RAN, "")).isdecimal():
        row["threads"] = int(threads)
    if record.latency:
        row |= _timed(record.latency) | _speed(record, record.latency, run.info.limits, run.info.threads)
    return row


def _timed(latency: Latency) -> dict[str, object]:
    samples = list(chain.from_iterable(latency.turns))
    return {
        "latency_ns": latency.median,
        "latency_low_ns": latency.low,
        "latency_high_ns": latency.high,
        "p99_ns": percentile(samples, 0.99) if latency.inner == 1 else None,
        "rounds": len(latency.turns),
        "samples": len(samples),
        "preempted": latency.preempted,
        "throttled": None if latency.throttled is None else len(latency.throttled),
        "exposed": latency.exposed,
        "stopped": latency.stopped,
    }


def _speed(record: Record, latency: Latency, limits: Limits | GpuLimits | None, threads: int) -> dict[str, object]:
    """FLOP per nanosecond are GFLOP per second. Work without products (MACs 0) has no such speed."""
    if record.work is None or record.work.macs == 0:
        return {}
    gflops = 2 * record.work.macs / latency.median
    attainable = _attainable(record.work, Target.parse(record.target), limits, threads)
    return {"gflops": gflops, "roofline_share": gflops / attainable if attainable else None}


def _attainable(work: Work, target: Target, limits: Limits | GpuLimits | None, threads: int) -> float | None:
    """None where nothing was measured for this target."""
    if limits is None:
        return None
    try:
        return limits.attainable_gflops(work, threads, target.option)
    except ValueError:
        return None
