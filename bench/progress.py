"""The progress of a run, shown on a terminal."""

from collections.abc import Iterator, Sequence

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from bench.core.record import Record, Status
from bench.report.units import duration, duration_interval
from bench.run.plan import Session
from bench.stats.latencies import session_ratio


class Terminal:
    """A bar with the cases done and an estimate of the time left; each finished case's results are printed above it."""

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
        self._case = self._baseline = ""

    def __enter__(self) -> "Terminal":
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def expect(self, cases: int) -> None:
        self._progress.update(self._task, total=cases)

    def begin(self, session: Session) -> None:
        self._case, self._baseline = session.case.slug, session.workload.baseline

    def step(self, text: str) -> None:
        self._progress.update(self._task, description=f"{self._case}: {text}")

    def end(self, records: Sequence[Record]) -> None:
        for line in case_lines(records, self._baseline):
            self._progress.console.print(line, markup=False, highlight=False)
        self._progress.advance(self._task)


def case_lines(records: Sequence[Record], baseline: str) -> Iterator[str]:
    """Yield the results of a measured case: times with their intervals, the fastest first, and what failed.

    Ratios are to ``baseline``, each with a 95 % interval. No verdict is given yet, since verdicts allow for the number
    of cases.
    """
    latencies = {record.implementation: record.latency for record in records if record.latency}
    failed = [record for record in records if record.status not in (Status.PASSED, Status.UNSUPPORTED)]
    if latencies or failed:
        yield f"{records[0].workload} {records[0].case}"
    reference = latencies.get(baseline)
    for name, latency in sorted(latencies.items(), key=lambda pair: pair[1].estimate):
        interval = duration_interval(latency.low, latency.high, latency.estimate)
        line = f"  {name:24}{duration(latency.estimate)} [{interval}]"
        ratio = session_ratio(latency, reference) if reference and name != baseline else None
        yield line + (
            f", ratio to {baseline} {ratio.estimate:.3f} [{ratio.low:.3f} to {ratio.high:.3f}]" if ratio else ""
        )
    for record in failed:
        yield f"  {record.implementation:24}{record.status}: {record.reason}"
