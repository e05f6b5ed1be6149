"""Models as the sums of their measured layers."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bench.report.chapter import Chapter, Report
from bench.report.grid import Grid
from bench.report.whole_model import WholeModel, whole_model
from bench.report.whole_model_table import choices_text, model_table


@dataclass(frozen=True)
class MeasuredModel:
    """A model whose layers were measured, with the table of its totals."""

    whole: WholeModel
    table: Grid
    choices: str
    """How the best mix is made up; empty where there is none."""


class WholeModelsChapter(Chapter):
    """The totals of each model whose layers a run has measured."""

    name = "whole-models"
    title = "Whole models"
    template = "whole_models.html"

    def content(self, report: Report) -> Mapping[str, Any] | None:
        models = [
            MeasuredModel(whole, model_table(whole), choices_text(whole))
            for run in report.runs
            if (whole := whole_model(run))
        ]
        return {"models": models} if models else None
