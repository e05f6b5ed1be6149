"""Measures what the GPU that is here can do, in a process of its own, which leaves nothing on it."""

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
from bench.limits.model import Flow, GpuLimits
from bench.machine import environment

WORKING_SETS = tuple(2**power for power in (21, 24, 26, 28, 30, 32))
"""Bytes copied over, from what fits an L2 cache to what fits none."""
SIDE = 8192
"""Rows and columns of the matrices multiplied."""
TURNS = 10
TIMEOUT_S = 300.0

log = logging.getLogger("featherbench")


def limits(folder: Path) -> GpuLimits | None:
    """The GPU's limits, measured once and kept in ``folder``; None, with a warning, where they cannot be measured."""
    here = environment(()).gpu
    path = folder / f"gpu-{hashlib.sha256(str(here).encode()).hexdigest()[:12]}.json"
    with suppress(OSError, ValidationError):
        return GpuLimits.model_validate_json(path.read_bytes())
    command = [sys.executable, "-P", "-m", "bench.limits.gpu"]
    try:
        done = subprocess.run(command, env=child.environment(), capture_output=True, text=True, timeout=TIMEOUT_S)
        found = GpuLimits.model_validate_json(done.stdout)
    except (subprocess.TimeoutExpired, ValidationError) as error:
        said = done.stderr.strip().splitlines()[-1:] if isinstance(error, ValidationError) else [str(error)]
        log.warning("the GPU's limits could not be measured: %s", *said or ["it says nothing"])
        return None
    if here:  # else any other would be taken for it
        write_whole(path, found.model_dump_json(indent=1))
    return found


def measure() -> GpuLimits:
    """On the current device. Takes some seconds, and memory for the largest working set."""
    import torch

    from bench.measure.gpu.device import CudaDevice
    from bench.measure.gpu.graph import Replay
    from bench.measure.gpu.timing import Timer
    from bench.measure.gpu.watch import Nvml, Watch

    device = CudaDevice(flushes=False)
    timer = Timer(device, Watch(Nvml(f"GPU-{device.properties.uuid}")), cold=False)

    def fastest_ns(call: Callable[[], object]) -> float:
        timer.warm_up(call)
        return min(min(timer.take_turn(call).samples) for _ in range(TURNS))

    def copy_rate(working_set: int) -> float:
        source, target = (torch.zeros(working_set // 2, dtype=torch.uint8, device="cuda") for _ in range(2))
        return working_set / fastest_ns(lambda: target.copy_(source)) * 1e9

    def product_gflops(dtype: torch.dtype, tf32: bool = False) -> float:
        torch.backends.cuda.matmul.allow_tf32 = tf32
        a, b, c = (torch.randn(SIDE, SIDE, device="cuda").to(dtype) for _ in range(3))
        return 2.0 * SIDE**3 / fastest_ns(lambda: torch.mm(a, b, out=c))

    return GpuLimits(
        gpu=device.properties.name,
        peaks={
            "float16": product_gflops(torch.float16),
            "bfloat16": product_gflops(torch.bfloat16),
            "tf32": product_gflops(torch.float32, tf32=True),
            "float32": product_gflops(torch.float32),
            "float64": product_gflops(torch.float64),
        },
        flows=[Flow(working_set_bytes=size, bytes_per_second=copy_rate(size)) for size in WORKING_SETS],
        empty_graph_ns=fastest_ns(Replay(lambda: device.hold(0))),
    )


if __name__ == "__main__":
    try:
        print(measure().model_dump_json())
    except Exception as error:
        said, *_ = str(error).splitlines() or [""]  # of CUDA's lines, only the first says what happened
        sys.exit(f"{type(error).__name__}: {said}")
