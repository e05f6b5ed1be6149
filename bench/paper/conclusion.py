"""What a reader takes away: which claims hold, which do not, and which could not be decided, each in a word."""

from collections import Counter
from collections.abc import Iterable, Sequence
from enum import Enum
from typing import NamedTuple

from bench.claims.model import Claim, Origin
from bench.claims.outcome import Outcome
from bench.claims.rule import ClaimVerdict
from bench.report.units import counted


class Conclusion(Enum):
    """What the verdicts on a claim say together: as a heading, and as the verb of one claim and of several."""

    HOLDS = ("Holds", "holds", "hold")
    FAILS = ("Fails", "fails", "fail")
    DIFFERS = ("Differs", "differs", "differ")
    MIXED = ("Mixed results", "has mixed results", "have mixed results")
    PARTLY = ("Decided in part", "is decided in part", "are decided in part")
    UNDECIDED = ("Could not be decided", "could not be decided", "could not be decided")
    NOT_ATTEMPTED = ("Not attempted", "was not attempted", "were not attempted")

    @property
    def heading(self) -> str:
        """The heading above its claims."""
        return self.value[0]

    def text(self, count: int) -> str:
        """Return how many claims it is about, e.g. ``1 holds`` or ``3 hold``."""
        return f"{count} {self.value[1 if count == 1 else 2]}"


class ConcludedClaim(NamedTuple):
    """A claim with the verdicts on it."""

    claim: Claim
    verdicts: list[ClaimVerdict]

    @property
    def remark(self) -> str:
        """How many verdicts of each kind there are; empty where the conclusion says it all."""
        distinct = set(self.verdicts)
        says_it_all = len(distinct) == 1 and distinct <= {ClaimVerdict.HOLDS, ClaimVerdict.FAILS, ClaimVerdict.DIFFERS}
        return "" if says_it_all else verdicts_text(self.verdicts)


Conclusions = dict[Conclusion, list[ConcludedClaim]]
"""The claims of each conclusion that there are."""


def conclude(verdicts: Iterable[ClaimVerdict]) -> Conclusion:
    """Return what the verdicts on a claim say together."""
    distinct = set(verdicts)
    if all(verdict.holds for verdict in distinct):
        return Conclusion.HOLDS
    if distinct == {ClaimVerdict.NOT_ATTEMPTED}:
        return Conclusion.NOT_ATTEMPTED
    if not any(verdict.decided for verdict in distinct):
        return Conclusion.UNDECIDED
    if distinct == {ClaimVerdict.FAILS}:
        return Conclusion.FAILS
    if distinct == {ClaimVerdict.DIFFERS}:
        return Conclusion.DIFFERS
    answers = {verdict.holds for verdict in distinct if verdict.decided}
    return Conclusion.PARTLY if len(answers) == 1 else Conclusion.MIXED


def conclusions(outcomes: Sequence[Outcome]) -> dict[Origin, Conclusions]:
    """Return the claims of each origin by their conclusion, both in the order of their kinds."""
    by_claim: dict[str, ConcludedClaim] = {}
    for outcome in outcomes:
        by_claim.setdefault(outcome.claim.id, ConcludedClaim(outcome.claim, [])).verdicts.append(outcome.verdict)
    grouped: dict[Origin, Conclusions] = {}
    for origin in Origin:
        for kind in Conclusion:
            claims = [
                each for each in by_claim.values() if each.claim.origin is origin and conclude(each.verdicts) is kind
            ]
            if claims:
                grouped.setdefault(origin, {})[kind] = claims
    return grouped


def conclusions_text(concluded: Conclusions) -> str:
    """Return how many claims have each conclusion, e.g. ``of 3 claims, 2 hold and 1 was not attempted``."""
    *first, last = [kind.text(len(claims)) for kind, claims in concluded.items()]
    total = counted(sum(map(len, concluded.values())), "claim")
    return f"of {total}, {' and '.join(filter(None, (', '.join(first), last)))}"


def verdicts_text(verdicts: Iterable[ClaimVerdict]) -> str:
    """Return how many verdicts of each kind there are, in the order of the closed set; of a single one, its name."""
    counts = Counter(verdicts)
    if counts.total() == 1:
        return str(next(iter(counts)))
    return ", ".join(f"{counts[verdict]} {verdict}" for verdict in ClaimVerdict if counts[verdict])
