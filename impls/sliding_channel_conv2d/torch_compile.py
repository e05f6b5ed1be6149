"""A composition under torch.compile."""

import torch

from bench.core.implementation import Implementation
from bench.core.target import Target
from bench.core.workload import Call, Problem
from impls.sliding_channel_conv2d._passes import prepare_passes
from impls.sliding_channel_conv2d.layer.backends import BACKENDS, choose_composition
from impls.sliding_channel_conv2d.workload import SlidingChannelConv2dCase


class TorchCompile(Implementation):
    """The composition of PyTorch's operators that is fastest for the case, under torch.compile (static shapes).

    ``torch.compile(SlidingChannelConv2d(...))`` is something else: once compiled, a layer with backend "auto" is
    masked_dense for every case (see ``layer.backends``).
    """

    workload = "sliding_channel_conv2d"
    requires = ("torch",)
    note = (
        "Not torch.compile of the layer, which then is masked_dense for every case: compiled, untimed, is the "
        "composition that the layer would choose eagerly, most often masked_dense too. Materialises what that does "
        "(dense weight or distinct windows) and what the compiler buffers. Weights are packed untimed in forward, "
        "timed in train."
    )

    def prepare(self, problem: Problem, target: Target) -> Call:
        case: SlidingChannelConv2dCase = problem.case
        torch._dynamo.reset()  # else the cases before count against its limit of recompilations
        x = torch.from_numpy({**problem.constants, **problem.inputs}["x"])
        backend = BACKENDS[choose_composition(x, case.windows)]
        call = prepare_passes(
            problem, target, backend, lambda forward: torch.compile(forward, fullgraph=True, dynamic=False)
        )
        call()  # compiles it
        return call
