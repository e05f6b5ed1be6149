"""A tidy DataFrame of records."""

from collections.abc import Iterable, Mapping
from itertools import chain
from typing import Any

import numpy as np
import pandas as pd

from bench.core.record import Record
from bench.report.parameters import derived, with_derived
from bench.report.quantities import QUANTITIES
from bench.store import Run

KEYS = ("run", "workload", "implementation", "case", "target")
_METRIC = "metric_"
_MEASUREMENTS = frozenset(quantity.name for quantity in QUANTITIES)


def frame(runs: Iterable[Run]) -> pd.DataFrame:
    """Return the records of ``runs``, one row each, in their order.

    ``run, workload, implementation, case, target`` come first, then a column for each case parameter and each that its
    workload derives from them, then the measurements. A parameter that is a tuple becomes text (``3x3``); one whose
    name is taken becomes ``case_<name>``.

    The measurements are ``bench.report.quantities``. Times end in ``_ns`` and sizes in ``_bytes``. ``gflops`` is
    2 x MAC / latency in 1e9 FLOP/s; ``roofline_share`` is the fraction of what the machine can attain at the work's
    FLOP/byte; ``tail_share`` is what slow calls add to the median sample, as a fraction. Metrics of the check are
    columns ``metric_<name>``.

    Values that were not measured are missing: all of them where the status is not passed, ``p99_ns`` where too few
    samples back it or a sample is the mean of several calls, ``roofline_share`` where the run has no peaks.
    """
    records = [(run, record) for run in runs for record in run.records]
    parameters = [{_column(k): _text(v) for k, v in with_derived(record).items()} for _, record in records]
    metrics = [_metrics(record) for _, record in records]
    data: dict[str, pd.Series[Any]] = {}
    keys = [(run.name, *record.key) for run, record in records]
    for index, name in enumerate(KEYS):
        data[name] = pd.Series([key[index] for key in keys], dtype="str")
    for name in _names(parameters):
        data[name] = pd.Series([row.get(name) for row in parameters], dtype=object).convert_dtypes()
    for quantity in QUANTITIES:
        values = [quantity.value(run, record) for run, record in records]
        data[quantity.name] = pd.Series(values, dtype=quantity.dtype)
    for name in _names(metrics):
        data[name] = pd.Series([row.get(name) for row in metrics], dtype="float64")
    return pd.DataFrame(data)


def parameter_columns(table: pd.DataFrame) -> list[str]:
    """Return the columns of a ``frame`` that hold case parameters, without those derived from others."""
    others = {*KEYS, *_MEASUREMENTS, *derived_columns(table)}
    return [name for name in table.columns if name not in others and not name.startswith(_METRIC)]


def derived_columns(table: pd.DataFrame) -> dict[str, str]:
    """Return the columns of a ``frame`` with derived parameters, each with the column in whose place it can stand."""
    return {
        _column(name): _column(stands_for)
        for workload in table["workload"].unique()
        for name, stands_for in derived(workload).items()
        if _column(name) in table.columns
    }


def column_text(value: object) -> str:
    """Return a case parameter, as a column of a ``frame`` has it, as text that ``--case`` takes."""
    return str(value).lower() if isinstance(value, bool | np.bool_) else str(value)


def group_by_shape(table: pd.DataFrame, sweep: str | None) -> list[tuple[str, pd.DataFrame]]:
    """Return the rows of each shape, after a title of the parameters that differ between shapes.

    Rows of one shape agree in all parameters but ``sweep``, or the one that it stands for. Without a sweep, all rows
    make one group without a title.
    """
    swept = (sweep, derived_columns(table).get(sweep or ""))
    others = [name for name in parameter_columns(table) if name not in swept]
    varied = [name for name in others if table[name].nunique(dropna=False) > 1]
    if sweep is None or not varied:
        return [("", table)]
    texts = [", ".join(f"{name} {column_text(row[name])}" for name in varied) for row in table.to_dict("records")]
    return [(str(title), rows) for title, rows in table.groupby(pd.Series(texts, table.index), sort=False)]


def metric_columns(table: pd.DataFrame) -> list[str]:
    """Return the columns of a ``frame`` that hold metrics of the check, ``metric_<name>``."""
    return [name for name in table.columns if name.startswith(_METRIC)]


def metric_column(metric: str) -> str:
    """Return the column of a ``frame`` that holds a metric of the check."""
    return _METRIC + metric


def bare_metric(column: str) -> str:
    """Return the metric's own name, without the prefix of its column."""
    return column.removeprefix(_METRIC)


def _column(parameter: str) -> str:
    taken = parameter in KEYS or parameter in _MEASUREMENTS or parameter.startswith(_METRIC)
    return f"case_{parameter}" if taken else parameter


def _text(value: object) -> object:
    return "x".join(map(str, value)) if isinstance(value, list | tuple) else value


def _names(rows: Iterable[Mapping[str, object]]) -> list[str]:
    return list(dict.fromkeys(chain.from_iterable(rows)))


def _metrics(record: Record) -> dict[str, float]:
    return {metric_column(name): value for name, value in record.check.metrics.items()} if record.check else {}
