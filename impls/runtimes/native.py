"""The project's own engine."""

from collections.abc import Callable
from typing import Any

from torch import Tensor, nn

from impls.accelerate import accelerate


def build(network: nn.Module, x: Tensor, threads: int) -> Callable[[], Any]:
    """Return a call of ``network`` on ``x`` (NCHW); each call has a new output."""
    accelerated = accelerate(network.eval(), x, threads)

    def call() -> Any:
        return accelerated(x)

    return call
