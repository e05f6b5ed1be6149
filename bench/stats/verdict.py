"""From an interval to a word."""

from enum import StrEnum

from bench.stats.interval import Interval
from bench.stats.samples import check_confidence


class Verdict(StrEnum):
    """What may be said of an implementation against the baseline."""

    FASTER = "faster"
    SLOWER = "slower"
    CANNOT_TELL = "cannot tell"


def judge(ratio: Interval, margin: float) -> Verdict:
    """Return the verdict on a latency ratio (implementation to baseline): only if the *whole* interval bears it out.

    ``margin`` is the relative difference too small to matter (0.01 is 1 %): faster below 1 / (1 + margin), slower
    above 1 + margin, so that swapping the two implementations swaps the verdict. An end that only touches its limit
    cannot tell. Raises ValueError where ``margin`` is negative or not a number.
    """
    if not margin >= 0:
        raise ValueError(f"margin: expected zero or more, got {margin}")
    if ratio.high < 1 / (1 + margin):
        return Verdict.FASTER
    if ratio.low > 1 + margin:
        return Verdict.SLOWER
    return Verdict.CANNOT_TELL


def corrected_confidence(confidence: float, comparisons: int) -> float:
    """Return the confidence that each of ``comparisons`` intervals needs so that all hold at once with ``confidence``.

    Bonferroni's correction: the error probability is shared out equally. It needs no independence, and comparisons
    with one baseline are never independent. Raises ValueError where ``comparisons`` is below 1 or ``confidence``
    is not strictly between 0 and 1.
    """
    check_confidence(confidence)
    if comparisons < 1:
        raise ValueError(f"comparisons: expected at least 1, got {comparisons}")
    return 1 - (1 - confidence) / comparisons
