"""Rules: which measured values bear a claim out. They are decided on an interval, never on a point."""

import math
from decimal import Decimal
from enum import StrEnum
from typing import Final, Literal, NamedTuple, Self

from pydantic import field_validator, model_validator

from bench.claims.published import Strict
from bench.core.errors import UsageError
from bench.core.option_values import parse_fraction
from bench.stats.interval import Interval

RULE_VERSION: Final = 2
"""Version of the way in which verdicts are decided; a stored verdict of another version is stale."""


class ClaimVerdict(StrEnum):
    """What records say of a claim."""

    HOLDS = "holds"
    HOLDS_STRONGER = "holds more strongly"
    FAILS = "fails"
    DIFFERS = "differs"
    INCONCLUSIVE = "inconclusive"
    INSUFFICIENT_DATA = "insufficient data"
    UNSUPPORTED = "unsupported"
    NOT_ATTEMPTED = "not attempted"
    ERROR = "error"

    @property
    def meaning(self) -> str:
        """What it means, in a sentence; the table of ``docs/claims.md`` has the same sentences."""
        return _MEANINGS[self]

    @property
    def holds(self) -> bool:
        """Whether it says yes."""
        return self in (ClaimVerdict.HOLDS, ClaimVerdict.HOLDS_STRONGER)

    @property
    def decided(self) -> bool:
        """Whether it says yes or no."""
        return self.holds or self in (ClaimVerdict.FAILS, ClaimVerdict.DIFFERS)


_MEANINGS = {
    ClaimVerdict.HOLDS: "The whole interval lies in the band that the rule allows.",
    ClaimVerdict.HOLDS_STRONGER: "The whole interval lies beyond the band, in the direction that the claim is about.",
    ClaimVerdict.FAILS: "The whole interval lies outside the band, and the protocol is the paper's own.",
    ClaimVerdict.DIFFERS: (
        "The whole interval lies outside the band; the protocol is another one, "
        "so it is not said that the paper is wrong."
    ),
    ClaimVerdict.INCONCLUSIVE: "The interval reaches across an end of the band.",
    ClaimVerdict.INSUFFICIENT_DATA: "Records of the scope are missing or failed, or are too few for an interval.",
    ClaimVerdict.UNSUPPORTED: "The implementation supports none of the cases.",
    ClaimVerdict.NOT_ATTEMPTED: "Nothing was measured, for the reason given with the details of the claim.",
    ClaimVerdict.ERROR: "The claim could not be evaluated.",
}

Direction = Literal["higher", "lower"]


class Band(NamedTuple):
    """The values that bear a claim out, in its unit; beyond it in ``direction``, the claim holds more strongly."""

    low: float
    high: float
    direction: Direction | None = None
    open: bool = False
    """Whether its ends do not belong to it, as for a claim that something is faster."""

    def judge(self, interval: Interval, margin: float = 0.0) -> ClaimVerdict:
        """Return the verdict on an interval in the same unit; outside the band it is DIFFERS.

        With a ``margin`` (a fraction), an open band is decided only by intervals that lie wholly more than that beyond
        its end, on either side: smaller differences do not matter.
        """
        if self.direction == "higher" and interval.low > self.high:
            return ClaimVerdict.HOLDS_STRONGER
        if self.direction == "lower" and interval.high < self.low:
            return ClaimVerdict.HOLDS_STRONGER
        if self._contains(interval, 1 + margin):
            return ClaimVerdict.HOLDS
        if self._excludes(interval, 1 + margin):
            return ClaimVerdict.DIFFERS
        unbounded = interval.high == math.inf and interval.low in (-math.inf, 0)
        return ClaimVerdict.INSUFFICIENT_DATA if unbounded else ClaimVerdict.INCONCLUSIVE

    def _contains(self, interval: Interval, factor: float) -> bool:
        if self.open:
            return self.low * factor < interval.low and interval.high < self.high / factor
        low = -math.inf if self.direction == "lower" else self.low
        high = math.inf if self.direction == "higher" else self.high
        return low <= interval.low and interval.high <= high

    def _excludes(self, interval: Interval, factor: float) -> bool:
        if self.open:
            return interval.high <= self.low / factor or interval.low >= self.high * factor
        below = self.direction != "lower" and interval.high < self.low
        return below or (self.direction != "higher" and interval.low > self.high)


class Rule(Strict):
    """How far a measured value may lie from the published one, or between which bounds, in the claim's unit.

    Without any of these fields, the band is the published range.
    """

    within: str | None = None
    """Relative tolerance around the published value, such as ``10%``."""
    plus_minus: Decimal | None = None
    """Absolute tolerance around the published value."""
    at_least: Decimal | None = None
    at_most: Decimal | None = None
    above: Decimal | None = None
    """Lower bound which does not bear the claim out itself: for "more accurate" and "faster"."""
    below: Decimal | None = None
    """Upper bound of the same kind."""
    direction: Direction | None = None
    """The direction in which the claim would hold more strongly."""
    reason: str = ""
    """Why these bounds."""

    @field_validator("within")
    @classmethod
    def _is_a_fraction(cls, text: str | None) -> str | None:
        try:
            return text if text is None or parse_fraction(text) else None
        except UsageError as error:
            raise ValueError(str(error)) from None

    @model_validator(mode="after")
    def _is_one_kind(self) -> Self:
        if sum((self.within is not None, self.plus_minus is not None, self.is_closed, self.is_open)) > 1:
            raise ValueError("give one of: within, plus_minus, at_least and at_most, above and below")
        return self

    @property
    def needs_value(self) -> bool:
        """Whether the band lies around a published value."""
        return self.within is not None or self.plus_minus is not None

    @property
    def is_closed(self) -> bool:
        """Whether it states bounds that bear the claim out themselves."""
        return self.at_least is not None or self.at_most is not None

    @property
    def is_open(self) -> bool:
        """Whether it states bounds that do not bear the claim out themselves."""
        return self.above is not None or self.below is not None

    def band(self, value: Decimal | None, low: Decimal | None = None, high: Decimal | None = None) -> Band:
        """Return the band for a published value, or a published range where the rule states neither.

        Raises:
            UsageError: where the rule needs a value or a range that was not published.
        """
        if self.needs_value:
            if value is None:
                raise UsageError("the rule needs a published value; give at_least, at_most, above or below instead")
            centre = float(value)
            reach = abs(centre) * parse_fraction(self.within) if self.within else float(self.plus_minus or 0)
            return Band(centre - reach, centre + reach, self.direction)
        if self.is_open:
            return _band(self.above, self.below, self.direction)._replace(open=True)
        if self.is_closed:
            return _band(self.at_least, self.at_most, self.direction)
        if low is None and high is None:
            raise UsageError("the rule is empty and no range was published; give within, at_least, at_most or above")
        return _band(low, high, self.direction)

    def text(self) -> str:
        """Return the rule in words."""
        bounds = {"at least": self.at_least, "at most": self.at_most, "above": self.above, "below": self.below}
        if self.within is not None:
            words = f"within {self.within} of the published value"
        elif self.plus_minus is not None:
            words = f"within ±{self.plus_minus} of the published value"
        elif self.is_closed or self.is_open:
            words = " and ".join(f"{word} {bound}" for word, bound in bounds.items() if bound is not None)
        else:
            words = "within the published range"
        return words + (f"; {self.direction} holds more strongly" if self.direction else "")


def _band(low: Decimal | None, high: Decimal | None, direction: Direction | None) -> Band:
    return Band(-math.inf if low is None else float(low), math.inf if high is None else float(high), direction)
