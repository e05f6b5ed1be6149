"""A trained model: the call to measure, and what its training has to tell."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from bench.core.record import Work


@dataclass(frozen=True)
class Trained:
    """What ``prepare`` returns for a workload that trains: a call, with its work and the history of its training.

    How good the model is says the workload's ``check``, from the call's answers and from ``history``, epoch by epoch,
    whose arrays the workload's docstring names. Labels that accuracy is tested on are in no problem.
    """

    predict: Callable[[], Any]
    work: Work
    """Of one call, by formula. The model has it, not the case: two models answer one case with different work."""
    history: Mapping[str, Any]
    facts: Mapping[str, str] = field(default_factory=dict)
    """What a reader should know of this very model; read as those are that ``telling`` sets on other calls."""

    def __call__(self) -> Any:
        return self.predict()
