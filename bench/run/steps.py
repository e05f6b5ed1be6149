"""The steps by which a worker measures one implementation.

A worker first imports libraries (``preload``). For each case and each implementation, the scheduler then asks for these
steps in this order: load, prepare, then measure_memory and check, or warm_up, round (many) and recheck.
"""

import gc
import importlib
import os
import sys
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import numpy as np

from bench import artifacts, environments, machine
from bench.core import loading
from bench.core.case import Case
from bench.core.implementation import FACTS_ATTRIBUTE, Implementation
from bench.core.implementation_spec import ImplementationSpec
from bench.core.record import THREADS_THAT_RAN, ArtifactReference, Check, Memory, Status
from bench.core.target import Target
from bench.core.trained import Trained
from bench.core.workload import Call, Problem, Workload
from bench.measure import affinity, facts, layout
from bench.measure.allocator import keep_freed_memory
from bench.measure.correctness import agree, worse
from bench.measure.finished import UnfinishedError, synchronous
from bench.measure.guard import WroteToInputsError, checksums, guard, require_unchanged
from bench.measure.leftover_work import leftover_cpu_s
from bench.measure.meter import Meter, meter
from bench.measure.outputs import as_arrays, copy_output
from bench.run.protocol import Reply, UnsupportedError, case_seed

Json = dict[str, Any]

REPEAT_PREPARE_S = 30.0
"""A case is prepared again, after a call, if preparing took less than this: its memory is then the case's own, without
what a library sets up once in a process for such a case. A model is trained only once, after a warm-up case."""
MAX_LEFTOVER_CPU_S = 0.01
"""Processor time that may be used after a burst of calls has returned: threads that spin vary by a few ms."""
CHECK_SEED, RECHECK_SEED = 1, 101
"""Offsets to a case's seed for the inputs of the checks before and after timing."""


class Worker:
    """One implementation on one target. Each public method is a step."""

    packages: frozenset[str] = frozenset()
    """Top-level packages of the preloaded distributions."""
    new_implementation: Callable[[], Implementation]
    implementation: Implementation
    workload: Workload
    problem: Problem
    call: Call
    meter: Meter

    def preload(self, distributions: list[str], cores: list[int]) -> Json:
        """Import what implementations that need ``distributions`` import, once for all of them."""
        affinity.move_to(cores)
        self.packages = frozenset(loading.import_distributions(distributions))
        _freeze_gc()
        return {}

    def preload_modules(self, modules: list[str], cores: list[int]) -> Json:
        """Import parts of these distributions that an implementation has turned out to need as well."""
        affinity.move_to(cores)
        for module in modules:
            with suppress(Exception):  # The implementation that needs it will say what is wrong.
                importlib.import_module(module)
        _freeze_gc()
        return {}

    def load(self, spec: Json, workload_source: str, target: str, memory_limit: int, cores: list[int]) -> Json:
        """Import the implementation; return the modules of the preloaded distributions that this imported as well."""
        affinity.move_to(cores)
        self.padding = [layout.randomize_layout()]  # before its code, which lies in memory too
        before = set(sys.modules)
        self.loaded_by = os.getpid()
        self.target = Target.parse(target)
        self.spec = ImplementationSpec(**spec)
        if not environments.active(self.spec):
            raise UnsupportedError(
                f"runs only in an environment of its own ({', '.join(self.spec.environment)}), not in this process: "
                "measure it with featherbench run"
            )
        self.workload = loading.load_workload(workload_source)
        self.new_implementation = loading.factory(self.spec)
        self.implementation = self.new_implementation()
        self.memory_limit = memory_limit
        keep_freed_memory()
        _freeze_gc()
        return {"imported": [name for name in sys.modules if name not in before and self._is_preloaded(name)]}

    def list_artifacts(self, parameters: Json) -> Json:
        """Return the keys and labels of the artifacts of a case."""
        case = self.workload.case_type.from_parameters(parameters)
        if reason := self.implementation.unsupported(case):
            raise UnsupportedError(reason)
        wanted = self.implementation.artifacts(case, self.target)
        return {"artifacts": [{"key": artifact.key, "label": artifact.label} for artifact in wanted]}

    def build(self, parameters: Json, cores: list[int]) -> Json:
        """Build the artifacts of a case that are not built yet, on ``cores``; return all, and the time it took."""
        affinity.move_to(cores)
        case = self.workload.case_type.from_parameters(parameters)
        if reason := self.implementation.unsupported(case):
            raise UnsupportedError(reason)
        wanted = self.implementation.artifacts(case, self.target)
        results = [artifacts.build(artifact, self._built_by) for artifact in wanted]
        return {
            "build_s": sum(result.seconds for result in results),
            "artifacts": {result.description.kind: _reference(result).model_dump() for result in results},
        }

    def prepare(self, parameters: Json, cores: list[int]) -> Json:
        """Make the problem and prepare it on ``cores``, in a process that has measured nothing else."""
        affinity.move_to(cores)
        self.padding.append(layout.randomize_layout())
        self.meter = meter(self.target)
        self.meter.allow_memory(self.memory_limit)
        self.case = self.workload.case_type.from_parameters(parameters)
        self.seed = case_seed(self.case.slug)
        if warmup_case := self.workload.warmup_case(self.case):
            self._prepare(warmup_case)
            self.call()
        self.prepare_s = self._prepare(self.case)
        self._require_own_artifacts()
        work = self.call.work.model_dump() if isinstance(self.call, Trained) else None
        return {"prepare_s": self.prepare_s, "work": work}

    def measure_memory(self) -> Json:
        """Measure what preparing keeps, and the peak of a call, after first calls' set-up. See REPEAT_PREPARE_S."""
        if self.prepare_s < REPEAT_PREPARE_S and not self.workload.warmup_case(self.case):
            self.call()
            self._prepare(self.case)
        for _ in range(2):
            self.call()
        self._require_unchanged()
        self.meter.release_memory()
        prepared = max(0, self.meter.held_bytes() - self.bytes_before - _history_bytes(self.call))
        peak, driver_bytes = self.meter.peak_of(self.call), self.meter.driver_bytes()
        if driver_bytes is not None and self.driver_bytes_before is not None:
            driver_bytes = max(0, driver_bytes - self.driver_bytes_before)
        return Memory(peak_bytes=peak, prepared_bytes=prepared, driver_bytes=driver_bytes).model_dump()

    def check(self, keep: str | None) -> Json:
        """Before timing, check that outputs are right for new inputs and complete when a call returns.

        With ``keep``, the output for the inputs that are timed is checked too, and kept in that file, so that other
        processes need only compare theirs with it.
        """
        check = self._check(CHECK_SEED)
        if keep and check.passed:
            self.workload.refill(self.problem, self.seed)
            output = copy_output(self.call())
            check = worse(check, self.workload.check_output(self.problem, self.call, output))
            np.savez(keep, *as_arrays(output))
        if check.passed and (leftover_s := leftover_cpu_s(self.call)) > MAX_LEFTOVER_CPU_S:
            raise UnfinishedError(
                f"after its calls had returned, other threads or processes used {1e3 * leftover_s:.0f} ms of CPU time: "
                "wait inside the call until the work is done"
            )
        return check.model_dump()

    def evaluate(self) -> Json:
        """After the check, evaluate how good the call is; the timed inputs are restored."""
        evaluated = self.workload.evaluate(self.problem, guard(self.call, self.problem))
        self.workload.refill(self.problem, self.seed)
        self._remember_inputs()
        self._require_unchanged()
        return evaluated.model_dump()

    def warm_up(self, cores: list[int], plan: Json | None) -> Json:
        """Call until the start-up trend is gone, on ``cores`` to be timed on; plan the rounds, or take ``plan``."""
        self.cores = cores
        affinity.move_to(cores)
        self.padding.append(layout.randomize_layout())
        self._remember_inputs()
        plan = self.meter.warm_up(self.call, plan)
        affinity.require_within(cores)
        self.output: Any = copy_output(self.call())  # so that the copy of a timed output is no growth
        self.has_timed_output = False
        self.ticks = facts.thread_ticks()
        _freeze_gc()
        return {"plan": plan, "held_bytes": self.meter.held_bytes()}

    def round(self) -> Json:
        measured = self.meter.take_round(self.call)
        if not self.has_timed_output:  # Later rounds have the same inputs.
            self.output = None
            self.output, self.has_timed_output = copy_output(measured.output), True
        names = ("samples", "calls", "off_cpu", "disturbed", "throttled", "launch_bound")
        reply = {name: getattr(measured, name) for name in names}
        del measured
        gc.collect()  # Outputs in reference cycles do not count as kept: they only wait for a collection.
        return reply | {"held_bytes": self.meter.held_bytes()}

    def recheck(self, kept: str | None) -> Json:
        """After timing, check that cores and arrays are unchanged and the output is right, or that in file ``kept``."""
        affinity.require_within(self.cores)
        threads = facts.threads_that_ran(self.ticks)
        self._require_unchanged()
        if kept is None or not self._matches_checked_output(kept):
            check = self.workload.check_output(self.problem, self.call, self.output)
        else:
            check = Check(passed=True)
        return {"check": check.model_dump(), "facts": {THREADS_THAT_RAN: str(threads)}}

    def conclude(self) -> Json:
        """At the end, check outputs for inputs that no process has seen; also return the facts of this process."""
        check = self._check(RECHECK_SEED)
        libraries = self.spec.distributions
        worker_facts = facts.versions(libraries) | facts.instruction_sets(self.target, libraries)
        own_facts = self.meter.facts() | dict(getattr(self.call, FACTS_ATTRIBUTE, {}))
        if self.loaded_by != os.getpid():
            own_facts["loaded"] = (
                "once for all of its processes, as it takes long: where its code lies is the same in all"
            )
        return {"check": check.model_dump(), "facts": worker_facts | own_facts}

    def require_layer_times(self) -> Json:
        """Say that the case is unsupported where the library of the implementation has no profiler."""
        if not self.implementation.has_layer_times(self.target):
            raise UnsupportedError("its layers cannot be timed: no profiler")
        return {}

    def layer_times(self, calls: int) -> Json:
        """Return each layer with its time in each of ``calls`` calls, s, by a profiler."""
        return {"layers": self.implementation.layer_times(self.problem, self.target, calls)}

    def drop(self) -> Json:
        """Forget the case, in a process that continues with another."""
        for name in ("call", "problem", "output"):
            self.__dict__.pop(name, None)
        del self.padding[1:]
        self.implementation = self.new_implementation()  # What it stored in its attributes belongs to the case too.
        return {}

    def _built_by(self) -> artifacts.BuiltBy:
        environment = machine.environment(self.spec.distributions)
        return artifacts.BuiltBy(processor=environment.gpu or environment.cpu, libraries=environment.libraries)

    def _is_preloaded(self, module: str) -> bool:
        return module.partition(".")[0] in self.packages

    def _prepare(self, case: Case) -> float:
        """Release what an earlier prepare left, prepare ``case``, and return how long that took, s."""
        self.__dict__.pop("call", None)
        self.__dict__.pop("problem", None)
        self.implementation = self.new_implementation()
        if reason := self.implementation.unsupported(case):
            raise UnsupportedError(reason)
        self.problem = self.meter.to_device(self.workload.problem(case, self.seed))
        self.padding.append(layout.randomize_layout())
        self._remember_inputs()
        self.constants = checksums(self.problem.constants)
        self.meter.release_memory()
        self.bytes_before, self.driver_bytes_before = self.meter.held_bytes(), self.meter.driver_bytes()
        began = time.perf_counter()
        self.call = self.meter.adapt(synchronous(self.implementation.prepare(self.problem, self.target)))
        self.meter.finish()
        return time.perf_counter() - began

    def _require_own_artifacts(self) -> None:
        """Raise ValueError where the call was loaded from another artifact than the implementation stated."""
        if self.workload.uses_artifacts and isinstance(self.call, Trained):
            stated = {artifact.key for artifact in self.implementation.artifacts(self.case, self.target)}
            if others := set(self.call.artifact_keys) - stated:
                raise ValueError(f"prepare loaded artifact {others.pop()}, which is not among those of artifacts()")

    def _matches_checked_output(self, path: str) -> bool:
        """Whether the timed output equals the checked one in the file, up to rounding."""
        outputs = as_arrays(self.output)
        with np.load(path) as stored:
            expected = [stored[name] for name in stored.files]
        return agree(outputs, expected, self.workload.process_tolerance(self.case))

    def _check(self, seed: int) -> Check:
        check = self.workload.check(self.problem, guard(self.call, self.problem), self.seed + seed)
        self._remember_inputs()
        self._require_unchanged()
        return check

    def _remember_inputs(self) -> None:
        self.inputs = checksums(self.problem.inputs)

    def _require_unchanged(self) -> None:
        """Compare inputs with those last remembered, and constants with those before prepare().

        A constant that prepare() modified would otherwise change the reference too.
        """
        require_unchanged(self.problem.inputs, self.inputs)
        require_unchanged(self.problem.constants, self.constants)


def _reference(built: artifacts.Built) -> ArtifactReference:
    description = built.description
    return ArtifactReference(
        key=description.key, sha256=description.sha256, size_bytes=built.size_bytes, seconds=description.seconds
    )


def _freeze_gc() -> None:
    """Exempt current objects from garbage collection.

    Otherwise a collection in a fork would visit a library's million objects, and so copy their pages.
    """
    gc.collect()
    gc.freeze()


def _history_bytes(call: Call) -> int:
    """Return the bytes that a trained model keeps for its check, and does not predict with."""
    return sum(np.asarray(array).nbytes for array in call.history.values()) if isinstance(call, Trained) else 0


def handle_request(worker: Worker, request: Json) -> Reply:
    """Do one step; whatever goes wrong becomes the reply."""
    step: Callable[..., Json] = getattr(worker, request.pop("step"))
    began = time.perf_counter()
    try:
        return Reply(result=step(**request), seconds=time.perf_counter() - began)
    except KeyboardInterrupt:
        raise  # The user stops the process that this worker is part of.
    except BaseException as error:
        traceback.print_exc()
        return Reply(status=_status(error), reason=_reason(error), seconds=time.perf_counter() - began)


_NO_MEMORY = (
    *("can't allocate memory", "failed to allocate memory", "bad_alloc"),
    *("cuda out of memory", "error: out of memory", "cuda_error_out_of_memory", "status_alloc_failed"),
)
"""Phrases by which libraries say that memory ran out, in exceptions of other types."""


def _status(error: BaseException) -> Status:
    if isinstance(error, UnsupportedError):
        return Status.UNSUPPORTED
    if isinstance(error, WroteToInputsError | UnfinishedError):
        return Status.INCORRECT
    text = str(error).lower()
    if isinstance(error, MemoryError) or any(phrase in text for phrase in _NO_MEMORY):
        return Status.OUT_OF_MEMORY
    return Status.FAILED


def _reason(error: BaseException) -> str:
    if isinstance(error, UnsupportedError | WroteToInputsError | UnfinishedError | affinity.LeftCoresError):
        return str(error)
    first_line = (str(error).strip().splitlines() or [""])[0]
    return f"{type(error).__name__}: {first_line}" if first_line else type(error).__name__
