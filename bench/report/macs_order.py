"""Whether the latencies of trained models keep the order of their multiply-accumulates (MACs)."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, islice

from bench.core.record import Record
from bench.report.compare import CONFIDENCE, PairRatio, default_margin, ratio_of_repeats
from bench.report.frame import group_by_shape
from bench.report.section import Section
from bench.report.units import counted, number, ratio_with_interval
from bench.stats.interval import Interval
from bench.stats.verdict import Verdict, judge, judge_all


@dataclass(frozen=True)
class MacsPair:
    """Two implementations of an experiment that differ in their MACs, timed in the same rounds."""

    experiment: str
    """The parameters that distinguish it from the section's other experiments; empty where there are none."""
    fewer: str
    """The implementation with fewer MACs."""
    more: str
    macs_ratio: float
    """MACs of the former / MACs of the latter, below 1; means over the seeds."""
    latency_ratio: Interval
    """Latency of the former / latency of the latter, at the confidence at which it was judged."""
    verdict: Verdict
    """The former is faster, as its MACs suggest, or slower, or the data cannot tell."""


@dataclass(frozen=True)
class _Candidate:
    """A pair before it is judged."""

    experiment: str
    fewer: str
    more: str
    macs_ratio: float
    latency_ratio: Callable[[float], Interval]


def macs_pairs(sections: Sequence[Section], ratio: PairRatio) -> list[list[MacsPair]]:
    """Return the pairs of each of ``sections`` whose MACs differ, all judged together by Holm's method.

    An experiment of several seeds has one ratio for each pair, over the seeds in which the two were timed together.
    """
    by_section = [_section_candidates(section, ratio) for section in sections]
    candidates = [each for candidates in by_section for each in candidates]
    margins = [default_margin(section.run) for section, each in zip(sections, by_section, strict=True) for _ in each]
    intervals = judge_all([each.latency_ratio for each in candidates], margins, CONFIDENCE)
    pairs = iter(zip(candidates, intervals, margins, strict=True))
    return [
        [
            MacsPair(each.experiment, each.fewer, each.more, each.macs_ratio, interval, judge(interval, margin))
            for each, interval, margin in islice(pairs, len(of_section))
            if interval
        ]
        for of_section in by_section
    ]


def _section_candidates(section: Section, ratio: PairRatio) -> list[_Candidate]:
    if section.seed_parameter is None:
        return []
    records = {(record.implementation, record.case): record for record in section.records if record.latency}
    candidates: list[_Candidate] = []
    for title, rows in group_by_shape(section.rows, section.seed_parameter):
        models: dict[str, dict[str, Record]] = {}
        for name, case in zip(rows["implementation"], rows["case"], strict=True):
            if (name, case) in records:
                models.setdefault(name, {})[case] = records[name, case]
        candidates += list(_candidates(title, models, ratio))
    return candidates


def macs_finding(pairs: Sequence[MacsPair]) -> str:
    """Return in sentences whether fewer MACs mean less time; empty where there is nothing to compare."""
    if not pairs:
        return ""
    faster, slower, unsure = (
        [pair for pair in pairs if pair.verdict is verdict]
        for verdict in (Verdict.FASTER, Verdict.SLOWER, Verdict.CANNOT_TELL)
    )
    pairs_text = f"{counted(len(pairs), 'pair')} of implementations with different MACs"
    widened = " Intervals are corrected for several comparisons." if len(pairs) > 1 else ""
    rest = f"; in {len(unsure)} the data cannot tell" if unsure else ""
    if slower:
        less = f"; in {len(faster)} it takes less time" if faster else ""
        return (
            f"Fewer MACs do not mean less time: in {len(slower)} of {pairs_text}, the one with fewer MACs takes "
            f"longer{less}{rest}. "
            f"The clearest case: {_example(slower)}.{widened}"
        )
    if faster:
        return (
            f"In {len(faster)} of {pairs_text}, the one with fewer MACs takes less time{rest}. In none does it "
            "measurably take longer."
        )
    return f"The data cannot tell whether fewer MACs mean less time, for {pairs_text}."


def _candidates(title: str, models: Mapping[str, Mapping[str, Record]], ratio: PairRatio) -> Iterator[_Candidate]:
    """Yield the pairs of an experiment, whose records are given by implementation and case."""
    for names in combinations(models, 2):
        first, second = (models[name] for name in names)
        repeats = [(first[case], second[case]) for case in first if case in second]
        timed_together = [pair for pair in repeats if _share_rounds(*pair)]
        macs = [tuple(record.work.macs if record.work else 0 for record in pair) for pair in timed_together]
        if macs and all(0 < ours < theirs for ours, theirs in macs):
            fewer, more = names
        elif macs and all(0 < theirs < ours for ours, theirs in macs):
            more, fewer = names
            timed_together = [(theirs, ours) for ours, theirs in timed_together]
        else:
            continue
        totals = sorted(sum(of_model) for of_model in zip(*macs, strict=True))
        yield _Candidate(
            title, fewer, more, totals[0] / totals[1], ratio_of_repeats([ratio(*pair) for pair in timed_together])
        )


def _share_rounds(record: Record, other: Record) -> bool:
    """Whether two records that passed were timed in the same rounds, so that drift of the machine cancels."""
    return (
        record.session == other.session
        and record.latency is not None
        and other.latency is not None
        and not set(record.latency.numbers).isdisjoint(other.latency.numbers)
    )


def _example(slower: Sequence[MacsPair]) -> str:
    """Return the pair whose latencies differ most from what its MACs suggest, in words."""
    pair = max(slower, key=lambda pair: pair.latency_ratio.estimate / pair.macs_ratio)
    ratio = pair.latency_ratio
    where = f", in {pair.experiment}" if pair.experiment else ""
    return (
        f"{pair.fewer} has {number(pair.macs_ratio, 2)} times the MACs of {pair.more} and takes "
        f"{ratio_with_interval(ratio.estimate, ratio.low, ratio.high)} times as long{where}"
    )
