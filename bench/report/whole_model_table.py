"""The totals of a model as a table, for the report and the terminal."""

from bench.report.grid import Column, Grid, GridCell
from bench.report.units import MISSING, duration, duration_interval, number
from bench.report.whole_model import Total, WholeModel

_COLUMNS = [
    Column("Implementation", numeric=False),
    Column("Layers", hint="how many of the layers it computes"),
    Column("Sum of layers", hint="the layers' latencies per call added up"),
    Column("Ratio", hint="the sum divided by the baseline's; below 1 is faster"),
    Column("Verdict", numeric=False),
]


def model_table(whole: WholeModel) -> Grid:
    """Return a line for each implementation, and one for the best mix of them."""
    totals = [*whole.totals, *([whole.mix] if whole.mix else [])]
    return Grid(_COLUMNS, [_line(whole, total) for total in totals])


def choices_text(whole: WholeModel) -> str:
    """Return how many layers each implementation computes in the best mix; empty where there is none."""
    return ", ".join(f"{name} {count}" for name, count in whole.mix.choices) if whole.mix else ""


def _line(whole: WholeModel, total: Total) -> list[GridCell]:
    layers = GridCell(f"{total.passed_layers} of {len(whole.model.layers)}")
    if total.latency is None:
        return [GridCell(total.name, total.reason), layers, GridCell(MISSING), GridCell(MISSING), GridCell(MISSING)]
    sum_ = total.latency
    time = GridCell(duration(sum_.estimate), duration_interval(sum_.low, sum_.high, sum_.estimate))
    if total.ratio is None:
        role = GridCell("baseline" if total.name == whole.baseline else "")
        return [GridCell(total.name), layers, time, GridCell(MISSING), role]
    ratio = GridCell(number(total.ratio.estimate), f"{number(total.ratio.low)} to {number(total.ratio.high)}")
    return [GridCell(total.name), layers, time, ratio, GridCell(str(total.verdict))]
