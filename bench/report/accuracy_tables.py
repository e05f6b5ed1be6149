"""Tables of an experiment: each model's means, and its differences to the baseline."""

from math import isinf, isnan

from bench.core.workload import Metric
from bench.report.accuracy import TRAINING, Difference, Experiment, Model
from bench.report.compare import Comparison
from bench.report.grid import Column, Grid, GridCell
from bench.report.table import metric_column
from bench.report.units import MISSING, duration, hundredths, number
from bench.stats.interval import Interval

_NAME = Column("Implementation", numeric=False)
_RATIO = Column("Latency per call, ratio", hint="its latency divided by the baseline's; below 1 is faster")
_WORK = [
    Column("Parameters", hint="trained numbers; median over the seeds"),
    Column("MMACs", hint="million multiply-accumulates per call; below, those with non-zeros of a sparse matrix"),
]
_TIMES = [
    Column("Training time", hint="or the time of all that preparing took; median over the seeds"),
    Column("Latency per call", hint="median over the seeds"),
]


def means_table(experiment: Experiment) -> Grid:
    """Return a line for each implementation: its seeds, the mean of every metric, its work, and its times in a run."""
    metrics = [metric_column(metric, metric.value_unit) for metric in _shown(experiment)]
    return Grid(
        [
            _NAME,
            Column("Seeds", hint=f"how many values of {experiment.seed} passed"),
            *metrics,
            *_WORK,
            *([] if experiment.runs else _TIMES),
        ],
        [_model_line(experiment, model) for model in experiment.models],
    )


def differences_table(experiment: Experiment) -> Grid:
    """Return a line for each implementation but the baseline: its latency, and each metric with a better direction.

    There are no latencies in an experiment of several runs.
    """
    by_cell = {(difference.implementation, difference.metric): difference for difference in experiment.differences}
    metrics = list(dict.fromkeys(metric for _, metric in by_cell))
    with_ratio = [name for name, row in experiment.ratios.items() if row.ratio]
    names = dict.fromkeys([name for name, _ in by_cell] + with_ratio)

    def line(name: str) -> list[GridCell]:
        differences = (_difference(by_cell.get((name, metric))) for metric in metrics)
        ratio = [] if experiment.runs else [_ratio(experiment.ratios[name], experiment.seeds)]
        return [GridCell(name), *ratio, *differences]

    return Grid(
        [
            _NAME,
            *([] if experiment.runs else [_RATIO]),
            *(metric_column(metric, metric.difference_unit) for metric in metrics),
        ],
        [line(name) for name in names],
    )


def mean_text(metric: Metric, mean: Interval) -> str:
    """Return a mean with its unit and interval, for a sentence."""
    unit = _unit(metric)
    text, aside = _mean(metric, mean)
    return f"{text}{unit}" + (f" ({aside}{unit})" if aside else "")


def value_text(metric: Metric, value: float) -> str:
    """Return a value with its unit, for a sentence."""
    return _value(metric, value) + _unit(metric)


def _unit(metric: Metric) -> str:
    return f"\u00a0{metric.value_unit}" if metric.value_unit else ""


def _shown(experiment: Experiment) -> list[Metric]:
    """Return the metrics that have a column; the time of the training has one anyway."""
    return [metric for metric in experiment.metrics if metric.name != TRAINING]


def _model_line(experiment: Experiment, model: Model) -> list[GridCell]:
    times = [
        GridCell(MISSING if isnan(model.training_s) else duration(1e9 * model.training_s)),
        GridCell(duration(model.latency_ns)),
    ]
    return [
        GridCell(model.implementation, ", ".join(f"{name} {value}" for name, value in model.facts.items())),
        GridCell(str(model.seeds), "" if model.seeds == experiment.seeds else f"of {experiment.seeds}"),
        *(_mean(metric, model.means[metric.name]) for metric in _shown(experiment)),
        GridCell(MISSING if isnan(model.parameters) else f"{model.parameters:,.0f}"),
        GridCell(
            number(model.macs / 1e6), f"{number(model.sparse_macs / 1e6)} sparse" if model.sparse_macs > 0 else ""
        ),
        *([] if experiment.runs else times),
    ]


def _mean(metric: Metric, mean: Interval | None) -> GridCell:
    return GridCell(_value(metric, mean.estimate), _interval(metric, mean)) if mean else GridCell(MISSING)


def _difference(difference: Difference | None) -> GridCell:
    if difference is None:
        return GridCell(MISSING)
    metric, mean = difference.metric, difference.mean
    asides = [_interval(metric, mean, signed=True), f"p {number(difference.p, 2)}"]
    return GridCell(
        f"{_value(metric, mean.estimate, signed=True)} {difference.finding}", ", ".join(filter(None, asides))
    )


def _ratio(row: Comparison, seeds: int) -> GridCell:
    if row.ratio is None:
        return GridCell(MISSING, row.reason)
    interval = f"{number(row.ratio.low)} to {number(row.ratio.high)}"
    repeats = "" if len(row.cases) == seeds else f"{len(row.cases)} of {seeds} repeats"
    return GridCell(f"{number(row.ratio.estimate)} {row.verdict}", ", ".join(filter(None, (interval, repeats))))


def _interval(metric: Metric, mean: Interval, signed: bool = False) -> str:
    """Return the interval; empty where it is infinite, as that of a single seed."""
    if isinf(mean.low):
        return ""
    return f"{_value(metric, mean.low, signed)} to {_value(metric, mean.high, signed)}"


def _value(metric: Metric, value: float, signed: bool = False) -> str:
    if metric.is_fraction:
        return hundredths(value, signed)
    return ("+" if signed and value > 0 else "") + number(value, 3).replace("-", "−")
