"""A chapter of the report: what choosing the epoch by the test nodes adds to an accuracy."""

from collections.abc import Iterator, Mapping
from typing import Any

from bench.report.accuracy import Experiment, Model, experiments
from bench.report.accuracy_tables import mean_text, value_text
from bench.report.chapter import Chapter, Part, Report
from bench.report.grid import Column, Grid, GridCell

_SOUND, _PEEKING, _GAIN = "accuracy", "accuracy_peeking", "inflation"


class PeekingChapter(Chapter):
    """The accuracy by the sound protocol beside that of arXiv 2105.01510, which chooses the epoch by the test nodes."""

    name = "peeking"
    title = "What peeking adds"

    def content(self, report: Report) -> Mapping[str, Any] | None:
        parts = []
        for section in report.sections:
            peeked = [experiment for experiment in experiments(section) if _models(experiment)]
            if peeked:
                table = ("Best mean over the seeds, by either protocol", _table(peeked))
                parts.append(Part(section.title, section.run.name, list(_sentences(peeked)), [table]))
        return {"parts": parts} if parts else None


def _models(experiment: Experiment) -> list[Model]:
    """Return the models that have a mean by both protocols."""
    known = {metric.name for metric in experiment.metrics}
    if not {_SOUND, _PEEKING, _GAIN} <= known:
        return []
    return [model for model in experiment.models if all(model.means[name] for name in (_SOUND, _PEEKING, _GAIN))]


def _best(models: list[Model], metric: str) -> Model:
    return max(models, key=lambda model: _mean(model, metric))


def _mean(model: Model, metric: str) -> float:
    mean = model.means[metric]
    return mean.estimate if mean else float("nan")


def _sentences(peeked: list[Experiment]) -> Iterator[str]:
    gains = [_mean(model, _GAIN) for experiment in peeked for model in _models(experiment)]
    changed = sum(
        _best(models, _SOUND) is not _best(models, _PEEKING) for experiment in peeked if (models := _models(experiment))
    )
    least, most, mean = (f"{100 * gain:.2f}" for gain in (min(gains), max(gains), sum(gains) / len(gains)))
    yield (
        "The best test accuracy of any epoch is higher than the accuracy of an epoch that validation chooses: by "
        f"{least} to {most} points over {len(gains)} means of models, {mean} on average."
    )
    yield f"The model with the best mean is another one in {changed} of {len(peeked)} experiments."


def _table(peeked: list[Experiment]) -> Grid:
    columns = [
        Column("Experiment", numeric=False),
        Column("Best, chosen on validation", numeric=False, hint="the sound protocol"),
        Column("Best, chosen on the test nodes", numeric=False, hint="the protocol of arXiv 2105.01510"),
        Column("Gained by peeking, mean over the models", hint="percentage points"),
    ]
    return Grid(columns, [_line(experiment) for experiment in peeked])


def _line(experiment: Experiment) -> list[GridCell]:
    models = _models(experiment)
    metrics = {metric.name: metric for metric in experiment.metrics}
    cells = []
    for name in (_SOUND, _PEEKING):
        best = _best(models, name)
        mean = best.means[name]
        cells.append(GridCell(best.implementation, mean_text(metrics[name], mean) if mean else ""))
    gain = sum(_mean(model, _GAIN) for model in models) / len(models)
    return [GridCell(experiment.title or "all"), *cells, GridCell(value_text(metrics[_GAIN], gain))]
