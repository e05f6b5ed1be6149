"""Measures one case: all its implementations are checked, then timed round by round in several processes each."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import Random
from typing import Literal

from bench.core.record import Record, Status
from bench.run.attempt import Attempt
from bench.run.order import orders
from bench.run.plan import Session
from bench.run.plausibility import implausible
from bench.run.protocol import case_seed
from bench.run.stopping import (
    MIN_PROCESSES,
    MIN_PROCESSES_TO_STOP,
    MIN_ROUNDS_PER_PROCESS,
    Precision,
    rounds_per_process,
)
from bench.run.workers import Workers
from bench.store import Machine

MIN_ROUNDS = 20
"""Rounds measured even if the budget is spent: fewer hardly give an interval."""
MIN_SLOW_ROUNDS = 3
"""Rounds that are enough where MIN_ROUNDS would take longer than MIN_ROUNDS_TIME_S."""
MIN_ROUNDS_TIME_S = 60.0
STARTUP_SHARE = 1.0
"""Time that starting an implementation's processes may take in a session, as a multiple of the time it is timed for."""

Watch = Callable[[str], None]
"""A function that is called with what a session is doing, for the progress display; threads may call it at once."""


def measure_case(
    session: Session,
    workers: Workers,
    budget_s: float,
    machine: tuple[str, Machine | None] = ("", None),
    watch: Watch = lambda text: None,
) -> list[Record]:
    """Measure one case and return a record for each implementation, whatever happens to it.

    ``machine`` is the id and description of this machine; without a description, implausible speeds are accepted.
    """
    started = datetime.now(UTC)
    attempts = [Attempt(spec, session, workers, workers.target.cores) for spec in session.specs]
    watch("importing libraries")
    workers.import_libraries(session.specs)

    def examine(attempt: Attempt, cores: tuple[int, ...]) -> None:
        watch(f"preparing and checking {attempt.spec.name}")
        attempt.examine(cores)

    workers.in_parallel(examine, attempts)
    stopped = _Rounds(session, attempts, budget_s, workers, watch).take()
    watch("checking again")
    workers.in_parallel(lambda attempt, cores: attempt.finish(), attempts)
    for attempt in attempts:
        _reject_implausible(attempt, machine[1])
    for spec, reason in session.unavailable.items():
        attempts.append(Attempt(spec, session, workers, (), Status.UNSUPPORTED, reason))
    return [attempt.record(machine[0], started, stopped) for attempt in attempts]


@dataclass
class _Rounds:
    """The timed part of a session."""

    session: Session
    attempts: Sequence[Attempt]
    budget_s: float
    workers: Workers
    watch: Watch
    precision: Precision = field(default_factory=Precision)
    count: int = 0
    """Number of rounds so far."""
    blocks: int = 0
    """How often processes were restarted so far."""

    def take(self) -> Literal["precise", "budget"]:
        """Take rounds until every interval is narrow enough or the budget is spent; failures do not stop the others."""
        seed = case_seed(self.session.case.slug)
        self._orders, self._random = orders(list(range(len(self.attempts))), seed), Random(seed)
        length = MIN_ROUNDS_PER_PROCESS
        while self.passing:
            self._restart()
            for _ in range(length):
                self._round()
                if not any(map(self._lacks_rounds, self.passing)):
                    break
            if self._is_precise():
                return "precise"
            if all(map(self._is_done, self.passing)):
                break
            if self.blocks % MIN_PROCESSES == 0:
                length = rounds_per_process(self.passing)
        return "budget"

    @property
    def passing(self) -> list[Attempt]:
        return [attempt for attempt in self.attempts if attempt.passing]

    def _restart(self) -> None:
        """Start a new process for each implementation that is due for one."""
        due = [attempt for attempt in self.passing if self._is_due(attempt)]
        self._random.shuffle(due)  # so that none is always prepared on the core that it is timed on
        self.watch("preparing new processes")
        self.workers.in_parallel(Attempt.restart, due)
        for attempt in due:
            self.watch(f"warming up {attempt.spec.name}")
            attempt.warm_up()
        self.blocks += 1

    def _is_due(self, attempt: Attempt) -> bool:
        """Whether it gets a new process now: in every block, or every second, fourth ..., as its start-up time allows.

        The period is a power of two, so that processes of two implementations mostly end together: rounds whose
        processes overlap make one cluster, and fewer clusters make the interval wider.
        """
        if not attempt.processes:
            return True
        if not attempt.restartable or not attempt.processes[-1].rounds:
            return False
        if not (self._lacks_rounds(attempt) or self._has_processes(attempt)):
            return True
        startup_s = STARTUP_SHARE * max(attempt.timed_s, self._budget_each_s)
        period, affordable = 1, startup_s / max(self.blocks, MIN_PROCESSES_TO_STOP)
        while period * affordable < attempt.startup_s and period < self.blocks:
            period *= 2
        return self.blocks % period == 0

    def _round(self) -> None:
        self.count += 1
        self.watch(f"round {self.count}")
        for index in next(self._orders):
            attempt = self.attempts[index]
            if attempt.passing and self._takes_part(attempt):
                attempt.take_round(self.count)

    def _takes_part(self, attempt: Attempt) -> bool:
        """Whether it takes this round.

        One that is k times as slow as the fastest other that is not done takes every k-th round; k is rounded down to a
        power of two, so that all slow ones are in the same rounds.
        """
        others = [other.round_s for other in self.passing if other is not attempt and not self._is_done(other)]
        shortest, period = min(others, default=attempt.round_s), 1
        while 0 < 2 * period * shortest <= attempt.round_s:
            period *= 2
        return self.count % period == 0

    @property
    def _budget_each_s(self) -> float:
        """Time for which each implementation may be timed, s."""
        return self.budget_s / max(1, len(self.passing))

    def _is_done(self, attempt: Attempt) -> bool:
        """Whether it has had its share of the budget, and the minimum of rounds and processes."""
        return self._has_processes(attempt) and not self._lacks_rounds(attempt)

    def _lacks_rounds(self, attempt: Attempt) -> bool:
        return attempt.timed_s < self._budget_each_s or not self._has_rounds(attempt)

    def _has_rounds(self, attempt: Attempt) -> bool:
        minimum = MIN_ROUNDS if MIN_ROUNDS * attempt.round_s < MIN_ROUNDS_TIME_S else MIN_SLOW_ROUNDS
        return attempt.round_count >= minimum

    def _has_processes(self, attempt: Attempt) -> bool:
        enough = len(attempt.processes) >= MIN_PROCESSES or not attempt.restartable
        return enough or attempt.startup_s > self.budget_s

    def _is_precise(self) -> bool:
        passing = self.passing
        if not passing or not all(self._has_rounds(attempt) and self._has_processes(attempt) for attempt in passing):
            return False
        latencies = {attempt.spec.name: attempt.latency("precise") for attempt in passing}
        reference = latencies.get(self.session.workload.baseline, next(iter(latencies.values())))
        return self.precision.reached(list(latencies.values()), reference)


def _reject_implausible(attempt: Attempt, machine: Machine | None) -> None:
    """Fail an implementation that is faster than the machine can be."""
    if attempt.passing and machine and machine.peaks:
        work = attempt.work or attempt.session.workload.work(attempt.session.case)
        latency = attempt.latency("budget").estimate
        if work and (reason := implausible(latency, work, machine.peaks, machine.threads)):
            attempt.fail(Status.IMPLAUSIBLE, reason)
