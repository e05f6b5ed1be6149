"""Fuses operations, so that activations pass through memory less often."""

from collections import Counter
from dataclasses import replace

import numpy as np

from impls.accelerate.operations import UNBOUNDED, Convolution, Elementwise, Gather, Image, Operation, Segment


def fuse(segment: Segment) -> Segment:
    """Return a segment that computes the same with fewer operations.

    A convolution takes in the batch norm, the addition of a second image and the bounds, such as those of ReLU, that
    follow it. Elementwise operations that follow each other become one, and so do copies of channels. Except for
    copies, operations are fused only where nothing else reads the image between them.
    """
    by_output = {operation.output: operation for operation in segment.operations}
    uses = Counter(image for operation in segment.operations for image in operation.inputs)
    uses.update(segment.outputs)
    for operation in segment.operations:
        current = by_output[operation.output]
        if isinstance(current, Gather):
            current = _through_gathers(current, by_output)
        while isinstance(current, Elementwise):
            joined = _join(current, by_output, uses)
            if joined is None:
                break
            current = joined
        by_output[operation.output] = current
    return Segment(segment.inputs, segment.outputs, _ordered(segment.outputs, by_output))


def _through_gathers(gather: Gather, by_output: dict[Image, Operation]) -> Gather:
    """Return a gather that reads the inputs of the gathers before it, not their outputs."""
    sources = []
    for image, channel in gather.sources:
        before = by_output.get(image)
        sources.append(before.sources[channel] if isinstance(before, Gather) else (image, channel))
    return replace(gather, sources=tuple(sources))


def _join(second: Elementwise, by_output: dict[Image, Operation], uses: Counter[Image]) -> Operation | None:
    """Return an elementwise operation fused with the operation before it, or None where that is impossible."""

    def before(image: Image | None) -> Operation | None:
        """Return the operation that computes an image which nothing else reads."""
        return by_output.get(image) if image is not None and uses[image] == 1 else None

    if second.op == "add":
        for image, other in ((second.a, second.b), (second.b, second.a)):
            if joined := _add_to_convolution(second, before(image), other):
                return joined
    if second.op != "none":
        return None
    match before(second.a):
        case Convolution() as first:
            return _finish_convolution(first, second)
        case Elementwise() as first if first.is_linear:
            return _compose(first, second)
    return None


def _finish_convolution(first: Convolution, second: Elementwise) -> Convolution | None:
    """Return a convolution that scales, shifts and clamps its output itself, or None where that is impossible."""
    if first.bounds != UNBOUNDED or second.activation != "clamp":
        return None
    if second.scale is None or second.shift is None:
        return replace(first, bounds=second.bounds, output=second.output)
    if first.residual is not None:
        return None
    weight = (first.weight.astype(np.float64) * second.scale.reshape(-1, 1, 1, 1)).astype(np.float32)
    bias = (first.bias.astype(np.float64) * second.scale + second.shift).astype(np.float32)
    return replace(first, weight=weight, bias=bias, bounds=second.bounds, output=second.output)


def _compose(first: Elementwise, second: Elementwise) -> Elementwise:
    """Return one operation for two, of which the first has no activation and the second reads nothing else."""
    if second.scale is None or second.shift is None:
        scale, shift = first.scale, first.shift
    elif first.scale is None or first.shift is None:
        scale, shift = second.scale, second.shift
    else:
        scale, shift = first.scale * second.scale, first.shift * second.scale + second.shift
    return replace(
        first, scale=scale, shift=shift, activation=second.activation, bounds=second.bounds, output=second.output
    )


def _add_to_convolution(second: Elementwise, first: Operation | None, other: Image | None) -> Operation | None:
    """Return a convolution that adds the other image to its output, or None where that is impossible."""
    if not isinstance(first, Convolution) or first.residual is not None or first.bounds != UNBOUNDED:
        return None
    if second.scale is not None or second.activation != "clamp":
        return None
    return replace(first, residual=other, bounds=second.bounds, output=second.output)


def _ordered(outputs: list[Image], by_output: dict[Image, Operation]) -> list[Operation]:
    """Return the operations that outputs depend on, each after those that it reads.

    The residual of a convolution is computed before its input, so that the convolutions of a residual branch follow one
    another and can form a chain.
    """
    ordered: dict[Image, Operation] = {}
    pending = list(reversed(outputs))
    while pending:
        image = pending[-1]
        operation = by_output.get(image)
        missing = [] if operation is None else [i for i in operation.inputs if i in by_output and i not in ordered]
        if operation is not None and image not in ordered and missing:
            pending.append(missing[-1])  # a convolution's residual is its last input
            continue
        pending.pop()
        if operation is not None:
            ordered.setdefault(image, operation)
    return list(ordered.values())
