"""Verdicts from intervals of ratios."""

from collections.abc import Callable, Sequence
from enum import StrEnum

from bench.stats.interval import Interval
from bench.stats.samples import check_confidence


class Verdict(StrEnum):
    """The result of comparing an implementation's latency with the baseline's."""

    FASTER = "faster"
    SLOWER = "slower"
    CANNOT_TELL = "cannot tell"


def judge(ratio: Interval, margin: float) -> Verdict:
    """Return the verdict on a latency ratio (implementation to baseline).

    ``margin`` is the relative difference that is too small to matter (0.01 is 1 %). The verdict is faster or slower
    only if the *whole* interval is below 1 / (1 + margin) or above 1 + margin, so that swapping the two implementations
    swaps the verdict. An interval that only touches the margin gives CANNOT_TELL.

    Raises:
        ValueError: where ``margin`` is negative or not a number.
    """
    if not margin >= 0:
        raise ValueError(f"margin: expected zero or more, got {margin}")
    if ratio.high < 1 / (1 + margin):
        return Verdict.FASTER
    if ratio.low > 1 + margin:
        return Verdict.SLOWER
    return Verdict.CANNOT_TELL


def judge_all(
    ratios: Sequence[Callable[[float], Interval] | None],
    margins: Sequence[float],
    confidence: float,
    others: int = 0,
) -> list[Interval | None]:
    """Return each ratio's interval, widened for multiple comparisons by Holm's step-down method.

    With probability ``confidence`` or more, no verdict is given where the true difference lies within the margin,
    however the comparisons depend on one another. No verdict has the wrong direction either, which is proven for
    independent comparisons (Shaffer 1980, Control of directional errors with stagewise multiple test procedures) and
    simulated for those that share a baseline (``test_verdict.py``).

    Of m comparisons, those whose intervals at confidence 1 - (1 - ``confidence``) / m show a difference are decided.
    The others are judged again as if they were the only ones, until no more are decided (Holm 1979, A simple
    sequentially rejective multiple test procedure).

    Args:
        ratios: functions that return a ratio's interval at a given confidence; None stays None.
        margins: the relative difference that is too small to matter, for each ratio.
        confidence: the probability that no verdict is wrong.
        others: the number of comparisons beside these that are made elsewhere; they count as undecided.

    Raises:
        ValueError: where ``confidence`` is not strictly between 0 and 1.
    """
    check_confidence(confidence)
    intervals: list[Interval | None] = [None] * len(ratios)
    undecided = [index for index, ratio in enumerate(ratios) if ratio]
    while undecided:
        corrected_confidence = 1 - (1 - confidence) / (len(undecided) + others)
        for index in undecided:
            if ratio := ratios[index]:
                intervals[index] = ratio(corrected_confidence)
        remaining = [
            index
            for index in undecided
            if (interval := intervals[index]) and judge(interval, margins[index]) is Verdict.CANNOT_TELL
        ]
        if len(remaining) == len(undecided):
            break
        undecided = remaining
    return intervals
