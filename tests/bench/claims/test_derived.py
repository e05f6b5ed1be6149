"""Arithmetic on published numbers takes their rounding and spread into account."""

from collections.abc import Callable

import pytest

from bench.claims.cells import Basis
from bench.claims.evaluate import evaluate
from bench.claims.model import ClaimsFile
from bench.claims.outcome import Outcome
from bench.claims.rule import ClaimVerdict

TEXT = """
[[table]]
id = "times"
title = "Times"
where = "table 3"
columns = { "512 px" = "ms", "224 px" = "ms" }
[table.rows]
"dense" = [175, 42.3]
"pruned" = [119, 28.6]
"alike" = [174, 42.3]

[[table]]
id = "accuracy"
title = "Accuracy"
where = "table 4"
columns = { "top-1" = "%" }
[table.rows]
"dense" = [{ value = 95.55, spread = 0.24, runs = 10 }]
"pruned" = [{ value = 95.88, spread = 0.18, runs = 10 }]
"likewise" = [{ value = 95.75, spread = 0.23, runs = 10 }]

[[table]]
id = "tested"
title = "Accuracy of single trainings on 10,000 images"
where = "table 5"
tested = 10000
columns = { "top-1" = "%" }
[table.rows]
"dense" = [95.23]
"pruned" = [95.29]
"better" = [96.23]

[[claim]]
id = "saving"
text = "Pruning saves 30 % of the time."
where = "abstract"
kind = "derived"
published = { value = 30, unit = "%" }
quantifier = "each"
rule = { plus_minus = 2.1 }
protocol = { distance = "exact" }
"""


def derived(operation: str, table: str, row: str) -> str:
    """Return arithmetic on a row and the row ``dense`` of a table."""
    cells, baselines = (f'{{ table = "{table}", rows = ["{name}"] }}' for name in (row, "dense"))
    return f'{{ operation = "{operation}", cells = {cells}, baselines = {baselines} }}'


def outcomes(claims: Callable[..., ClaimsFile], **replacements: str) -> list[Outcome]:
    return evaluate(claims(TEXT, **({"derived": derived("reduction", "times", "pruned")} | replacements)), [])


def test_what_is_saved_follows_from_rounded_numbers(claims: Callable[..., ClaimsFile]) -> None:
    large, small = outcomes(claims)
    assert large.measured is not None
    assert large.measured.estimate == pytest.approx(100 * (1 - 119 / 175))
    assert large.measured.low == pytest.approx(100 * (1 - 119.5 / 174.5))
    assert large.measured.high == pytest.approx(100 * (1 - 118.5 / 175.5))
    assert large.verdict is ClaimVerdict.INCONCLUSIVE
    assert large.basis is Basis.ROUNDING
    assert small.verdict is ClaimVerdict.FAILS
    assert [cell.name for cell in small.published] == ["pruned, 224 px", "dense, 224 px"]


def test_numbers_that_may_round_alike_do_not_differ(claims: Callable[..., ClaimsFile]) -> None:
    replacements = {"derived": derived("ratio", "times", "alike"), "published": '{ value = 1, unit = "x" }'}
    verdicts = [outcome.verdict for outcome in outcomes(claims, rule="{ at_least = 1 }", **replacements)]
    assert verdicts == [ClaimVerdict.INCONCLUSIVE] * 2


@pytest.mark.parametrize(("row", "verdict"), [("pruned", ClaimVerdict.HOLDS), ("likewise", ClaimVerdict.INCONCLUSIVE)])
def test_a_difference_of_means_takes_their_spread(
    claims: Callable[..., ClaimsFile], row: str, verdict: ClaimVerdict
) -> None:
    replacements = {"derived": derived("difference", "accuracy", row), "published": '{ unit = "points" }'}
    (outcome,) = outcomes(claims, rule="{ above = 0 }", **replacements)
    assert (outcome.verdict, outcome.basis) == (verdict, Basis.SPREAD)


def test_under_another_protocol_a_derived_claim_differs(claims: Callable[..., ClaimsFile]) -> None:
    _, small = outcomes(claims, protocol='{ distance = "unknown" }')
    assert small.verdict is ClaimVerdict.DIFFERS


@pytest.mark.parametrize(("row", "verdict"), [("better", ClaimVerdict.HOLDS), ("pruned", ClaimVerdict.INCONCLUSIVE)])
def test_a_difference_of_accuracies_takes_the_size_of_the_test_set(
    claims: Callable[..., ClaimsFile], row: str, verdict: ClaimVerdict
) -> None:
    """A difference of 0.06 points is 6 of 10,000 images, and its standard error is about 0.3 points."""
    replacements = {"derived": derived("difference", "tested", row), "published": '{ unit = "points" }'}
    (outcome,) = outcomes(claims, rule="{ above = 0 }", **replacements)
    assert (outcome.verdict, outcome.basis) == (verdict, Basis.TEST_SET)
    assert outcome.measured is not None
    fractions = (0.9523, {"better": 0.9623, "pruned": 0.9529}[row])
    reach = 1.959964 * 100 * sum(p * (1 - p) / 10_000 for p in fractions) ** 0.5
    assert outcome.measured.high - outcome.measured.estimate == pytest.approx(reach, rel=1e-5)
