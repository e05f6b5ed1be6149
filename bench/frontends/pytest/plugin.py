"""The plug-in that ``pyproject.toml`` loads; it measures nothing unless ``--benchmark-only`` is given."""

import os
import shlex
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from bench.core.target import Target
from bench.frontends.pytest import SUITE

if TYPE_CHECKING:
    from bench.store import RunInfo

EDGE = Target("edge")
BENCHMARKS = Path(__file__).with_name("benchmarks.py")

_original_state = os.sched_getaffinity(0), dict(os.environ)


def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    """Become target ``edge`` before anything loads a library, since libraries read the variables while loading."""
    if _benchmark_only(early_config):
        _become_edge()
    with suppress(ImportError):
        import_module("triton")  # loaded after TensorFlow, it crashes the process; before it, both work


def pytest_configure(config: pytest.Config) -> None:
    """Time with the garbage collector off, as a run does; collect the benchmarks unless the user gave paths."""
    if not _benchmark_only(config):
        return
    config.option.benchmark_disable_gc = True
    if config.args_source is not pytest.Config.ArgsSource.ARGS:
        config.args = [str(BENCHMARKS)]


@pytest.hookimpl(optionalhook=True)  # pytest-benchmark need not be installed.
def pytest_benchmark_update_machine_info(config: pytest.Config, machine_info: dict[str, Any]) -> None:
    """Add what a stored run has, so that ``featherbench report`` can read the file on any machine."""
    if _benchmark_only(config):
        from bench.frontends.pytest.benchmarks import others

        with _restored_state():
            run = _describe(config)
        machine_info["featherbench"] = {
            "run": run.model_dump(mode="json"),
            "others": [record.model_dump(mode="json") for record in others],
        }


def _become_edge() -> None:
    os.environ.update(EDGE.environment())
    os.sched_setaffinity(0, EDGE.cores)


@contextmanager
def _restored_state() -> Iterator[None]:
    """Restore the cores and variables that pytest was started with, by which a run is described."""
    cores, variables = _original_state
    os.sched_setaffinity(0, cores)
    os.environ.clear()
    os.environ.update(variables)
    try:
        yield
    finally:
        _become_edge()


def _benchmark_only(config: pytest.Config) -> bool:
    return bool(getattr(config.known_args_namespace, "benchmark_only", False))


def _describe(config: pytest.Config) -> "RunInfo":
    # Imported here, since these load numpy.
    from bench import store
    from bench.core import registry
    from bench.core.budget import Budget
    from bench.run.launch import describe

    request = store.Request(workloads=tuple(sorted(registry.workloads())), suite=SUITE, target=EDGE)
    budget = Budget(timed_s=config.getoption("benchmark_max_time"))
    specs = [spec for spec in registry.implementations() if spec.workload in registry.workloads()]
    info = describe(request, budget, specs, store.LOCAL, "pytest-benchmark", ["pytest-benchmark"])
    return info.model_copy(update={"command": shlex.join(["pytest", *config.invocation_params.args])})
