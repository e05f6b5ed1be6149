"""Comparisons of implementations with a baseline, or of a run with an older one, each with a verdict.

Cases that differ only in a seed are repeats of one experiment, which is compared once.
"""

import math
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, partial
from typing import NamedTuple

from bench.core import registry
from bench.core.errors import UsageError
from bench.core.record import Key, Latency, Record, Status
from bench.stats.interval import Interval
from bench.stats.latencies import process_count, ratio_of_runs, session_estimate, session_ratio
from bench.stats.ratios import mean_over_repeats
from bench.stats.verdict import Verdict, judge, judge_all
from bench.store import Run

CONFIDENCE = 0.95
"""Probability that no verdict in a table is wrong."""
DEFAULT_MARGIN = 0.02
"""Margin (a fraction) where the machine's noise floor has not been measured."""
MIN_MARGIN = 0.01
"""Smallest default margin (a fraction), however quiet the machine; ``featherbench doctor`` tests verdicts at it."""
NOT_TOGETHER = "measured one after the other, not interleaved: drift of the machine between them does not cancel"

ONE_PROCESS = "measured in a single process, so the interval may not hold for another one"


PairRatio = Callable[[Record, Record], Callable[[float], Interval]]
"""Returns a function from confidence to the ratio of two records that passed, with its interval."""


@dataclass(frozen=True)
class Comparison:
    """A comparison of an implementation with the baseline or an older run, on one case or repeats of an experiment."""

    run: str
    workload: str
    implementation: str
    case: str
    """The case; for several repeats, what their cases have in common."""
    target: str
    against: str
    """The baseline implementation, or the name of the older run."""
    margin: float
    """The largest difference that does not matter, as a fraction: ratios from 1 / (1 + margin) to 1 + margin."""
    ratio: Interval | None = None
    """Its latency / the other's latency (below 1 is faster), at the confidence at which it was judged."""
    verdict: Verdict | None = None
    reason: str = ""
    """Why there is no ratio; for a ratio, its cautions."""
    cases: tuple[str, ...] = ()
    """The cases that the ratio comes from; without a ratio, those of all repeats."""
    uncorrected: Interval | None = None
    """The ratio with its own 95 % interval, not widened for other comparisons; means over cases are made of these."""


class _Pair(NamedTuple):
    run: Run
    record: Record
    other: Record | None
    against: str
    margin: float
    obstacle: str
    cautions: tuple[str, ...] = ()


def compare(run: Run, baseline: str | None = None, margin: float | None = None) -> list[Comparison]:
    """Compare each implementation of ``run`` with the baseline, case by case.

    Args:
        run: the run to compare within.
        baseline: name of the baseline implementation, by default the workload's own.
        margin: the largest difference that does not matter (a fraction), by default ``default_margin`` of the run.

    Raises:
        UsageError: where the baseline is not in the run.
    """
    names = {record.workload: baseline or registry.workload(record.workload).baseline for record in run.records}
    present = {(record.workload, record.implementation) for record in run.records}
    if names and not present & set(names.items()):
        passed = sorted({record.implementation for record in run.records if record.status is Status.PASSED})
        advice = f"choose {', '.join(passed)}" if passed else "and no implementation passed there"
        raise UsageError(f"baseline {' or '.join(sorted(set(names.values())))} is not in run {run.name}; {advice}")
    return _compare_pairs(list(_against_baseline(run, names, margin)))


def compare_each(runs: Sequence[Run], margin: float | None = None) -> list[Comparison]:
    """Compare the implementations of each run with its workloads' own baselines, corrected as one table.

    A baseline that is absent, or a workload that this checkout does not know, is a reason in the rows, not an error.
    ``margin`` (a fraction) is by default the ``default_margin`` of each run.
    """
    pairs = [pair for run in runs for pair in _against_baseline(run, known_baselines(run), margin)]
    return _compare_pairs(pairs)


def compare_section(
    run: Run, workload: str, target: str, baseline: str, others: int, ratio: PairRatio
) -> list[Comparison]:
    """Compare the implementations of one workload and target with any baseline, as part of a larger table.

    ``others`` is the number of the table's comparisons elsewhere, for which these are corrected too.
    """
    pairs = [
        pair
        for pair in _against_baseline(run, {workload: baseline}, None)
        if (pair.record.workload, pair.record.target) == (workload, target)
    ]
    return _compare_pairs(pairs, others, ratio)


def compare_runs(new: Run, old: Run, margin: float | None = None) -> list[Comparison]:
    """Compare each implementation and case of ``new`` with the same in ``old``; below 1, ``new`` is faster.

    The rounds of two runs do not pair, so nothing cancels a change of the machine between them, and only the margin
    allows for it. ``margin`` (a fraction) is by default the larger ``default_margin`` of the two.

    Raises:
        UsageError: where the runs have different targets, or share no implementation and case.
    """
    if new.info.target != old.info.target:
        raise UsageError(
            f"run {new.name} measured target {new.info.target} and run {old.name} target {old.info.target}; "
            "choose two runs of the same target"
        )
    if margin is None:
        margin = max(default_margin(new), default_margin(old))
    old_records = {record.key: record for record in old.records}
    if not any(record.key in old_records for record in new.records):
        raise UsageError(f"runs {new.name} and {old.name} share no implementation, case and target; choose two that do")
    same_environment = new.info.machine.environment.fingerprint == old.info.machine.environment.fingerprint
    run_cautions = () if same_environment else ("the environments of the two runs differ",)
    pairs = []
    for record in new.records:
        other = old_records.get(record.key)
        obstacle = _failure(record) or (_failure(other, old.name) if other else f"not in run {old.name}")
        remarks = (*run_cautions, *_process_cautions(record, other)) if other else ()
        pairs.append(_Pair(new, record, other, old.name, margin, obstacle, remarks))
    return _compare_pairs(pairs)


def newly_failed(new: Run, old: Run) -> list[Record]:
    """Return the records of ``new`` that did not pass although they passed in ``old``."""
    passed = {record.key for record in old.records if record.status is Status.PASSED}
    return [record for record in new.records if record.key in passed and record.status is not Status.PASSED]


def default_margin(run: Run) -> float:
    """Return the run's noise floor as a fraction, at least MIN_MARGIN; DEFAULT_MARGIN where it is unknown."""
    return DEFAULT_MARGIN if (floor := run.info.machine.noise_floor) is None else max(MIN_MARGIN, floor)


def known_baselines(run: Run) -> dict[str, str]:
    """Return the baseline of each workload of ``run`` that this checkout knows, by the workload's name."""
    baselines = {}
    for name in dict.fromkeys(record.workload for record in run.records):
        try:
            baselines[name] = registry.workload(name).baseline
        except UsageError:
            continue
    return baselines


def _against_baseline(run: Run, baselines: dict[str, str], margin: float | None) -> Iterator[_Pair]:
    records = {record.key: record for record in run.records}
    margin = default_margin(run) if margin is None else margin
    for record in run.records:
        baseline = baselines.get(record.workload)
        if baseline is None:
            yield _Pair(run, record, None, "", margin, f"workload {record.workload} is not known here: no baseline")
        elif record.implementation != baseline:
            other = records.get(Key(record.workload, baseline, record.case, record.target))
            remarks = cautions(record, other) if other else ()
            yield _Pair(run, record, other, baseline, margin, _obstacle(record, other, baseline), remarks)


def _process_cautions(*records: Record) -> tuple[str, ...]:
    single = [record for record in records if record.latency and process_count(record.latency) == 1]
    return (ONE_PROCESS,) if single else ()


def _obstacle(record: Record, other: Record | None, baseline: str) -> str:
    """Return why two records of a run cannot be compared; empty where they can."""
    if reason := _failure(record):
        return reason
    if other is None:
        return f"no record of the baseline {baseline} for this case; another is chosen with compare --baseline"
    if reason := _failure(other, f"baseline {baseline}"):
        return reason
    if _same_session(record, other) and session_ratio(_latency(record), _latency(other)) is None:
        return "it and the baseline were measured in no common round"
    return ""


def _same_session(record: Record, other: Record) -> bool:
    """Whether the two were measured in one session, interleaved round by round."""
    return record.session == other.session


def _failure(record: Record, name: str = "") -> str:
    """Return why a record did not pass, after ``name``; empty where it passed."""
    if record.status is Status.PASSED:
        return ""
    return f"{name}: {failure_text(record)}" if name else failure_text(record)


def failure_text(record: Record) -> str:
    """Return the status of a record that did not pass with its reason, e.g. ``out of memory: 40 GiB needed``."""
    return f"{record.status.replace('_', ' ')}: {record.reason}"


def ratio_at(record: Record, other: Record) -> Callable[[float], Interval]:
    """Return a function from confidence to the ratio of two records that passed, with its interval.

    Rounds of one session are paired.
    """
    ours, theirs = _latency(record), _latency(other)
    estimate = session_estimate(ours, theirs) if _same_session(record, other) else None
    return estimate.interval if estimate else partial(ratio_of_runs, ours, theirs)


def cached_ratios() -> PairRatio:
    """Return :func:`ratio_at`, which keeps what it has worked out, for many comparisons of the same records."""
    kept: dict[tuple[int, int], Callable[[float], Interval]] = {}
    alive: list[tuple[Record, Record]] = []  # so that no other record gets the id of one

    def ratio(record: Record, other: Record) -> Callable[[float], Interval]:
        key = (id(record), id(other))
        if key not in kept:
            alive.append((record, other))
            kept[key] = cache(ratio_at(record, other))
            kept[key[::-1]] = partial(_inverse, kept[key])
        return kept[key]

    return ratio


def ratio_of_repeats(ratios: Sequence[Callable[[float], Interval]]) -> Callable[[float], Interval]:
    """Return the ratio of an experiment from those of its repeats: functions from confidence to a ratio, as is this.

    The interval of a single repeat comes from its rounds, and that of several from the spread of their ratios.
    """
    if len(ratios) == 1:
        return ratios[0]
    estimates = [ratio(CONFIDENCE).estimate for ratio in ratios]
    return lambda confidence: mean_over_repeats(estimates, confidence)


def _inverse(ratio: Callable[[float], Interval], confidence: float) -> Interval:
    interval = ratio(confidence)
    low = 1 / interval.high if interval.high else math.inf
    high = 1 / interval.low if interval.low else math.inf
    return Interval(1 / interval.estimate, low, high, confidence)


def cautions(record: Record, other: Record) -> tuple[str, ...]:
    """Return the cautions about the ratio of two records of a run."""
    return _process_cautions(record, other) if _same_session(record, other) else (NOT_TOGETHER,)


def _compare_pairs(pairs: Sequence[_Pair], others: int = 0, ratio: PairRatio = ratio_at) -> list[Comparison]:
    experiments: dict[tuple[str, Key, str], list[_Pair]] = {}
    for pair in pairs:
        experiments.setdefault((pair.run.name, experiment(pair.record), pair.against), []).append(pair)
    judged = [[pair for pair in repeats if not pair.obstacle] for repeats in experiments.values()]
    margins = [repeats[0].margin for repeats in experiments.values()]
    ratios_at = [_ratio_at(pairs, ratio) if pairs else None for pairs in judged]
    ratios = judge_all(ratios_at, margins, CONFIDENCE, others)
    return [
        _comparison(repeats, ratio, ratio_at and ratio_at(CONFIDENCE))
        for repeats, ratio, ratio_at in zip(experiments.values(), ratios, ratios_at, strict=True)
    ]


def experiment(record: Record) -> Key:
    """Return the record's key without its seed, so that repeats have the same key."""
    seed = seed_parameter(record.workload)
    shared = [part for part in record.case.split(",") if not part.startswith(f"{seed}=")]
    return record.key._replace(case=",".join(shared)) if seed else record.key


def seed_parameter(workload: str) -> str | None:
    """Return the name of the parameter that distinguishes repeats of an experiment, or None."""
    try:
        return registry.workload(workload).seed_parameter
    except UsageError:
        return None


def _comparison(repeats: Sequence[_Pair], ratio: Interval | None, uncorrected: Interval | None) -> Comparison:
    compared = [pair for pair in repeats if not pair.obstacle]
    first = repeats[0]
    return Comparison(
        run=first.run.name,
        workload=first.record.workload,
        implementation=first.record.implementation,
        case=first.record.case if len(repeats) == 1 else experiment(first.record).case,
        target=first.record.target,
        against=first.against,
        margin=first.margin,
        ratio=ratio,
        verdict=judge(ratio, first.margin) if ratio else None,
        reason=_reason(repeats),
        cases=tuple(pair.record.case for pair in compared or repeats),
        uncorrected=uncorrected,
    )


def _ratio_at(pairs: Sequence[_Pair], ratio: PairRatio) -> Callable[[float], Interval]:
    """Return a function from confidence to the ratio with its interval."""
    return ratio_of_repeats([ratio(pair.record, pair.other) for pair in pairs if pair.other is not None])


def _reason(repeats: Sequence[_Pair]) -> str:
    """Return the obstacles and cautions of the repeats, with their number where not all repeats have them.

    ONE_PROCESS is left out where several repeats were compared: each was measured in a process of its own, and the
    interval comes from their spread.
    """
    several = sum(not pair.obstacle for pair in repeats) > 1
    remarks = [text for pair in repeats for text in ((pair.obstacle,) if pair.obstacle else pair.cautions)]
    reasons = Counter(text for text in remarks if not (several and text == ONE_PROCESS))
    return "; ".join(
        reason if count == len(repeats) else f"{count} of {len(repeats)} repeats: {reason}"
        for reason, count in reasons.items()
    )


def _latency(record: Record) -> Latency:
    """Return the latency of a passed record, which always has one."""
    assert record.latency is not None
    return record.latency
