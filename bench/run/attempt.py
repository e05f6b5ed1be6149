"""Takes one implementation through a session: examines it once, then times it in one process after another."""

import time
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from statistics import fmean
from typing import Any, Literal, Protocol

from bench.core.implementation_spec import ImplementationSpec
from bench.core.loading import workload_source
from bench.core.record import THREADS_THAT_RAN, ArtifactReference, Check, Latency, Memory, Record, Status, Work
from bench.core.target import Target
from bench.run.plan import Session
from bench.run.protocol import Reply
from bench.stats.growth import growth_per_call
from bench.stats.latencies import estimate, storable_ends

LONG_PREPARE_S = 30.0
"""An implementation that takes longer to prepare is timed only in the process that was checked."""

Json = dict[str, Any]


class Runner(Protocol):
    """Runs one step after another, in a process of its own or in this one."""

    def ask(self, step: str, **arguments: Any) -> Reply: ...

    def end(self) -> None: ...


class RunnerPool(Protocol):
    """Starts runners: in processes of their own, or in this one."""

    @property
    def target(self) -> Target: ...

    @property
    def restarts(self) -> bool:
        """Whether each runner is a new process."""

    @property
    def scratch(self) -> Path:
        """The folder where processes leave files for one another."""

    def start_runner(self, spec: ImplementationSpec, workload_source: str, cores: tuple[int, ...]) -> Runner | Reply:
        """Start one with the implementation and its workload (see ``load_workload``), or return why there is none."""


@dataclass
class TimedProcess:
    """One process of the implementation, and the rounds timed in it."""

    held: list[int]
    """The bytes that it held before its first round and after each."""
    round_numbers: list[int] = field(default_factory=list)
    """The numbers of its rounds within the session."""
    rounds: list[Json] = field(default_factory=list)
    """The worker's reply for each round, see ``bench.measure.latency.Round``."""


@dataclass
class Attempt:
    """One implementation in one session: prepared and checked once, then timed in one process after another."""

    spec: ImplementationSpec
    session: Session
    pool: RunnerPool
    timing_cores: tuple[int, ...]
    status: Status = Status.PASSED
    reason: str = ""
    seconds: dict[str, float] = field(default_factory=dict)
    memory: Memory | None = None
    work: Work | None = None
    """The work of a trained model; ``Workload.work`` gives an operator's."""
    check: Check | None = None
    facts: dict[str, str] = field(default_factory=dict)
    artifacts: dict[str, ArtifactReference] = field(default_factory=dict)
    """Its artifacts by kind."""
    output_file: str | None = None
    """The file with its checked output, where several processes are compared with it."""
    plan: Json | None = None
    """The size of its rounds, set by the first process that is timed."""
    processes: list[TimedProcess] = field(default_factory=list)
    timed_s: float = 0.0
    startup_s: float = 0.0
    """Time to start, prepare, warm up and check its last process, s."""
    runner: Runner | None = None

    @property
    def passing(self) -> bool:
        return self.status is Status.PASSED

    @property
    def restartable(self) -> bool:
        """Whether it can be timed in several processes."""
        long = self.seconds.get("prepare", 0.0) > LONG_PREPARE_S
        trains = self.session.workload.seed_parameter and not self.session.workload.uses_artifacts
        return self.pool.restarts and not long and not trains

    @property
    def round_s(self) -> float:
        """The average time of a round, s; 0 before the first."""
        return self.timed_s / self.round_count if self.round_count else 0.0

    @property
    def round_count(self) -> int:
        return sum(len(process.rounds) for process in self.processes)

    def examine(self, cores: tuple[int, ...]) -> None:
        """Prepare, measure memory and check in a process of its own, up to the first step that goes wrong."""
        self._start_runner(cores)
        if self.session.workload.uses_artifacts:
            self._build(cores)
        if prepared := self._prepare(cores):
            self.seconds["prepare"] = prepared["prepare_s"]  # without making the problem
            self.work = Work.model_validate(prepared["work"]) if prepared["work"] else None
        if measured := self._ask("measure_memory"):
            self.memory = Memory.model_validate(measured)
        if self.restartable and self.passing:
            self.output_file = str(self.pool.scratch / f"{self.spec.workload}-{self.spec.name}.npz")
        if checked := self._ask("check", keep=self.output_file):
            self._judge(Check.model_validate(checked))
        if self.session.workload.evaluates and (evaluated := self._ask("evaluate")):
            self._add_evaluation(Check.model_validate(evaluated))
        if self.passing and self.restartable:
            self._end()

    def restart(self, cores: tuple[int, ...]) -> None:
        """Recheck the output of the process before, end it, and prepare a new one on ``cores``."""
        before = sum(self.seconds.values())
        if self.processes or self.restartable:
            self._recheck()
            self._end()
            self._start_runner(cores)
            self._prepare(cores, counted_as="prepare_again")
        self.startup_s = sum(self.seconds.values()) - before

    def warm_up(self) -> None:
        """Warm up the new process on the cores that it is timed on; the first warm-up sets the size of rounds."""
        before = self.seconds.get("warm_up", 0.0)
        if warmed := self._ask("warm_up", cores=self.timing_cores, plan=self.plan):
            self.plan = warmed["plan"]
            self.processes.append(TimedProcess([warmed["held_bytes"]]))
            self.startup_s += self.seconds["warm_up"] - before

    def take_round(self, round_number: int) -> None:
        before = self.seconds.get("round", 0.0)
        if reply := self._ask("round"):
            self.timed_s += self.seconds["round"] - before
            process = self.processes[-1]
            process.round_numbers.append(round_number)
            process.rounds.append(reply)
            process.held.append(reply["held_bytes"])

    def finish(self) -> None:
        """Check again, also on inputs not seen before, and end the process."""
        self._recheck()
        if self.processes and (concluded := self._ask("conclude")):
            self.facts = concluded["facts"] | self.facts
            self._judge(Check.model_validate(concluded["check"]))
        self._end()

    def fail(self, status: Status, reason: str) -> None:
        """Take the implementation out of this session, and end its process."""
        self.status, self.reason = status, reason
        self._end()

    def means(self) -> list[float]:
        """Return the mean latency of each round so far, ns."""
        return [fmean(reply["samples"]) for process in self.processes for reply in process.rounds]

    def latency(self, stopped: Literal["precise", "budget"] | None) -> Latency:
        """Summarise its rounds so far; there must be at least one."""
        rounds = [reply for process in self.processes for reply in process.rounds]
        processes = [index for index, process in enumerate(self.processes) for _ in process.rounds]
        flagged = {name: _flagged_rounds(rounds, name) for name in ("disturbed", "throttled", "off_cpu")}
        interval = estimate(self.means(), processes, flagged["disturbed"])
        low, high = storable_ends(interval, self.means())
        assert self.plan is not None
        return Latency(
            rounds=[reply["samples"] for reply in rounds],
            numbers=[each for process in self.processes for each in process.round_numbers],
            processes=processes,
            calls_per_sample=self.plan["calls_per_sample"],
            estimate=interval.estimate,
            low=low,
            high=high,
            disturbed=flagged["disturbed"],
            throttled=flagged["throttled"],
            off_cpu=None if flagged["off_cpu"] is None else len(flagged["off_cpu"]),
            launch_bound=_sum_flags(rounds, "launch_bound"),
            stopped=stopped,
        )

    def record(self, machine: str, started: datetime, stopped: Literal["precise", "budget"] | None) -> Record:
        passed = self.passing
        return Record(
            workload=self.session.workload_name,
            implementation=self.spec.name,
            case=self.session.case.slug,
            target=str(self.pool.target),
            machine=machine,
            parameters=self.session.case.model_dump(mode="json"),
            status=self.status,
            reason=self.reason,
            session=f"{started:%Y%m%dT%H%M%S.%f}",
            started=started,
            work=self.work or self.session.workload.work(self.session.case),
            seconds=self.seconds,
            artifacts=self.artifacts,
            facts=self.facts,
            check=self.check,
            latency=self.latency(stopped) if passed else None,
            memory=self._memory() if passed else None,
        )

    def _recheck(self) -> None:
        timed = self.processes and self.processes[-1].rounds  # A slow one may have had no round since its restart.
        if timed and (rechecked := self._ask("recheck", kept=self.output_file)):
            self._note_threads(rechecked["facts"][THREADS_THAT_RAN])
            self._judge(Check.model_validate(rechecked["check"]))

    def _memory(self) -> Memory | None:
        held, calls = ([process.held for process in self.processes], [_calls(process) for process in self.processes])
        return self.memory and self.memory.model_copy(update={"growth_bytes": growth_per_call(held, calls)})

    def _start_runner(self, cores: tuple[int, ...]) -> None:
        if self.passing:
            began = time.perf_counter()
            runner = self.pool.start_runner(self.spec, workload_source(self.session.workload), cores)
            self.seconds["load"] = self.seconds.get("load", 0.0) + time.perf_counter() - began
            if isinstance(runner, Reply):
                self._fail_as(runner, "load")
            else:
                self.runner = runner

    def _build(self, cores: tuple[int, ...]) -> None:
        if built := self._ask("build", parameters=self.session.case.model_dump(mode="json"), cores=cores):
            self.seconds["build"] = built["build_s"]
            self.artifacts = {kind: ArtifactReference(**reference) for kind, reference in built["artifacts"].items()}

    def _add_evaluation(self, evaluated: Check) -> None:
        """Add what an evaluation found to the check; where it could not be made, that is the reason of a failure."""
        if not evaluated.passed:
            self.fail(Status.INCORRECT, evaluated.reason)
        elif self.check:
            self.check = _with_metrics_of(evaluated, self.check)

    def _prepare(self, cores: tuple[int, ...], counted_as: str = "prepare") -> Json:
        parameters = self.session.case.model_dump(mode="json")
        return self._ask("prepare", counted_as, parameters=parameters, cores=cores)

    def _ask(self, step: str, counted_as: str = "", **arguments: Any) -> Json:
        """Return the result of a step; empty where this attempt has failed, now or before."""
        counted_as = counted_as or step
        if not self.passing or self.runner is None:
            return {}
        reply = self.runner.ask(step, **arguments)
        self.seconds[counted_as] = self.seconds.get(counted_as, 0.0) + reply.seconds
        if reply.status is not Status.PASSED:
            self._fail_as(reply, step)
        return reply.result

    def _fail_as(self, reply: Reply, step: str) -> None:
        reason = f"{step}: {reply.reason}" if reply.status is Status.FAILED else reply.reason
        if reply.status is Status.OUT_OF_MEMORY and (growth := self._growth_so_far()):
            reason += f"; each call had kept {growth:.0f} bytes"
        self.fail(reply.status, reason)

    def _growth_so_far(self) -> float:
        process = self.processes[-1] if self.processes else None
        return growth_per_call([process.held], [_calls(process)]) if process and process.rounds else 0.0

    def _judge(self, check: Check) -> None:
        if not check.passed:
            self.fail(Status.INCORRECT, check.reason)
        if self.check is None or not check.passed or (check.error or 0) > (self.check.error or 0):
            self.check = _with_metrics_of(self.check, check) if self.check else check

    def _note_threads(self, count: str) -> None:
        """Keep the most threads that any process used."""
        most = max(int(count), int(self.facts.get(THREADS_THAT_RAN, "0")))
        self.facts = self.facts | {THREADS_THAT_RAN: str(most)}

    def _end(self) -> None:
        if self.runner:
            self.runner.end()
            self.runner = None


def _with_metrics_of(evaluated: Check, check: Check) -> Check:
    """Return ``check`` with the metrics and curves of another."""
    update = {"metrics": evaluated.metrics | check.metrics, "curves": evaluated.curves | check.curves}
    return check.model_copy(update=update)


def _calls(process: TimedProcess) -> list[int]:
    return [reply["calls"] for reply in process.rounds]


def _flagged_rounds(rounds: list[Json], flag: str) -> list[int] | None:
    """Return the indices of the rounds with a flag; None where no round recorded it."""
    recorded = {index: reply[flag] for index, reply in enumerate(rounds) if reply[flag] is not None}
    return [index for index, is_set in recorded.items() if is_set] if recorded else None


def _sum_flags(rounds: list[Json], flag: str) -> int | None:
    recorded = [int(reply[flag]) for reply in rounds if reply[flag] is not None]
    return sum(recorded) if recorded else None
