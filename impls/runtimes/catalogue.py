"""The runtimes by their names."""

from collections.abc import Callable
from typing import Any, NamedTuple

from torch import Tensor, nn

from impls.runtimes import pytorch


class Runtime(NamedTuple):
    """A way to run a network."""

    build: Callable[[nn.Module, Tensor], Callable[[], Any]]
    """Return a call without arguments, which reads the example (batch, channels, height, width) anew each time."""
    channels_last: bool
    """Whether its users store images as (batch, height, width, channels)."""


RUNTIMES = {
    "pytorch": Runtime(pytorch.build, channels_last=False),
    "pytorch_channels_last": Runtime(pytorch.build_channels_last, channels_last=True),
}
