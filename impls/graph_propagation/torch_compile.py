"""Gather, multiply and scatter-add under torch.compile."""

import torch
from torch import Tensor

from bench.core.implementation import Implementation
from bench.core.target import Target
from bench.core.workload import Call, Problem
from bench.measure import inductor
from impls.graph_propagation._passes import constants, prepare_passes

inductor.make_ready()


class TorchCompile(Implementation):
    """What message passing does, under torch.compile (static shapes), which may fuse it into one loop over edges."""

    workload = "graph_propagation"
    requires = ("torch",)
    note = "Timed: the compiled product, or its compiled gradient. Compiling is not timed."

    def prepare(self, problem: Problem, target: Target) -> Call:
        torch._dynamo.reset()  # otherwise earlier cases count towards its limit of recompilations
        row, col, weight = constants(problem)

        def propagate(x: Tensor) -> Tensor:
            return torch.zeros_like(x).index_add(0, row, weight[:, None] * x[col])

        call = prepare_passes(problem, target, torch.compile(propagate, fullgraph=True, dynamic=False))
        call()  # compiles it
        return call
