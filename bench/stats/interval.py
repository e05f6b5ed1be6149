"""An estimate with its confidence interval."""

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Interval:
    """An estimate with its confidence interval, in the unit of its values; ``confidence`` is a fraction."""

    estimate: float
    low: float
    high: float
    confidence: float

    @property
    def half_width(self) -> float:
        """Half the interval's width relative to the estimate (0.01 is +-1 %); infinite if that is undefined."""
        if self.estimate == 0:
            return math.inf
        return (self.high - self.low) / 2 / abs(self.estimate)
