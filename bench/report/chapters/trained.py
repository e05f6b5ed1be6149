"""Trained models over their seeds: means, and differences to the baseline."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bench.report.accuracy import Experiment, experiments
from bench.report.accuracy_runs import PooledModels
from bench.report.accuracy_tables import differences_table, means_table
from bench.report.chapter import Chapter, Report
from bench.report.grid import Grid
from bench.report.section import Section


@dataclass(frozen=True)
class TrainedModels:
    """The trained models of one section, or of several runs."""

    run: str
    title: str
    shared: str
    """The parameters that they share; empty where there are none."""
    tables: list[tuple[Experiment, Grid, Grid]]
    """Each experiment with its means and its differences; empty where the section has none."""
    is_pooled: bool = False
    """Whether they are those of several runs."""
    is_in_pool: bool = False
    """Whether their metrics are part of those of several runs."""


class TrainedChapter(Chapter):
    """The metrics of trained models, experiment by experiment."""

    name = "models"
    title = "Trained models"
    template = "trained.html"

    def content(self, report: Report) -> Mapping[str, Any] | None:
        covered = {number for joint in report.pooled_models for number in joint.numbers}
        trained = [
            *(_joint(joint) for joint in report.pooled_models),
            *(_models(section, number in covered) for number, section in enumerate(report.sections)),
        ]
        shown = [models for models in trained if models.tables]
        return {"trained": shown} if shown else None


def _joint(joint: PooledModels) -> TrainedModels:
    return TrainedModels(joint.runs_text, joint.title, joint.shared, _tables(joint.experiments), is_pooled=True)


def _models(section: Section, is_in_pool: bool) -> TrainedModels:
    tables = _tables(experiments(section))
    return TrainedModels(section.run.name, section.title, section.shared, tables, is_in_pool=is_in_pool)


def _tables(trained: Sequence[Experiment]) -> list[tuple[Experiment, Grid, Grid]]:
    return [(experiment, means_table(experiment), differences_table(experiment)) for experiment in trained]
