"""What the examination found, in words."""

from collections.abc import Iterator

from bench.doctor.examine import FEWEST_FOR_A_FLOOR, Findings
from bench.limits.model import GpuLimits


def lines(found: Findings) -> Iterator[str]:
    """The findings as a user reads them, one line each."""
    here = found.environment
    caches = ", ".join(f"{name} {size >> 10} KiB" for name, size in here.caches.items())
    yield f"machine {here.machine_id}: {here.cpu} ({here.architecture}), {here.cores_given} of {here.cores_total} cores"
    memory = f"{here.memory_bytes / 2**30:.0f} GiB"
    yield f"caches {caches or 'unknown'}; memory {memory}; governor {here.governor or 'unknown'}"
    yield from _limits(found)
    if found.gpu_limits:
        yield from _gpu_limits(found.gpu_limits)
    pairs = len(found.same.ratios)
    margin = f"{found.same.margin:.1%}"
    yield f"noise floor: two runs of the same code differ by up to {found.noise_floor:.1%} here ({pairs} pairs)"
    if pairs < FEWEST_FOR_A_FLOOR:
        yield f"  not kept for reports: that takes at least {FEWEST_FOR_A_FLOOR} pairs"
    yield f"same code twice: {found.false_verdicts} false verdicts in {pairs} (margin {margin})"
    yield f"5 % extra work planted: found {found.found} times in {pairs}"
    yield f"same code twice, a core kept busy: {found.false_beside_busy_core} false verdicts in {pairs}"
    for name, reason in found.unable.items():
        yield f"cannot run: {name}: {reason}"
    if not found.trustworthy():
        yield "verdicts are NOT to be trusted here: see above"
    elif pairs < FEWEST_FOR_A_FLOOR:
        yield f"nothing amiss, but too few pairs to trust verdicts on; give --pairs {FEWEST_FOR_A_FLOOR} or more"
    else:
        yield "verdicts can be trusted here"


def _limits(found: Findings) -> Iterator[str]:
    if found.limits is None:
        yield "limits: not measured, since the native module is not built; do: pip install ."
        return
    for peak in found.limits.peaks:
        yield f"FMA peak, {peak.isa}, {peak.threads} thread(s): {peak.gflops:.1f} GFLOP/s (float32)"
    for threads in sorted({bandwidth.threads for bandwidth in found.limits.bandwidths}):
        of_threads = [b for b in found.limits.bandwidths if b.threads == threads]
        text = ", ".join(f"{b.working_set_bytes >> 10} KiB {b.bytes_per_second / 1e9:.0f}" for b in of_threads)
        yield f"copy bandwidth by working set, {threads} thread(s), GB/s: {text}"


def _gpu_limits(limits: GpuLimits) -> Iterator[str]:
    products = ", ".join(f"{arithmetic} {gflops:.0f}" for arithmetic, gflops in limits.peaks.items())
    yield f"{limits.gpu}, products of large matrices, GFLOP/s: {products}"
    text = ", ".join(f"{flow.working_set_bytes >> 20} MiB {flow.bytes_per_second / 1e9:.0f}" for flow in limits.flows)
    yield f"{limits.gpu}, copy bandwidth by working set, GB/s: {text}"
    yield f"{limits.gpu}, replay of a CUDA graph of one empty kernel: {limits.empty_graph_ns:.0f} ns"
