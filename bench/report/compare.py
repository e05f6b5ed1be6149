"""Every implementation against a baseline, or a run against an older one, each with a verdict.

Cases that differ in nothing but a seed are repeats of one experiment, which is compared once.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from bench.core import registry
from bench.core.errors import BadUse
from bench.core.record import Key, Latency, Record, Status
from bench.stats.interval import Interval
from bench.stats.paired import mean_ratio, paired_ratio, unpaired_ratio
from bench.stats.verdict import Verdict, corrected_confidence, judge
from bench.store import Run

CONFIDENCE = 0.95
"""That all intervals of a table hold at once."""
DEFAULT_MARGIN = 0.02
"""A difference too small to matter, as a fraction, where nobody has measured the machine's noise floor."""
LEAST_MARGIN = 0.01
"""However quiet the machine: what ``featherbench doctor`` tries its verdicts at."""
NOT_TOGETHER = "measured one after the other, not in turns: drift of the machine between them does not cancel"


@dataclass(frozen=True)
class Row:
    """One implementation on one case, or on the repeats of one experiment, against the baseline or an older run."""

    run: str
    workload: str
    implementation: str
    case: str
    """Of several repeats: what they have in common."""
    target: str
    against: str
    """The baseline implementation, or the name of the older run."""
    margin: float
    """A difference too small to matter, as a fraction: a ratio from 1 / (1 + margin) to 1 + margin is none."""
    ratio: Interval | None = None
    """Its latency / the other's latency: below 1 is faster. At the confidence corrected for the table."""
    verdict: Verdict | None = None
    reason: str = ""
    """Why there is no ratio; beside a ratio, what to mind about it."""
    cases: tuple[str, ...] = ()
    """Those that the ratio is drawn from; without a ratio, all of its repeats."""


class _Pair(NamedTuple):
    run: Run
    record: Record
    other: Record | None
    against: str
    margin: float
    obstacle: str
    caution: str = ""


def compare(run: Run, baseline: str | None = None, margin: float | None = None) -> list[Row]:
    """Each implementation of ``run`` against the baseline, case by case.

    ``baseline`` is by default the workload's own; ``margin`` as ``default_margin`` says.
    Raises BadUse where the baseline is not in the run.
    """
    names = {record.workload: baseline or registry.workload(record.workload).baseline for record in run.records}
    present = {(record.workload, record.implementation) for record in run.records}
    if names and not present & set(names.items()):
        passed = sorted({record.implementation for record in run.records if record.status is Status.PASSED})
        advice = f"choose {', '.join(passed)}" if passed else "nor has anything passed there"
        raise BadUse(f"baseline {' or '.join(sorted(set(names.values())))} is not in run {run.name}; {advice}")
    return _judged(list(_against_baseline(run, names, margin)))


def compare_each(runs: Sequence[Run]) -> list[Row]:
    """As ``compare`` for each run with its workloads' own baselines, as one table with one correction.

    A baseline that is absent, or a workload that this checkout does not know, is a reason in the rows, and no error.
    """
    pairs = [pair for run in runs for pair in _against_baseline(run, known_baselines(run), None)]
    return _judged(pairs)


def compare_runs(new: Run, old: Run, margin: float | None = None) -> list[Row]:
    """Each implementation and case of ``new`` against the same in ``old``; below 1, ``new`` is faster.

    The rounds of two runs do not pair up. Nothing cancels a change of the machine between them, nor the luck of each
    process with the place of its memory: only the margin allows for these. ``margin`` is by default the larger noise
    floor of the two. Raises BadUse where the runs share nothing, as those of two targets do.
    """
    if new.info.target != old.info.target:
        raise BadUse(
            f"run {new.name} is of target {new.info.target} and run {old.name} of {old.info.target}; "
            "choose two of one target"
        )
    if margin is None:
        margin = max(default_margin(new), default_margin(old))
    before = {record.key: record for record in old.records}
    if not any(record.key in before for record in new.records):
        raise BadUse(f"runs {new.name} and {old.name} share no implementation, case and target; choose two that do")
    same = new.info.environment.fingerprint == old.info.environment.fingerprint
    caution = "" if same else "the environments of the two runs differ"
    pairs = []
    for record in new.records:
        other = before.get(record.key)
        obstacle = _not_passed(record) or (_not_passed(other, old.name) if other else f"not in run {old.name}")
        pairs.append(_Pair(new, record, other, old.name, margin, obstacle, caution))
    return _judged(pairs)


def slower_than(rows: Iterable[Row], threshold: float) -> list[Row]:
    """The rows surely slower by more than ``threshold``, a fraction: the interval lies above 1 + threshold."""
    return [row for row in rows if row.ratio is not None and row.ratio.low > 1 + threshold]


def lost(new: Run, old: Run) -> list[Record]:
    """The records of ``new`` that did not pass, of what passed in ``old``."""
    passed = {record.key for record in old.records if record.status is Status.PASSED}
    return [record for record in new.records if record.key in passed and record.status is not Status.PASSED]


def default_margin(run: Run) -> float:
    """The run's noise floor as a fraction, but at least 0.01; 0.02 where it is unknown."""
    return DEFAULT_MARGIN if run.info.noise_floor is None else max(LEAST_MARGIN, run.info.noise_floor)


def known_baselines(run: Run) -> dict[str, str]:
    """Workload -> its own baseline, for the workloads of ``run`` that this checkout knows."""
    found = {}
    for name in dict.fromkeys(record.workload for record in run.records):
        try:
            found[name] = registry.workload(name).baseline
        except BadUse:
            continue
    return found


def _against_baseline(run: Run, baselines: dict[str, str], margin: float | None) -> Iterator[_Pair]:
    records = {record.key: record for record in run.records}
    margin = default_margin(run) if margin is None else margin
    for record in run.records:
        baseline = baselines.get(record.workload)
        if baseline is None:
            yield _Pair(run, record, None, "", margin, f"workload {record.workload} is not known here: no baseline")
        elif record.implementation != baseline:
            other = records.get(Key(record.workload, baseline, record.case, record.target))
            caution = "" if other is None or _together(record, other) else NOT_TOGETHER
            yield _Pair(run, record, other, baseline, margin, _obstacle(record, other, baseline), caution)


def _obstacle(record: Record, other: Record | None, baseline: str) -> str:
    """Why two records of a run cannot be compared; empty where they can."""
    if reason := _not_passed(record):
        return reason
    if other is None:
        return f"no record of the baseline {baseline} for this case"
    if reason := _not_passed(other, f"baseline {baseline}"):
        return reason
    turns, others = len(_latency(record).turns), len(_latency(other).turns)
    if _together(record, other) and turns != others:
        return f"{turns} rounds do not pair up with the baseline's {others}"
    return ""


def _together(record: Record, other: Record) -> bool:
    """Whether the two took turns, round by round."""
    return record.sitting == other.sitting


def _not_passed(record: Record, who: str = "") -> str:
    if record.status is Status.PASSED:
        return ""
    return f"{who + ': ' if who else ''}{record.status.replace('_', ' ')}: {record.reason}"


def _judged(pairs: Sequence[_Pair]) -> list[Row]:
    experiments: dict[tuple[str, Key, str], list[_Pair]] = {}
    for pair in pairs:
        experiments.setdefault((pair.run.name, _experiment(pair.record), pair.against), []).append(pair)
    sure = sum(any(not pair.obstacle for pair in repeats) for repeats in experiments.values())
    confidence = corrected_confidence(CONFIDENCE, max(1, sure))
    return [_row(repeats, confidence) for repeats in experiments.values()]


def _experiment(record: Record) -> Key:
    """The record's key without the seed that tells it from its repeats."""
    try:
        seed = registry.workload(record.workload).repeats
    except BadUse:
        return record.key
    shared = [part for part in record.case.split(",") if not part.startswith(f"{seed}=")]
    return record.key._replace(case=",".join(shared)) if seed else record.key


def _row(repeats: Sequence[_Pair], confidence: float) -> Row:
    compared = [pair for pair in repeats if not pair.obstacle]
    found = _ratio(compared, confidence)
    first = repeats[0]
    return Row(
        run=first.run.name,
        workload=first.record.workload,
        implementation=first.record.implementation,
        case=first.record.case if len(repeats) == 1 else _experiment(first.record).case,
        target=first.record.target,
        against=first.against,
        margin=first.margin,
        ratio=found,
        verdict=judge(found, first.margin) if found else None,
        reason=_what_to_mind(repeats),
        cases=tuple(pair.record.case for pair in compared or repeats),
    )


def _ratio(pairs: Sequence[_Pair], confidence: float) -> Interval | None:
    """Of a single pair from its rounds; of repeats from how far their ratios differ."""
    ratios = []
    for record, other in ((pair.record, pair.other) for pair in pairs):
        assert other is not None  # else the pair had an obstacle
        ratio = paired_ratio if _together(record, other) else unpaired_ratio
        ratios.append(ratio(_latency(record).rounds(), _latency(other).rounds(), confidence))
    if len(ratios) < 2:
        return ratios[0] if ratios else None
    return mean_ratio([ratio.estimate for ratio in ratios], confidence)


def _what_to_mind(repeats: Sequence[_Pair]) -> str:
    """The obstacles and cautions of the repeats, with their number where they are not those of all."""
    reasons = Counter(reason for pair in repeats if (reason := pair.obstacle or pair.caution))
    return "; ".join(
        reason if count == len(repeats) else f"{count} of {len(repeats)} repeats: {reason}"
        for reason, count in reasons.items()
    )


def _latency(record: Record) -> Latency:
    """Of a passed record, which always has one."""
    assert record.latency is not None
    return record.latency
