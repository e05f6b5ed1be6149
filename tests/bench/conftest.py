"""Records and runs in the shapes that the harness stores, and wheels to install."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest

from bench import machine
from bench.core.budget import Budget
from bench.core.record import Check, Latency, Memory, Record, Status, Work
from bench.store import Machine, Request, Run, RunInfo

NOW = datetime(2026, 11, 23, 20, 45, 10, tzinfo=UTC)
REQUEST = Request(workloads=("grouped_conv2d",), suite="odd", target="edge")
LATENCY = Latency(
    rounds=[[3.0, 4.0]],
    numbers=[1],
    processes=[0],
    calls_per_sample=1,
    estimate=3.5,
    low=3.0,
    high=4.0,
    off_cpu=0,
    stopped="budget",
)


def create_record(implementation: str = "im2col", **changes: Any) -> Record:
    passed: dict[str, Any] = {
        "workload": "grouped_conv2d",
        "implementation": implementation,
        "case": "cin=4,cout=4,h=5,w=5",
        "target": "edge",
        "parameters": {"cin": 4, "padding": [1, 1, 1, 1], "dtype": "float32", "note": "Überlänge"},
        "status": Status.PASSED,
        "session": "0123456789ab",
        "started": NOW,
        "work": Work(macs=900, least_bytes=1376, parameters=144),
        "check": Check(passed=True, error=1e-7, tolerance=1e-4),
        "latency": LATENCY,
        "memory": Memory(peak_bytes=4096, prepared_bytes=0),
    }
    return Record.model_validate(passed | changes)


def create_failed(implementation: str = "im2col") -> Record:
    return create_record(
        implementation, status=Status.FAILED, reason="measure_memory: no", check=None, latency=None, memory=None
    )


@pytest.fixture
def record() -> Callable[..., Record]:
    """Creates a record that passed, apart from the changes."""
    return create_record


@pytest.fixture
def failed() -> Callable[..., Record]:
    """Creates a record that failed before anything was measured."""
    return create_failed


@pytest.fixture(scope="module")
def environment() -> machine.Environment:
    return machine.environment({"numpy"})


@pytest.fixture
def create(environment: machine.Environment, tmp_path: Path) -> Callable[..., Run]:
    """Creates a run without records on disk."""

    def create_run(name: str = "run", folder: Path = tmp_path, started: datetime = NOW) -> Run:
        info = RunInfo(
            name=name,
            command="featherbench run",
            started=started,
            request=REQUEST,
            budget=Budget(),
            sources={},
            machines={
                environment.machine_id: Machine(environment=environment, threads=1, peaks=None, noise_floor=None)
            },
        )
        return Run.create(folder / name, info)

    return create_run


def write_wheel(folder: Path, name: str, version: str) -> None:
    """Write a wheel of a package that has ``__version__`` and depends on a distribution that does not exist."""
    information = f"{name}-{version}.dist-info"
    files = {
        f"{name}/__init__.py": f"__version__ = '{version}'\n",
        f"{information}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
        "Requires-Dist: featherbench-no-such-distribution\n",
        f"{information}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    files[f"{information}/RECORD"] = "".join(f"{path},,\n" for path in (*files, f"{information}/RECORD"))
    with ZipFile(folder / f"{name}-{version}-py3-none-any.whl", "w") as wheel:
        for path, text in files.items():
            wheel.writestr(path, text)


@pytest.fixture(scope="module")
def installable(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder of wheels, with typer 0.1.0. pip and uv install only from it, into environments of the test module."""
    wheels = tmp_path_factory.mktemp("wheels")
    write_wheel(wheels, "typer", "0.1.0")
    with pytest.MonkeyPatch.context() as patch:
        for tool in ("PIP", "UV"):
            patch.setenv(f"{tool}_NO_INDEX", "1")
            patch.setenv(f"{tool}_FIND_LINKS", str(wheels))
        patch.setenv("FEATHERBENCH_ENVIRONMENTS", str(tmp_path_factory.mktemp("environments")))
        yield wheels
