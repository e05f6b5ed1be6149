"""The table of the README is what the committed run says."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_readme_shows_the_printed_table() -> None:
    printed = subprocess.run(
        [sys.executable, "-m", "reports.headline"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    table, _, source = printed.strip().partition("\n\n")
    readme = " ".join((ROOT / "README.md").read_text().split())
    assert " ".join(table.split()) in readme
    assert " ".join(source.split()) in readme
