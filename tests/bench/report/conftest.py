"""Records and runs made by hand, in the shapes that the harness stores."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from statistics import fmean
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest
from pydantic import ConfigDict

from bench.core import registry
from bench.core.budget import Budget
from bench.core.case import Case
from bench.core.errors import UsageError
from bench.core.implementation_spec import ImplementationSpec
from bench.core.record import Check, Latency, Memory, Record, Status, Work
from bench.core.workload import Metric
from bench.machine import Environment
from bench.peaks.model import GpuPeaks, HostBandwidth, Peak, Peaks
from bench.store import Machine, Request, Run, RunInfo

PROCESSES = 4
"""The number of processes in which an implementation is timed."""
WHEN = datetime(2026, 11, 23, 20, 45, 10, tzinfo=UTC)

ENVIRONMENT = Environment(
    cpu="Example CPU <b>3 GHz</b>",
    architecture="x86_64",
    cores_given=1,
    cores_total=8,
    caches={"L1d": 32768, "L2": 1048576},
    isa=["avx2", "fma"],
    governor="performance",
    memory_bytes=16 * 2**30,
    kernel="6.1",
    python="3.11.9",
    gpu=None,
    libraries={"torch": "2.13.0"},
    variables={"OMP_NUM_THREADS": "1"},
    commit="0123abc",
    dirty=True,
    virtualised=False,
)
PEAKS = Peaks(
    peaks=[Peak(isa="avx2", threads=1, gflops=100.0), Peak(isa="avx512", threads=1, gflops=180.0)],
    bandwidths=[
        HostBandwidth(working_set_bytes=16384, threads=1, bytes_per_second=190e9),
        HostBandwidth(working_set_bytes=524288, threads=1, bytes_per_second=70e9),
        HostBandwidth(working_set_bytes=268435456, threads=1, bytes_per_second=11e9),
    ],
)


def record(
    implementation: str = "pytorch",
    rounds: Sequence[float] = (1000.0,) * 20,
    *,
    workload: str = "conv",
    parameters: dict[str, Any] | None = None,
    status: Status = Status.PASSED,
    reason: str = "",
    processes: Sequence[int] | None = None,
    numbers: Sequence[int] | None = None,
    disturbed: list[int] | None = None,
    **changes: Any,
) -> Record:
    """Return a record whose ``rounds`` are latencies in ns with one sample each.

    By default they are the first rounds of the session, measured in PROCESSES processes one after the other.
    """
    parameters = parameters or {"cin": 64, "groups": 4}
    passed = status is Status.PASSED
    latency = Latency(
        rounds=[[value] for value in rounds],
        numbers=list(range(len(rounds)) if numbers is None else numbers),
        disturbed=disturbed,
        processes=[index * PROCESSES // len(rounds) for index in range(len(rounds))]
        if processes is None
        else list(processes),
        calls_per_sample=1,
        estimate=fmean(rounds),
        low=min(rounds),
        high=max(rounds),
        off_cpu=0,
        stopped="precise",
    )
    values: dict[str, Any] = {
        "workload": workload,
        "implementation": implementation,
        "case": ",".join(f"{name}={value}" for name, value in parameters.items()),
        "target": "edge",
        "parameters": parameters,
        "status": status,
        "reason": reason,
        "session": "one",
        "started": WHEN,
        "work": Work(macs=5000, least_bytes=1000, parameters=300),
        "seconds": {"prepare": 0.5},
        "facts": {"torch": "2.13.0"},
        "check": Check(passed=passed, reason=reason, error=2e-6, tolerance=1e-4),
        "latency": latency if passed else None,
        "memory": Memory(peak_bytes=8192, prepared_bytes=512) if passed else None,
    }
    return Record(**(values | changes))


METRICS = (
    Metric("accuracy", "test accuracy", "Share of test nodes right.", is_fraction=True, higher_is_better=True),
    Metric("inflation", "inflation", "What peeking adds.", is_fraction=True),
    Metric("epochs_to_converge", "epochs to converge", "Until validation is best.", higher_is_better=False),
    Metric("dead", "dead units", "Share by layer.", is_fraction=True, along="layer"),
)


def trained(
    implementation: str,
    seed: int,
    accuracy: float,
    *,
    dataset: str = "cora",
    curves: dict[str, list[float]] | None = None,
    metrics: dict[str, float] | None = None,
    **changes: Any,
) -> Record:
    """Return a record of one trained model."""
    all_metrics = {"accuracy": accuracy, "inflation": 0.01, "epochs_to_converge": 50.0} | (metrics or {})
    values: dict[str, Any] = {
        "workload": "nodes",
        "parameters": {"dataset": dataset, "seed": seed},
        "check": Check(passed=True, metrics=all_metrics, curves=curves or {}),
    }
    return record(implementation, **(values | changes))


@pytest.fixture
def make_trained() -> Callable[..., Record]:
    return trained


@pytest.fixture
def make_record() -> Callable[..., Record]:
    return record


def make_machine(
    environment: Environment = ENVIRONMENT,
    threads: int = 1,
    peaks: Peaks | GpuPeaks | None = PEAKS,
    noise_floor: float | None = 0.018,
    **_: Any,
) -> Machine:
    """Return the machine of a run from the changes that are given for the run."""
    return Machine(environment=environment, threads=threads, peaks=peaks, noise_floor=noise_floor)


@pytest.fixture
def make_run(tmp_path: Path) -> Callable[..., Run]:
    def make(records: Sequence[Record], name: str = "made", **changes: Any) -> Run:
        workloads = tuple(dict.fromkeys(record.workload for record in records))
        values: dict[str, Any] = {
            "name": name,
            "command": "featherbench run conv",
            "started": WHEN,
            "request": Request(workloads=workloads, suite="quick", target="edge"),
            "budget": Budget(),
            "sources": {},
            "machines": {ENVIRONMENT.machine_id: make_machine(**changes)},
            "notes": {"pytorch": "the call alone"},
        }
        assert set(changes) <= RunInfo.model_fields.keys() | Machine.model_fields.keys()
        run_changes = {name: value for name, value in changes.items() if name not in Machine.model_fields}
        run = Run.create(tmp_path / name, RunInfo(**(values | run_changes)))
        run.append(records)
        return run

    return make


SPECS = [
    ImplementationSpec("pytorch", "conv", "", requires=("torch",), summary="What most people <call>."),
    ImplementationSpec("wide", "conv", "", requires=("openvino", "wide-kernels"), summary="This project's own kernel."),
    ImplementationSpec("tuned", "conv", "", requires=("apache-tvm",), setup="Tune it: python tune.py"),
]
"""The implementations that the registry knows."""


class AnyCase(Case):
    """A case with whatever parameters a test gives it; ``channels_per_group`` follows from two of them."""

    model_config = ConfigDict(extra="allow")
    derived: ClassVar = {"channels_per_group": "groups"}

    cin: int = 64
    groups: int = 4

    @property
    def channels_per_group(self) -> int:
        return self.cin // max(1, self.groups)


@pytest.fixture(autouse=True)
def only_known_workload(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the registry know only the workloads ``conv`` and ``nodes``, which trains; both have the baseline pytorch."""

    def workload(name: str) -> Any:
        if name == "nodes":
            return SimpleNamespace(
                title="Node classification",
                remark="",
                baseline="pytorch",
                case_type=Case,
                sweep=None,
                seed_parameter="seed",
                chapters=(),
                uses_artifacts=True,
                evaluates=True,
                metrics=METRICS,
            )
        if name != "conv":
            raise UsageError(f"no workload {name!r}; choose from conv")
        return SimpleNamespace(
            title="Grouped convolution",
            remark="All <i>layers</i> are square.",
            baseline="pytorch",
            case_type=AnyCase,
            sweep="groups",
            seed_parameter=None,
            chapters=(),
            uses_artifacts=False,
            evaluates=False,
            metrics=(),
        )

    monkeypatch.setattr(registry, "workload", workload)
    monkeypatch.setattr(registry, "implementations", lambda: SPECS)
