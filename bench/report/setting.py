"""The setting of a run, where and how it was measured, as labels and texts."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from bench.core.implementation_spec import ImplementationSpec
from bench.core.record import Record
from bench.machine import Environment
from bench.peaks.model import GpuPeaks, Peaks
from bench.report.rerun import Step, rerun
from bench.report.units import MISSING, counted, duration, number, percent, size
from bench.store import Run, RunInfo

Facts = list[tuple[str, str]]

MAX_VALUES = 4
"""Maximum number of values of a fact that are listed for an implementation."""

_LABELS = {
    "cpu": "CPU",
    "isa": "Instruction sets",
    "gpu": "GPU",
    "memory_bytes": "Memory",
    "cores_given": "Cores available",
    "cores_total": "Cores total",
}


@dataclass(frozen=True)
class Setting:
    """How a run was made: command, machine, peaks and implementations."""

    run: str
    asked: Facts
    """The command and its meaning."""
    machine: Facts
    peaks: Facts
    steps: list[Step]
    """How to measure it again on another machine."""
    implementations: list[tuple[str, str, str]]
    """Name (and workload, where there are several), what the timed call includes, and the facts of its worker."""


def setting(run: Run, specs: Mapping[tuple[str, str], ImplementationSpec]) -> Setting:
    """Return all that is needed to measure ``run`` again; ``specs`` are the known ones by workload and name."""
    info = run.info
    asked = [
        ("Command", info.command),
        ("Started", f"{info.started:%Y-%m-%d %H:%M:%S %Z}".strip()),
        ("Target", f"{info.target}, {_threads(info.machine.threads)}"),
        ("Suite", info.suite),
        ("Noise floor", _noise_floor(info)),
    ]
    implementations = [
        (
            name if len(info.request.workloads) == 1 else f"{name}, {workload}",
            info.notes.get(f"{workload}/{name}") or info.notes.get(name) or MISSING,
            _facts_text(records),
        )
        for (workload, name), records in _by_implementation(run.records).items()
    ]
    machine = info.machine
    return Setting(
        info.name, asked, _machine(machine.environment), _peaks(machine.peaks), rerun(run, specs), implementations
    )


def _noise_floor(info: RunInfo) -> str:
    if info.machine.noise_floor is not None:
        return percent(info.machine.noise_floor)
    if info.on_gpu:
        return "unknown: featherbench doctor does not measure it on GPUs"
    return "unknown: run featherbench doctor"


def _machine(environment: Environment) -> Facts:
    """Return every field of the environment; the commit says whether the working tree had changes."""
    facts = []
    for name, value in environment.model_dump(mode="json").items():
        if name == "dirty":
            continue
        text = _value_text(name, value)
        if name == "commit" and environment.dirty:
            text += " with uncommitted changes"
        facts.append((_LABELS.get(name, name.replace("_", " ").capitalize()), text))
    return facts


def _value_text(name: str, value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {_value_text(name, part)}" for key, part in value.items()) or MISSING
    if isinstance(value, list):
        return ", ".join(str(part) for part in value) or MISSING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int) and name in ("memory_bytes", "caches"):
        return size(value)
    return MISSING if value is None or value == "" else str(value)


def _peaks(peaks: Peaks | GpuPeaks | None) -> Facts:
    if peaks is None:
        return []
    if isinstance(peaks, GpuPeaks):
        return _gpu_peaks(peaks)
    compute = [(f"{peak.isa} peak, {_threads(peak.threads)}", f"{number(peak.gflops)} GFLOP/s") for peak in peaks.peaks]
    copies = [
        (
            f"{size(bandwidth.working_set_bytes)} working set, {_threads(bandwidth.threads)}",
            f"{number(bandwidth.bytes_per_second / 1e9)} GB/s",
        )
        for bandwidth in peaks.bandwidths
    ]
    return compute + copies


def _gpu_peaks(peaks: GpuPeaks) -> Facts:
    compute = [(f"{arithmetic} product", f"{number(gflops)} GFLOP/s") for arithmetic, gflops in peaks.peaks.items()]
    copies = [
        (f"{size(bandwidth.working_set_bytes)} working set", f"{number(bandwidth.bytes_per_second / 1e9)} GB/s")
        for bandwidth in peaks.bandwidths
    ]
    return [("GPU", peaks.gpu), *compute, *copies, ("Empty CUDA graph", duration(peaks.empty_graph_ns))]


def _threads(count: int) -> str:
    return counted(count, "thread")


def _by_implementation(records: Iterable[Record]) -> dict[tuple[str, str], list[Record]]:
    groups: dict[tuple[str, str], list[Record]] = {}
    for record in records:
        groups.setdefault((record.workload, record.implementation), []).append(record)
    return groups


def _facts_text(records: Iterable[Record]) -> str:
    """Return the facts of an implementation's records; a fact that changed during the run has several values."""
    facts: dict[str, dict[str, None]] = {}
    for record in records:
        for name, value in record.facts.items():
            facts.setdefault(name, {})[value] = None
    return "; ".join(f"{name}: {_first_values(list(values))}" for name, values in facts.items()) or MISSING


def _first_values(values: list[str]) -> str:
    """Return all of a few values, or the first of many, such as a clock that differed from case to case."""
    if len(values) > MAX_VALUES:
        values = [*values[: MAX_VALUES - 1], f"{len(values) - MAX_VALUES + 1} others"]
    return " or ".join(values)
