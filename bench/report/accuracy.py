"""Metrics of trained models over the seeds of an experiment, and whether they differ from the baseline's.

An experiment consists of all cases of a section that differ only in the seed.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import isclose
from typing import cast

import numpy as np
import pandas as pd

from bench.core.record import Record
from bench.core.workload import Metric
from bench.report.compare import Comparison
from bench.report.frame import frame, group_by_shape, metric_column
from bench.report.section import Section, sections
from bench.stats.interval import Interval
from bench.stats.repeats import (
    ALPHA,
    Finding,
    holm,
    judge_difference,
    mean_interval,
    min_p,
    paired_differences,
    sign_flip_p,
)
from bench.store import Run

TRAINING = "train_s"
"""Name of the metric that states how long training took, s, where it is no part of preparing."""


@dataclass(frozen=True)
class Model:
    """One implementation over the seeds that it passed; work and times are medians over them."""

    implementation: str
    seeds: int
    means: dict[str, Interval | None]
    """Mean by metric; None where a seed has no finite value."""
    macs: float
    sparse_macs: float
    parameters: float
    latency_ns: float
    training_s: float
    """Time of the training: by the metric ``train_s`` where there is one, otherwise all that preparing took."""
    facts: dict[str, str]
    """Facts that differ from the baseline's, or without a baseline between implementations, such as another width."""


@dataclass(frozen=True)
class Difference:
    """An implementation's metric minus the baseline's, over the seeds that both passed."""

    implementation: str
    metric: Metric
    seeds: int
    mean: Interval
    p: float
    """p value, corrected by Holm's method for all comparisons with the baseline in this metric."""
    finding: Finding


@dataclass(frozen=True)
class Leader:
    """The implementation that is best in the primary metric."""

    implementation: str
    tied: list[str]
    """Other implementations with the same mean, except for rounding."""
    seeds: int
    mean: Interval
    unsure: list[str]
    """Implementations that it is not surely better than."""


@dataclass(frozen=True)
class Experiment:
    """The trained models of a section that differ in nothing but their seed."""

    title: str
    """The parameters that distinguish it from the section's other experiments; empty where there are none."""
    seed: str
    """The parameter in which its cases differ."""
    seeds: int
    metrics: list[Metric]
    models: list[Model]
    baseline: str | None
    ratios: dict[str, Comparison]
    """Comparison of each implementation's latency with the baseline's, by implementation."""
    differences: list[Difference]
    leader: Leader | None
    """None where fewer than two have the metric."""
    runs: tuple[str, ...] = ()
    """The runs whose seeds were put together, without their times; empty for an experiment within a run."""

    @property
    def compared(self) -> int:
        """The largest number of comparisons with the baseline in one metric."""
        return max((self.in_metric(metric) for metric in self.metrics), default=0)

    @property
    def too_few(self) -> bool:
        """Whether the seeds are too few for any difference in some metric to be significant."""
        return any(
            min_p(difference.seeds) * self.in_metric(difference.metric) >= ALPHA for difference in self.differences
        )

    def in_metric(self, metric: Metric) -> int:
        """Return how many differences in ``metric`` were corrected together."""
        return sum(difference.metric == metric for difference in self.differences)


def experiments(section: Section) -> list[Experiment]:
    """Return the experiments of ``section``; none where it has no metrics, or its cases are not repeats."""
    if not section.metrics or section.seed_parameter is None:
        return []
    return [
        make_experiment(
            title,
            section.seed_parameter,
            rows,
            records=section.records,
            metrics=section.metrics,
            baseline=section.baseline,
            ratios={
                row.implementation: row for row in section.comparisons if not set(row.cases).isdisjoint(rows["case"])
            },
        )
        for title, rows in group_by_shape(section.rows, section.seed_parameter)
    ]


def differences(run: Run, rows: Sequence[Comparison]) -> dict[Comparison, list[Difference]]:
    """Return the differences in metrics for each of ``rows``, comparisons of ``run`` with a baseline of its own."""
    by_row: dict[Comparison, list[Difference]] = {}
    for section in sections([run], frame([run]), rows):
        for experiment in experiments(section):
            for difference in experiment.differences:
                by_row.setdefault(experiment.ratios[difference.implementation], []).append(difference)
    return by_row


def changes(new: Run, old: Run, rows: Sequence[Comparison]) -> dict[Comparison, list[Difference]]:
    """Return the differences in metrics for each of ``rows``, comparisons of ``new`` with ``old``.

    Models of one seed are paired. p is corrected for all rows of a workload together, metric by metric.
    """
    old_sections = {(section.workload, section.target): section for section in sections([old], frame([old]), ())}
    by_row: dict[Comparison, list[Difference]] = {}
    for section in sections([new], frame([new]), rows):
        other = old_sections.get((section.workload, section.target))
        if other is None or section.seed_parameter is None or section.seed_parameter != other.seed_parameter:
            continue
        for metric in (metric for metric in section.metrics if metric.higher_is_better is not None):
            by_seed = {
                row: _seed_differences(_passed_rows(row, section), _passed_rows(row, other), metric)
                for row in section.comparisons
            }
            comparable = {row: values for row, values in by_seed.items() if values}
            named = [(row.implementation, values) for row, values in comparable.items()]
            for row, difference in zip(comparable, _judge(named, metric), strict=True):
                by_row.setdefault(row, []).append(difference)
    return by_row


def make_experiment(
    title: str,
    seed: str,
    rows: pd.DataFrame,
    *,
    records: Iterable[Record],
    metrics: Sequence[Metric],
    baseline: str | None,
    ratios: Mapping[str, Comparison] | None = None,
    runs: tuple[str, ...] = (),
) -> Experiment:
    """Return the experiment of ``rows``, which differ only in ``seed``; ``records`` are those that have the facts."""
    passed = rows[rows["status"] == "passed"]
    models = {str(name): group.set_index(seed) for name, group in passed.groupby("implementation", sort=False)}
    cases = set(passed["case"])
    facts = _distinguishing_facts([record for record in records if record.case in cases], baseline)
    directed = [metric for metric in metrics if metric.higher_is_better is not None]
    return Experiment(
        title=title,
        seed=seed,
        seeds=int(rows[seed].nunique()),
        metrics=list(metrics),
        models=[_model(name, group, metrics, facts.get(name, {})) for name, group in models.items()],
        baseline=baseline,
        ratios=dict(ratios or {}),
        differences=[difference for metric in directed for difference in _differences(models, baseline, metric)],
        leader=_leader(models, metrics[0]) if metrics else None,
        runs=runs,
    )


def _distinguishing_facts(records: Iterable[Record], baseline: str | None) -> dict[str, dict[str, str]]:
    """Return the facts in which each implementation differs from the baseline, by implementation and name.

    Several values of a fact are joined by "or". Without a baseline, these are the facts in which implementations differ
    from one another.
    """
    values: dict[str, dict[str, set[str]]] = {}
    for record in records:
        for name, value in record.facts.items():
            values.setdefault(record.implementation, {}).setdefault(name, set()).add(value)
    texts = {
        implementation: {name: " or ".join(sorted(options)) for name, options in facts.items()}
        for implementation, facts in values.items()
    }
    others = [texts[baseline]] if baseline in texts else list(texts.values())
    return {
        implementation: {name: text for name, text in facts.items() if any(other.get(name) != text for other in others)}
        for implementation, facts in texts.items()
    }


def _model(name: str, rows: pd.DataFrame, metrics: Sequence[Metric], facts: dict[str, str]) -> Model:
    def median(column: str) -> float:
        return float(rows[column].astype("float64").median())

    return Model(
        implementation=name,
        seeds=len(rows),
        means={metric.name: _mean(rows, metric) for metric in metrics},
        macs=median("macs"),
        sparse_macs=median("sparse_macs"),
        parameters=median("parameters"),
        latency_ns=median("latency_ns"),
        training_s=median(trained if (trained := metric_column(TRAINING)) in rows else "prepare_s"),
        facts=facts,
    )


def _mean(rows: pd.DataFrame, metric: Metric) -> Interval | None:
    values = rows[metric_column(metric.name)]
    return mean_interval(values.tolist()) if np.isfinite(values).all() else None


def _differences(models: Mapping[str, pd.DataFrame], baseline: str | None, metric: Metric) -> Iterator[Difference]:
    """Yield each implementation's difference to the baseline where both have the metric for a common seed."""
    if baseline is None or baseline not in models or metric.higher_is_better is None:
        return
    named = [
        (name, values)
        for name, rows in models.items()
        if name != baseline and (values := _seed_differences(rows, models[baseline], metric))
    ]
    yield from _judge(named, metric)


def _judge(named: Sequence[tuple[str, list[float]]], metric: Metric) -> Iterator[Difference]:
    """Yield a difference for each implementation and its values by seed, with p values corrected together."""
    corrected = holm([sign_flip_p(values) for _, values in named])
    for (name, values), p in zip(named, corrected, strict=True):
        mean = mean_interval(values)
        finding = judge_difference(mean.estimate, p, metric.higher_is_better is True)
        yield Difference(name, metric, len(values), mean, p, finding)


def _passed_rows(row: Comparison, section: Section) -> pd.DataFrame:
    """Return the passed rows of ``section`` with the row's implementation and cases, indexed by seed."""
    rows = section.rows
    selected = (
        (rows["implementation"] == row.implementation) & rows["case"].isin(row.cases) & (rows["status"] == "passed")
    )
    return rows[selected].set_index(section.seed_parameter)


def _seed_differences(rows: pd.DataFrame, others: pd.DataFrame, metric: Metric) -> list[float]:
    """Return the differences in a metric over common seeds; none where a value is not finite."""
    column = metric_column(metric.name)
    common = rows.index.intersection(others.index)
    ours, theirs = rows.loc[common, column], others.loc[common, column]
    if common.empty or not (np.isfinite(ours).all() and np.isfinite(theirs).all()):
        return []
    return paired_differences(ours.tolist(), theirs.tolist())


def _leader(models: Mapping[str, pd.DataFrame], metric: Metric) -> Leader | None:
    """Return the implementation with the best mean, and the others that it is not surely better than.

    The best of k is chosen by the same data that it is tested on. It is surely better than another where the p value
    times the k - 1 others is below ALPHA (Bonferroni). A wrong leader would have to seem surely better than the true
    best, which each of k - 1 could, so the probability that one is called surely best is at most ALPHA.
    """
    if metric.higher_is_better is None:
        return None
    means = {name: mean for name, rows in models.items() if (mean := _mean(rows, metric))}
    if len(means) < 2:
        return None
    choose = max if metric.higher_is_better else min
    best = choose(means, key=lambda name: means[name].estimate)
    others = [name for name in means if name != best]
    tied = [name for name in others if isclose(means[name].estimate, means[best].estimate, rel_tol=1e-12)]
    unsure = [name for name in others if not _surely_apart(models[best], models[name], metric, len(others))]
    return Leader(best, tied, len(models[best]), means[best], unsure)


def _surely_apart(rows: pd.DataFrame, others: pd.DataFrame, metric: Metric, comparisons: int) -> bool:
    values = _seed_differences(rows, others, metric)
    higher_is_better = cast(bool, metric.higher_is_better)
    if not values:
        return False
    corrected = min(1.0, comparisons * sign_flip_p(values))
    return judge_difference(float(np.mean(values)), corrected, higher_is_better) is Finding.BETTER
