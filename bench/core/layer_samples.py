"""What a profiler says of the layers of a computation."""

from collections.abc import Sequence
from typing import NamedTuple


class LayerSamples(NamedTuple):
    """A layer, or several fused ones, with its time in each of some calls, or only the mean."""

    name: str
    seconds: Sequence[float]
