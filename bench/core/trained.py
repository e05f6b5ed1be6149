"""A trained model: the call to measure, and the history of its training."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from bench.core.record import Work


@dataclass(frozen=True)
class Trained:
    """The result of ``prepare`` for a workload that trains: a call, with its work and the history of its training.

    The workload's ``check`` judges the model by the call's outputs and by ``history``. The arrays of ``history`` have a
    value for each epoch; the workload's docstring names them. No problem contains the labels that accuracy is tested
    on.
    """

    predict: Callable[[], Any]
    work: Work
    """The work of one call, by formula. It belongs to the model, not to the case: two models may differ in it."""
    history: Mapping[str, Any]
    facts: Mapping[str, str] = field(default_factory=dict)
    """Facts about this model for its records, as ``with_facts`` attaches them to other calls."""

    artifact_keys: tuple[str, ...] = ()
    """Keys of the artifacts that it was loaded from."""

    def __call__(self) -> Any:
        return self.predict()
