"""A one-layer model, compiled and run by OpenVINO on the CPU."""

import numpy as np
import openvino
from openvino import opset13 as ops

from bench.core.implementation import Implementation
from bench.core.target import Target
from bench.core.workload import Call, Problem
from impls.grouped_conv2d.workload import GroupedConv2dCase
from impls.loaders.openvino import load


class OpenVino(Implementation):
    """A one-operator model (Convolution or GroupConvolution) compiled by OpenVINO for its CPU plug-in."""

    workload = "grouped_conv2d"
    requires = ("openvino",)
    note = (
        "Timed: one inference request with the input bound in place and a new output tensor, both NCHW: the plug-in's "
        "own reordering to and from its inner layout is inside. Compiling the model is not. On edge TBB is kept from "
        "binding the thread at every call (HWLOC_THISSYSTEM=0), which takes some microseconds: the worker is pinned."
    )

    def unsupported(self, case: GroupedConv2dCase) -> str | None:
        return None if case.dtype == "float32" else "OpenVINO's CPU plug-in computes float64 as float32"

    def prepare(self, problem: Problem, target: Target) -> Call:
        x = problem.lay_out("x", (0, 1, 2, 3))  # a shared tensor has to be contiguous
        return load(_model(problem), x, len(target.cores))


def _model(problem: Problem) -> openvino.Model:
    case: GroupedConv2dCase = problem.case
    top, bottom, left, right = case.padding
    x = ops.parameter((case.n, case.cin, case.h, case.w), np.float32)
    weight = problem.constants["weight"]
    geometry = (case.stride, (top, left), (bottom, right), case.dilation)
    if case.groups == 1:
        y = ops.convolution(x, ops.constant(weight), *geometry)
    else:
        y = ops.group_convolution(x, ops.constant(weight.reshape(case.groups, -1, *weight.shape[1:])), *geometry)
    if case.bias:
        y = ops.add(y, ops.constant(problem.constants["bias"].reshape(1, -1, 1, 1)))
    return openvino.Model([y], [x], "convolution")
