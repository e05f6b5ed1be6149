"""Trained models over their seeds: means, and differences to the baseline."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bench.report.accuracy import Experiment, experiments
from bench.report.accuracy_tables import differences_table, means_table
from bench.report.chapter import Chapter, Report
from bench.report.grid import Grid
from bench.report.section import Section


@dataclass(frozen=True)
class TrainedModels:
    """The trained models of one section."""

    run: str
    title: str
    shared: str
    """The parameters that they share; empty where there are none."""
    tables: list[tuple[Experiment, Grid, Grid]]
    """Each experiment with its means and its differences; empty where the section has none."""


class TrainedChapter(Chapter):
    """The metrics of trained models, experiment by experiment."""

    name = "models"
    title = "Trained models"
    template = "trained.html"

    def content(self, report: Report) -> Mapping[str, Any] | None:
        trained = [models for section in report.sections if (models := _models(section)).tables]
        return {"trained": trained} if trained else None


def _models(section: Section) -> TrainedModels:
    tables = [
        (experiment, means_table(experiment), differences_table(experiment)) for experiment in experiments(section)
    ]
    return TrainedModels(section.run.name, section.title, section.shared, tables)
