"""The README shows what its commands print, and its links lead somewhere."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

import bench
from impls.native.library import unavailable

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
EXAMPLES = [
    block.strip().replace("\\\n", "").partition("\n") for block in re.findall(r"```\n\$ (.*?)```", README, re.DOTALL)
]
PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "impls/native/README.md", "reports/trust/README.md")),
    *sorted((ROOT / "docs").glob("*.md")),
]


def masked(output: str) -> str:
    """Return ``output`` without what differs from machine to machine: numbers, units, verdicts, gaps and order.

    Without the line, too, that is printed only where other processes disturbed the run.
    """
    undisturbed = re.sub(r"\nin .* other processes took the core .*\n", "", output.strip())
    without_verdicts = re.sub(r"faster|slower|cannot tell", "VERDICT", undisturbed)
    without_units = re.sub(r"\b(ns|µs|ms|s)\b", "UNIT", without_verdicts)
    without_numbers = re.sub(r"\d+(,\d{3})*(\.\d+)?(e[+-]\d+)?|inf|∞", "0", without_units)
    return "\n".join(sorted(re.sub(" +", " ", without_numbers).splitlines()))


@pytest.mark.parametrize(("command", "output"), [(command, output) for command, _, output in EXAMPLES])
def test_a_command_prints_what_the_readme_shows(command: str, output: str, tmp_path: Path) -> None:
    program, name, *arguments = shlex.split(command)
    assert program == "featherbench"
    measures = name == "run"
    if measures and (reason := unavailable()):
        pytest.skip(reason)
    printed = subprocess.run(
        [sys.executable, "-P", "-m", "bench", name, *arguments, *(["--budget", "0.2s"] if measures else [])],
        cwd=tmp_path if measures else ROOT,
        env=os.environ | {"PYTHONPATH": str(Path(bench.__file__).parents[1])},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert (masked(printed) == masked(output)) if measures else (printed.strip() == output.strip())


def test_there_is_an_example_that_measures_and_one_that_compares() -> None:
    assert [command.split()[1] for command, _, _ in EXAMPLES] == ["run", "compare"]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_of_the_pages_lead_to_files(page: Path) -> None:
    links = [link for link in re.findall(r"\]\(([^)]+)\)", page.read_text()) if not link.startswith("http")]
    assert [link for link in links if not (page.parent / link.partition("#")[0]).exists()] == []
