"""The progress of a run: a bar on a terminal, lines in a pipe."""

import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Column

from bench.core.budget import Budget
from bench.core.case import DEFAULTS
from bench.core.record import Record, Status
from bench.report.units import counted, duration_with_interval, ratio_with_interval, rough_time
from bench.run.estimate import expected_s
from bench.run.plan import Session
from bench.stats.latencies import session_ratio

MAX_NAMES = 4
"""Maximum number of implementations named in a line; of more, the first ones and a number."""


class Terminal:
    """A bar with the cases done and an estimate of the time left; each finished case's results are printed above it."""

    def __init__(self, console: Console) -> None:
        self._progress = Progress(
            BarColumn(20),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("elapsed,"),
            TimeRemainingColumn(),
            TextColumn("left"),
            TextColumn("{task.description}", markup=False, table_column=Column(ratio=1, no_wrap=True)),
            console=console,
            transient=True,
            expand=True,  # so that only the last column is cut on a narrow terminal
            speed_estimate_period=3600,  # s; a case may take minutes
        )
        self._task = self._progress.add_task("", total=None)
        self._case = self._baseline = ""

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def expect(self, sessions: Sequence[Session], budget: Budget) -> None:
        self._print(announcement(sessions, budget))
        self._progress.update(self._task, total=len(sessions))

    def begin(self, session: Session) -> None:
        self._case, self._baseline = session.case.slug or DEFAULTS, session.workload.baseline

    def step(self, text: str) -> None:
        self._progress.update(self._task, description=f"{text} ({self._case})" if self._case else text)

    @contextmanager
    def suspended(self) -> Iterator[None]:
        self._progress.stop()
        yield
        self._progress.start()

    def end(self, records: Sequence[Record]) -> None:
        for line in case_lines(records, self._baseline):
            self._print(line)
        self._progress.advance(self._task)

    def _print(self, text: str) -> None:
        self._progress.console.print(text, markup=False, highlight=False)


class Lines:
    """Lines on stderr, for a pipe or a log: what is measured, what is prepared, and how each case went."""

    def __init__(self) -> None:
        self._total = self._number = 0
        self._case = ""
        self._began = self._case_began = time.monotonic()

    def expect(self, sessions: Sequence[Session], budget: Budget) -> None:
        _print_line(announcement(sessions, budget))
        self._total, self._began = len(sessions), time.monotonic()

    def begin(self, session: Session) -> None:
        self._number += 1
        self._case = f"case {self._number} of {self._total}: {session.workload_name} {session.case.slug or DEFAULTS}"
        self._case_began = time.monotonic()
        if session.specs:
            _print_line(f"{self._case}: preparing {_some([spec.name for spec in session.specs])}")

    def step(self, text: str) -> None:
        if not self._case:  # later steps are too many for lines
            _print_line(text)

    def suspended(self) -> AbstractContextManager[None]:
        return nullcontext()

    def end(self, records: Sequence[Record]) -> None:
        counts = Counter(record.status.replace("_", " ") for record in records)
        now = time.monotonic()
        remaining_s = (now - self._began) / self._number * (self._total - self._number)
        left = f"; about {rough_time(remaining_s)} left" if remaining_s else ""
        outcome = ", ".join(f"{count} {status}" for status, count in counts.items())
        _print_line(f"{self._case}: {outcome}, in {rough_time(now - self._case_began)}{left}")


def display() -> AbstractContextManager[Terminal | Lines]:
    """Return the display that suits stderr."""
    console = Console(stderr=True)
    return Terminal(console) if sys.stderr.isatty() and not console.is_dumb_terminal else nullcontext(Lines())


def announcement(sessions: Sequence[Session], budget: Budget) -> str:
    """Return a sentence on what will be measured, and roughly how long that takes."""
    if not sessions:
        return "everything is recorded already"
    workloads = {session.workload_name for session in sessions}
    implementations = {spec.label for session in sessions for spec in session.specs}
    trains = any(session.workload.seed_parameter for session in sessions if session.specs)
    return (
        f"measuring {counted(len(sessions), 'case')} of {counted(len(workloads), 'workload')} "
        f"with {counted(len(implementations), 'implementation')}, "
        f"roughly {rough_time(expected_s(sessions, budget))}" + (" and the time to train models" if trains else "")
    )


def case_lines(records: Sequence[Record], baseline: str) -> Iterator[str]:
    """Yield the results of a measured case: times and ratios to ``baseline``, the fastest first, and what failed.

    Each has a 95 % interval. No verdict is given yet, since verdicts allow for the number of cases.
    """
    latencies = {record.implementation: record.latency for record in records if record.latency}
    failed = [record for record in records if record.status not in (Status.PASSED, Status.UNSUPPORTED)]
    reference = latencies.get(baseline)
    if latencies or failed:
        ratios_to = f", ratios to {baseline}" if reference and len(latencies) > 1 else ""
        yield f"{records[0].workload} {records[0].case or DEFAULTS}{ratios_to}"
    width = max((len(record.implementation) for record in records), default=0)
    for name, latency in sorted(latencies.items(), key=lambda pair: pair[1].estimate):
        time_text = duration_with_interval(latency.estimate, latency.low, latency.high)
        ratio = session_ratio(latency, reference) if reference and name != baseline else None
        ratio_text = ratio_with_interval(ratio.estimate, ratio.low, ratio.high) if ratio else ""
        yield f"  {name:{width}}  {time_text:25}  {ratio_text}".rstrip()
    for record in failed:
        yield f"  {record.implementation:{width}}  {record.status}: {record.reason}"


def _print_line(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _some(names: Sequence[str]) -> str:
    """Return all names, or the first ones of many."""
    if len(names) <= MAX_NAMES:
        return ", ".join(names)
    return f"{', '.join(names[: MAX_NAMES - 1])} and {len(names) - MAX_NAMES + 1} more"
