"""What a profiler says of the layers of a computation."""

from collections.abc import Sequence
from typing import NamedTuple


class LayerTimes(NamedTuple):
    """A layer, or several that a library computes together, with its time in each of some calls, or only the mean."""

    name: str
    seconds: Sequence[float]
