"""Diverse grouped convolution: groups read what the case says, the work is counted, and forms agree."""

from typing import Any

import numpy as np
import pytest
import torch

from bench.core.errors import UsageError
from bench.core.target import Target
from impls.diverse_grouped_conv2d.gather_gemm import GatherGemm
from impls.diverse_grouped_conv2d.pytorch import PyTorch
from impls.diverse_grouped_conv2d.workload import DiverseGroupedConv2d, DiverseGroupedConv2dCase

WORKLOAD = DiverseGroupedConv2d()
EDGE = Target("edge")


@pytest.mark.parametrize("keep", [0.3, 0.5, 0.9])
@pytest.mark.parametrize("overlap", [0.0, 0.5, 1.0])
def test_sets_have_the_size_and_the_overlap_of_the_case(keep: float, overlap: float) -> None:
    case = DiverseGroupedConv2dCase(channels=200, size=(4, 4), groups=8, keep=keep, overlap=overlap)
    constants = WORKLOAD.problem(case, 0).constants
    reads, group, weight = constants["reads"], constants["group"], constants["weight"]
    assert reads.mean() == pytest.approx(keep, abs=0.01)
    assert reads.all(axis=0).sum() >= round(overlap * keep * 200)
    sizes = reads.sum(axis=1)
    assert (sizes.max() > 1.4 * sizes.mean()) == (overlap == 0 and keep < 0.9)
    assert np.bincount(group).tolist() == [25] * 8
    assert ((weight != 0).all(axis=(2, 3)) == reads[group]).all()
    assert (WORKLOAD.problem(case, 1).constants["weight"] == weight).all()
    assert (WORKLOAD.problem(case, 1).inputs["x"] != WORKLOAD.problem(case, 0).inputs["x"]).any()


def test_the_work_counts_the_weights_that_are_not_zero() -> None:
    case = DiverseGroupedConv2dCase(channels=61, size=(13, 7), groups=7, keep=0.4, overlap=0.5)
    weights = np.count_nonzero(WORKLOAD.problem(case, 0).constants["weight"])
    work = WORKLOAD.work(case)
    assert work.parameters == weights
    assert work.macs == weights * 13 * 7
    assert work.fewest_macs is not None
    assert 0 < work.fewest_macs < work.macs


@pytest.mark.parametrize("case", WORKLOAD.suites()["odd"], ids=lambda case: case.slug)
def test_both_forms_and_the_matrix_products_are_right(case: Any) -> None:
    groups = PyTorch()
    groups.form = "groups"
    for implementation in (PyTorch(), groups, GatherGemm()):
        problem = WORKLOAD.problem(case, 1)
        output = implementation.prepare(problem, EDGE)()
        expected = WORKLOAD.reference(problem)
        assert output.shape == expected.shape
        np.testing.assert_allclose(torch.as_tensor(output).numpy(), expected, atol=1e-4)


def test_cases_that_make_no_sense_are_refused() -> None:
    for parameters, words in (
        ({"channels": 4, "groups": 5}, "groups=5 is more than channels=4"),
        ({"kernel": 2}, "kernel=2 is even"),
        ({"size": (0, 3)}, "size must be from 1"),
    ):
        with pytest.raises(UsageError, match=words):
            DiverseGroupedConv2dCase.from_parameters(parameters)
