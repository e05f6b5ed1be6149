"""The operations that the engine computes, on images of activations."""

from dataclasses import dataclass, field
from math import inf
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]
Bounds = tuple[float, float]
UNBOUNDED: Bounds = (-inf, inf)
Pair = tuple[int, int]


@dataclass(frozen=True, eq=False)
class Image:
    """The activations that an operation computes for each image of a batch. A vector has height and width 1."""

    channels: int
    height: int = 1
    width: int = 1


@dataclass(frozen=True, eq=False, kw_only=True)
class Operation:
    """A computation of ``output`` from other images."""

    output: Image

    @property
    def inputs(self) -> tuple[Image, ...]:
        """The images that it reads."""
        raise NotImplementedError


@dataclass(frozen=True, eq=False, kw_only=True)
class Convolution(Operation):
    """output = clamp(weight * x + bias + residual), where * is a convolution."""

    x: Image
    weight: Array
    """(filters, channels of a group, kernel height, kernel width)"""
    bias: Array
    stride: Pair = (1, 1)
    padding: Pair = (0, 0)
    """Rows above and columns left of the input; those below and to the right follow from the output's size."""
    dilation: Pair = (1, 1)
    groups: int = 1
    residual: Image | None = None
    bounds: Bounds = UNBOUNDED

    @property
    def inputs(self) -> tuple[Image, ...]:
        return (self.x,) if self.residual is None else (self.x, self.residual)

    @property
    def is_pointwise(self) -> bool:
        """Whether each output depends on one position of the input, the same as its own."""
        return self.weight.shape[2:] == (1, 1) and self.stride == (1, 1) and self.padding == (0, 0)


@dataclass(frozen=True, eq=False, kw_only=True)
class Elementwise(Operation):
    """output = activation((a op b) * scale + shift)."""

    a: Image
    b: Image | None = None
    op: Literal["none", "add", "multiply", "gate"] = "none"
    """With ``gate``, a is multiplied by b, which has one number for each channel."""
    scale: Array | None = None
    shift: Array | None = None
    activation: Literal["clamp", "hardswish", "hardsigmoid", "sigmoid", "silu"] = "clamp"
    bounds: Bounds = UNBOUNDED
    """Bounds of the activation ``clamp``; others have none."""

    @property
    def inputs(self) -> tuple[Image, ...]:
        return (self.a,) if self.b is None else (self.a, self.b)

    @property
    def is_linear(self) -> bool:
        """Whether there is no activation."""
        return self.activation == "clamp" and self.bounds == UNBOUNDED


@dataclass(frozen=True, eq=False, kw_only=True)
class Pool(Operation):
    """Max or average pooling."""

    x: Image
    kernel: Pair
    stride: Pair
    padding: Pair = (0, 0)
    mean: bool = False
    counts_padding: bool = True
    """Whether a mean divides by all positions of its window, those in the padding included."""

    @property
    def inputs(self) -> tuple[Image, ...]:
        return (self.x,)


@dataclass(frozen=True, eq=False, kw_only=True)
class Gather(Operation):
    """A copy of channels of several images: it concatenates, splits or shuffles them."""

    sources: tuple[tuple[Image, int], ...]
    """For each output channel, an image and a channel of it."""

    @property
    def inputs(self) -> tuple[Image, ...]:
        return tuple(dict.fromkeys(image for image, _ in self.sources))


@dataclass
class Segment:
    """A part of a network that the engine computes: operations, and the images that enter and leave it."""

    inputs: list[Image] = field(default_factory=list)
    outputs: list[Image] = field(default_factory=list)
    operations: list[Operation] = field(default_factory=list)
