"""The workload itself: its reference, its work, its suites."""

import re
from pathlib import Path
from random import Random
from typing import get_args

import numpy as np
import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from bench.core import registry
from bench.core.case import parameter_text
from bench.core.errors import UsageError
from bench.measure.correctness import relative_error
from impls.grouped_conv2d.workload import GSPC_LAYERS, GroupedConv2d, GroupedConv2dCase

WORKLOAD = GroupedConv2d()


def torch_conv2d(case: GroupedConv2dCase, x: np.ndarray, constants: dict[str, np.ndarray]) -> torch.Tensor:
    top, bottom, left, right = case.padding
    padded = torch.nn.functional.pad(torch.from_numpy(x).double(), (left, right, top, bottom))
    weight = torch.from_numpy(constants["weight"]).double()
    bias = torch.from_numpy(constants["bias"]).double() if case.bias else None
    return torch.nn.functional.conv2d(padded, weight, bias, case.stride, 0, case.dilation, case.groups)


@pytest.mark.parametrize("seed", range(100))
def test_reference_agrees_with_torch_in_float64(seed: int) -> None:
    case = WORKLOAD.random_case(Random(seed).choice)
    problem = WORKLOAD.problem(case, seed)
    expected = torch_conv2d(case, problem.inputs["x"], dict(problem.constants)).numpy()
    assert WORKLOAD.reference(problem).shape == case.output_shape
    assert relative_error(WORKLOAD.reference(problem), expected) < 1e-13


@pytest.mark.parametrize("case", WORKLOAD.suites()["quick"] + WORKLOAD.suites()["odd"], ids=lambda case: case.slug)
def test_macs_agree_with_pytorch_flop_counter(case: GroupedConv2dCase) -> None:
    problem = WORKLOAD.problem(case, 0)
    with FlopCounterMode(display=False) as counter:
        torch_conv2d(case, problem.inputs["x"], dict(problem.constants))
    assert 2 * WORKLOAD.work(case).macs == counter.get_total_flops()


def test_work_agrees_with_hand_calculation() -> None:
    case = GroupedConv2dCase(cin=64, cout=64, h=56, w=56, groups=16, bias=True)
    work = WORKLOAD.work(case)
    assert work.macs == 64 * 56 * 56 * 4 * 9
    assert work.parameters == 64 * 4 * 9 + 64
    assert work.least_bytes == 4 * (64 * 56 * 56 + 64 * 56 * 56 + 64 * 4 * 9 + 64)


def count_fewest_macs(case: GroupedConv2dCase) -> float:
    """Count products one by one, without those with padding, and divide by Winograd's factor at the end."""
    top, _, left, _ = case.padding
    taps = sum(
        0 <= i * case.stride[0] - top + u * case.dilation[0] < case.h
        and 0 <= j * case.stride[1] - left + v * case.dilation[1] < case.w
        for i in range(case.output_size[0])
        for j in range(case.output_size[1])
        for u in range(case.kernel[0])
        for v in range(case.kernel[1])
    )
    saved = 1.0
    for kernel, stride in zip(case.kernel, case.stride, strict=True):
        if stride == 1 and kernel > 1:
            saved *= 6 * kernel / (6 + kernel - 1)
    return case.n * case.cout * (case.cin // case.groups) * taps / saved


@pytest.mark.parametrize("seed", range(100))
def test_fewest_macs_agree_with_counting_products(seed: int) -> None:
    case = WORKLOAD.random_case(Random(seed).choice)
    work = WORKLOAD.work(case)
    assert work.fewest_macs == pytest.approx(count_fewest_macs(case), abs=1)
    assert 0 < work.fewest_macs <= work.macs


def test_gspc_has_every_distinct_layer_at_every_group_count() -> None:
    cases = WORKLOAD.suites()["gspc"]
    assert len(cases) == len(set(cases)) == 6 * len(GSPC_LAYERS) - 1  # 16 channels: G = 16 is depthwise already
    assert all(case.kernel == (3, 3) and case.cin == case.cout for case in cases)
    assert {case.groups for case in cases if case.cin == 256} == {1, 2, 4, 8, 16, 256}


def test_odd_has_unusual_widths_kernels_strides_and_padding() -> None:
    cases = WORKLOAD.suites()["odd"]
    assert {3, 6, 10, 12, 20} <= {case.cin // case.groups for case in cases}
    for change in ({"kernel": (1, 1)}, {"kernel": (5, 5)}, {"n": 2}, {"stride": (2, 2)}, {"dilation": (2, 2)}):
        assert any(case.model_dump() | change == case.model_dump() for case in cases), change
    assert any(case.symmetric_padding is None for case in cases)


def test_problems_are_reproducible_and_refills_keep_the_weights() -> None:
    case = WORKLOAD.suites()["quick"][-1]
    problem, again = WORKLOAD.problem(case, 1), WORKLOAD.problem(case, 1)
    np.testing.assert_array_equal(problem.inputs["x"], again.inputs["x"])
    WORKLOAD.refill(problem, 2)
    assert not np.array_equal(problem.inputs["x"], again.inputs["x"])
    np.testing.assert_array_equal(WORKLOAD.problem(case, 2).constants["weight"], again.constants["weight"])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"groups": 5}, "groups=5 must divide cin=64 and cout=64"),
        ({"h": 1, "padding": (0, 0, 0, 0)}, "kernel is larger"),
        ({"stride": (0, 1)}, "at least 1"),
        ({"padding": (-1, 0, 0, 0)}, "at least 0"),
        ({"dtype": "int8"}, "dtype"),
        ({"n": 0}, "n: "),
        ({"depth": 3}, "depth"),
    ],
)
def test_invalid_cases_are_refused(change: dict[str, object], words: str) -> None:
    valid: dict[str, object] = {"cin": 64, "cout": 64, "h": 8, "w": 8}
    with pytest.raises(UsageError, match=words):
        GroupedConv2dCase.from_parameters(valid | change)


@pytest.mark.parametrize("suite", ["quick", "gspc", "odd", "full"])
def test_slugs_are_unique_and_parameters_round_trip(suite: str) -> None:
    cases = WORKLOAD.suites()[suite]
    assert len({case.slug for case in cases}) == len(cases)
    assert [GroupedConv2dCase.from_parameters(case.model_dump(mode="json")) for case in cases] == list(cases)


def test_the_registry_lists_its_implementations() -> None:
    names = [spec.name for spec in registry.implementations() if spec.workload == "grouped_conv2d"]
    assert {"pytorch", "pytorch_channels_last", "im2col", "onnxruntime"} <= set(names)


def test_the_documentation_lists_every_parameter_with_its_default() -> None:
    page = (Path(__file__).parents[3] / "docs/problems.md").read_text()
    fields = GroupedConv2dCase.model_fields
    assert re.findall(r"^\| `(\w+)` \| ([\w ]+) \|", page, re.MULTILINE) == [
        (name, "must be given" if field.is_required() else parameter_text(field.default))
        for name, field in fields.items()
    ]
    assert all(f"`{dtype}`" in page for dtype in get_args(fields["dtype"].annotation))
