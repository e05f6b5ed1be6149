"""ONNX Runtime's CPU provider."""

from collections.abc import Callable
from typing import Any

import onnxruntime
from torch import Tensor


def load(model: bytes, x: Tensor, threads: int) -> Callable[[], Any]:
    """Return a call of an ONNX model on ``x`` (NCHW), fed with the array itself; the runtime allocates the output."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    feed = {"x": x.numpy()}

    def call() -> Any:
        return session.run(None, feed)[0]

    return call
