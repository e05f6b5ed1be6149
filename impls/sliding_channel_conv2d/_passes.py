"""From a differentiable composition to the call of a case: its forward pass, its gradients, or both."""

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
    """A call that computes the case's passes, on tensors that share their memory with the problem's arrays.

    Forward: weights are packed here. Backward: the forward pass runs here, and autograd keeps what it keeps; the call
    is autograd's, from ``dy``. Train: the call is all of it. ``compiled`` is put around the forward computation.
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
        kept = forward()
        return lambda: torch.autograd.grad(kept, leaves, dy, retain_graph=True)

    def train() -> tuple[Tensor, ...]:
        y = forward()
        return (y, *torch.autograd.grad(y, leaves, dy))

    return train


def tensors(problem: Problem, *, channels_last: bool = False) -> tuple[Tensor, Tensor, Tensor | None, Tensor | None]:
    """x, weight, bias and dy of a problem, those that it has, in the memory of its arrays."""
    images = [name for name in ("x", "dy") if name in problem.inputs]
    for name in images if channels_last else ():
        problem.lay_out(name, (0, 2, 3, 1))
    # Detached: what autograd is told of a tensor must not be told of the problem's own.
    found = {name: as_tensor(array).detach() for name, array in {**problem.constants, **problem.inputs}.items()}
    if channels_last:
        found["x"] = found["x"].contiguous(memory_format=torch.channels_last)
    return found["x"], found["weight"], found.get("bias"), found.get("dy")


def allow_rounding(case: SlidingChannelConv2dCase) -> None:
    """For this process, products of float32 as the case allows them; the fastest of cuDNN's algorithms, by trial."""
    # Not fp32_precision of these: what has been set by that, compilers and cudnn.flags() cannot read.
    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = case.dtype == "tf32"
    torch.backends.cudnn.benchmark = True


def _inference(forward: Compute) -> Call:
    def call() -> Tensor:
        with torch.inference_mode():
            return forward()

    return call
