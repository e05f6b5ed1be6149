"""What the recipes say has to be there before anything is measured."""

import re
import tomllib
from pathlib import Path

import pytest

from bench.core import registry
from bench.paper.build import names, open_paper
from impls.grouped_conv2d import tvm_gspc_tuned
from reports.papers.gspc.recipe import RECIPE as GSPC

ROOT = Path(__file__).parents[3]
PAPERS = ROOT / "reports/papers"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def distributions(extra: str) -> set[str]:
    """Return what an extra installs, without versions; an extra may name others."""
    installed: set[str] = set()
    for requirement in PROJECT["optional-dependencies"][extra]:
        name, _, others = re.split(r"[\]>=; ]", requirement)[0].partition("[")
        installed |= (
            {each for other in others.split(",") for each in distributions(other)} if name == "featherbench" else {name}
        )
    return installed


@pytest.mark.parametrize("name", names(PAPERS))
def test_the_extras_of_a_recipe_are_those_that_its_requests_need(name: str) -> None:
    recipe = open_paper(name, PAPERS).recipe
    wanted = {
        (workload, each)
        for request in recipe.requests
        for workload in request.workloads
        for each in request.implementations
    }
    specs = [spec for spec in registry.implementations() if (spec.workload, spec.name) in wanted]
    base = {re.split(r"[>=; ]", requirement)[0] for requirement in PROJECT["dependencies"]}
    needed = {library for spec in specs for library in spec.requires} - base
    assert needed <= {each for extra in recipe.extras for each in distributions(extra)}
    for extra in recipe.extras:
        assert needed & distributions(extra), f"nothing needs {extra}"


def test_the_tuning_that_gspc_needs_first_is_the_one_that_an_untuned_case_asks_for() -> None:
    """An implementation that is not tuned for a case names the same module."""
    (step,) = GSPC.steps
    untuned = next(case for case in registry.workload("grouped_conv2d").suites()["odd"] if case.dtype == "float32")
    reason = tvm_gspc_tuned.TvmGspcTuned().unsupported(untuned)
    assert reason is not None
    assert re.findall(r"python -m [\w.]+", reason) == re.findall(r"python -m [\w.]+", step.command)
