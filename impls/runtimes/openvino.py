"""OpenVINO's CPU plug-in."""

from collections.abc import Callable
from typing import Any

import openvino
from torch import Tensor


def load(model: bytes, x: Tensor, threads: int) -> Callable[[], Any]:
    """Return a call of an ONNX model on ``x`` (NCHW), bound in place; each call has a new output tensor."""
    core = openvino.Core()
    # float32 throughout: on some processors the plug-in would otherwise choose bfloat16.
    settings = {
        "PERFORMANCE_HINT": "LATENCY",
        "NUM_STREAMS": 1,
        "INFERENCE_NUM_THREADS": threads,
        "INFERENCE_PRECISION_HINT": "f32",
        "ENABLE_CPU_PINNING": False,  # the process is pinned already
    }
    compiled = core.compile_model(core.read_model(model), "CPU", settings)
    request, shape = compiled.create_infer_request(), tuple(compiled.output(0).shape)
    request.set_input_tensor(openvino.Tensor(x.numpy(), shared_memory=True))

    def call() -> Any:
        y = openvino.Tensor(openvino.Type.f32, shape)
        request.set_output_tensor(y)
        request.infer()
        return y.data

    return call
