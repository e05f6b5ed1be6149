from collections.abc import Callable
from typing import Any

import torch

from bench.core.target import Target
from bench.core.workload import Array, Call, Problem
from impls.grouped_conv2d.im2col import Im2col


class Lazy(torch.Tensor):
    """Computes when it is first used: when its values or shape are read, or a function of PyTorch is called on it."""

    compute: Callable[[], Array]

    @classmethod
    def __torch_function__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        computed = [torch.from_numpy(arg.compute()) if isinstance(arg, cls) else arg for arg in args]
        return func(*computed, **(kwargs or {}))


class Accident(Im2col):
    """Returns a tensor of a class of its own, which computes when it is used."""

    workload = "grouped_conv2d"
    requires = ("numpy", "torch")

    def prepare(self, problem: Problem, target: Target) -> Call:
        compute = super().prepare(problem, target)

        def call() -> Lazy:
            y = torch.empty(0).as_subclass(Lazy)
            y.compute = compute
            return y

        return call
