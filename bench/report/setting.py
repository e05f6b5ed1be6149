"""Where and how a run was measured, as label and text."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from bench.core.record import Record
from bench.limits.model import GpuLimits, Limits
from bench.machine import Environment
from bench.report.units import MISSING, duration, number, percent, size
from bench.store import Run, RunInfo

Facts = list[tuple[str, str]]

MOST_VALUES = 4
"""Of one fact, listed for an implementation."""

_LABELS = {
    "cpu": "CPU",
    "isa": "Instruction sets",
    "gpu": "GPU",
    "memory_bytes": "Memory",
    "cores_given": "Cores given",
    "cores_total": "Cores in all",
}


@dataclass(frozen=True)
class Setting:
    run: str
    asked: Facts
    """The command and what it meant."""
    machine: Facts
    limits: Facts
    implementations: list[tuple[str, str, str]]
    """Name (and workload, where there are several), what is inside the timed call, what its worker found of itself."""


def setting(run: Run) -> Setting:
    """All that is needed to measure ``run`` again."""
    info = run.info
    asked = [
        ("Command", info.command),
        ("Started", f"{info.started:%Y-%m-%d %H:%M:%S %Z}".strip()),
        ("Target", f"{info.target}, {info.threads} thread{'s' if info.threads > 1 else ''}"),
        ("Suite", info.suite),
        ("Noise floor", _noise_floor(info)),
    ]
    implementations = [
        (
            name if len(info.request.workloads) == 1 else f"{name}, {workload}",
            info.notes.get(f"{workload}/{name}") or info.notes.get(name) or MISSING,
            _found(records),
        )
        for (workload, name), records in _by_implementation(run.records).items()
    ]
    return Setting(info.name, asked, _machine(info.environment), _limits(info.limits), implementations)


def _noise_floor(info: RunInfo) -> str:
    if info.noise_floor is not None:
        return percent(info.noise_floor)
    return "unknown: featherbench doctor has none of GPUs" if info.on_gpu else "unknown: run featherbench doctor"


def _machine(environment: Environment) -> Facts:
    """Every field of the environment; the commit with whether the working tree had changes."""
    found = []
    for name, value in environment.model_dump(mode="json").items():
        if name == "dirty":
            continue
        text = _plain(name, value)
        if name == "commit" and environment.dirty:
            text += " with uncommitted changes"
        found.append((_LABELS.get(name, name.replace("_", " ").capitalize()), text))
    return found


def _plain(name: str, value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {_plain(name, part)}" for key, part in value.items()) or MISSING
    if isinstance(value, list):
        return ", ".join(str(part) for part in value) or MISSING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int) and name in ("memory_bytes", "caches"):
        return size(value)
    return MISSING if value is None or value == "" else str(value)


def _limits(limits: Limits | GpuLimits | None) -> Facts:
    if limits is None:
        return []
    if isinstance(limits, GpuLimits):
        return _gpu_limits(limits)
    peaks = [(f"{peak.isa} peak, {_threads(peak.threads)}", f"{number(peak.gflops)} GFLOP/s") for peak in limits.peaks]
    flows = [
        (
            f"{size(flow.working_set_bytes)} working set, {_threads(flow.threads)}",
            f"{number(flow.bytes_per_second / 1e9)} GB/s",
        )
        for flow in limits.bandwidths
    ]
    return peaks + flows


def _gpu_limits(limits: GpuLimits) -> Facts:
    peaks = [(f"{arithmetic} product", f"{number(gflops)} GFLOP/s") for arithmetic, gflops in limits.peaks.items()]
    flows = [
        (f"{size(flow.working_set_bytes)} working set", f"{number(flow.bytes_per_second / 1e9)} GB/s")
        for flow in limits.flows
    ]
    return [("GPU", limits.gpu), *peaks, *flows, ("Empty CUDA graph", duration(limits.empty_graph_ns))]


def _threads(count: int) -> str:
    return f"{count} thread{'s' if count > 1 else ''}"


def _by_implementation(records: Iterable[Record]) -> dict[tuple[str, str], list[Record]]:
    found: dict[tuple[str, str], list[Record]] = {}
    for record in records:
        found.setdefault((record.workload, record.implementation), []).append(record)
    return found


def _found(records: Iterable[Record]) -> str:
    """The facts of an implementation's records; one that changed during the run with all its values."""
    found: dict[str, dict[str, None]] = {}
    for record in records:
        for name, value in record.facts.items():
            found.setdefault(name, {})[value] = None
    return "; ".join(f"{name}: {_some(list(values))}" for name, values in found.items()) or MISSING


def _some(values: list[str]) -> str:
    """All of a few, or the first of many, such as a clock that was another in each case."""
    if len(values) > MOST_VALUES:
        values = [*values[: MOST_VALUES - 1], f"{len(values) - MOST_VALUES + 1} others"]
    return " or ".join(values)
