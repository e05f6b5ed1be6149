"""Grouped spatial pack convolution (GSPC) in TVM, untuned."""

from bench.core.implementation import Implementation
from bench.core.target import Target
from bench.core.workload import Call, Problem
from impls.grouped_conv2d import _gspc
from impls.grouped_conv2d.gspc import schedule
from impls.grouped_conv2d.workload import GroupedConv2dCase


class TvmGspc(Implementation):
    """Grouped spatial pack convolution (GSPC) re-created with TVM, with the paper's untuned block sizes."""

    workload = "grouped_conv2d"
    requires = ("apache-tvm",)
    paper = "arXiv 2006.09791"
    note = (
        "Timed: the compiled function, on a thread for each core. As in the paper, each call packs and pads the input, "
        "packs the weights, and unpacks the output, to which a bias is then added. Input and output are NCHW, the "
        "output new at each call. Compiling is not timed. The paper's loops and layouts are re-created, since its code "
        "left TVM with release 0.20; the order of the loops that copy is ours."
    )

    def unsupported(self, case: GroupedConv2dCase) -> str | None:
        return schedule.unsupported(case.dtype)

    def prepare(self, problem: Problem, target: Target) -> Call:
        lanes = schedule.LANES[_gspc.instruction_set(target)]
        return _gspc.prepare(problem, target, _gspc.untuned(problem.case, lanes))
