"""A one-node model, run by ONNX Runtime on the CPU."""

import numpy as np
from onnx import TensorProto, helper, numpy_helper

from bench.core.implementation import Implementation
from bench.core.target import Target
from bench.core.workload import Call, Problem
from impls.grouped_conv2d.workload import GroupedConv2dCase
from impls.loaders.onnxruntime import load


class OnnxRuntime(Implementation):
    """A one-node Conv model run by ONNX Runtime's CPU provider."""

    workload = "grouped_conv2d"
    requires = ("onnxruntime", "onnx")
    note = (
        "Timed: session.run, fed with the NumPy array itself, the output allocated by the runtime, whose arena keeps "
        "what the first calls took: it shows as prepared memory. Model building is not timed."
    )

    def unsupported(self, case: GroupedConv2dCase) -> str | None:
        return None if case.dtype == "float32" else "ONNX Runtime's CPU Conv takes float32 only"

    def prepare(self, problem: Problem, target: Target) -> Call:
        return load(_model(problem), problem.inputs["x"], len(target.cores))


def _model(problem: Problem) -> bytes:
    case: GroupedConv2dCase = problem.case
    top, bottom, left, right = case.padding
    node = helper.make_node(
        "Conv",
        ["x", *problem.constants],
        ["y"],
        kernel_shape=case.kernel,
        strides=case.stride,
        pads=(top, left, bottom, right),
        dilations=case.dilation,
        group=case.groups,
    )
    graph = helper.make_graph(
        [node],
        "conv",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, problem.inputs["x"].shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, case.output_shape)],
        [numpy_helper.from_array(np.ascontiguousarray(array), name) for name, array in problem.constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    return bytes(model.SerializeToString())
