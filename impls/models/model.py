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

    def add(self, name: str, convolution: Convolution | str) -> None:
        """Add a convolution, or the reason for which one is left out.

        A layer that is applied several times gets the names ``name``, ``name (2)`` and so on.
        """
        unique, count = name, 1
        while unique in self.convolutions or unique in self.left_out:
            count += 1
            unique = f"{name} ({count})"
        if isinstance(convolution, str):
            self.left_out[unique] = convolution
        else:
            self.convolutions[unique] = convolution


def pattern_of(present: NDArray[np.bool_]) -> NDArray[np.bool_] | None:
    """Return ``present``, which weights of a pointwise convolution are not zero, as (cout, cin); None if all are."""
    return None if present.all() else present.reshape(present.shape[:2])
