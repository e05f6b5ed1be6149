"""Prepare the call of a case from a differentiable backend: its forward pass, its gradients, or both."""

from collections.abc import Callable

import torch
from torch import Tensor

from bench.core.target import Target
from bench.core.workload import Call, Problem
from bench.measure.tensors import as_tensor
from impls.sliding_channel_conv2d.layer.backends import Backend
from impls.sliding_channel_conv2d.workload import SlidingChannelConv2dCase

Compute = Callable[[], Tensor]


def prepare_passes(
    problem: Problem,
    target: Target,
    backend: Backend,
    compiled: Callable[[Compute], Compute] = lambda compute: compute,
    *,
    channels_last: bool = False,
) -> Call:
    """Return a call that computes the case's passes, on tensors that share their memory with the problem's arrays.

    Forward cases pack the weight before the call. Backward cases run the forward pass before it, whose tensors autograd
    saves, and the call computes gradients from ``dy``. In train cases the call computes everything.

    Args:
        problem: the case and its arrays.
        target: its cores set the number of threads.
        backend: what computes the layer.
        compiled: applied to the forward computation.
        channels_last: whether x and dy are stored as NHWC.
    """
    torch.set_num_threads(len(target.cores))
    case: SlidingChannelConv2dCase = problem.case
    windows = case.windows
    allow_rounding(case)
    x, weight, bias, dy = tensors(problem, channels_last=channels_last)
    if case.passes == "forward":
        packed = backend.pack(weight, bias, windows)
        return _inference(compiled(lambda: backend.convolve(x, *packed, windows)))
    leaves = [tensor.requires_grad_() for tensor in (x, weight, bias) if tensor is not None]
    forward = compiled(lambda: backend.convolve(x, *backend.pack(weight, bias, windows), windows))
    if case.passes == "backward":
        output = forward()
        return lambda: torch.autograd.grad(output, leaves, dy, retain_graph=True)

    def train() -> tuple[Tensor, ...]:
        y = forward()
        return (y, *torch.autograd.grad(y, leaves, dy))

    return train


def tensors(problem: Problem, *, channels_last: bool = False) -> tuple[Tensor, Tensor, Tensor | None, Tensor | None]:
    """Return x, weight, bias and dy of a problem in the memory of its arrays, None for those that it does not have."""
    images = [name for name in ("x", "dy") if name in problem.inputs]
    for name in images if channels_last else ():
        problem.lay_out(name, (0, 2, 3, 1))
    # Detached, so that autograd does not mark the problem's own tensors.
    by_name = {name: as_tensor(array).detach() for name, array in {**problem.constants, **problem.inputs}.items()}
    if channels_last:
        by_name["x"] = by_name["x"].contiguous(memory_format=torch.channels_last)
    return by_name["x"], by_name["weight"], by_name.get("bias"), by_name.get("dy")


def allow_rounding(case: SlidingChannelConv2dCase) -> None:
    """Allow TF32 in this process if the case does, and let cuDNN choose its fastest algorithm by trial."""
    # Not with fp32_precision: compilers and cudnn.flags() cannot read what that has set.
    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = case.dtype == "tf32"
    torch.backends.cudnn.benchmark = True


def _inference(forward: Compute) -> Call:
    def call() -> Tensor:
        with torch.inference_mode():
            return forward()

    return call
