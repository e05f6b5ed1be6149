"""Trials of the harness on itself: the same code against itself, and against itself with extra work."""

import multiprocessing
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.core.errors import CannotGoOn
from bench.core.record import Record
from bench.core.registry import Entry
from bench.core.target import Target
from bench.doctor.workload import Chain, ChainCase
from bench.run.lifeline import die_with
from bench.run.plan import Sitting
from bench.run.sitting import sit
from bench.run.workers import Allowance, Workers
from bench.stats.interval import Interval
from bench.stats.paired import paired_ratio
from bench.stats.verdict import Verdict, judge


@dataclass(frozen=True)
class Trial:
    """The ratios that pairs of fresh processes gave, each with its 95 % interval, judged at ``margin``."""

    ratios: list[Interval]
    margin: float

    def count(self, *verdicts: Verdict) -> int:
        return sum(judge(ratio, self.margin) in verdicts for ratio in self.ratios)

    def spread(self) -> float:
        """How far a ratio lies from 1, at most, in 95 of 100 pairs."""
        distances = sorted(abs(ratio.estimate - 1) for ratio in self.ratios)
        return distances[ceil(0.95 * len(distances)) - 1]


def compare_pairs(
    other: str, pairs: int, margin: float, budget_s: float, watch: Callable[[str], None] = lambda text: None
) -> Trial:
    """The chain against the probe ``other`` (``copy``, ``slower``) on one core, in ``pairs`` pairs of new processes."""
    ratios = []
    for pair in range(pairs):
        watch(f"{other} {pair + 1}/{pairs}")
        ratios.append(_pair(other, budget_s))
    return Trial(ratios, margin)


@contextmanager
def busy_core() -> Iterator[None]:
    """Another process keeps a core busy meanwhile: the kernel's scheduler says which, as in everyday life."""
    process = multiprocessing.get_context("spawn").Process(target=_spin, args=(os.getpid(),), daemon=True)
    process.start()
    try:
        yield
    finally:
        process.kill()
        process.join()


def _pair(other: str, budget_s: float) -> Interval:
    entries = (_probe("original"), _probe(other))
    sitting = Sitting("chain", Chain(), ChainCase(), entries)
    target = Target("edge")
    with TemporaryDirectory() as logs, Workers(target, Allowance(), Path(logs)) as workers:
        original, changed = sit(sitting, target, workers, budget_s, lambda text: None)
    return paired_ratio(_rounds(changed), _rounds(original))


def _rounds(record: Record) -> list[float]:
    if record.latency is None:
        raise CannotGoOn(f"doctor's own probe did not run: {record.reason}")
    return record.latency.rounds()


def _probe(name: str) -> Entry:
    path = Path(__file__).parent / "probes" / f"{name}.py"
    return Entry(name, "chain", str(path), f"bench.doctor.probes.{name}", requires=("numpy",))


def _spin(parent: int) -> None:
    die_with(parent)
    while True:
        pass
