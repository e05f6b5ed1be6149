"""What trained models reach over the seeds of one experiment, and whether they differ from the baseline's.

An experiment is all cases of a section that differ in nothing but the seed.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import isclose
from typing import cast

import numpy as np
import pandas as pd

from bench.core.record import Record
from bench.core.workload import Metric
from bench.report.compare import Row
from bench.report.frame import frame, metric_column, panels
from bench.report.section import Section, sections
from bench.stats.interval import Interval
from bench.stats.repeats import (
    ALPHA,
    Finding,
    holm,
    judge_difference,
    least_p,
    mean_interval,
    paired_differences,
    sign_flip_p,
)
from bench.store import Run


@dataclass(frozen=True)
class Model:
    """One implementation over the seeds that it passed. Work and times are medians over them."""

    implementation: str
    seeds: int
    means: dict[str, Interval | None]
    """By metric; None where a seed has none, or none that is finite."""
    macs: float
    sparse_macs: float
    parameters: float
    latency_ns: float
    prepare_s: float
    facts: dict[str, str]
    """What its records say of it and not of the baseline, or where there is none not of all, such as another width."""


@dataclass(frozen=True)
class Difference:
    """An implementation's metric minus the baseline's, over the seeds that both passed."""

    implementation: str
    metric: Metric
    seeds: int
    mean: Interval
    p: float
    """Corrected by Holm's method for all that were compared with the baseline in this metric."""
    finding: Finding


@dataclass(frozen=True)
class Leader:
    """Who is best in the metric that implementations are judged by."""

    implementation: str
    tied: list[str]
    """Others with the very same mean, but for rounding."""
    seeds: int
    mean: Interval
    unsure: list[str]
    """Those that it is not surely better than."""


@dataclass(frozen=True)
class Experiment:
    title: str
    """The parameters that tell it from the section's other experiments; empty where there are none."""
    seed: str
    """The parameter that its cases differ in."""
    seeds: int
    metrics: list[Metric]
    models: list[Model]
    baseline: str | None
    ratios: dict[str, Row]
    """By implementation: the times of its calls against the baseline's."""
    differences: list[Difference]
    leader: Leader | None
    """None where fewer than two have the metric."""

    @property
    def compared(self) -> int:
        """How many were compared with the baseline, at most, in one metric."""
        return max((self.in_metric(metric) for metric in self.metrics), default=0)

    @property
    def too_few(self) -> bool:
        """Whether some metric's differences cannot be sure, whatever they are, as the seeds are too few."""
        return any(least_p(found.seeds) * self.in_metric(found.metric) >= ALPHA for found in self.differences)

    def in_metric(self, metric: Metric) -> int:
        """How many differences were corrected together."""
        return sum(found.metric == metric for found in self.differences)


def experiments(section: Section) -> list[Experiment]:
    """The experiments of ``section``; none where its workload has no metrics, or its cases are no repeats."""
    if not section.metrics or section.repeats is None:
        return []
    return [_experiment(section, section.repeats, title, rows) for title, rows in panels(section.rows, section.repeats)]


def differences(run: Run, rows: Sequence[Row]) -> dict[Row, list[Difference]]:
    """What the metrics say beside each of the ``rows``, in which ``run`` was compared with a baseline of its own."""
    found: dict[Row, list[Difference]] = {}
    for section in sections([run], frame([run]), rows):
        for experiment in experiments(section):
            for difference in experiment.differences:
                found.setdefault(experiment.ratios[difference.implementation], []).append(difference)
    return found


def changes(new: Run, old: Run, rows: Sequence[Row]) -> dict[Row, list[Difference]]:
    """What the metrics say beside each of the ``rows``, in which ``new`` was compared with ``old``.

    Models of one seed are paired; p is corrected for all rows of a workload together, metric by metric.
    """
    before = {(section.workload, section.target): section for section in sections([old], frame([old]), ())}
    found: dict[Row, list[Difference]] = {}
    for section in sections([new], frame([new]), rows):
        other = before.get((section.workload, section.target))
        if other is None or section.repeats is None or section.repeats != other.repeats:
            continue
        for metric in (metric for metric in section.metrics if metric.more_is_better is not None):
            pairs = {row: _paired(_of(row, section), _of(row, other), metric) for row in section.comparisons}
            paired = {row: pair for row, pair in pairs.items() if pair}
            named = [(row.implementation, pair) for row, pair in paired.items()]
            for row, difference in zip(paired, _judged(named, metric), strict=True):
                found.setdefault(row, []).append(difference)
    return found


def _experiment(section: Section, seed: str, title: str, rows: pd.DataFrame) -> Experiment:
    passed = rows[rows["status"] == "passed"]
    models = {str(name): found.set_index(seed) for name, found in passed.groupby("implementation", sort=False)}
    about = [record for record in section.records if record.case in set(passed["case"])]
    facts = _telling_facts(about, section.baseline)
    directed = [metric for metric in section.metrics if metric.more_is_better is not None]
    baseline = section.baseline
    return Experiment(
        title=title,
        seed=seed,
        seeds=int(rows[seed].nunique()),
        metrics=section.metrics,
        models=[_model(name, found, section.metrics, facts.get(name, {})) for name, found in models.items()],
        baseline=baseline,
        ratios={row.implementation: row for row in section.comparisons if not set(row.cases).isdisjoint(rows["case"])},
        differences=[found for metric in directed for found in _differences(models, baseline, metric)],
        leader=_leader(models, section.metrics[0]),
    )


def _telling_facts(records: Iterable[Record], baseline: str | None) -> dict[str, dict[str, str]]:
    """Implementation -> the facts of its ``records`` in which it differs from the baseline.

    Several values are joined by "or". Without a baseline: the facts in which not all are alike.
    """
    found: dict[str, dict[str, set[str]]] = {}
    for record in records:
        for name, value in record.facts.items():
            found.setdefault(record.implementation, {}).setdefault(name, set()).add(value)
    texts = {who: {name: " or ".join(sorted(values)) for name, values in facts.items()} for who, facts in found.items()}
    others = [texts[baseline]] if baseline in texts else list(texts.values())
    return {
        who: {name: text for name, text in facts.items() if any(other.get(name) != text for other in others)}
        for who, facts in texts.items()
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
        prepare_s=median("prepare_s"),
        facts=facts,
    )


def _mean(rows: pd.DataFrame, metric: Metric) -> Interval | None:
    values = rows[metric_column(metric.name)]
    return mean_interval(values.tolist()) if np.isfinite(values).all() else None


def _differences(models: Mapping[str, pd.DataFrame], baseline: str | None, metric: Metric) -> Iterator[Difference]:
    """Every implementation but the baseline, where both have the metric for a common seed, corrected together."""
    if baseline is None or baseline not in models or metric.more_is_better is None:
        return
    pairs = {
        name: found
        for name, rows in models.items()
        if name != baseline and (found := _paired(rows, models[baseline], metric))
    }
    yield from _judged(list(pairs.items()), metric)


def _judged(named: Sequence[tuple[str, list[float]]], metric: Metric) -> Iterator[Difference]:
    """A difference for each implementation with its paired differences, corrected together."""
    corrected = holm([sign_flip_p(found) for _, found in named])
    for (name, found), p in zip(named, corrected, strict=True):
        mean = mean_interval(found)
        finding = judge_difference(mean.estimate, p, metric.more_is_better is True)
        yield Difference(name, metric, len(found), mean, p, finding)


def _of(row: Row, section: Section) -> pd.DataFrame:
    """What ``section`` has of the row's implementation and cases, by seed."""
    rows = section.rows
    wanted = (
        (rows["implementation"] == row.implementation) & rows["case"].isin(row.cases) & (rows["status"] == "passed")
    )
    return rows[wanted].set_index(section.repeats)


def _paired(rows: pd.DataFrame, others: pd.DataFrame, metric: Metric) -> list[float]:
    """The differences in a metric over common seeds; none where one of them is not finite."""
    column = metric_column(metric.name)
    common = rows.index.intersection(others.index)
    ours, theirs = rows.loc[common, column], others.loc[common, column]
    if common.empty or not (np.isfinite(ours).all() and np.isfinite(theirs).all()):
        return []
    return paired_differences(ours.tolist(), theirs.tolist())


def _leader(models: Mapping[str, pd.DataFrame], metric: Metric) -> Leader | None:
    """The best mean, and which others it is not surely better than.

    The best of k is chosen by the same data that it is tested on. It is surely better than another where the p value
    times the k - 1 others is below ALPHA (Bonferroni): a wrong leader is then named the surely best one with a chance
    of ALPHA at most, as it must seem surely better than the true best, which each of k - 1 could.
    """
    if metric.more_is_better is None:
        return None
    means = {name: mean for name, rows in models.items() if (mean := _mean(rows, metric))}
    if len(means) < 2:
        return None
    choose = max if metric.more_is_better else min
    best = choose(means, key=lambda name: means[name].estimate)
    others = [name for name in means if name != best]
    tied = [name for name in others if isclose(means[name].estimate, means[best].estimate, rel_tol=1e-12)]
    unsure = [name for name in others if not _surely_apart(models[best], models[name], metric, len(others))]
    return Leader(best, tied, len(models[best]), means[best], unsure)


def _surely_apart(rows: pd.DataFrame, others: pd.DataFrame, metric: Metric, comparisons: int) -> bool:
    found = _paired(rows, others, metric)
    better = cast(bool, metric.more_is_better)
    if not found:
        return False
    corrected = min(1.0, comparisons * sign_flip_p(found))
    return judge_difference(float(np.mean(found)), corrected, better) is Finding.BETTER
