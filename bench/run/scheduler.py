"""Runs a plan case by case, and stores each outcome before the next case begins."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from bench.core.budget import Budget
from bench.core.record import Record
from bench.run.plan import Session
from bench.run.session import measure_case
from bench.run.timeline import TimeBreakdown
from bench.run.workers import Workers
from bench.store import Run


class Display(Protocol):
    """Shows a run's progress."""

    def expect(self, sessions: Sequence[Session], budget: Budget) -> None:
        """Say what will be measured, as far as it is not recorded yet."""

    def begin(self, session: Session) -> None:
        """Take note of the case that is measured now."""

    def step(self, text: str) -> None:
        """Show what is being done, also before the first case; threads may call it at once."""

    def suspended(self) -> AbstractContextManager[None]:
        """Leave the terminal to others for a while."""

    def end(self, records: Sequence[Record]) -> None:
        """Show the outcome of the case."""


def run_plan(sessions: Sequence[Session], run: Run, display: Display) -> TimeBreakdown:
    """Measure every session into ``run``; return where the time went by stage. The caller sets the total.

    Raises:
        RunError: where a record cannot be stored; all records before it are.
    """
    info = run.info
    machine = next(iter(info.machines.items()))
    display.expect(sessions, info.budget)
    with Workers(info.target, info.budget, run.folder / "logs") as workers:
        for session in sessions:
            display.begin(session)
            records = measure_case(session, workers, info.budget.timed_s, machine, display.step)
            run.append(records)
            display.end(records)
        return TimeBreakdown(by_stage=workers.timeline.seconds_by_stage())
