"""The progress of builds: a bar for each artifact on a terminal, lines in a pipe."""

import sys
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from statistics import fmean
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn

from bench import artifacts
from bench.report.units import counted, rough_time
from bench.run.building import Job

LINE_EVERY_S = 60.0
"""Time between two lines on how far the artifacts are built, s."""


class BuildLines:
    """Lines on stderr, for a pipe or a log."""

    def __init__(self) -> None:
        self._jobs: Sequence[Job] = ()
        self._last = time.monotonic()

    def expect(self, jobs: Sequence[Job]) -> None:
        self._jobs = jobs
        _print_line(f"building {counted(len(jobs), 'artifact')}")

    def update(self, running: Sequence[Job]) -> None:
        if time.monotonic() - self._last >= LINE_EVERY_S:
            self._last = time.monotonic()
            for job in running:
                if progress := artifacts.progress(job.key):
                    _print_line(f"{job.label}: {progress.done} of {progress.parts} done")
            if left := remaining_text(self._jobs, running):
                _print_line(left)

    def end(self, job: Job) -> None:
        _print_line(end_text(job))


class BuildTerminal:
    """A bar for each artifact that is being built, and one for all."""

    def __init__(self, console: Console) -> None:
        columns = (BarColumn(20), MofNCompleteColumn(), TextColumn("{task.description}", markup=False))
        self._progress = Progress(*columns, console=console, transient=True)
        self._jobs: Sequence[Job] = ()
        self._bars: dict[str, TaskID] = {}
        self._all: TaskID | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def expect(self, jobs: Sequence[Job]) -> None:
        self._jobs = jobs
        self._progress.start()
        self._all = self._progress.add_task("artifacts", total=len(jobs))

    def update(self, running: Sequence[Job]) -> None:
        for job in running:
            if progress := artifacts.progress(job.key):
                if job.key not in self._bars:
                    self._bars[job.key] = self._progress.add_task(job.label, total=progress.parts)
                self._progress.update(self._bars[job.key], completed=progress.done)
        if self._all is not None:
            done = sum(not job.is_open for job in self._jobs)
            self._progress.update(
                self._all, completed=done, description=remaining_text(self._jobs, running) or "artifacts"
            )

    def end(self, job: Job) -> None:
        if job.key in self._bars:
            self._progress.remove_task(self._bars.pop(job.key))
        self._progress.console.print(end_text(job), markup=False, highlight=False)
        if not any(each.is_open for each in self._jobs):
            self._progress.stop()


def display() -> AbstractContextManager[BuildTerminal | BuildLines]:
    """Return the display that suits stderr."""
    console = Console(stderr=True)
    return BuildTerminal(console) if sys.stderr.isatty() and not console.is_dumb_terminal else nullcontext(BuildLines())


def remaining_text(jobs: Sequence[Job], running: Sequence[Job]) -> str:
    """Return roughly how long the rest takes, by the artifacts so far; empty while none has progress."""
    totals = {job.key: job.seconds for job in jobs if job.seconds}
    left_s = 0.0
    for job in running:
        if (progress := artifacts.progress(job.key)) and progress.done:
            totals[job.key] = progress.seconds * progress.parts / progress.done
            left_s += totals[job.key] - progress.seconds
    if not totals or not running:
        return ""
    waiting = [job for job in jobs if job.is_open and job.key not in totals]
    left_s += fmean(totals.values()) * len(waiting)
    return f"about {rough_time(left_s / len(running))} left"


def end_text(job: Job) -> str:
    """Return a line on the result of a build."""
    return (
        f"failed: {job.label}: {job.failure}" if job.failure else f"built {job.label} in {rough_time(job.seconds or 0)}"
    )


def _print_line(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
