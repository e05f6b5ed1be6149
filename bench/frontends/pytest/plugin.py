"""The plug-in that ``pyproject.toml`` loads: silent, unless ``--benchmark-only`` is given."""

import os
import shlex
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from bench.core.target import Target

if TYPE_CHECKING:
    from bench.store import RunInfo

EDGE = Target("edge")
QUICK = Path(__file__).with_name("quick.py")

_given = os.sched_getaffinity(0), dict(os.environ)


def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    """Become target ``edge`` before anything loads a library, since libraries read the variables while loading."""
    if _wanted(early_config):
        _become_edge()
    with suppress(ImportError):
        import_module("triton")  # loaded after TensorFlow, it crashes the process; before it, both work


def pytest_configure(config: pytest.Config) -> None:
    """Without paths of the user's, collect the benchmarks in place of the tests; time them as a run does."""
    if not _wanted(config):
        return
    config.option.benchmark_disable_gc = True
    if config.args_source is not pytest.Config.ArgsSource.ARGS:
        config.args = [str(QUICK)]


@pytest.hookimpl(optionalhook=True)  # pytest-benchmark need not be installed.
def pytest_benchmark_update_machine_info(config: pytest.Config, machine_info: dict[str, Any]) -> None:
    """Put in what a stored run has, so that ``featherbench report`` understands the file on any machine."""
    if _wanted(config):
        from bench.frontends.pytest.quick import others

        with _as_given():
            run = _describe(config)
        machine_info["featherbench"] = {
            "run": run.model_dump(mode="json"),
            "others": [record.model_dump(mode="json") for record in others],
        }


def _become_edge() -> None:
    os.environ.update(EDGE.environment())
    os.sched_setaffinity(0, EDGE.cores)


@contextmanager
def _as_given() -> Iterator[None]:
    """With the cores and variables that the user gave, which a run is described with."""
    cores, variables = _given
    os.sched_setaffinity(0, cores)
    os.environ.clear()
    os.environ.update(variables)
    try:
        yield
    finally:
        _become_edge()


def _wanted(config: pytest.Config) -> bool:
    return bool(getattr(config.known_args_namespace, "benchmark_only", False))


def _describe(config: pytest.Config) -> "RunInfo":
    # Only now: these load numpy.
    from bench import store
    from bench.core import registry
    from bench.run.launch import describe
    from bench.run.workers import Allowance

    request = store.Request(workloads=tuple(sorted(registry.workloads())), suite="quick", target=str(EDGE))
    allowance = Allowance()
    spending = store.Spending(
        budget_s=config.getoption("benchmark_max_time"),
        timeout_s=allowance.timeout_s,
        memory_bytes=allowance.memory_bytes,
    )
    entries = [entry for entry in registry.implementations() if entry.workload in registry.workloads()]
    info = describe(request, spending, entries, store.LOCAL, "pytest-benchmark", ["pytest-benchmark"])
    return info.model_copy(update={"command": shlex.join(["pytest", *config.invocation_params.args])})
