"""Comparison of each of several alternatives with the best of the others, for choosing one of them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bench.stats.interval import Interval
from bench.stats.samples import check_confidence
from bench.stats.verdict import Verdict, judge

RatioAt = Callable[[str, str, float], Interval]
"""Returns the latency of one alternative / the latency of another, with its interval at a confidence."""


@dataclass(frozen=True)
class Contender:
    """One alternative compared with the best of the others."""

    name: str
    best_other: str
    """The best of the others, by the estimates."""
    lead: Interval
    """The latency of the best of the others / its own, at the joint confidence: above 1 it is the fastest."""
    slower_than: tuple[str, ...]
    """The alternatives that are shown to be faster than it by more than the margin."""


@dataclass(frozen=True)
class Choice:
    """Which alternative to take, and which others may be as good."""

    contenders: tuple[Contender, ...]
    """All alternatives, the largest lead first."""
    candidates: tuple[str, ...]
    """Those that may be the fastest: not shown to be slower than any other. The one to take is the first."""

    @property
    def leader(self) -> Contender:
        """The candidate with the largest lead."""
        return next(contender for contender in self.contenders if contender.name == self.candidates[0])

    @property
    def is_sure(self) -> bool:
        """Whether no other can be the fastest."""
        return len(self.candidates) == 1


def choose(names: Sequence[str], ratio_at: RatioAt, margin: float, confidence: float = 0.95) -> Choice:
    """Compare each of several alternatives with the best of the others.

    With a probability of at least ``confidence``, all three of these statements hold:

    1. The fastest is among the candidates.
    2. Every lead is at least the low end of its interval.
    3. The lead of the fastest is at most the high end of its interval.

    These are multiple comparisons with the best (Hsu 1984, Constrained simultaneous confidence intervals for multiple
    comparisons with the best), by Bonferroni's inequality, which assumes nothing of how the ratios depend on one
    another or differ in their spread. Each of the k alternatives is compared with each other one at confidence
    1 - 2 (1 - ``confidence``) / k, so an end of an interval is wrong with probability (1 - ``confidence``) / k.

    Only k interval ends can break this, although there are more pairs: those of the ratio of each other alternative's
    latency to that of the fastest. If the k - 1 high ends of these ratios are right, then nothing is shown to be faster
    than the fastest (1), the low end of no other's lead is too high (2), and the high end of the fastest one's lead is
    high enough (3). If the low end of the ratio of the second fastest is right, the low end of the fastest one's lead
    is low enough (2).

    The lead of a single candidate is at least 1, since nothing else can be the fastest.

    Coverage and power, by simulation: ``test_best.py``.

    Args:
        names: at least two alternatives.
        ratio_at: the ratio of two of them, whose interval for (a, b) is the reciprocal of that for (b, a).
        margin: the relative difference that is too small to matter (0.01 is 1 %).
        confidence: the probability that no statement is wrong.

    Raises:
        ValueError: where there are fewer than two alternatives, ``margin`` is negative or ``confidence`` is not
            strictly between 0 and 1.
    """
    check_confidence(confidence)
    if len(names) < 2:
        raise ValueError(f"names: expected at least two alternatives, got {len(names)}")
    corrected_confidence = 1 - 2 * (1 - confidence) / len(names)
    contenders = [_contender(name, names, ratio_at, margin, corrected_confidence, confidence) for name in names]
    contenders.sort(key=lambda contender: -contender.lead.estimate)
    candidates = tuple(contender.name for contender in contenders if not contender.slower_than)
    # Ratios that were estimated pair by pair could contradict one another, so that none would be left.
    candidates = candidates or tuple(contender.name for contender in contenders)
    if len(candidates) == 1:
        contenders = [
            _at_least_one(contender) if contender.name in candidates else contender for contender in contenders
        ]
    return Choice(tuple(contenders), candidates)


def _contender(
    name: str, names: Sequence[str], ratio_at: RatioAt, margin: float, corrected_confidence: float, confidence: float
) -> Contender:
    ratios = {other: ratio_at(other, name, corrected_confidence) for other in names if other != name}
    best_other = min(ratios, key=lambda other: ratios[other].estimate)
    low, high = min(ratio.low for ratio in ratios.values()), min(ratio.high for ratio in ratios.values())
    return Contender(
        name=name,
        best_other=best_other,
        lead=Interval(ratios[best_other].estimate, low, high, confidence),
        slower_than=tuple(other for other, ratio in ratios.items() if judge(ratio, margin) is Verdict.FASTER),
    )


def _at_least_one(contender: Contender) -> Contender:
    lead = contender.lead
    lead = Interval(max(1.0, lead.estimate), max(1.0, lead.low), max(1.0, lead.high), lead.confidence)
    return Contender(contender.name, contender.best_other, lead, contender.slower_than)
