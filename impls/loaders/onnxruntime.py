"""ONNX Runtime's CPU provider."""

import json
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import ArrayLike

from impls.loaders.layer_times import WARMUP_CALLS, LayerTimes

NODE = "Node"
"""Category of an event of the profiler that is the computation of a node."""


def load(model: bytes, x: ArrayLike, threads: int) -> Callable[[], Any]:
    """Return a call that runs an ONNX model on ``x``. The array itself is fed; the runtime allocates the output."""
    session = _session(model, _options(threads))
    feed = _feed(session, x)

    def call() -> Any:
        return session.run(None, feed)[0]

    return call


def layer_times(model: bytes, x: ArrayLike, threads: int, calls: int) -> LayerTimes:
    """Return the times of the nodes of the optimised graph by ONNX Runtime's profiler, which counts whole µs."""
    options = _options(threads)
    with TemporaryDirectory() as folder:
        options.enable_profiling = True
        options.profile_file_prefix = str(Path(folder) / "profile")
        session = _session(model, options)
        for _ in range(WARMUP_CALLS + calls):
            session.run(None, _feed(session, x))
        events = json.loads(Path(session.end_profiling()).read_text())
    times: dict[tuple[int, str], list[float]] = {}
    for event in events:
        if event["cat"] == NODE and event["name"].endswith("_kernel_time"):
            name = f"{event['args']['op_name']} {event['name'].removesuffix('_kernel_time')}"
            times.setdefault((int(event["args"]["node_index"]), name), []).append(event["dur"] / 1e6)
    return [(name, seconds[WARMUP_CALLS:]) for (_, name), seconds in times.items()]


def _options(threads: int) -> Any:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    return options


def _session(model: bytes, options: Any) -> Any:
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def _feed(session: Any, x: ArrayLike) -> dict[str, Any]:
    (argument,) = session.get_inputs()
    return {argument.name: np.asarray(x)}
