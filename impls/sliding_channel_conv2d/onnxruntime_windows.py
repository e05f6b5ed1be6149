"""ONNX Runtime's CPU provider on the paper's composition by channel cycle."""

import numpy as np
from onnx import TensorProto, helper, numpy_helper

from bench.core.implementation import Implementation
from bench.core.target import Target
from bench.core.workload import Call, Problem
from impls.loaders.onnxruntime import load
from impls.sliding_channel_conv2d.workload import SlidingChannelConv2dCase


class OnnxRuntimeWindows(Implementation):
    """A model that gathers the N distinct windows, convolves with groups = N and reorders, run by ONNX Runtime."""

    workload = "sliding_channel_conv2d"
    requires = ("onnxruntime", "onnx")
    note = (
        "Copies N * cin / cg channels and the output once more, inside the model. Timed: session.run, fed with the "
        "NumPy array, the output allocated by the runtime, whose arena keeps what the first calls took: it shows as "
        "prepared memory. Reordering of weights and model building are not timed."
    )

    def unsupported(self, case: SlidingChannelConv2dCase) -> str | None:
        if case.passes != "forward":
            return "an inference runtime computes no gradients"
        if case.dtype != "float32":
            return "ONNX Runtime's CPU Conv takes float32 only"
        return case.windows.unsupported_as_groups()

    def prepare(self, problem: Problem, target: Target) -> Call:
        return load(_model(problem), problem.inputs["x"], len(target.cores))


def _model(problem: Problem) -> bytes:
    case: SlidingChannelConv2dCase = problem.case
    groups, (n, cout, h, w) = case.windows.groups, case.output_shape
    constants = {"channels": case.windows.channels[:groups].reshape(-1)}
    for name, array in problem.constants.items():  # place filters that share a window beside each other
        by_window = array.reshape(-1, groups, *array.shape[1:]).swapaxes(0, 1)
        constants[name] = by_window.reshape((cout, -1, 1, 1) if name == "weight" else cout)
    constants["split"] = np.array([n, groups, cout // groups, h * w])
    constants["joined"] = np.array(case.output_shape)
    nodes = [
        helper.make_node("Gather", ["x", "channels"], ["copied"], axis=1),
        helper.make_node("Conv", ["copied", *problem.constants], ["by_window"], kernel_shape=(1, 1), group=groups),
        helper.make_node("Reshape", ["by_window", "split"], ["separate"]),
        helper.make_node("Transpose", ["separate"], ["interleaved"], perm=(0, 2, 1, 3)),
        helper.make_node("Reshape", ["interleaved", "joined"], ["y"]),
    ]
    graph = helper.make_graph(
        nodes,
        "window_groups",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, case.input_shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, case.output_shape)],
        [numpy_helper.from_array(np.ascontiguousarray(array), name) for name, array in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    return bytes(model.SerializeToString())
