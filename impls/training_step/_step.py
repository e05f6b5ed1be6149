"""The call that computes a training step, shared by the implementations."""

import torch
from torch import Tensor, nn

from bench.core.target import Target
from bench.core.workload import Call, Problem
from bench.measure.tensors import as_tensor
from impls.sliding_channel_conv2d.layer.backends import BACKENDS
from impls.sliding_channel_conv2d.layer.module import SlidingChannelConv2d
from impls.training_step._network import create, loss_and_gradients, with_parameters
from impls.training_step.workload import TrainingStepCase


def unsupported(case: TrainingStepCase, backend: str) -> str | None:
    """Return why a case has no network, or why ``backend`` cannot compute its sliding-channel convolutions, or None.

    Without such layers there is nothing for a backend to do, except for the one that PyTorch's implementations use.
    """
    try:
        with torch.device("meta"):
            network = create(case)
    except ValueError as error:
        return str(error)
    layers = _sliding_layers(network)
    if not layers and backend != "masked_dense":
        return f"block={case.block} has no sliding-channel convolution"
    reasons = (BACKENDS[backend].unsupported(layer.windows) for layer in layers if backend != "auto")
    return next(filter(None, reasons), None)


def prepare_step(problem: Problem, target: Target, backend: str, *, channels_last: bool) -> Call:
    """Return the call, on tensors that share their memory with the problem's inputs.

    Args:
        problem: the case and its arrays.
        target: its cores set the number of threads.
        backend: computes sliding-channel convolutions.
        channels_last: whether images, weights and what lies between are stored as NHWC.
    """
    torch.set_num_threads(len(target.cores))
    network = with_parameters(problem)
    for layer in _sliding_layers(network):
        layer.backend = backend
    if channels_last:
        problem.lay_out("x", (0, 2, 3, 1))
        network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    x, labels = as_tensor(problem.inputs["x"]), as_tensor(problem.inputs["labels"])

    def call() -> tuple[Tensor, ...]:
        return loss_and_gradients(network, x, labels)

    return call


def _sliding_layers(network: nn.Module) -> list[SlidingChannelConv2d]:
    return [layer for layer in network.modules() if isinstance(layer, SlidingChannelConv2d)]
