"""The examination of a machine: its peaks, the trials, and what is missing."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from bench import environments, machine, noise
from bench.core import registry
from bench.core.errors import UsageError
from bench.core.implementation_spec import ImplementationSpec
from bench.core.target import KINDS, Target
from bench.doctor.trial import CopyComparison, Trial, compare_copies, noise_floor, subjects
from bench.peaks import gpu, host
from bench.peaks.model import GpuPeaks, Peaks
from bench.stats.verdict import Verdict

MIN_PAIRS_FOR_NOISE_FLOOR = 10
"""Number of pairs; fewer tell nothing about 95 of 100 pairs."""


@dataclass(frozen=True)
class Findings:
    """What an examination found on this machine."""

    environment: machine.Environment
    peaks: Peaks | None
    gpu_peaks: GpuPeaks | None
    trials: dict[Trial, list[CopyComparison]]
    margin: float
    unavailable: dict[str, str]
    """Implementations and targets that cannot run, with the reason and what would help."""

    @property
    def noise_floor(self) -> float | None:
        """Difference of two measurements of the same code, as a fraction; None where too few pairs were tried."""
        same = self.trials.get(Trial.SAME, [])
        return noise_floor(same) if len(same) >= MIN_PAIRS_FOR_NOISE_FLOOR else None

    def wrong(self, trial: Trial) -> int:
        """Count wrong verdicts: any difference of an unchanged copy, and a slower copy that was not called slower."""
        verdicts = [comparison.verdict(self.margin) for comparison in self.trials[trial]]
        expected = Verdict.SLOWER if trial.slowdown else Verdict.CANNOT_TELL
        return sum(verdict is not expected for verdict in verdicts)

    def trustworthy(self) -> bool:
        """Whether at most 5 of 100 verdicts were wrong in each trial."""
        return all(self.wrong(trial) <= 0.05 * len(comparisons) for trial, comparisons in self.trials.items())


def examine(
    folder: Path,
    trials: Sequence[Trial],
    pairs: int,
    margin: float,
    budget_s: float,
    implementations: Sequence[str] = (),
    watch: Callable[[str], None] = lambda text: None,
) -> Findings:
    """Examine this machine; store its noise floor, its peaks and every comparison in ``folder``.

    Args:
        folder: where they are stored.
        trials: the trials to make.
        pairs: comparisons in each trial.
        margin: the fraction below which a difference counts as none.
        budget_s: seconds of timed rounds of a pair.
        implementations: names of those to compare with copies; empty for all.
        watch: is called with what is being done.

    Raises:
        UsageError: where an implementation is not known, or ``folder`` cannot be written.
        RunError: where nothing could be measured.
    """
    candidates = subjects(implementations)
    watch("measuring peaks")
    specs = registry.implementations()
    environment = machine.environment({name for spec in specs if not spec.missing() for name in spec.requires})
    log = folder / f"{environment.machine_id}-trials.jsonl"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        peaks = host.peaks(folder, thorough=True)
        gpu_peaks = gpu.peaks(folder) if Target("cuda").unavailable() is None else None
        log.touch()
    except OSError as error:
        raise UsageError(f"cannot write to {folder}: {error.strerror}; choose another folder with --results") from None
    comparisons: dict[Trial, list[CopyComparison]] = {trial: [] for trial in trials}

    def keep(comparison: CopyComparison) -> None:
        with log.open("a") as file:
            file.write(comparison.model_dump_json() + "\n")
        comparisons[comparison.trial].append(comparison)
        done = len(comparisons[comparison.trial])
        watch(f"{comparison.trial} {done}/{pairs}: {comparison.implementation} {comparison.case}")

    for trial in trials:
        compare_copies(trial, pairs, candidates, budget_s, keep)
    findings = Findings(environment, peaks, gpu_peaks, comparisons, margin, _unavailable(specs))
    if (floor := findings.noise_floor) is not None:
        stored = noise.NoiseFloor(ratio=floor, pairs=len(comparisons[Trial.SAME]), measured=datetime.now(UTC))
        noise.save(folder, environment.machine_id, stored)
    return findings


def _unavailable(specs: Sequence[ImplementationSpec]) -> dict[str, str]:
    missing = {f"{spec.workload} {spec.name}": spec.missing() or environments.missing(spec) for spec in specs}
    targets = {f"target {kind}": Target(kind).unavailable() for kind in KINDS}
    return {name: reason for name, reason in (missing | targets).items() if reason}
