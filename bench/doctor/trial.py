"""Trials of the harness: real implementations against copies of themselves, unchanged or made slower."""

import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from enum import StrEnum
from math import ceil
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from bench.core import registry
from bench.core.budget import Budget
from bench.core.case import Case
from bench.core.describe import describe
from bench.core.errors import RunError, UsageError
from bench.core.implementation_spec import ImplementationSpec
from bench.core.record import Record, Status, Stored
from bench.core.target import Target
from bench.core.workload import Workload
from bench.doctor.copies import Slowdown, write_copy
from bench.doctor.workload import Chain
from bench.run.lifeline import die_with
from bench.run.plan import Session
from bench.run.session import measure_case
from bench.run.workers import Workers
from bench.stats.interval import Interval
from bench.stats.latencies import between_process_std, process_count, session_ratio
from bench.stats.verdict import Verdict, judge

PLANTED = 0.03
"""Planted slowdown of the slower copies, as a fraction."""


class Trial(StrEnum):
    """The kinds of trials: what the copy of an implementation differs in, and what runs beside."""

    SAME = "same"
    BUSY = "busy"
    SLOWER = "slower"
    RARE = "rare"

    @property
    def slowdown(self) -> Slowdown | None:
        """The slowdown that is planted into the copy: none, in every call, or as much on average in every 33rd call."""
        return {Trial.SLOWER: Slowdown(PLANTED), Trial.RARE: Slowdown(PLANTED, every=33)}.get(self)


class CopyComparison(Stored):
    """Comparison of an implementation with its copy, in processes that measured nothing else."""

    trial: Trial
    workload: str
    implementation: str
    case: str
    latency_ns: float
    processes: int
    process_std: float
    """Standard deviation of the implementation's latency from process to process, as a fraction."""
    ratio: float
    """Latency of the copy / latency of the original."""
    low: float
    """Lower end of the 95 % interval of the ratio."""
    high: float
    """Upper end of the 95 % interval of the ratio."""

    def verdict(self, margin: float) -> Verdict:
        return judge(Interval(self.ratio, self.low, self.high, 0.95), margin)


@dataclass(frozen=True)
class Subject:
    """An implementation on a case."""

    workload_name: str
    workload: Workload
    spec: ImplementationSpec
    case: Case


def subjects(names: Sequence[str] = ()) -> list[Subject]:
    """Return every installed implementation of target edge, or those of these ``names``, with every quick case.

    Those with an environment of their own are left out.

    Neighbours in the list have different implementations. One implementation is a chain of numpy's matrix products,
    which needs no further library.

    Raises:
        UsageError: where a name is not known.
    """
    workloads = {**registry.workloads(), "chain": Chain()}
    chain = ImplementationSpec(
        "chain", "chain", str(Path(__file__).parent / "chain.py"), "bench.doctor.chain", requires=("numpy",)
    )
    specs = [chain, *(spec for spec in registry.implementations() if spec.workload in workloads)]
    if unknown := set(names) - {spec.name for spec in specs}:
        raise UsageError(f"no implementation {unknown.pop()!r}; see featherbench list")
    wanted = [
        spec
        for spec in specs
        if (not names or spec.name in names) and "edge" in spec.targets and not spec.missing() and not spec.environment
    ]
    by_spec = {spec: _quick_cases(workloads[str(spec.workload)]) for spec in wanted}
    return [
        Subject(str(spec.workload), workloads[str(spec.workload)], spec, cases[index])
        for index in range(max(map(len, by_spec.values()), default=0))
        for spec, cases in by_spec.items()
        if index < len(cases)
    ]


def compare_copies(
    trial: Trial, pairs: int, candidates: Sequence[Subject], budget_s: float, keep: Callable[[CopyComparison], None]
) -> list[CopyComparison]:
    """Make ``pairs`` comparisons, cycling through the ``candidates``, and call ``keep`` with each.

    A candidate that cannot be measured, such as a case that its implementation does not support, is left out.

    Raises:
        RunError: where a measurement failed, or no candidate could be measured.
    """
    comparisons: list[CopyComparison] = []
    measurable = list(candidates)
    index = 0
    with busy_core() if trial is Trial.BUSY else nullcontext():
        while len(comparisons) < pairs and measurable:
            subject = measurable[index % len(measurable)]
            if comparison := _compare(trial, subject, budget_s):
                comparisons.append(comparison)
                keep(comparison)
                index += 1
            else:
                measurable.remove(subject)
    if not comparisons:
        raise RunError("doctor: no implementation could be measured on target edge; see featherbench list")
    return comparisons


def noise_floor(comparisons: Sequence[CopyComparison]) -> float:
    """Return the largest distance of a ratio from 1 in 95 of 100 comparisons."""
    distances = sorted(abs(comparison.ratio - 1) for comparison in comparisons)
    return distances[ceil(0.95 * len(distances)) - 1]


def most_variable(comparisons: Sequence[CopyComparison], count: int = 3) -> list[tuple[str, float]]:
    """Return the ``count`` implementations whose latency varies most from process to process, with that variation."""
    spreads: dict[str, list[float]] = {}
    for comparison in comparisons:
        spreads.setdefault(f"{comparison.workload}/{comparison.implementation}", []).append(comparison.process_std)
    ranked = sorted(((name, median(values)) for name, values in spreads.items()), key=lambda pair: -pair[1])
    return ranked[:count]


@contextmanager
def busy_core() -> Iterator[None]:
    """Keep a core busy with another process until the block ends; the kernel's scheduler chooses the core, as usual."""
    process = multiprocessing.get_context("spawn").Process(target=_spin, args=(os.getpid(),), daemon=True)
    process.start()
    try:
        yield
    finally:
        process.kill()
        process.join()


def _quick_cases(workload: Workload) -> list[Case]:
    """Return the quick cases for which nothing is missing on this machine."""
    return [case for case in workload.suites()["quick"] if not workload.missing(case)]


def _compare(trial: Trial, subject: Subject, budget_s: float) -> CopyComparison | None:
    with TemporaryDirectory() as folder, Workers(Target("edge"), Budget(), Path(folder)) as workers:
        path = write_copy(subject.spec, Path(folder), trial.slowdown)
        specs = (subject.spec, *describe(path))
        session = Session(subject.workload_name, subject.workload, subject.case, specs)
        original, copy = measure_case(session, workers, budget_s)
    if original.latency is None or copy.latency is None:
        _require_only_unsupported(original, copy)
        return None
    ratio = session_ratio(copy.latency, original.latency)
    assert ratio is not None
    return CopyComparison(
        trial=trial,
        workload=subject.workload_name,
        implementation=subject.spec.name,
        case=subject.case.slug,
        latency_ns=original.latency.estimate,
        processes=process_count(original.latency),
        process_std=between_process_std(original.latency),
        ratio=ratio.estimate,
        low=ratio.low,
        high=ratio.high,
    )


def _require_only_unsupported(*records: Record) -> None:
    for record in records:
        if record.status not in (Status.PASSED, Status.UNSUPPORTED):
            raise RunError(f"doctor's trial of {record.implementation} on {record.case} failed: {record.reason}")


def _spin(parent: int) -> None:
    die_with(parent)
    while True:
        pass
