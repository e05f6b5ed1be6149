"""One case, all its implementations: prepared, checked, interleaved round by round, checked again."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from statistics import median
from typing import Any, Literal

from bench.core.case import Case
from bench.core.record import Check, Latency, Memory, Record, Status, Work
from bench.core.registry import Entry
from bench.core.target import Target
from bench.run.order import turns
from bench.run.plan import Sitting
from bench.run.protocol import case_seed
from bench.run.workers import Workers
from bench.stats.interval import median_interval

LEAST_ROUNDS = 10
"""Measured even where the budget ends before: fewer leave hardly an interval."""
FEWEST_ROUNDS = 3
"""Enough where calls are so long that LEAST_ROUNDS would take over PATIENCE_S and three times the budget."""
PATIENCE_S = 60.0
ROUNDS_BETWEEN_LOOKS = 20
"""Whether it is sure by now is looked at every so many rounds: an interval looked at too early, or too often, will be
narrow once by luck."""
SURE = 0.01
"""Enough rounds: the interval of every median is within 1 % on either side."""

Watch = Callable[[str], None]
"""Told what a sitting is doing, for the progress display."""


@dataclass
class Attempt:
    """One implementation's way through a sitting."""

    entry: Entry
    workers: Workers
    status: Status = Status.PASSED
    reason: str = ""
    seconds: dict[str, float] = field(default_factory=dict)
    memory: Memory | None = None
    work: Work | None = None
    """Of a trained model; of an operator the workload says it."""
    check: Check | None = None
    facts: dict[str, str] = field(default_factory=dict)
    inner: int = 1
    taken: list[dict[str, Any]] = field(default_factory=list)
    """What the worker replied to each turn, see ``bench.measure.latency.Turn``."""

    @property
    def going(self) -> bool:
        return self.status is Status.PASSED

    def prepare(self, case: Case, workload_module: str, seed: int) -> None:
        """Everything before the first turn; stops at the first step that goes wrong."""
        self._ask("load", workload_module=workload_module)
        if prepared := self._ask("prepare", parameters=case.model_dump(mode="json"), seed=seed):
            self.seconds["prepare"] = prepared["prepare_s"]  # without making the problem, and doing it twice
            self.work = Work.model_validate(prepared["work"]) if prepared["work"] else None
        if weighed := self._ask("weigh"):
            self.memory = Memory.model_validate(weighed)
        if checked := self._ask("check", seed=seed + 1):
            self._judge(Check.model_validate(checked))
        if warmed := self._ask("warm"):
            self.inner = int(warmed["inner"])

    def take_turn(self) -> None:
        if taken := self._ask("turn"):
            self.taken.append(taken)

    def finish(self, seed: int) -> None:
        """Check again on inputs that were never seen, and let go of the case."""
        if rechecked := self._ask("recheck", seed=seed + 101):
            self.facts = rechecked["facts"]
            self._judge(Check.model_validate(rechecked["check"]))
        if self.going:
            self.workers.drop(self.entry)

    def record(self, sitting: Sitting, target: Target, started: datetime, stopped: Literal["sure", "budget"]) -> Record:
        passed = self.going
        return Record(
            workload=sitting.workload_name,
            implementation=self.entry.name,
            case=sitting.case.slug,
            target=str(target),
            parameters=sitting.case.model_dump(mode="json"),
            status=self.status,
            reason=self.reason,
            sitting=f"{started:%Y%m%dT%H%M%S.%f}",
            started=started,
            work=self.work or sitting.workload.work(sitting.case),
            seconds=self.seconds,
            facts=self.facts,
            check=self.check,
            latency=summarise(self.turns, self.inner, stopped, **_disturbances(self.taken)) if passed else None,
            memory=self.memory if passed else None,
        )

    @property
    def turns(self) -> list[list[float]]:
        """Ns a call: the samples of each round."""
        return [turn["samples"] for turn in self.taken]

    def rounds(self) -> list[float]:
        """Latency of each round so far, ns: the median of its samples. Rounds, not samples, are independent."""
        return [median(turn) for turn in self.turns]

    def _ask(self, step: str, **arguments: Any) -> dict[str, Any]:
        """The result of a step; empty where this attempt has failed, now or before."""
        if not self.going:
            return {}
        reply = self.workers.ask(self.entry, step, **arguments)
        self.seconds[step] = self.seconds.get(step, 0.0) + reply.seconds
        if reply.status is not Status.PASSED:
            self._fail(reply.status, f"{step}: {reply.reason}" if reply.status is Status.FAILED else reply.reason)
        return reply.result

    def _fail(self, status: Status, reason: str) -> None:
        """Out of this sitting, with all its memory."""
        self.status, self.reason = status, reason
        self.workers.drop(self.entry)

    def _judge(self, check: Check) -> None:
        if not check.passed:
            self._fail(Status.INCORRECT, check.reason)
        if self.check is None or not check.passed or (check.error or 0) > (self.check.error or 0):
            self.check = check


def sit(sitting: Sitting, target: Target, workers: Workers, budget_s: float, watch: Watch) -> list[Record]:
    """Measure one case. Returns one record for each implementation, whatever happens to it."""
    started = datetime.now(UTC)
    seed = case_seed(sitting.case.slug)
    attempts = [Attempt(entry, workers) for entry in sitting.entries]
    workers.start(sitting.entries)
    for attempt in attempts:
        watch(f"preparing {attempt.entry.name}")
        attempt.prepare(sitting.case, type(sitting.workload).__module__, seed)
    stopped = _take_turns(attempts, budget_s, seed, watch)
    for attempt in attempts:
        watch(f"checking {attempt.entry.name} again")
        attempt.finish(seed)
    for entry, reason in sitting.unable.items():
        attempts.append(Attempt(entry, workers, Status.UNSUPPORTED, reason))
    return [attempt.record(sitting, target, started, stopped) for attempt in attempts]


def _take_turns(attempts: list[Attempt], budget_s: float, seed: int, watch: Watch) -> Literal["sure", "budget"]:
    """Rounds, until every median is sure or the budget is spent. Who fails on the way leaves the others undisturbed."""
    began = time.perf_counter()
    going = [attempt for attempt in attempts if attempt.going]
    orders = turns(list(range(len(attempts))), seed)
    count = 0
    while going:
        for place in next(orders):
            if attempts[place].going:
                attempts[place].take_turn()
        going = [attempt for attempt in going if attempt.going]
        count += 1
        watch(f"round {count}")
        if count % ROUNDS_BETWEEN_LOOKS == 0 and all(_is_sure(attempt) for attempt in going):
            return "sure"
        elapsed = time.perf_counter() - began
        least = LEAST_ROUNDS if elapsed < max(3 * budget_s, PATIENCE_S) else FEWEST_ROUNDS
        if elapsed > budget_s and count >= least:
            return "budget"
    return "budget"


def summarise(
    turns: list[list[float]], inner: int, stopped: Literal["sure", "budget"] | None, **disturbances: Any
) -> Latency:
    """The latency that turns of samples, ns a call, amount to: the median over rounds, with its interval.

    ``disturbances`` are those that somebody looked for: preempted, throttled and exposed, see ``Latency``.
    """
    rounds = [median(turn) for turn in turns]
    interval = median_interval(rounds)
    return Latency(
        turns=turns,
        inner=inner,
        median=interval.estimate,
        low=max(min(rounds), interval.low),
        high=min(max(rounds), interval.high),
        stopped=stopped,
        **disturbances,
    )


def _disturbances(taken: list[dict[str, Any]]) -> dict[str, int | list[int]]:
    """Those that were looked for, in the turns in which they could be seen."""
    found: dict[str, int | list[int]] = {}
    for name in ("preempted", "throttled", "exposed"):
        seen = {place: turn[name] for place, turn in enumerate(taken) if turn[name] is not None}
        if seen:
            rounds = [place for place, mark in seen.items() if mark]
            found[name] = rounds if name == "throttled" else sum(seen.values())
    return found


def _is_sure(attempt: Attempt) -> bool:
    return median_interval(attempt.rounds()).half_width <= SURE
