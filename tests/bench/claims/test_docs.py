"""The documentation of claims says what the code does."""

import re
from pathlib import Path

from bench.claims.rule import ClaimVerdict

DOCS = Path(__file__).parents[3] / "docs/claims.md"


def test_the_table_of_verdicts_has_their_meanings() -> None:
    documented = dict(re.findall(r"(?m)^\| (.+?) \| (.+) \|$", DOCS.read_text()))
    assert {str(verdict): verdict.meaning for verdict in ClaimVerdict}.items() <= documented.items()
