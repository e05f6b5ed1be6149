"""Measures the peaks of this machine's GPU, in a process of its own, which leaves nothing on it."""

import hashlib
import logging
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from pydantic import ValidationError

from bench.core import child
from bench.core.files import write_whole
from bench.machine import environment
from bench.peaks.model import Bandwidth, GpuPeaks

WORKING_SETS = tuple(2**power for power in (21, 24, 26, 28, 30, 32))
"""Bytes copied over, from what fits an L2 cache to what fits none."""
SIDE = 8192
"""Number of rows and of columns of the matrices that are multiplied."""
ROUNDS = 10
"""Rounds of each measurement, of which the fastest sample counts."""
TIMEOUT_S = 300.0

log = logging.getLogger("featherbench")


def peaks(folder: Path, watch: Callable[[str], None] = lambda text: None) -> GpuPeaks | None:
    """Return the GPU's peaks, measured once and kept in ``folder``; None, with a warning, where that is impossible.

    ``watch`` is called with what is being done where they are measured now.
    """
    gpu = environment(()).gpu
    path = folder / f"gpu-{hashlib.sha256(str(gpu).encode()).hexdigest()[:12]}.json"
    with suppress(OSError, ValidationError):
        return GpuPeaks.model_validate_json(path.read_bytes())
    watch("measuring the peaks of this GPU, once")
    command = [sys.executable, "-P", "-m", "bench.peaks.gpu"]
    try:
        process = subprocess.run(command, env=child.variables(), capture_output=True, text=True, timeout=TIMEOUT_S)
        measured = GpuPeaks.model_validate_json(process.stdout)
    except (subprocess.TimeoutExpired, ValidationError) as error:
        message = process.stderr.strip().splitlines()[-1:] if isinstance(error, ValidationError) else [str(error)]
        log.warning("the GPU's peaks could not be measured: %s", *message or ["it says nothing"])
        return None
    if gpu:  # otherwise all unidentified GPUs would share the file
        write_whole(path, measured.model_dump_json(indent=1))
    return measured


def measure() -> GpuPeaks:
    """Measure the current device. This takes some seconds, and memory for the largest working set."""
    import torch

    from bench.measure.gpu.device import CudaDevice
    from bench.measure.gpu.graph import Replay
    from bench.measure.gpu.timing import Timer
    from bench.measure.gpu.watch import Nvml, Watch

    device = CudaDevice(flushes=False)
    timer = Timer(device, Watch(Nvml(f"GPU-{device.properties.uuid}")), cold=False)

    def fastest_ns(call: Callable[[], object]) -> float:
        timer.warm_up(call)
        return min(min(timer.take_round(call).samples) for _ in range(ROUNDS))

    def copy_rate(working_set: int) -> float:
        source, target = (torch.zeros(working_set // 2, dtype=torch.uint8, device="cuda") for _ in range(2))
        return working_set / fastest_ns(lambda: target.copy_(source)) * 1e9

    def product_gflops(dtype: torch.dtype, tf32: bool = False) -> float:
        torch.backends.cuda.matmul.allow_tf32 = tf32
        a, b, c = (torch.randn(SIDE, SIDE, device="cuda").to(dtype) for _ in range(3))
        return 2.0 * SIDE**3 / fastest_ns(lambda: torch.mm(a, b, out=c))

    return GpuPeaks(
        gpu=device.properties.name,
        peaks={
            "float16": product_gflops(torch.float16),
            "bfloat16": product_gflops(torch.bfloat16),
            "tf32": product_gflops(torch.float32, tf32=True),
            "float32": product_gflops(torch.float32),
            "float64": product_gflops(torch.float64),
        },
        bandwidths=[Bandwidth(working_set_bytes=size, bytes_per_second=copy_rate(size)) for size in WORKING_SETS],
        empty_graph_ns=fastest_ns(Replay(lambda: device.block_stream(0))),
    )


if __name__ == "__main__":
    try:
        print(measure().model_dump_json())
    except Exception as error:
        message, *_ = str(error).splitlines() or [""]  # only the first of CUDA's lines says what happened
        sys.exit(f"{type(error).__name__}: {message}")
