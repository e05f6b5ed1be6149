"""A run's progress on a terminal."""

from collections.abc import Sequence

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from bench.core.record import Record, Status
from bench.run.plan import Sitting


class Terminal:
    """A bar with the cases done and an estimate of the time left; what did not pass is printed above it."""

    def __init__(self, console: Console) -> None:
        self._progress = Progress(
            BarColumn(20),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            TextColumn("{task.description}", markup=False),
            console=console,
            transient=True,
            speed_estimate_period=3600,  # s; a case may take minutes
        )
        self._task = self._progress.add_task("", total=None)
        self._case = ""

    def __enter__(self) -> "Terminal":
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def expect(self, cases: int) -> None:
        self._progress.update(self._task, total=cases)

    def begin(self, sitting: Sitting) -> None:
        self._case = sitting.case.slug

    def step(self, text: str) -> None:
        self._progress.update(self._task, description=f"{self._case}: {text}")

    def end(self, records: Sequence[Record]) -> None:
        for record in records:
            if record.status not in (Status.PASSED, Status.UNSUPPORTED):
                line = f"{record.status}: {record.implementation} {record.case}: {record.reason}"
                self._progress.console.print(line, markup=False, highlight=False)
        self._progress.advance(self._task)
