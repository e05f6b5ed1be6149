"""A page explains each implementation and target that its paper names."""

from pathlib import Path

from bench.paper.build import open_paper
from bench.paper.glossary import glossary

PAPERS = Path(__file__).parents[3] / "reports/papers"


def test_implementations_of_claims_and_requests_are_explained() -> None:
    paper = open_paper("gspc", PAPERS)
    names = glossary(paper.claims, paper.recipe)
    requested = {(request.workloads[0], name) for request in paper.recipe.requests for name in request.implementations}
    assert len(names.implementations) == len(requested)
    assert names.implementations["grouped_conv2d/native"].startswith("Featherbench's own C++ kernels")
    assert names.implementations["network_inference/native"].startswith("A network on Featherbench's own kernels")
    assert "tvm_unscheduled" in names.implementations, "a name of one workload alone stands without it"
    assert names.implementations["tvm_gspc_tuned"].endswith("with tuned block sizes; arXiv 2006.09791")
    assert names.targets == {"edge": "one core, one thread"}


def test_nothing_is_explained_where_nothing_is_measured() -> None:
    paper = open_paper("sg_cnn", PAPERS)
    assert glossary(paper.claims, paper.recipe) == ({}, {})
