"""The examination: limits, trials, and what is missing."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from bench import machine, noise
from bench.core import registry
from bench.core.errors import BadUse
from bench.core.target import KINDS, Target
from bench.doctor.trial import Trial, busy_core, compare_pairs
from bench.limits import gpu, host
from bench.limits.model import GpuLimits, Limits
from bench.stats.verdict import Verdict

FEWEST_FOR_A_FLOOR = 10
"""Pairs: fewer say nothing about 95 of 100."""


@dataclass(frozen=True)
class Findings:
    environment: machine.Environment
    limits: Limits | None
    gpu_limits: GpuLimits | None
    same: Trial
    slower: Trial
    beside_busy_core: Trial
    unable: dict[str, str]
    """Implementations and targets that cannot run, each with what would help."""

    @property
    def noise_floor(self) -> float:
        return self.same.spread()

    @property
    def false_verdicts(self) -> int:
        return self.same.count(Verdict.FASTER, Verdict.SLOWER)

    @property
    def false_beside_busy_core(self) -> int:
        return self.beside_busy_core.count(Verdict.FASTER, Verdict.SLOWER)

    @property
    def found(self) -> int:
        return self.slower.count(Verdict.SLOWER)

    def trustworthy(self) -> bool:
        """At most 5 in 100 false verdicts, and at least 95 in 100 planted slowdowns found."""
        missed = len(self.slower.ratios) - self.found
        worst = max(self.false_verdicts, self.false_beside_busy_core, missed)
        return worst <= 0.05 * len(self.same.ratios)


def examine(folder: Path, pairs: int, margin: float, budget_s: float, watch: Callable[[str], None]) -> Findings:
    """Examine this machine; the noise floor and the limits are kept in ``folder`` for later runs."""
    watch("measuring limits")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        limits = host.limits(folder, thorough=True)
        gpu_limits = gpu.limits(folder) if Target("cuda").unavailable() is None else None
    except OSError as error:
        raise BadUse(f"cannot write to {folder}: {error.strerror}; choose another folder with --results") from None
    same = compare_pairs("copy", pairs, margin, budget_s, watch)
    slower = compare_pairs("slower", pairs, margin, budget_s, watch)
    with busy_core():
        beside_busy_core = compare_pairs("copy", pairs, margin, budget_s, lambda text: watch(f"{text}, a core busy"))
    entries = registry.implementations()
    findings = Findings(
        machine.environment({name for entry in entries if not entry.missing() for name in entry.requires}),
        limits,
        gpu_limits,
        same,
        slower,
        beside_busy_core,
        _unable(entries),
    )
    if pairs >= FEWEST_FOR_A_FLOOR:
        floor = noise.NoiseFloor(ratio=findings.noise_floor, pairs=pairs, measured=datetime.now(UTC))
        noise.save(folder, findings.environment.machine_id, floor)
    return findings


def _unable(entries: list[registry.Entry]) -> dict[str, str]:
    missing = {f"{entry.workload} {entry.name}": entry.missing() for entry in entries}
    targets = {f"target {kind}": Target(kind).unavailable() for kind in KINDS}
    return {name: reason for name, reason in (missing | targets).items() if reason}
