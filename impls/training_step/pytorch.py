"""PyTorch, eager; a sliding-channel convolution is a dense one with zeros in its weight."""

from bench.core.implementation import Implementation
from bench.core.target import Target
from bench.core.workload import Call, Problem
from impls.training_step._step import prepare_step, unsupported
from impls.training_step.workload import TrainingStepCase


class PyTorch(Implementation):
    """PyTorch, eager; a sliding-channel convolution is a dense one with zeros in its weight."""

    workload = "training_step"
    requires = ("torch",)
    targets = ("cpu", "edge", "cuda")
    note = "Timed: the forward pass in training mode, the loss, and all gradients."
    channels_last = False
    variants = {
        "pytorch": {},
        "pytorch_channels_last": {
            "channels_last": True,
            "summary": "PyTorch, eager, on channels-last tensors; a sliding-channel convolution is a dense one with "
            "zeros in its weight.",
        },
    }

    def unsupported(self, case: TrainingStepCase) -> str | None:
        return unsupported(case, "masked_dense")

    def prepare(self, problem: Problem, target: Target) -> Call:
        return prepare_step(problem, target, "masked_dense", channels_last=self.channels_last)
