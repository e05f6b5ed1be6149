"""A run: the plan carried out case by case, each outcome stored before the next begins."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from bench.core.record import Record
from bench.core.target import Target
from bench.run.plan import Sitting
from bench.run.sitting import sit
from bench.run.workers import Allowance, Workers
from bench.store import Run

STAGES = {
    "load": "preparing",
    "prepare": "preparing",
    "weigh": "weighing",
    "check": "checking",
    "recheck": "checking",
    "warm": "timing",
    "turn": "timing",
}
"""What each step of a worker counts as in the split of a run's time."""


class Display(Protocol):
    """Shows a run's progress."""

    def expect(self, cases: int) -> None: ...

    def begin(self, sitting: Sitting) -> None: ...

    def step(self, text: str) -> None: ...

    def end(self, records: Sequence[Record]) -> None: ...


@dataclass
class Split:
    """Where a run's time went, s."""

    total: float = 0.0
    """Of the whole run, planning and start-up included."""
    by_stage: dict[str, float] = field(default_factory=lambda: dict.fromkeys(STAGES.values(), 0.0))

    def add(self, records: Sequence[Record]) -> None:
        for record in records:
            for step, seconds in record.seconds.items():
                self.by_stage[STAGES[step]] += seconds

    @property
    def harness(self) -> float:
        """What was spent outside the implementations' own preparing, checking and timing."""
        return self.total - sum(self.by_stage.values()) + self.by_stage["weighing"]

    def __str__(self) -> str:
        stages = ", ".join(
            f"{stage} {seconds:.1f} s" for stage, seconds in self.by_stage.items() if stage != "weighing"
        )
        share = self.harness / self.total if self.total else 0.0
        return f"{self.total:.1f} s: {stages}, harness {self.harness:.1f} s ({share:.1%})"


def carry_out(sittings: Sequence[Sitting], run: Run, allowance: Allowance, budget_s: float, display: Display) -> Split:
    """Measure every sitting into ``run``; returns where the time went by stage; the total is the caller's to set.

    Raises CannotGoOn where a record cannot be stored; all before it is safe.
    """
    split = Split()
    target = Target.parse(run.info.target)
    display.expect(len(sittings))
    with Workers(target, allowance, run.folder / "logs") as workers:
        for sitting in sittings:
            display.begin(sitting)
            records = sit(sitting, target, workers, budget_s, display.step)
            run.append(records)
            split.add(records)
            display.end(records)
    return split
