"""Compositions under torch.compile."""

import torch
import torch._functorch.config

from bench.core.target import Target
from bench.core.workload import Call, Problem
from impls.sliding_channel_conv2d._passes import prepare_passes
from impls.sliding_channel_conv2d.layer.backends import Backend


def prepare_compiled(problem: Problem, target: Target, backend: Backend) -> Call:
    """As ``prepare_passes``, the forward computation compiled whole, for these shapes, and its gradient with it."""
    torch._dynamo.reset()  # else the cases before count against its limit of recompilations
    only_once = problem.case.passes != "backward"  # what a gradient is computed from may then be overwritten
    with torch._functorch.config.patch(donated_buffer=only_once):
        call = prepare_passes(
            problem, target, backend, lambda forward: torch.compile(forward, fullgraph=True, dynamic=False)
        )
        call()  # compiles it
    return call
