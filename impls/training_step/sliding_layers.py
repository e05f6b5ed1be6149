"""Sliding-channel convolutions by the other backends of the layer; everything else is eager PyTorch."""

from bench.core.implementation import Implementation
from bench.core.target import Target
from bench.core.workload import Call, Problem
from impls.training_step._step import prepare_step, unsupported
from impls.training_step.workload import TrainingStepCase


class SlidingLayers(Implementation):
    """Sliding-channel convolutions by a backend of ``SlidingChannelConv2d``; everything else is eager PyTorch."""

    workload = "training_step"
    requires = ("torch",)
    note = "Timed: the forward pass in training mode, the loss, and all gradients."
    paper = "arXiv 2101.00745"
    backend = "native"
    channels_last = False
    variants = {
        "native": {
            "summary": "Sliding-channel convolutions by Featherbench's own C++ kernels; the rest is eager PyTorch."
        },
        "auto_channels_last": {
            "backend": "auto",
            "channels_last": True,
            "summary": "Sliding-channel convolutions by the backend that SlidingChannelConv2d chooses for "
            "channels-last tensors: products on slices for many channels, otherwise a dense convolution; the rest is "
            "eager PyTorch.",
        },
        "window_groups": {
            "backend": "window_groups",
            "summary": "Sliding-channel convolutions in groups, on a copy of each distinct window (a composition of "
            "arXiv 2101.00745); the rest is eager PyTorch.",
        },
        "window_groups_channels_last": {
            "backend": "window_groups",
            "channels_last": True,
            "summary": "Sliding-channel convolutions in groups, on a copy of each distinct window, on channels-last "
            "tensors; the rest is eager PyTorch.",
        },
        "sliced_gemm": {
            "backend": "sliced_gemm",
            "summary": "Sliding-channel convolutions as products on slices of the planes; the rest is eager PyTorch.",
        },
    }

    def unsupported(self, case: TrainingStepCase) -> str | None:
        return unsupported(case, self.backend)

    def prepare(self, problem: Problem, target: Target) -> Call:
        return prepare_step(problem, target, self.backend, channels_last=self.channels_last)
