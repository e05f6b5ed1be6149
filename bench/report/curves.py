"""Training curves as one long DataFrame."""

from collections.abc import Iterable

import pandas as pd

from bench.report.frame import KEYS
from bench.store import Run


def curves(runs: Iterable[Run]) -> pd.DataFrame:
    """Return the curves of the passed records of ``runs``, one row for each value.

    Columns are ``run, workload, implementation, case, target``, by which rows join those of ``frame``, and ``curve``
    (its name), ``index`` (the number of the epoch or of the layer, from 1) and ``value``.
    """
    rows = [
        (run.name, *record.key, name, epoch, value)
        for run in runs
        for record in run.records
        if record.latency and record.check
        for name, values in record.check.curves.items()
        for epoch, value in enumerate(values, 1)
    ]
    return pd.DataFrame(rows, columns=[*KEYS, "curve", "index", "value"])
