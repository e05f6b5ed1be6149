"""A request for a run."""

from typing import Self

from pydantic import BaseModel, ConfigDict, model_validator

PROBLEMS = "problems"
"""What stands for the suite of a run of the user's own problems."""


class Request(BaseModel):
    """A request for a run: what to measure. A run is resumed only by an equal request."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    workloads: tuple[str, ...]
    suite: str
    target: str
    implementations: tuple[str, ...] = ()
    """Names of implementations; empty for all."""
    cases: tuple[str, ...] = ()
    """Filters such as ``groups=16``; empty for all cases."""
    problems: tuple[str, ...] = ()
    """Slugs of the cases to measure in place of a suite's; ``suite`` is then PROBLEMS."""
    plugins: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _problems_are_of_one_workload(self) -> Self:
        if bool(self.problems) != (self.suite == PROBLEMS) or (self.problems and (self.cases or self.workloads[1:])):
            raise ValueError(
                f"problems stand in place of suite and cases, for one workload; suite is then {PROBLEMS!r}"
            )
        return self
