"""Our own im2col: the textbook algorithm, as a yardstick."""

import numpy as np

from bench.core.implementation import Implementation
from bench.core.target import Target
from bench.core.workload import Array, Call, Problem
from impls.grouped_conv2d.workload import GroupedConv2dCase


class Im2col(Implementation):
    """Unfold the input into columns, then one matrix product for each group (numpy)."""

    workload = "grouped_conv2d"
    requires = ("numpy",)
    note = (
        "Timed: padding into a kept buffer, the copy into columns (allocated anew at each call), and the products. "
        "Weights are reshaped once, untimed."
    )

    def prepare(self, problem: Problem, target: Target) -> Call:
        case: GroupedConv2dCase = problem.case
        x = problem.inputs["x"]
        bias = problem.constants["bias"][:, None, None] if case.bias else None
        weight = problem.constants["weight"].reshape(case.groups, case.cout // case.groups, -1)
        top, bottom, left, right = case.padding
        padded = np.zeros((case.n, case.cin, case.h + top + bottom, case.w + left + right), x.dtype)
        inside = padded[:, :, top : top + case.h, left : left + case.w]
        windows = _windows(padded, case)

        def call() -> Array:
            np.copyto(inside, x)
            columns = windows.reshape(case.n, case.groups, weight.shape[2], -1)
            y = (weight @ columns).reshape(case.output_shape)
            if bias is not None:
                y += bias
            return y

        return call


def _windows(padded: Array, case: GroupedConv2dCase) -> Array:
    """Return a view of shape (n, cin, kh, kw, oh, ow): the inputs that each position of the kernel meets."""
    sn, sc, sh, sw = padded.strides
    strides = (sn, sc, sh * case.dilation[0], sw * case.dilation[1], sh * case.stride[0], sw * case.stride[1])
    shape = (case.n, case.cin, *case.kernel, *case.output_size)
    return np.lib.stride_tricks.as_strided(padded, shape, strides, writeable=False)
