"""Which implementation of a section to take: for each case, for each value of a parameter, and over all cases."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from bench.core.record import Record
from bench.report.compare import CONFIDENCE, PairRatio, cautions, default_margin
from bench.report.frame import column_text, derived_columns
from bench.report.section import Section
from bench.stats.best import Choice, choose
from bench.stats.interval import Interval
from bench.stats.ratios import mean_over_cases

MAX_VALUES = 16
"""Maximum number of values of a parameter for which the choice is made for each."""


@dataclass(frozen=True)
class ChoiceOver:
    """The choice over some cases."""

    cases: int
    choice: Choice | None
    """By the geometric means over the cases; None where fewer than two implementations passed on all of them."""
    only: str
    """The implementation that alone passed on all of them, where there is one."""
    left_out: Mapping[str, int]
    """On how many of the cases the other implementations passed; they are not compared."""
    fastest_in: Mapping[str, int]
    """In how many of the cases each of those is surely the fastest; those that are in none are not in it."""


@dataclass(frozen=True)
class SectionChoice:
    """Which implementation of a section to take."""

    overall: ChoiceOver
    axis: str
    """The parameter by whose values ``by_value`` divides the cases; empty where there is none."""
    by_value: Mapping[str, ChoiceOver]
    """A choice for each value of the axis, at the joint confidence CONFIDENCE."""
    by_case: Mapping[str, Choice]
    """A choice for each case on which two or more passed, at the joint confidence CONFIDENCE."""
    cautions: Mapping[str, int]
    """Cautions about the ratios of pairs, each with the number of cases where it applies."""

    @property
    def surely_fastest(self) -> Counter[str]:
        """The number of cases in which each implementation is surely the fastest."""
        return Counter(choice.candidates[0] for choice in self.by_case.values() if choice.is_sure)


def section_choice(section: Section, ratio: PairRatio) -> SectionChoice | None:
    """Return which implementation of ``section`` to take, by ``ratio``; None where no case has two that passed.

    Trained models are chosen by their metrics, not here.
    """
    passed = _passed(section.records)
    compared = {case: records for case, records in passed.items() if len(records) > 1}
    if not compared:
        return None
    margin = default_margin(section.run)
    corrected_confidence = 1 - (1 - CONFIDENCE) / len(compared)
    axis, values = _axis_values(section, compared)
    value_confidence = 1 - (1 - CONFIDENCE) / max(1, len(values))
    by_case = {case: _choose([records], ratio, margin, corrected_confidence) for case, records in compared.items()}
    return SectionChoice(
        overall=_choose_over(passed, by_case, ratio, margin, CONFIDENCE),
        axis=axis,
        by_value={
            value: _choose_over({case: passed[case] for case in cases}, by_case, ratio, margin, value_confidence)
            for value, cases in values.items()
        },
        by_case=by_case,
        cautions=_cautions(compared.values()),
    )


def _passed(records: Iterable[Record]) -> dict[str, dict[str, Record]]:
    """Return the records that passed, by case and implementation."""
    by_case: dict[str, dict[str, Record]] = {}
    for record in records:
        if record.latency:
            by_case.setdefault(record.case, {})[record.implementation] = record
    return by_case


def _choose_over(
    cases: Mapping[str, Mapping[str, Record]],
    by_case: Mapping[str, Choice],
    ratio: PairRatio,
    margin: float,
    confidence: float,
) -> ChoiceOver:
    """Return the choice among the implementations that passed on all of ``cases``."""
    counts = Counter(name for records in cases.values() for name in records)
    everywhere = [name for name, count in counts.items() if count == len(cases)]
    records = [{name: by_name[name] for name in everywhere} for by_name in cases.values()]
    sure = Counter(by_case[case].candidates[0] for case in cases if case in by_case and by_case[case].is_sure)
    return ChoiceOver(
        cases=len(cases),
        choice=_choose(records, ratio, margin, confidence) if len(everywhere) > 1 else None,
        only=everywhere[0] if len(everywhere) == 1 else "",
        left_out={name: count for name, count in counts.items() if count < len(cases)},
        fastest_in={name: count for name, count in sure.items() if counts[name] < len(cases)},
    )


def _choose(cases: Sequence[Mapping[str, Record]], ratio: PairRatio, margin: float, confidence: float) -> Choice:
    def mean_ratio(name: str, other: str, confidence: float) -> Interval:
        return mean_over_cases([ratio(records[name], records[other])(confidence) for records in cases])

    return choose(list(cases[0]), mean_ratio, margin, confidence)


def _axis_values(section: Section, cases: Iterable[str]) -> tuple[str, dict[str, list[str]]]:
    """Return the parameter by which cases are divided, and the cases of each value, lowest value first."""
    if section.sweep is None:
        return "", {}
    stand_ins = [name for name, column in derived_columns(section.rows).items() if column == section.sweep]
    axis = next(iter(stand_ins), section.sweep)
    known = section.rows.drop_duplicates("case").set_index("case")[axis].reindex(list(cases)).dropna()
    values: dict[str, list[str]] = {}
    for case, value in known.sort_values(kind="stable").items():
        values.setdefault(column_text(value), []).append(str(case))
    return (axis, values) if 1 < len(values) <= MAX_VALUES else ("", {})


def _cautions(cases: Iterable[Mapping[str, Record]]) -> Counter[str]:
    counts: Counter[str] = Counter()
    for records in cases:
        first, *others = records.values()
        counts.update({remark for other in others for remark in cautions(other, first)})
    return counts
