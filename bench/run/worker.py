"""The worker: a process that runs one implementation and answers one request a line.

Requests and replies are JSON objects, one a line, so that a worker can sit at the far end of any byte stream. Steps, in
the order in which the scheduler asks for them: load, prepare, check, warm, turn (many), recheck, drop.
"""

import gc
import json
import os
import sys
import time
import traceback
from collections.abc import Callable
from typing import IO, Any

import numpy as np

from bench.core import registry
from bench.core.case import Case
from bench.core.implementation import FACTS, Implementation
from bench.core.record import THREADS_THAT_RAN, Check, Memory, Status
from bench.core.target import Target
from bench.core.trained import Trained
from bench.core.workload import Call, Problem, Workload
from bench.measure import correctness, facts
from bench.measure.meter import Meter, meter
from bench.run.lifeline import die_with
from bench.run.protocol import Reply, Unsupported

Json = dict[str, Any]

REPEAT_PREPARE_S = 30.0
"""A case is prepared again, after a call, if that was quicker than this: its memory then is the case's own, without
what a library sets up once in a process for such a case. A model is trained only once, after a rehearsal."""


class Worker:
    """One implementation on one target. Each public method is a step."""

    implementation: Implementation
    workload: Workload
    problem: Problem
    call: Call
    meter: Meter

    def load(self, entry: Json, workload_module: str, target: str, memory_limit: int) -> Json:
        self.target = Target.parse(target)
        self.entry = registry.Entry(**entry)
        self.workload = registry.load_workload(workload_module)
        self.implementation = registry.load(self.entry)
        self.meter = meter(self.target)
        gc.collect()
        gc.freeze()  # A large library's objects need not be looked through again at every collection.
        self.meter.allow_memory(memory_limit)
        return {}

    def prepare(self, parameters: Json, seed: int) -> Json:
        """Make the problem and prepare it."""
        self.case, self.seed = self.workload.case_type.from_parameters(parameters), seed
        if rehearsal := self.workload.rehearsal(self.case):
            self._prepare(rehearsal, seed)
            self.call()
        self.prepare_s = self._prepare(self.case, seed)
        work = self.call.work.model_dump() if isinstance(self.call, Trained) else None
        return {"prepare_s": self.prepare_s, "work": work}

    def weigh(self) -> Json:
        """What stays, and the peak of a call, once first calls have set up theirs. See REPEAT_PREPARE_S."""
        if self.prepare_s < REPEAT_PREPARE_S and not self.workload.rehearsal(self.case):
            self.call()
            self._prepare(self.case, self.seed)
        for _ in range(2):
            self.call()
        self._require_unchanged()
        self.meter.settle()
        prepared = max(0, self.meter.held_bytes() - self.bytes_before - _history_bytes(self.call))
        peak, of_driver = self.meter.peak_of(self.call), self.meter.driver_bytes()
        if of_driver is not None and self.of_driver_before is not None:
            of_driver = max(0, of_driver - self.of_driver_before)
        return Memory(peak_bytes=peak, prepared_bytes=prepared, driver_bytes=of_driver).model_dump()

    def check(self, seed: int) -> Json:
        found = self.workload.check(self.problem, correctness.guarded(self.call, self.problem), seed)
        self.inputs = correctness.checksums(self.problem.inputs)
        self._require_unchanged()
        self.meter.settle()  # Others have their turns before this one's calls need memory again.
        self.ticks = facts.thread_ticks()
        return found.model_dump()

    def warm(self) -> Json:
        return {"inner": self.meter.warm_up(self.call)}

    def turn(self) -> Json:
        self.answer = None  # so that its memory is free again
        taken = self.meter.take_turn(self.call)
        self.answer = taken.answer
        return {name: getattr(taken, name) for name in ("samples", "preempted", "throttled", "exposed")}

    def recheck(self, seed: int) -> Json:
        """After timing: the arrays are as before it, its last answer is right, and so are answers to new inputs."""
        ran = facts.threads_that_ran(self.ticks)
        self._require_unchanged()
        timed = self.workload.confirm(self.problem, self.call, self.answer)
        found = correctness.worse(timed, Check.model_validate(self.check(seed))).model_dump()
        worker_facts = facts.versions(self.entry.requires) | facts.instruction_sets(self.target, self.entry.requires)
        told = self.meter.facts() | dict(getattr(self.call, FACTS, {}))
        return {"check": found, "facts": worker_facts | told | {THREADS_THAT_RAN: str(ran)}}

    def drop(self) -> Json:
        """Forget the case."""
        for name in ("call", "problem", "answer"):
            self.__dict__.pop(name, None)
        self.implementation = type(self.implementation)()  # What it kept on itself belongs to the case too.
        self.meter.settle()
        return {}

    def _prepare(self, case: Case, seed: int) -> float:
        self.drop()
        if reason := self.implementation.supports(case):
            raise Unsupported(reason)
        self.problem = self.meter.place(self.workload.problem(case, seed))
        self.inputs = correctness.checksums(self.problem.inputs)
        self.constants = correctness.checksums(self.problem.constants)
        self.meter.settle()
        self.bytes_before, self.of_driver_before = self.meter.held_bytes(), self.meter.driver_bytes()
        began = time.perf_counter()
        self.call = self.meter.adapt(self.implementation.prepare(self.problem, self.target))
        self.meter.finish()
        return time.perf_counter() - began

    def _require_unchanged(self) -> None:
        """Constants since before prepare: who changes them would be compared with the changed ones."""
        correctness.require_unchanged(self.problem.inputs, self.inputs)
        correctness.require_unchanged(self.problem.constants, self.constants)


def _history_bytes(call: Call) -> int:
    """Of what a trained model keeps for its check, and not to answer with."""
    return sum(np.asarray(kept).nbytes for kept in call.history.values()) if isinstance(call, Trained) else 0


def answer(worker: Worker, request: Json) -> Reply:
    """Do one step; whatever goes wrong becomes the reply."""
    step: Callable[..., Json] = getattr(worker, request.pop("step"))
    began = time.perf_counter()
    try:
        return Reply(result=step(**request), seconds=time.perf_counter() - began)
    except BaseException as error:
        traceback.print_exc()
        return Reply(status=_status(error), reason=_reason(error), seconds=time.perf_counter() - began)


_NO_MEMORY = (
    *("can't allocate memory", "failed to allocate memory", "bad_alloc"),
    *("cuda out of memory", "error: out of memory", "cuda_error_out_of_memory", "status_alloc_failed"),
)
"""How libraries say that memory ran out, in exceptions of other types."""


def _status(error: BaseException) -> Status:
    if isinstance(error, Unsupported):
        return Status.UNSUPPORTED
    if isinstance(error, correctness.WroteToInputs):
        return Status.INCORRECT
    text = str(error).lower()
    if isinstance(error, MemoryError) or any(words in text for words in _NO_MEMORY):
        return Status.OUT_OF_MEMORY
    return Status.FAILED


def _reason(error: BaseException) -> str:
    if isinstance(error, Unsupported | correctness.WroteToInputs):
        return str(error)
    first_line = (str(error).strip().splitlines() or [""])[0]
    return f"{type(error).__name__}: {first_line}" if first_line else type(error).__name__


def main() -> None:
    """Serve requests until the stream ends, which it also does when the parent dies."""
    parent, cores = int(sys.argv[1]), {int(core) for core in sys.argv[2].split(",")}
    die_with(parent)
    # Whatever the implementation prints must not mix with the replies: keep the pipes to ourselves.
    requests = os.fdopen(os.dup(0), "r")
    replies: IO[str] = os.fdopen(os.dup(1), "w")
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)
    os.sched_setaffinity(0, cores)
    worker = Worker()
    for line in requests:
        reply = answer(worker, json.loads(line))
        sys.stdout.flush()
        replies.write(reply.model_dump_json() + "\n")
        replies.flush()


if __name__ == "__main__":
    main()
