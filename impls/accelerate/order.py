"""Chooses the order in which channels are stored, so that filters that read the same channels lie side by side."""

import numpy as np
from numpy.typing import NDArray

from impls.accelerate.operations import Convolution, Elementwise, Image, Operation, Pool, Segment

Order = NDArray[np.int32]
"""For each stored channel, its number in the network."""


def reads_of(convolution: Convolution) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Return the channels that each filter reads, (filters, count), and its weights for them, (filters, count, kh, kw).

    Channels whose weights are all zero are left out, so a sliding-channel convolution that is written as a dense one
    keeps only the channels of its windows. Filters that read fewer channels than others name their first one again,
    with weights of zero.
    """
    weight = convolution.weight
    filters, channels = weight.shape[:2]
    first = np.arange(filters) // (filters // convolution.groups) * channels
    used = (weight != 0).any(axis=(2, 3))
    if used.all():
        return (first[:, None] + np.arange(channels)).astype(np.int32), weight
    counts = used.sum(axis=1)
    order = np.argsort(~used, axis=1, kind="stable")[:, : max(1, counts.max())]
    weight = np.take_along_axis(weight, order[:, :, None, None], 1)
    order = np.where(np.arange(order.shape[1]) < counts[:, None], order, order[:, :1])
    return (first[:, None] + order).astype(np.int32), weight


def channel_orders(segment: Segment) -> dict[Image, Order]:
    """Return the orders of the images whose channels are not stored in the network's own order.

    Images that are added to one another, or computed channel by channel from one another, share an order. The first
    convolution that writes to one of them, and of whose filters some read the same channels, determines it.
    """
    regions = _Regions()
    fixed: set[Image] = {*segment.inputs, *segment.outputs}
    wanted: dict[Image, Order] = {}
    for operation in segment.operations:
        match operation:
            case Convolution():
                if operation.residual is not None:
                    regions.join(operation.residual, operation.output)
                if is_depthwise(operation):
                    regions.join(operation.x, operation.output)
                elif operation.groups > 1 and operation.weight.shape[2:] != (1, 1):
                    fixed |= {operation.x, operation.output}
                elif len(np.unique(reads := reads_of(operation)[0], axis=0)) < len(reads):
                    order = np.lexsort(reads.T[::-1]).astype(np.int32)
                    if (order != np.arange(len(order))).any():
                        wanted[operation.output] = order
            case Elementwise() | Pool():
                for image in operation.inputs:
                    regions.join(image, operation.output)
    chosen: dict[Image, Order] = {}
    fixed_regions = {regions.of(image) for image in fixed}
    for image, order in wanted.items():
        region = regions.of(image)
        if region not in fixed_regions:
            chosen.setdefault(region, order)
    images = (image for operation in segment.operations for image in (operation.output, *operation.inputs))
    return {image: chosen[region] for image in images if (region := regions.of(image)) in chosen}


def is_depthwise(operation: Operation) -> bool:
    """Whether each filter of a convolution reads the channel of its own number."""
    return (
        isinstance(operation, Convolution)
        and operation.groups == operation.x.channels == operation.output.channels
        and operation.groups > 1
    )


class _Regions:
    """Sets of images that share an order, as a union-find structure."""

    def __init__(self) -> None:
        self._parent: dict[Image, Image] = {}

    def of(self, image: Image) -> Image:
        while image in self._parent:
            image = self._parent[image]
        return image

    def join(self, a: Image, b: Image) -> None:
        a, b = self.of(a), self.of(b)
        if a is not b:
            self._parent[a] = b


def inverse(order: Order) -> Order:
    """Return, for each channel of the network, where it is stored."""
    inverse = np.empty_like(order)
    inverse[order] = np.arange(len(order), dtype=order.dtype)
    return inverse
