"""The report's table of all results, column by column, as the page's script sorts, filters and shows them.

Most of its columns are listed in ``quantities.py``. Those of ratios and verdicts depend on the baseline that the reader
chooses, so the script takes them from ``matrix.py``.
"""

from collections.abc import Iterable, Mapping, Sequence
from math import isfinite
from typing import Any

import pandas as pd

from bench.core.workload import Metric
from bench.report.compare import Comparison
from bench.report.figure import round_significant
from bench.report.frame import KEYS, bare_metric, column_text, derived_columns, metric_columns, parameter_columns
from bench.report.grid import Column
from bench.report.quantities import QUANTITIES, TABLE_QUANTITIES, Quantity

ColumnData = dict[str, Any]
"""A column: its name, heading, hint and form, whether it is shown at first, and its values in the order of the rows.

Columns of form "text" have ``words``, the distinct values, and ``index``, the number of each row's word, or -1. The
others have lists: ``value``, and one for each quantity beside it.
"""


def metric_column(metric: Metric, unit: str) -> Column:
    """Return the column of a metric's values, or of their differences, in ``unit``."""
    title = metric.with_unit(unit)
    return Column(title[:1].upper() + title[1:], hint=metric.meaning)


def results_table(
    table: pd.DataFrame, comparisons: Sequence[Comparison], described: Sequence[Metric]
) -> list[ColumnData]:
    """Return the columns for the rows of a ``frame``.

    Run, workload and target are columns where they vary. ``described`` are the workloads' descriptions of metrics. A
    metric that has no description, or two different ones, is shown under its name, as it was recorded.
    """
    varied = [name for name in ("run", "workload", "target") if table[name].nunique() > 1]
    first, *others = TABLE_QUANTITIES
    notes = _notes(table, comparisons)
    return [
        _text("implementation", "Implementation", table["implementation"]),
        _text("case", "Case", table["case"]),
        *(_text(name, name.capitalize(), table[name], shown=_is_needed(name, table)) for name in varied),
        _quantity(first, table),
        {
            "name": "ratio",
            "heading": "Ratio",
            "hint": "latency / the baseline's in the same rounds; below 1 is faster",
            "form": "ratio",
            "shown": True,
        },
        {"name": "verdict", "heading": "Verdict", "hint": "", "form": "verdict", "shown": True},
        _text("status", "Status", table["status"].str.replace("_", " "), shown=table["status"].nunique() > 1),
        *(_quantity(quantity, table) for quantity in others),
        *_metrics(table, described),
        *(_parameter(name, table) for name in (*parameter_columns(table), *derived_columns(table))),
        _text("notes", "Notes", notes, hint="why it did not pass; what to mind", shown=any(notes)),
    ]


def _is_needed(name: str, table: pd.DataFrame) -> bool:
    """Whether a reader needs a column of ``KEYS`` at once; the run only where a workload was measured in several."""
    return name != "run" or bool((table.groupby("workload")["run"].nunique() > 1).any())


def _text(name: str, heading: str, values: Iterable[str], *, hint: str = "", shown: bool = True) -> ColumnData:
    codes, words = pd.factorize(pd.Series([value or None for value in values], dtype=object))
    column = {"name": name, "heading": heading, "hint": hint, "form": "text", "shown": shown}
    return column | {"words": [str(word) for word in words], "index": codes.tolist()}


def _parameter(name: str, table: pd.DataFrame) -> ColumnData:
    values = [None if pd.isna(value) else column_text(value) for value in table[name]]
    codes, words = pd.factorize(pd.Series(values, dtype=object))
    column = {"name": name, "heading": name.replace("_", " "), "hint": "a parameter of the case", "form": "text"}
    numeric = pd.api.types.is_numeric_dtype(table[name]) and not pd.api.types.is_bool_dtype(table[name])
    return column | {"shown": False, "numeric": numeric, "words": words.tolist(), "index": codes.tolist()}


def _quantity(quantity: Quantity, table: pd.DataFrame) -> ColumnData:
    column = {"name": quantity.name, "heading": quantity.heading, "hint": quantity.hint, "form": quantity.form}
    values = {name: _numbers(table[name]) for name in quantity.beside if table[name].notna().any()}
    shown = quantity.is_shown and bool(table[quantity.name].notna().any())
    return column | {"shown": shown, "value": _numbers(table[quantity.name]), **values}


def _metrics(table: pd.DataFrame, described: Sequence[Metric]) -> Iterable[ColumnData]:
    judged_by = {metric.name for metric in described[:1]}
    for name in metric_columns(table):
        metric = _described(bare_metric(name), described)
        heading = metric_column(metric, metric.value_unit)
        column = {"name": name, "heading": heading.heading, "hint": heading.hint}
        form = "hundredths" if metric.is_fraction else "number"
        shown = metric.name in judged_by or not described
        yield column | {"form": form, "shown": shown, "value": _numbers(table[name])}


def _described(name: str, described: Sequence[Metric]) -> Metric:
    descriptions = {metric for metric in described if metric.name == name}
    return descriptions.pop() if len(descriptions) == 1 else Metric(name, name, "")


def _numbers(values: "pd.Series[Any]") -> list[float | str | None]:
    """Return numbers for JSON, which lacks infinities: they are texts."""
    if pd.api.types.is_integer_dtype(values):
        return [None if pd.isna(value) else int(value) for value in values]
    return [_number(value) for value in values]


def _number(value: Any) -> float | str | None:
    if pd.isna(value):
        return None
    return round_significant(value) if isfinite(value) else str(float(value))


def _notes(table: pd.DataFrame, comparisons: Sequence[Comparison]) -> list[str]:
    """Return for each row why there is no time or no ratio, and what makes a time less certain."""
    by_key = {
        (row.run, row.workload, row.implementation, case, row.target): row
        for row in comparisons
        for case in row.cases
        if row.ratio is None or len(row.cases) == 1  # a ratio over several cases belongs to none of them
    }
    return [_note(row, by_key.get(tuple(row[name] for name in KEYS))) for row in table.to_dict("records")]


def _note(row: Mapping[Any, Any], comparison: Comparison | None) -> str:
    if row["status"] != "passed":
        return str(row["reason"])
    notes = []
    if comparison and comparison.reason:
        notes.append(comparison.reason if comparison.ratio else f"no ratio: {comparison.reason}")
    if comparison and comparison.ratio and comparison.ratio.high == float("inf"):
        notes.append("too few rounds for an interval of the ratio")
    notes += [note for quantity in QUANTITIES if (note := quantity.note(row))]
    return "; ".join(notes)
