"""Experiments whose seeds are spread over several runs: their metrics, over the seeds of all of these runs.

A metric of a trained model, such as its accuracy, does not depend on the machine that times the model. So runs of
different machines are pooled here, without their times.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pandas as pd

from bench.report.accuracy import Experiment, make_experiment
from bench.report.frame import group_by_shape
from bench.report.section import Section, shared_parameters


@dataclass(frozen=True)
class PooledModels:
    """The trained models of several runs, of one workload and target."""

    numbers: Sequence[int]
    """The numbers of the report's sections that they are in."""
    title: str
    shared: str
    """The parameters that they all share; empty where there are none."""
    experiments: Sequence[Experiment]

    @property
    def runs_text(self) -> str:
        """The number of runs, in words."""
        return f"{len(self.numbers)} runs together"


def pooled_models(sections: Sequence[Section]) -> list[PooledModels]:
    """Return the models that several of ``sections`` have in common experiments, by workload and target.

    A model that several runs have, of one implementation, case and seed, counts once, as the newest of them has it.
    """
    numbers: dict[tuple[str, str], list[int]] = {}
    for number, section in enumerate(sections):
        if section.seed_parameter and section.metrics:
            numbers.setdefault((section.workload, section.target), []).append(number)
    joint = [
        _joint(sorted((sections[number] for number in group), key=lambda each: each.run.info.started), group)
        for group in numbers.values()
    ]
    return [models for models in joint if any(len(experiment.runs) > 1 for experiment in models.experiments)]


def _joint(sections: Sequence[Section], numbers: Sequence[int]) -> PooledModels:
    rows = pd.concat([section.rows for section in sections], ignore_index=True)
    models = rows[rows["status"] == "passed"].drop_duplicates(["implementation", "case"], keep="last")
    return PooledModels(numbers, sections[0].title, shared_parameters(models), list(_experiments(sections, models)))


def _experiments(sections: Sequence[Section], models: pd.DataFrame) -> Iterator[Experiment]:
    """Yield the experiments of ``models``, with the metrics in which models are compared."""
    seed = str(sections[0].seed_parameter)
    metrics = dict.fromkeys(metric for section in sections for metric in section.metrics)
    for title, rows in group_by_shape(models, seed):
        yield make_experiment(
            title,
            seed,
            rows,
            records=[record for section in sections for record in section.records],
            metrics=[metric for metric in metrics if metric.higher_is_better is not None],
            baseline=next((section.baseline for section in sections if section.baseline), None),
            runs=tuple(dict.fromkeys(rows["run"])),
        )
