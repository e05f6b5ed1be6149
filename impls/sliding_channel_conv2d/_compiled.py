"""Compositions under torch.compile."""

import torch
import torch._functorch.config

from bench.core.target import Target
from bench.core.workload import Call, Problem
from impls.sliding_channel_conv2d._passes import prepare_passes
from impls.sliding_channel_conv2d.layer.backends import Backend


def prepare_compiled(problem: Problem, target: Target, backend: Backend) -> Call:
    """Return the call of ``prepare_passes`` with the forward computation and its gradient compiled for these shapes.

    The forward computation is compiled whole, without graph breaks.
    """
    torch._dynamo.reset()  # otherwise earlier cases count against its limit of recompilations
    single_backward = problem.case.passes != "backward"  # saved tensors may then be overwritten
    with torch._functorch.config.patch(donated_buffer=single_backward):
        call = prepare_passes(
            problem, target, backend, lambda forward: torch.compile(forward, fullgraph=True, dynamic=False)
        )
        call()  # the first call compiles
    return call
