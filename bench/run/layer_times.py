"""Measures the layers of one case by the profilers of its implementations, and the latency without them."""

from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from typing import Any, NamedTuple

from bench.core.implementation_spec import ImplementationSpec
from bench.core.loading import workload_source
from bench.core.record import Status
from bench.run.plan import Session
from bench.run.protocol import Reply
from bench.run.workers import ProcessRunner, Workers

ROUNDS = 20
"""Rounds of calls without the profiler."""


class LayerTime(NamedTuple):
    """A layer with the median of its times, s, or their mean where the profiler tells no more."""

    name: str
    seconds: float


@dataclass(frozen=True)
class Profile:
    """The layers of one implementation."""

    implementation: str
    status: Status = Status.PASSED
    reason: str = ""
    """Why there are no layers; empty where there are."""
    latency_s: float = 0.0
    """The median latency of a call without the profiler."""
    layers: tuple[LayerTime, ...] = ()
    """In the order in which they are computed."""

    @property
    def sum_s(self) -> float:
        """The times of all layers together."""
        return sum(layer.seconds for layer in self.layers)


def profile_case(session: Session, workers: Workers, calls: int, watch: Callable[[str], None]) -> list[Profile]:
    """Return a profile of each implementation of a session, one after the other.

    An output is checked before anything is timed. What an implementation needs is built first.

    Args:
        session: the case and its implementations.
        workers: the processes to measure in.
        calls: how many calls are profiled.
        watch: is called with what is being done.
    """
    workers.import_libraries(session.specs)
    profiles = [_profile(session, spec, workers, calls, watch) for spec in session.specs]
    missing = [Profile(spec.name, Status.UNSUPPORTED, reason) for spec, reason in session.unavailable.items()]
    return [*profiles, *missing]


class _StepFailedError(Exception):
    """A step of a worker did not pass."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply.reason)
        self.reply = reply


def _profile(
    session: Session, spec: ImplementationSpec, workers: Workers, calls: int, watch: Callable[[str], None]
) -> Profile:
    watch(f"profiling {spec.name}")
    runner = workers.start_runner(spec, workload_source(session.workload), workers.target.cores)
    if isinstance(runner, Reply):
        return Profile(spec.name, runner.status, runner.reason)
    try:
        return _measure(session, spec.name, runner, workers, calls)
    except _StepFailedError as error:
        return Profile(spec.name, error.reply.status, error.reply.reason)
    finally:
        runner.end()


def _measure(session: Session, name: str, runner: ProcessRunner, workers: Workers, calls: int) -> Profile:
    def ask(step: str, **arguments: Any) -> dict[str, Any]:
        reply = runner.ask(step, **arguments)
        if reply.status is not Status.PASSED:
            raise _StepFailedError(reply)
        return reply.result

    ask("require_layer_times")
    parameters, cores = session.case.model_dump(mode="json"), workers.target.cores
    if session.workload.uses_artifacts:
        ask("build", parameters=parameters, cores=cores)
    ask("prepare", parameters=parameters, cores=cores)
    check = ask("check", keep=None)
    if not check["passed"]:
        return Profile(name, Status.INCORRECT, check["reason"])
    ask("warm_up", cores=cores, plan=None)
    samples = [sample for _ in range(ROUNDS) for sample in ask("round")["samples"]]
    layers = [LayerTime(layer, median(seconds)) for layer, seconds in ask("layer_times", calls=calls)["layers"]]
    return Profile(name, latency_s=median(samples) / 1e9, layers=tuple(layers))
