"""Cells of a claim about records, on one kind of machine."""

from collections.abc import Iterator

from bench.claims.cells import LATENCY, SPEEDUP, CellResult
from bench.claims.experiments import metric_cells, metric_step_cells, metric_unit
from bench.claims.machines import NewestRecords
from bench.claims.model import Measure
from bench.claims.times import crossover_cells, latency_cells, speedup_cells, step_cells
from bench.report.query import Query


def measured_cells(query: Query, measure: Measure, records: NewestRecords) -> Iterator[CellResult]:
    """Return a cell for all that the query and the measure describe, whether it was measured or not.

    Args:
        query: names its implementations.
        measure: what to take from the records.
        records: those of one kind of machine, of the query's implementations and of the baselines.
    """
    sweep = measure.sweep
    if measure.quantity == SPEEDUP:
        if sweep:
            return crossover_cells(query, measure.baselines, sweep, records)
        return speedup_cells(query, measure.baselines, records)
    if measure.quantity == LATENCY:
        return step_cells(query, sweep, records) if sweep else latency_cells(query, records)
    if sweep:
        return metric_step_cells(query, measure.quantity, measure.statistic, sweep, records)
    return metric_cells(query, measure.quantity, measure.statistic, measure.baselines, records)


DEPEND_ON_MACHINE = ("time", "ratio", "speed", "throughput")
"""Dimensions of what differs by machine."""


def depends_on_machine(workload: str, quantity: str) -> bool:
    """Whether a quantity depends on the machine: times, speeds and throughputs do, accuracies do not."""
    return quantity in (SPEEDUP, LATENCY) or metric_unit(workload, quantity).dimension in DEPEND_ON_MACHINE


def with_baselines(query: Query, measure: Measure) -> Query:
    """Return the query that selects the records of the baselines too."""
    return query.model_copy(update={"impl": (*query.impl, *measure.baselines)}) if query.impl else query
