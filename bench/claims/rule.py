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

RULE_VERSION: Final = 1
"""Version of the way in which verdicts are decided; a stored verdict of another version is stale."""


class Verdict(StrEnum):
    """What records say of a claim."""

    HOLDS = "holds"
    HOLDS_STRONGER = "holds more strongly"
    FAILS = "fails"
    DIFFERS = "differs"
    INCONCLUSIVE = "inconclusive"
    INSUFFICIENT_DATA = "insufficient data"
    NOT_APPLICABLE = "not applicable here"
    NOT_ATTEMPTED = "not attempted"
    ERROR = "error"

    @property
    def meaning(self) -> str:
        """What it means, in a sentence."""
        return _MEANINGS[self]

    @property
    def decided(self) -> bool:
        """Whether it says yes or no."""
        return self in (Verdict.HOLDS, Verdict.HOLDS_STRONGER, Verdict.FAILS, Verdict.DIFFERS)


_MEANINGS = {
    Verdict.HOLDS: "The whole interval lies in the band that the rule allows.",
    Verdict.HOLDS_STRONGER: "The whole interval lies beyond the band, in the direction that the claim is about.",
    Verdict.FAILS: "The whole interval lies outside the band, and the protocol is the paper's own.",
    Verdict.DIFFERS: "The whole interval lies outside the band under another protocol: no statement about the paper.",
    Verdict.INCONCLUSIVE: "The interval reaches across an end of the band.",
    Verdict.INSUFFICIENT_DATA: "There are no records, or too few of them for an interval.",
    Verdict.NOT_APPLICABLE: "The implementation supports none of the cases.",
    Verdict.NOT_ATTEMPTED: "Nothing was measured; the reason stands beside it.",
    Verdict.ERROR: "The claim could not be evaluated.",
}

Direction = Literal["higher", "lower"]


class Band(NamedTuple):
    """The values that bear a claim out, in its unit; beyond it in ``direction``, the claim holds more strongly."""

    low: float
    high: float
    direction: Direction | None = None

    def place(self, interval: Interval) -> Verdict:
        """Return the verdict on an interval in the same unit; outside the band it is DIFFERS."""
        if not (math.isfinite(interval.low) and math.isfinite(interval.high)):
            return Verdict.INSUFFICIENT_DATA
        low = -math.inf if self.direction == "lower" else self.low
        high = math.inf if self.direction == "higher" else self.high
        if self.direction == "higher" and interval.low > self.high:
            return Verdict.HOLDS_STRONGER
        if self.direction == "lower" and interval.high < self.low:
            return Verdict.HOLDS_STRONGER
        if low <= interval.low and interval.high <= high:
            return Verdict.HOLDS
        return Verdict.DIFFERS if interval.high < low or interval.low > high else Verdict.INCONCLUSIVE


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
        bounded = self.at_least is not None or self.at_most is not None
        if sum((self.within is not None, self.plus_minus is not None, bounded)) > 1:
            raise ValueError("give one of: within, plus_minus, at_least and at_most")
        return self

    @property
    def needs_value(self) -> bool:
        """Whether the band lies around a published value."""
        return self.within is not None or self.plus_minus is not None

    @property
    def bounded(self) -> bool:
        """Whether it states bounds of its own."""
        return self.at_least is not None or self.at_most is not None

    def band(self, value: Decimal | None, low: Decimal | None = None, high: Decimal | None = None) -> Band:
        """Return the band for a published value, or a published range where the rule states neither.

        Raises:
            UsageError: where the rule needs a value or a range that was not published.
        """
        if self.needs_value:
            if value is None:
                raise UsageError("the rule needs a published value; give at_least or at_most instead")
            centre = float(value)
            reach = abs(centre) * parse_fraction(self.within) if self.within else float(self.plus_minus or 0)
            return Band(centre - reach, centre + reach, self.direction)
        if not self.bounded:
            if low is None and high is None:
                raise UsageError("the rule is empty and no range was published; give within, at_least or at_most")
            return _band(low, high, self.direction)
        return _band(self.at_least, self.at_most, self.direction)

    def text(self) -> str:
        """Return the rule in words."""
        if self.within is not None:
            words = f"within {self.within} of the published value"
        elif self.plus_minus is not None:
            words = f"within ±{self.plus_minus} of the published value"
        elif self.bounded:
            ends = (("at least", self.at_least), ("at most", self.at_most))
            words = " and ".join(f"{word} {end}" for word, end in ends if end is not None)
        else:
            words = "within the published range"
        return words + (f"; {self.direction} holds more strongly" if self.direction else "")


def _band(low: Decimal | None, high: Decimal | None, direction: Direction | None) -> Band:
    return Band(-math.inf if low is None else float(low), math.inf if high is None else float(high), direction)
