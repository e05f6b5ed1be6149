"""The project's own engine, ``impls.accelerate``."""

from collections.abc import Callable
from typing import Any

from torch import Tensor, nn

from impls.accelerate import accelerate


def build(network: nn.Module, x: Tensor, threads: int, isa: str | None = None) -> Callable[[], Any]:
    """Return a call of ``network`` on ``x`` (NCHW); each call has a new output.

    Args:
        network: in evaluation mode afterwards.
        x: (batch, channels, height, width), float32.
        threads: the number of threads to compute with.
        isa: an instruction set of the native kernels; None means the best of this processor.
    """
    accelerated = accelerate(network.eval(), x, threads, isa)

    def call() -> Any:
        return accelerated(x)

    return call
