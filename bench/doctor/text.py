"""The findings of the examination as text."""

from collections.abc import Iterator

from bench.doctor.examine import MIN_PAIRS_FOR_NOISE_FLOOR, Findings
from bench.doctor.trial import PLANTED, Trial, most_variable
from bench.peaks.model import GpuPeaks, Peaks


def lines(findings: Findings) -> Iterator[str]:
    """Yield the findings as a user reads them, one line each."""
    machine = findings.environment
    cores = f"{machine.cores_given} of {machine.cores_total} cores"
    yield f"machine {machine.machine_id}: {machine.cpu} ({machine.architecture}), {cores}"
    caches = ", ".join(f"{name} {size >> 10} KiB" for name, size in machine.caches.items())
    memory = f"{machine.memory_bytes / 2**30:.0f} GiB"
    yield f"caches {caches or 'unknown'}; memory {memory}; governor {machine.governor or 'unknown'}"
    yield from _peaks(findings.peaks)
    if findings.gpu_peaks:
        yield from _gpu_peaks(findings.gpu_peaks)
    for trial, comparisons in findings.trials.items():
        yield f"{_NAMES[trial]}: {findings.wrong(trial)} of {len(comparisons)} (margin {findings.margin:.1%})"
    all_comparisons = [comparison for comparisons in findings.trials.values() for comparison in comparisons]
    variable = ", ".join(f"{name} {spread:.1%}" for name, spread in most_variable(all_comparisons))
    yield f"most variable from process to process (standard deviation): {variable}"
    if findings.noise_floor is None:
        yield f"noise floor: unknown; it takes --trial same with --pairs {MIN_PAIRS_FOR_NOISE_FLOOR} or more"
    else:
        yield f"noise floor: the same code twice, interleaved, differs by up to {findings.noise_floor:.1%} here"
    for name, reason in findings.unavailable.items():
        yield f"cannot run: {name}: {reason}"
    if not findings.trustworthy():
        yield "verdicts are NOT to be trusted here: see above"
    elif any(len(comparisons) < MIN_PAIRS_FOR_NOISE_FLOOR for comparisons in findings.trials.values()):
        yield f"nothing amiss, but too few pairs to trust verdicts on; give --pairs {MIN_PAIRS_FOR_NOISE_FLOOR} or more"
    else:
        yield "verdicts can be trusted here"


_NAMES = {
    Trial.SAME: "false verdicts on identical code",
    Trial.BUSY: "false verdicts on identical code beside a busy core",
    Trial.SLOWER: f"missed slowdowns of {PLANTED:.0%} in every call",
    Trial.RARE: f"missed slowdowns of {PLANTED:.0%} on average, in rare slow calls",
}


def _peaks(peaks: Peaks | None) -> Iterator[str]:
    if peaks is None:
        yield "peaks: not measured, since the native module is not built; do: pip install ."
        return
    for peak in peaks.peaks:
        yield f"FMA peak, {peak.isa}, {peak.threads} thread(s): {peak.gflops:.1f} GFLOP/s (float32)"
    for threads in sorted({bandwidth.threads for bandwidth in peaks.bandwidths}):
        text = ", ".join(
            f"{bandwidth.working_set_bytes >> 10} KiB {bandwidth.bytes_per_second / 1e9:.0f}"
            for bandwidth in peaks.bandwidths
            if bandwidth.threads == threads
        )
        yield f"copy bandwidth by working set, {threads} thread(s), GB/s: {text}"


def _gpu_peaks(peaks: GpuPeaks) -> Iterator[str]:
    products = ", ".join(f"{arithmetic} {gflops:.0f}" for arithmetic, gflops in peaks.peaks.items())
    yield f"{peaks.gpu}, products of large matrices, GFLOP/s: {products}"
    text = ", ".join(
        f"{bandwidth.working_set_bytes >> 20} MiB {bandwidth.bytes_per_second / 1e9:.0f}"
        for bandwidth in peaks.bandwidths
    )
    yield f"{peaks.gpu}, copy bandwidth by working set, GB/s: {text}"
    yield f"{peaks.gpu}, replay of a CUDA graph of one empty kernel: {peaks.empty_graph_ns:.0f} ns"
