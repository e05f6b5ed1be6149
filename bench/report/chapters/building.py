"""What is built before anything is timed: how long that took and how large it is, beside the latency."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bench.core.case import DEFAULTS
from bench.core.record import Record
from bench.report.chapter import Chapter, Report
from bench.report.grid import Column, Grid, GridCell
from bench.report.quantities import artifact_bytes, build_seconds
from bench.report.section import Section
from bench.report.units import MISSING, duration, size

_COLUMNS = [
    Column("Implementation", numeric=False),
    Column("Latency per call"),
    Column("Built in", hint="the time that building its artifacts took, once, on the machine that built them"),
    Column("Size", hint="the size of its artifacts"),
    Column(
        "Prepared in", hint="the time that a process takes to load or pack them, or whatever it does before it calls"
    ),
]


@dataclass(frozen=True)
class BuiltCases:
    """The artifacts of one section."""

    title: str
    run: str
    cases: list[tuple[str, Grid]]
    """Each case with a line for each implementation that passed, the fastest first."""


class BuildingChapter(Chapter):
    """The times of building and preparing, and the sizes, of every section that has artifacts."""

    name = "building"
    title = "Building and preparing"
    template = "building.html"

    def content(self, report: Report) -> Mapping[str, Any] | None:
        built = [_built_cases(section) for section in report.sections]
        shown = [section for section in built if section.cases]
        return {"built": shown} if shown else None


def _built_cases(section: Section) -> BuiltCases:
    by_case: dict[str, list[Record]] = {}
    for record in section.records:
        if record.latency:
            by_case.setdefault(record.case, []).append(record)
    cases = [
        (case or DEFAULTS, Grid(_COLUMNS, [_line(record) for record in sorted(records, key=_latency_ns)]))
        for case, records in by_case.items()
        if any(build_seconds(record) is not None for record in records)
    ]
    return BuiltCases(section.title, section.run.name, cases)


def _latency_ns(record: Record) -> float:
    return record.latency.estimate if record.latency else 0.0


def _line(record: Record) -> list[GridCell]:
    build_s, built_bytes, prepare_s = build_seconds(record), artifact_bytes(record), record.seconds.get("prepare")
    parts = record.artifacts.items() if build_s is not None and len(record.artifacts) > 1 else ()
    return [
        GridCell(record.implementation),
        GridCell(duration(_latency_ns(record))),
        GridCell(
            _seconds(build_s), "; ".join(f"{kind.replace('_', ' ')} {_seconds(part.seconds)}" for kind, part in parts)
        ),
        GridCell(MISSING if built_bytes is None else size(built_bytes)),
        GridCell(_seconds(prepare_s)),
    ]


def _seconds(seconds: float | None) -> str:
    return MISSING if seconds is None else duration(1e9 * seconds)
