"""A rough estimate of how long a run takes."""

from collections.abc import Sequence

from bench.core.budget import Budget
from bench.run.plan import Session
from bench.run.session import STARTUP_SHARE

EXAMINE_S = 1.5
"""Rough time to import, prepare and check an operator on a case, s."""


def expected_s(sessions: Sequence[Session], budget: Budget) -> float:
    """Return roughly how long it takes to measure ``sessions``, s, without the training of models.

    Each case spends its budget, and about STARTUP_SHARE of it once more on starting processes.
    """
    measured = [session for session in sessions if session.specs]
    timed_s = (1 + STARTUP_SHARE) * budget.timed_s * len(measured)
    return timed_s + EXAMINE_S * sum(len(session.specs) for session in measured)
