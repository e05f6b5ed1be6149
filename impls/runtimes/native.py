"""The project's own engine, ``impls.accelerate``."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from impls.accelerate import AcceleratedNetwork, accelerate
from impls.loaders.layer_times import LayerTimes, repeat


@dataclass(eq=False)
class AcceleratedCall:
    """A call of an accelerated network on an input."""

    network: AcceleratedNetwork
    x: Tensor

    def __call__(self) -> Any:
        return self.network(self.x)


def build(network: nn.Module, x: Tensor, threads: int, isa: str | None = None) -> AcceleratedCall:
    """Return a call of ``network`` on ``x`` (NCHW); each call has a new output.

    Args:
        network: in evaluation mode afterwards.
        x: (batch, channels, height, width), float32.
        threads: the number of threads to compute with.
        isa: an instruction set of the native kernels; None means the best of this processor.
    """
    return AcceleratedCall(accelerate(network.eval(), x, threads, isa), x)


def facts(call: AcceleratedCall) -> Mapping[str, str]:
    """Return the calls that PyTorch computes, each with the reason why the engine cannot; nothing if there are none."""
    fallbacks = call.network.fallbacks
    return {"fallbacks": "; ".join(fallbacks)} if fallbacks else {}


def layer_times(network: nn.Module, x: Tensor, threads: int, calls: int, isa: str | None = None) -> LayerTimes:
    """Return the times of the chains of steps of the engine for a batch; what PyTorch computes is not among them.

    Args:
        network: in evaluation mode afterwards.
        x: (batch, channels, height, width), float32.
        threads: the number of threads to compute with.
        calls: the number of calls whose times are returned.
        isa: an instruction set of the native kernels; None means the best of this processor.
    """
    accelerated = accelerate(network.eval(), x, threads, isa)
    return repeat(lambda: [(chain, len(x) * seconds) for chain, seconds in accelerated.profile(calls=1)], calls)
