"""How many of a paper's claims are decided."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from bench.claims.model import Origin
from bench.claims.outcome import Outcome
from bench.claims.rule import ClaimVerdict
from bench.report.units import counted


@dataclass(frozen=True)
class Coverage:
    """The number of claims and how many of them are decided, and the number of verdicts of each kind."""

    claims: int
    decided: int
    """Claims of which every verdict says yes or no."""
    partly: int
    """Claims of which some verdicts do: a claim has one for each kind of machine, or for each cell."""
    verdicts: dict[ClaimVerdict, int]

    def text(self) -> str:
        """Return it in words."""
        tally = ", ".join(f"{count} {verdict}" for verdict, count in self.verdicts.items())
        partly = f", {self.partly} in part" if self.partly else ""
        verdicts = counted(sum(self.verdicts.values()), "verdict")
        return f"{counted(self.claims, 'claim')}, {self.decided} decided{partly}; {verdicts}: {tally}"


def coverage(outcomes: Sequence[Outcome]) -> Coverage:
    """Return how many of the claims are decided."""
    counts = Counter(outcome.verdict for outcome in outcomes)
    by_claim: dict[str, list[bool]] = {}
    for outcome in outcomes:
        by_claim.setdefault(outcome.claim.id, []).append(outcome.verdict.decided)
    return Coverage(
        claims=len(by_claim),
        decided=sum(map(all, by_claim.values())),
        partly=sum(any(decided) and not all(decided) for decided in by_claim.values()),
        verdicts={verdict: counts[verdict] for verdict in ClaimVerdict if counts[verdict]},
    )


def by_origin(outcomes: Sequence[Outcome]) -> dict[Origin, Coverage]:
    """Return the coverage of the claims of each origin that there are."""
    groups = {origin: [outcome for outcome in outcomes if outcome.claim.origin is origin] for origin in Origin}
    return {origin: coverage(group) for origin, group in groups.items() if group}
