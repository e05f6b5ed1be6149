"""A chapter: a part of a report that says something about some of its records."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, ClassVar

import pandas as pd

from bench.core import registry
from bench.core.implementation_spec import ImplementationSpec
from bench.report.accuracy_runs import PooledModels, pooled_models
from bench.report.choice import SectionChoice, section_choice
from bench.report.compare import Comparison, PairRatio, cached_ratios, compare_each
from bench.report.figure import Figure
from bench.report.frame import frame
from bench.report.grid import Grid
from bench.report.macs_order import macs_finding, macs_pairs
from bench.report.matrix import Matrix, section_matrix
from bench.report.palette import Style, styles
from bench.report.section import Section, sections
from bench.store import Run


@dataclass(frozen=True)
class FigureGroup:
    """Figures of one section, with the legend that they share."""

    legend: Sequence[tuple[str, Style, bool]]
    """Each implementation, its style, and whether it is shown before the reader chooses."""
    figures: Sequence[Figure]


@dataclass(frozen=True)
class Part:
    """What a chapter says about one section: sentences, tables and figures, in this order."""

    title: str
    run: str
    sentences: Sequence[str] = ()
    tables: Sequence[tuple[str, Grid]] = ()
    """Tables with their headings."""
    figures: FigureGroup | None = None


@dataclass(frozen=True)
class Report:
    """The runs of a report, with what several chapters need of them. Each is worked out once."""

    runs: Sequence[Run]
    axis: str | None = None
    """The parameter on the horizontal axis of latency figures, in place of each workload's own."""
    _choices: dict[tuple[str, str, str], SectionChoice | None] = field(default_factory=dict)
    _ratio: PairRatio = field(default_factory=cached_ratios)

    @cached_property
    def table(self) -> pd.DataFrame:
        """All records, as ``frame`` returns them."""
        return frame(self.runs)

    @cached_property
    def comparisons(self) -> list[Comparison]:
        """Every implementation with its workload's baseline, corrected as one table."""
        return compare_each(self.runs)

    @cached_property
    def sections(self) -> list[Section]:
        """The records of each run, workload and target."""
        return list(sections(self.runs, self.table, self.comparisons, self.axis))

    @cached_property
    def specs(self) -> Mapping[tuple[str, str], ImplementationSpec]:
        """The implementations that this checkout knows, by workload and name."""
        return {(spec.workload, spec.name): spec for spec in registry.implementations() if spec.workload}

    @cached_property
    def pooled_models(self) -> list[PooledModels]:
        """The trained models of experiments that several of the runs have in common."""
        return pooled_models(self.sections)

    @property
    def has_several_runs(self) -> bool:
        """Whether there are several runs, so that a section's title has to name its own."""
        return len(self.runs) > 1

    def styles(self, section: Section) -> dict[str, Style]:
        """Return the style of each implementation of the section's workload, the same in all of its sections."""
        rows = self.table[self.table["workload"] == section.workload]
        return styles(rows["implementation"])

    def summaries(self, workload: str, names: Iterable[str]) -> dict[str, str]:
        """Return what implementations of a workload are, by name, as far as this checkout knows them."""
        specs = {name: self.specs.get((workload, name)) for name in names}
        return {name: spec.summary.rstrip(".") for name, spec in specs.items() if spec and spec.summary}

    def choice(self, section: Section) -> SectionChoice | None:
        """Return which implementation of a section to take; None for trained models and where nothing compares."""
        key = (section.run.name, section.workload, section.target)
        if key not in self._choices:
            self._choices[key] = None if section.seed_parameter else section_choice(section, self._ratio)
        return self._choices[key]

    def macs_finding(self, section: Section) -> str:
        """Return whether the latencies of a section's trained models keep the order of their MACs, in sentences."""
        return self._macs_findings[section.run.name, section.workload, section.target]

    @cached_property
    def _macs_findings(self) -> dict[tuple[str, str, str], str]:
        return {
            (section.run.name, section.workload, section.target): macs_finding(pairs)
            for section, pairs in zip(self.sections, macs_pairs(self.sections, self._ratio), strict=True)
        }

    @cached_property
    def matrices(self) -> dict[int, Matrix]:
        """The ratios of each section that has some, by the section's number."""
        total = sum(row.ratio is not None for row in self.comparisons)
        matrices = {}
        for number, section in enumerate(self.sections):
            elsewhere = total - sum(row.ratio is not None for row in section.comparisons)
            if matrix := section_matrix(section, self.choice(section), elsewhere, self._ratio):
                matrices[number] = matrix
        return matrices


class Chapter(ABC):
    """A part of a report. A subclass selects what it is about, and returns what its template shows.

    A workload brings its own: a file ``_chapter_<name>.py`` beside its ``workload.py`` defines one subclass, and
    ``Workload.chapters`` lists the name. It is imported only when a report is written, and stands after the trained
    models. The default template shows ``parts``, a list of ``Part``.
    """

    name: ClassVar[str]
    """Its address in the page; letters, digits and hyphens."""
    title: ClassVar[str]
    template: ClassVar[str] = "parts.html"
    """A file of ``bench/report/templates``."""

    @abstractmethod
    def content(self, report: Report) -> Mapping[str, Any] | None:
        """Return what the template shows, or None where the chapter does not apply to any of the records."""
