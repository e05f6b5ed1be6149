"""OpenVINO's CPU plug-in."""

from collections.abc import Callable
from typing import Any

import numpy as np
import openvino
from numpy.typing import ArrayLike

from impls.loaders.layer_times import WARMUP_CALLS, LayerTimes


def load(model: "bytes | openvino.Model", x: ArrayLike, threads: int) -> Callable[[], Any]:
    """Return a call that runs a model on ``x``. The input is bound in place, and each call allocates a new output.

    Args:
        model: a serialised ONNX model or an OpenVINO model, whose input has the shape of ``x``.
        x: (batch, channels, height, width), float32, contiguous.
        threads: the number of threads to compute with.
    """
    compiled = _compile(model, threads)
    request, shape = _request(compiled, x), tuple(compiled.output(0).shape)

    def call() -> Any:
        y = openvino.Tensor(openvino.Type.f32, shape)
        request.set_output_tensor(y)
        request.infer()
        return y.data

    return call


def layer_times(model: "bytes | openvino.Model", x: ArrayLike, threads: int, calls: int) -> LayerTimes:
    """Return the mean time of each node of the compiled model, by OpenVINO's profiler.

    The profiler tells the mean over all calls so far, in whole µs. The first calls, in which nodes are set up, are
    subtracted, which leaves means that are right to 2 µs.
    """
    request = _request(_compile(model, threads, PERF_COUNT=True), x)
    before = _total_times(request, WARMUP_CALLS, WARMUP_CALLS)
    after = _total_times(request, calls, WARMUP_CALLS + calls)
    return [(name, [max(0.0, total - before[name]) / calls]) for name, total in after.items()]


def _total_times(request: Any, calls: int, calls_so_far: int) -> dict[str, float]:
    """Call, and return the time of each node in all calls so far, s."""
    for _ in range(calls):
        request.infer()
    executed = [node for node in request.profiling_info if node.status == node.Status.EXECUTED]
    return {f"{node.node_type} {node.node_name}": calls_so_far * node.real_time.total_seconds() for node in executed}


def _compile(model: "bytes | openvino.Model", threads: int, **others: Any) -> Any:
    core = openvino.Core()
    # float32 throughout: on some processors the plug-in would otherwise choose bfloat16.
    settings = {
        "PERFORMANCE_HINT": "LATENCY",
        "NUM_STREAMS": 1,
        "INFERENCE_NUM_THREADS": threads,
        "INFERENCE_PRECISION_HINT": "f32",
        "ENABLE_CPU_PINNING": False,  # the process is pinned already
    }
    return core.compile_model(core.read_model(model) if isinstance(model, bytes) else model, "CPU", settings | others)


def _request(compiled: Any, x: ArrayLike) -> Any:
    request = compiled.create_infer_request()
    request.set_input_tensor(openvino.Tensor(np.asarray(x), shared_memory=True))
    return request
