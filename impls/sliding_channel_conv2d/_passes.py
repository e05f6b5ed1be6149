"""From a differentiable composition to the call of a case: its forward pass, its gradients, or both."""

from collections.abc import Callable

import torch
from torch import Tensor

from bench.core.target import Target
from bench.core.workload import Call, Problem
from impls.sliding_channel_conv2d.layer.backends import Backend
from impls.sliding_channel_conv2d.workload import SlidingChannelConv2dCase

Compute = Callable[[], Tensor]


def prepare_passes(
    problem: Problem, target: Target, backend: Backend, compiled: Callable[[Compute], Compute] = lambda compute: compute
) -> Call:
    """A call that computes the case's passes, on tensors that share their memory with the problem's arrays.

    Forward: weights are packed here. Backward: the forward pass runs here, and autograd keeps what it keeps; the call
    is autograd's, from ``dy``. Train: the call is all of it. ``compiled`` is put around the forward computation.
    """
    torch.set_num_threads(len(target.cores))
    case: SlidingChannelConv2dCase = problem.case
    windows = case.windows
    arrays = {**problem.constants, **problem.inputs}
    x, weight, bias, dy = (torch.from_numpy(arrays[name]) if name in arrays else None for name in _NAMES)
    assert x is not None
    assert weight is not None
    if case.passes == "forward":
        packed = backend.pack(weight, bias, windows)
        return _inference(compiled(lambda: backend.convolve(x, *packed, windows)))
    leaves = [tensor.requires_grad_() for tensor in (x, weight, bias) if tensor is not None]
    forward = compiled(lambda: backend.convolve(x, *backend.pack(weight, bias, windows), windows))
    if case.passes == "backward":
        kept = forward()
        return lambda: torch.autograd.grad(kept, leaves, dy, retain_graph=True)

    def train() -> tuple[Tensor, ...]:
        y = forward()
        return (y, *torch.autograd.grad(y, leaves, dy))

    return train


_NAMES = ("x", "weight", "bias", "dy")


def _inference(forward: Compute) -> Call:
    def call() -> Tensor:
        with torch.inference_mode():
            return forward()

    return call
