"""Sliding-channel convolution, arXiv 2101.00745. The layer to use is ``SlidingChannelConv2d``."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from impls.sliding_channel_conv2d.layer.module import SlidingChannelConv2d

__all__ = ["SlidingChannelConv2d"]


def __getattr__(name: str) -> Any:
    """Import the layer, and torch with it, only when it is used: the harness reads this package without torch."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from impls.sliding_channel_conv2d.layer.module import SlidingChannelConv2d

    return SlidingChannelConv2d
