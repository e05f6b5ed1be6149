"""How many of a paper's claims are decided."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from bench.claims.evaluate import Outcome
from bench.claims.rule import Verdict
from bench.report.units import counted


@dataclass(frozen=True)
class Coverage:
    """The number of claims that were encoded and decided, and of verdicts on them and on their cells."""

    encoded: int
    decided: int
    """Claims of which at least one verdict says yes or no."""
    verdicts: dict[Verdict, int]
    """The number of verdicts of each kind; a claim with the quantifier ``each`` has one for each cell."""

    def text(self) -> str:
        """Return it in words."""
        tally = ", ".join(f"{count} {verdict}" for verdict, count in self.verdicts.items())
        total = sum(self.verdicts.values())
        return f"{counted(self.encoded, 'claim')} encoded, {self.decided} decided; {counted(total, 'verdict')}: {tally}"


def coverage(outcomes: Sequence[Outcome]) -> Coverage:
    """Return how many of the claims are decided."""
    counts = Counter(outcome.verdict for outcome in outcomes)
    return Coverage(
        encoded=len({outcome.claim.id for outcome in outcomes}),
        decided=len({outcome.claim.id for outcome in outcomes if outcome.verdict.decided}),
        verdicts={verdict: counts[verdict] for verdict in Verdict if counts[verdict]},
    )
