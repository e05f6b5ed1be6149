"""The ratios of a section, cases by implementations, to each baseline that a reader may choose."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any

from bench.core.case import DEFAULTS, parameter_text
from bench.report.choice import SectionChoice
from bench.report.compare import Comparison, PairRatio, compare_section
from bench.report.figure import round_significant
from bench.report.overview import describe_cases
from bench.report.parameters import derived, with_derived
from bench.report.section import Section
from bench.stats.interval import Interval
from bench.stats.ratios import mean_over_cases
from bench.stats.verdict import Verdict

MAX_RATIOS = 30_000
"""Maximum number of ratios of a section, to all of its possible baselines, that a page holds."""
CODES = {Verdict.FASTER: "f", Verdict.SLOWER: "s", Verdict.CANNOT_TELL: "c"}
"""A letter for each verdict; "-" is none."""


@dataclass(frozen=True)
class Matrix:
    """The ratios of a section. Cells are numbered row by row: case * number of implementations + implementation."""

    implementations: list[str]
    """By their mean ratio to the baseline, the lowest first; those without one last."""
    shared: str
    """What all cases have in common."""
    cases: dict[str, str]
    """What tells each case from the others, by its slug, which of repeats lacks the seed."""
    baseline: str
    baselines: list[str]
    """The implementations that the reader may take as the baseline."""
    data: dict[str, Any]
    """All of it for the page's script, as values that JSON has."""


def section_matrix(section: Section, choice: SectionChoice | None, elsewhere: int, ratio: PairRatio) -> Matrix | None:
    """Return the ratios of ``section``; None where there are none.

    Args:
        section: the section.
        choice: which implementation to take, by case.
        elsewhere: the number of the page's ratios in other sections, for which those to other baselines are corrected.
        ratio: the ratio of two records.
    """
    rows = [row for row in section.comparisons if row.ratio]
    if section.baseline is None or not rows:
        return None
    names = _by_mean_ratio(section, section.baseline, rows)
    slugs = list(dict.fromkeys(row.case for row in section.comparisons))
    shared, labels = _describe(section, slugs)
    others = [name for name in names if name != section.baseline and _passed_any(section, name)]
    few = len(slugs) * len(names) * (1 + len(others)) <= MAX_RATIOS
    baselines = [section.baseline, *(others if few else [])]
    ratios = {section.baseline: section.comparisons}
    for name in baselines[1:]:
        ratios[name] = compare_section(section.run, section.workload, section.target, name, elsewhere, ratio)
    data = {
        "title": section.title,
        "run": section.run.name,
        "implementations": names,
        "cases": [{"slug": slug, "label": labels[slug]} for slug in slugs],
        "baseline": section.baseline,
        "margin": section.comparisons[0].margin,
        "ratios": {name: _ratios(compared, slugs, names) for name, compared in ratios.items()},
        "means": {name: _means(compared, names) for name, compared in ratios.items()},
        "rows": _rows(section, slugs, names),
        "candidates": _candidates(choice, slugs, names),
    }
    return Matrix(names, shared, labels, section.baseline, baselines, data)


def _by_mean_ratio(section: Section, baseline: str, rows: Sequence[Comparison]) -> list[str]:
    ratios: dict[str, list[Interval]] = {}
    for row in rows:
        if row.uncorrected:
            ratios.setdefault(row.implementation, []).append(row.uncorrected)
    means = {name: mean_over_cases(own).estimate for name, own in ratios.items()} | {baseline: 1.0}
    present = [str(name) for name in section.rows["implementation"].unique()]
    return sorted(present, key=lambda name: (means.get(name, float("inf")), name))


def _passed_any(section: Section, name: str) -> bool:
    rows = section.rows[section.rows["implementation"] == name]
    return bool((rows["status"] == "passed").any())


def _describe(section: Section, slugs: Sequence[str]) -> tuple[str, dict[str, str]]:
    """Return what all cases have in common, and what tells each from the others; derived parameters are in brackets."""
    recorded = {record.case: record for record in section.records}
    first = {row.case: recorded[row.cases[0]] for row in section.comparisons}
    parameters = {
        slug: {name: parameter_text(value) for name, value in first[slug].parameters.items()} for slug in slugs
    }
    for slug, texts in parameters.items():
        if slug != first[slug].case:
            texts.pop(section.seed_parameter or "", None)
    shared, different = describe_cases(parameters)
    full = {slug: with_derived(first[slug]) for slug in slugs}
    names = [name for name in derived(section.workload) if len({values.get(name) for values in full.values()}) > 1]
    labels = {}
    for slug, values in full.items():
        asides = [f"{name}={parameter_text(values[name])}" for name in names if name in values]
        labels[slug] = (different[slug] or slug or DEFAULTS) + (f" ({', '.join(asides)})" if asides else "")
    return shared, labels


def _ratios(compared: Sequence[Comparison], slugs: Sequence[str], names: Sequence[str]) -> dict[str, Any]:
    """Return the ratios cell by cell, and the reasons for which some are missing by cell."""
    by_cell = {(row.case, row.implementation): row for row in compared}
    cells = [by_cell.get((slug, name)) for slug in slugs for name in names]
    ratios = [row.ratio if row else None for row in cells]
    reasons = {index: row.reason for index, row in enumerate(cells) if row and row.reason}
    words = list(dict.fromkeys(reasons.values()))
    return {
        "estimate": [round_significant(ratio.estimate) if ratio else None for ratio in ratios],
        "low": [round_significant(ratio.low) if ratio else None for ratio in ratios],
        "high": [_high(ratio) if ratio else None for ratio in ratios],
        "verdicts": "".join(CODES[row.verdict] if row and row.verdict else "-" for row in cells),
        "reasons": {"words": words, "cells": {str(index): words.index(text) for index, text in reasons.items()}},
    }


def _means(compared: Sequence[Comparison], names: Sequence[str]) -> dict[str, list[float | None]]:
    """Return the geometric mean of the ratios of each implementation, with its 95 % interval and their number."""
    own: dict[str, list[Interval]] = {}
    for row in compared:
        if row.uncorrected:
            own.setdefault(row.implementation, []).append(row.uncorrected)
    means: dict[str, list[float | None]] = {}
    for name in names:
        if name in own:
            mean = mean_over_cases(own[name])
            ends = round_significant(mean.low), _high(mean)
            means[name] = [round_significant(mean.estimate), *ends, len(own[name])]
    return means


def _high(ratio: Interval) -> float | None:
    """Return the high end of a ratio for JSON, which has no infinity."""
    return round_significant(ratio.high) if isfinite(ratio.high) else None


def _rows(section: Section, slugs: Sequence[str], names: Sequence[str]) -> list[int]:
    """Return the row of the ``frame`` for each cell; -1 where there is none, or one for each of several repeats."""
    rows: Mapping[tuple[str, str], int] = {
        (str(case), str(name)): int(index)
        for index, case, name in zip(
            section.rows.index, section.rows["case"], section.rows["implementation"], strict=True
        )
    }
    return [rows.get((slug, name), -1) for slug in slugs for name in names]


def _candidates(choice: SectionChoice | None, slugs: Sequence[str], names: Sequence[str]) -> list[list[int]]:
    """Return the numbers of the implementations that may be the fastest, for each case."""
    by_case = choice.by_case if choice else {}
    return [[names.index(name) for name in by_case[slug].candidates] if slug in by_case else [] for slug in slugs]
