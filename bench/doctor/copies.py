"""Copies of implementations as plug-in files under other names, unchanged or with a planted slowdown."""

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from bench.core.class_source import read_class
from bench.core.implementation_spec import ImplementationSpec
from bench.core.trained import Trained
from bench.core.workload import Call

_CALIBRATION_S = 0.05


class Slowdown(NamedTuple):
    """A share of a call's time that is added on average: to every call, or all of it to every ``every``-th call."""

    share: float
    every: int = 1


_FILE = '''"""A copy of {name}, for trials of the harness."""

from {module} import {base}

from bench.doctor.copies import Slowdown, slowed


class Copy({base}):
{overrides}    workload = {workload!r}
    requires = {requires!r}
    targets = {targets!r}
    summary = {summary!r}
    note = "A copy of {name}."

    def prepare(self, problem, target):
        return slowed(super().prepare(problem, target), {slowdown!r})
'''


def write_copy(spec: ImplementationSpec, folder: Path, slowdown: Slowdown | None = None) -> Path:
    """Write a plug-in that runs the code of an implementation of ``impls``, slowed by ``slowdown``; return its path.

    The plug-in has no variants: it is a copy of the one variant that ``spec`` is.
    """
    path = folder / f"{spec.name}_copy.py"
    original = read_class(Path(spec.path))
    assert original is not None
    overrides = original.variants[spec.variant] if spec.variant else {}
    path.write_text(
        _FILE.format(
            name=spec.name,
            module=spec.module,
            base=original.name,
            overrides="".join(f"    {name} = {value!r}\n" for name, value in overrides.items()),
            workload=spec.workload,
            requires=spec.requires,
            targets=spec.targets,
            summary=spec.summary,
            slowdown=slowdown,
        )
    )
    return path


def slowed(call: Call, slowdown: Slowdown | None) -> Call:
    """Return ``call``, or ``call`` with spinning added: the ``slowdown``'s share of the call's current latency."""
    if slowdown is None:
        return call
    slow = _spinning(call, slowdown, _latency(call))
    return replace(call, predict=slow) if isinstance(call, Trained) else slow


def _spinning(call: Call, slowdown: Slowdown, latency_ns: float) -> Callable[[], Any]:
    extra_ns = slowdown.share * slowdown.every * latency_ns
    count = 0

    def slow() -> Any:
        nonlocal count
        output = call()
        count += 1
        if count % slowdown.every == 0:
            end = time.perf_counter_ns() + extra_ns
            while time.perf_counter_ns() < end:
                pass
        return output

    return slow


def _latency(call: Call) -> float:
    """Return the shortest of many times, ns; a time that another process has lengthened would plant too much."""
    times: list[int] = []
    start = time.perf_counter()
    while len(times) < 5 or time.perf_counter() - start < _CALIBRATION_S:
        before = time.perf_counter_ns()
        call()
        times.append(time.perf_counter_ns() - before)
    return min(times)
