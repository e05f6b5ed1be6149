"""Lowers a segment to a network of the native kernels."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from impls.accelerate.operations import Convolution, Elementwise, Gather, Image, Operation, Pool, Segment
from impls.accelerate.order import Order, channel_orders, inverse, is_depthwise, reads_of
from impls.native.library import kernels

_MAX_PLANAR_CHANNELS = 4
_WINOGRAD_TILES = (4, 2)
_NO_MARGINS = (0, 0, 0, 0)
Margins = tuple[int, int, int, int]
"""Rows and columns of zeros around an image: top, bottom, left, right."""


def lower(segment: Segment, threads: int, isa: str, tuned: bool) -> Any:
    """Return the native network of a segment.

    It is called with a list of float32 arrays (batch, channels, h, w), the segment's inputs, and returns its outputs.
    """
    builder = _Builder(segment, threads, isa)
    builder.build()
    builder.network.finish(tuned)
    return builder.network


@dataclass
class _Chain:
    """Operations that are computed together, one strip of rows after another."""

    operations: list[Operation] = field(default_factory=list)


class _Builder:
    def __init__(self, segment: Segment, threads: int, isa: str) -> None:
        self.segment = segment
        self.network = kernels().Network(isa, threads)
        self.lanes: int = self.network.lanes
        self.orders = channel_orders(segment)
        self.uses = Counter(image for operation in segment.operations for image in operation.inputs)
        self.uses.update(segment.outputs)
        self.planar = self._planar()
        self.values: dict[Image, int] = {}

    def build(self) -> None:
        chains = self._chains()
        strips = {
            operation.output
            for chain in chains
            for operation, after in zip(chain.operations, chain.operations[1:], strict=False)
            if self.uses[operation.output] == 1 and operation.output in after.inputs
        }
        margins = self._margins()
        images = [*self.segment.inputs, *(operation.output for chain in chains for operation in chain.operations)]
        for image in images:
            self.values[image] = self.network.add_value(
                image.channels,
                image.height,
                image.width,
                margins.get(image, _NO_MARGINS),
                image in self.planar,
                image in strips,
            )
        for chain in chains:
            self.network.begin_chain()
            for operation in chain.operations:
                self._add(operation)
        self.network.set_inputs([self.values[image] for image in self.segment.inputs])
        self.network.set_outputs([self.values[image] for image in self.segment.outputs])

    def _chains(self) -> list[_Chain]:
        """Cut the operations into chains.

        An operation joins the chain before it under two conditions: it computes each position from the same position of
        the chain's last output, and all else that it reads was computed before the chain began.
        """
        chains: list[_Chain] = []
        for operation in self.segment.operations:
            if chains and _is_local(operation):
                chain = chains[-1].operations
                written = {before.output for before in chain}
                last = chain[-1].output
                others = [image for image in operation.inputs if image is not last and image in written]
                gate = operation.b if isinstance(operation, Elementwise) and operation.op == "gate" else None
                if last in operation.inputs and gate is not last and not others:
                    chain.append(operation)
                    continue
            chains.append(_Chain([operation]))
        return chains

    def _margins(self) -> dict[Image, Margins]:
        margins: dict[Image, Margins] = {}
        for operation in self.segment.operations:
            if isinstance(operation, Convolution) and not operation.is_pointwise:
                needed = [_needed_margins(operation)]
                for tile in self._winograd_tiles(operation):
                    needed.append(tuple(kernels().winograd_margins(tile, operation.x.height, operation.x.width)))
                current = margins.get(operation.x, _NO_MARGINS)
                margins[operation.x] = tuple(map(max, zip(current, *needed, strict=True)))
        return margins

    def _planar(self) -> set[Image]:
        """Return the inputs that are stored as planes: those of few channels that only dense convolutions read."""
        planar = {image for image in self.segment.inputs if image.channels <= _MAX_PLANAR_CHANNELS}
        for operation in self.segment.operations:
            dense = isinstance(operation, Convolution) and operation.groups == 1 and operation.residual not in planar
            planar -= set() if dense else set(operation.inputs)
        return planar - set(self.segment.outputs)

    def _winograd_tiles(self, operation: Convolution) -> tuple[int, ...]:
        """Return the sides of the output tiles with which Winograd's algorithm can compute a convolution."""
        filters, channels, *kernel = operation.weight.shape
        if kernel != [3, 3] or operation.stride != (1, 1) or operation.padding != (1, 1):
            return ()
        same_size = (operation.output.height, operation.output.width) == (operation.x.height, operation.x.width)
        whole_blocks = channels % self.lanes == 0 and filters // operation.groups % self.lanes == 0
        if operation.dilation != (1, 1) or operation.x in self.planar or not same_size or not whole_blocks:
            return ()
        return _WINOGRAD_TILES

    def _add(self, operation: Operation) -> None:
        match operation:
            case Convolution():
                self._add_convolution(operation)
            case Elementwise():
                order = self.orders.get(operation.output)
                self.network.add_elementwise(
                    self.values[operation.a],
                    -1 if operation.b is None else self.values[operation.b],
                    operation.op,
                    self.values[operation.output],
                    _ordered(operation.scale, order),
                    _ordered(operation.shift, order),
                    operation.activation,
                    *operation.bounds,
                )
            case Pool():
                self.network.add_pool(
                    self.values[operation.x],
                    self.values[operation.output],
                    operation.kernel,
                    operation.stride,
                    operation.padding,
                    operation.mean,
                    operation.counts_padding,
                )
            case Gather():
                self._add_gather(operation)
            case _:
                raise TypeError(f"no native step for {type(operation).__name__}")

    def _add_gather(self, operation: Gather) -> None:
        images = operation.inputs
        stored = {image: inverse(self.orders[image]) for image in images if image in self.orders}
        order = self.orders.get(operation.output, range(operation.output.channels))
        sources = []
        for channel in order:
            image, source = operation.sources[channel]
            sources.append((images.index(image), int(stored[image][source]) if image in stored else source))
        self.network.add_gather([self.values[image] for image in images], self.values[operation.output], sources)

    def _add_convolution(self, operation: Convolution) -> None:
        """Add a convolution, with alternatives where more than one algorithm may be the fastest."""
        order_in, order_out = self.orders.get(operation.x), self.orders.get(operation.output)
        x, y = self.values[operation.x], self.values[operation.output]
        residual = -1 if operation.residual is None else self.values[operation.residual]
        bias = _ordered(operation.bias, order_out)
        window = (operation.stride, operation.padding, operation.dilation)
        filters, channels = operation.weight.shape[:2]
        small_groups = operation.groups > 1 and channels < self.lanes and channels * operation.groups == filters
        if small_groups and (channels == 1 or order_in is None):
            weight = _ordered(operation.weight, order_out)
            if self.network.add_grouped(x, y, residual, channels, weight, bias, *window, *operation.bounds):
                return
        reads, weight = reads_of(operation)
        if order_in is not None:
            reads = inverse(order_in)[reads]
        reads, weight = _ordered(reads, order_out), _ordered(weight, order_out)
        self.network.add_sums(x, y, residual, weight, reads, bias, *window, *operation.bounds, False)
        for tile in self._winograd_tiles(operation):
            full = _ordered(operation.weight, order_out)
            if order_in is not None:
                full = np.ascontiguousarray(full[:, order_in])
            self.network.add_winograd(x, y, residual, operation.groups, tile, full, bias, *operation.bounds, True)


def _is_local(operation: Operation) -> bool:
    """Whether an operation computes each position of its output from the same position of its inputs."""
    return isinstance(operation, Elementwise | Gather) or (
        isinstance(operation, Convolution) and operation.is_pointwise and not is_depthwise(operation)
    )


def _needed_margins(operation: Convolution) -> Margins:
    """Return how many rows and columns of zeros a convolution reads around its input."""
    sizes = (operation.x.height, operation.x.width), (operation.output.height, operation.output.width)
    after = []
    for size, outputs, taps, stride, padding, dilation in zip(
        *sizes, operation.weight.shape[2:], operation.stride, operation.padding, operation.dilation, strict=True
    ):
        last = (outputs - 1) * stride + (taps - 1) * dilation - padding
        after.append(max(last - size + 1, 0))
    top, left = operation.padding
    return top, after[0], left, after[1]


def _ordered(array: NDArray[Any] | None, order: Order | None) -> Any:
    """Return an array, whose first axis is channels, with these in the order in which they are stored."""
    if array is None:
        return None
    return np.ascontiguousarray(array if order is None else array[order])
