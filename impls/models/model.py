"""A model as a list of its 2-D convolutions."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Convolution:
    """The sizes of one 2-D convolution of a model: NCHW input (n, cin, h, w), weight (cout, cin / groups, *kernel)."""

    n: int
    cin: int
    cout: int
    h: int
    w: int
    kernel: tuple[int, int]
    stride: tuple[int, int]
    padding: tuple[int, int, int, int]
    """Rows of zeros at the top and bottom, columns at the left and right."""
    dilation: tuple[int, int]
    groups: int
    bias: bool
    dtype: str
    """As NumPy names it, e.g. ``float32``."""
    pattern: NDArray[np.bool_] | None = field(default=None, compare=False)
    """Which weights are not zero, (cout, cin), for a pointwise convolution of one group that has zeros."""

    @property
    def is_pointwise(self) -> bool:
        """Whether it is a dense 1 x 1 convolution: one group, stride 1, no padding."""
        unit = (self.kernel, self.stride, self.dilation, self.groups) == ((1, 1), (1, 1), (1, 1), 1)
        return unit and not any(self.padding)


@dataclass(frozen=True)
class Model:
    """The convolutions of a model by their names in it, in the order in which they are computed."""

    convolutions: dict[str, Convolution]
    left_out: dict[str, str]
    """Why each other convolution of the model is left out, by its name in the model."""


def pattern_of(weight: NDArray[np.generic]) -> NDArray[np.bool_] | None:
    """Return which weights of a pointwise convolution, (cout, cin, 1, 1), are not zero; None where none is zero."""
    present = weight.reshape(weight.shape[:2]) != 0
    return None if present.all() else present


def unique_name(name: str, taken: dict[str, Convolution]) -> str:
    """Return ``name``, or ``name (2)`` and so on for a layer that is applied several times."""
    if name not in taken:
        return name
    return next(numbered for count in range(2, len(taken) + 2) if (numbered := f"{name} ({count})") not in taken)
