"""The workload's reference, work and suites."""

from fractions import Fraction
from itertools import pairwise
from math import prod
from random import Random

import numpy as np
import pytest

from bench.core.errors import UsageError
from bench.measure.correctness import relative_error
from bench.measure.outputs import as_arrays
from impls.sliding_channel_conv2d._windows import overlap
from impls.sliding_channel_conv2d.workload import (
    DSXPLORE_LAYERS,
    SlidingChannelConv2d,
    SlidingChannelConv2dCase,
)

WORKLOAD = SlidingChannelConv2d()
PASSES = ("forward", "backward", "train")


def by_definition(case: SlidingChannelConv2dCase, x: np.ndarray, weight: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """Compute the forward pass by its formula, in plain loops."""
    y = np.zeros(case.output_shape)
    width = case.cin // case.cg
    for i in range(case.cout):
        start = int(i * (1 - overlap(case.co)) * width) % case.cin
        y[:, i] = bias[i]
        for k in range(width):
            y[:, i] += weight[i, k] * x[:, (start + k) % case.cin]
    return y


@pytest.mark.parametrize("seed", range(100))
def test_reference_matches_the_definition_and_its_derivative(seed: int) -> None:
    """The function is linear in x, W and b, so the gradients are what <dy, Y> changes by when each is replaced."""
    case = WORKLOAD.random_case(Random(seed).choice)
    problem = WORKLOAD.problem(case, seed)
    given = {name: array.astype(np.float64) for name, array in {**problem.inputs, **problem.constants}.items()}
    x, weight, dy = given["x"], given["weight"], given.get("dy")
    bias = given.get("bias", np.zeros(case.cout))
    outputs = dict(zip(_output_names(case), as_arrays(WORKLOAD.reference(problem)), strict=True))
    if "y" in outputs:
        assert relative_error(outputs["y"], by_definition(case, x, weight, bias)) < 1e-13
    if dy is None:
        return
    change = {name: np.random.default_rng(seed).standard_normal(array.shape) for name, array in given.items()}
    zeros = np.zeros(case.cout)
    changed_y = {
        "dx": by_definition(case, change["x"], weight, zeros),
        "dweight": by_definition(case, x, change["weight"], zeros),
    }
    if case.bias:
        changed_y["dbias"] = by_definition(case, 0 * x, weight, change["bias"])
    for name, difference in changed_y.items():
        by_gradient = (outputs[name] * change[name.removeprefix("d")]).sum()
        np.testing.assert_allclose(by_gradient, (dy * difference).sum(), rtol=1e-9, atol=1e-9)


def _output_names(case: SlidingChannelConv2dCase) -> list[str]:
    gradients = ["dx", "dweight", *(["dbias"] if case.bias else [])]
    return {"forward": ["y"], "backward": gradients, "train": ["y", *gradients]}[case.passes]


def test_random_cases_include_every_special_case() -> None:
    cases = [WORKLOAD.random_case(Random(seed).choice) for seed in range(500)]
    steps = [case.windows.step for case in cases]
    assert any(case.cg == 1 for case in cases)
    assert any(case.co == "0" for case in cases)
    assert any(step.denominator > 1 for step in steps)
    assert any(step < 1 for step in steps)
    wrapping = [len(case.windows.pieces(start)) == 2 for case in cases for start in case.windows.filters]
    assert any(wrapping)
    assert {case.passes for case in cases} == set(PASSES)


def test_work_matches_a_calculation_by_hand() -> None:
    case = SlidingChannelConv2dCase(n=2, cin=64, cout=128, h=16, w=16, cg=4, bias=True)
    x, y, weight, positions = 2 * 64 * 256, 2 * 128 * 256, 128 * 16, 2 * 256
    works = {
        passes: WORKLOAD.work(case.model_copy(update={"passes": passes})) for passes in ("forward", "backward", "train")
    }
    assert works["forward"].macs == positions * 128 * 16
    assert works["backward"].macs == 2 * works["forward"].macs
    assert works["train"].macs == 3 * works["forward"].macs
    assert {work.parameters for work in works.values()} == {weight + 128}
    assert works["forward"].least_bytes == 4 * (x + weight + 128 + y)
    assert works["backward"].least_bytes == 4 * (x + weight + y + x + weight + 128)
    assert works["train"].least_bytes == 4 * 2 * (x + weight + 128 + y)


@pytest.mark.parametrize("seed", range(30))
def test_least_bytes_count_the_channels_that_are_read(seed: int) -> None:
    """A channel outside all windows need not be read, but its gradient is written as zeros."""
    case = WORKLOAD.random_case(Random(seed).choice)
    width = case.cin // case.cg
    starts = [int(i * (1 - overlap(case.co)) * width) for i in range(case.cout)]
    read = len({(start + k) % case.cin for start in starts for k in range(width)}) * case.n * case.h * case.w
    weight, y, dx = case.cout * width, prod(case.output_shape), prod(case.input_shape)
    bias = case.cout if case.bias else 0
    numbers = {
        "forward": (read + weight + bias) + y,
        "backward": (read + weight + y) + (dx + weight + bias),
        "train": (read + weight + bias + y) + (y + dx + weight + bias),
    }
    work = WORKLOAD.work(case)
    assert work.least_bytes == numbers[case.passes] * work.itemsize


def test_some_random_cases_leave_channels_unread() -> None:
    cases = [WORKLOAD.random_case(Random(seed).choice) for seed in range(30)]
    assert {case.passes for case in cases if len(set(case.windows.channels.flat)) < case.cin} == set(PASSES)


def test_overlap_changes_neither_macs_nor_parameters() -> None:
    works = {
        WORKLOAD.work(SlidingChannelConv2dCase(cin=64, cout=64, h=8, w=8, cg=4, co=co)) for co in ("0", "0.33", "0.75")
    }
    assert len(works) == 1


def test_dsxplore_has_every_layer_at_every_setting() -> None:
    cases = WORKLOAD.suites()["dsxplore"]
    assert len(cases) == len(set(cases)) == 3 * 4 * len(DSXPLORE_LAYERS)
    assert {case.co for case in cases} == {"0.25", "0.5", "0.75", "0.33"}
    assert {case.cg for case in cases} == {2, 4, 8}
    assert {(case.n, case.passes) for case in cases} == {(1, "forward")}


def test_macs_of_the_paper_s_vgg16() -> None:
    """Only the SCC layers differ between networks of two cg; the whole has 38.02, 20.72, 12.07, 7.74 MMACs at 32x32."""
    layers = [(64, 64, 32), (64, 128, 16), (128, 128, 16), (128, 256, 8), *[(256, 256, 8)] * 2]
    layers += [(256, 512, 4), *[(512, 512, 4)] * 2, *[(512, 512, 2)] * 3]
    assert set(layers) <= set(DSXPLORE_LAYERS)
    mmacs = [
        sum(WORKLOAD.work(SlidingChannelConv2dCase(cin=a, cout=b, h=s, w=s, cg=cg)).macs for a, b, s in layers) / 1e6
        for cg in (1, 2, 4, 8)
    ]
    differences = [macs - next_macs for macs, next_macs in pairwise(mmacs)]
    assert differences == pytest.approx([38.02 - 20.72, 20.72 - 12.07, 12.07 - 7.74], abs=0.02)


def test_dsxplore_layers_are_those_of_the_four_networks() -> None:
    """In VGG16, MobileNet, ResNet18 and ResNet50, the plane has already shrunk where the channels double."""
    vgg16 = {(64, 64, 32), (64, 128, 16), (128, 128, 16), (128, 256, 8), (256, 256, 8), (256, 512, 4), (512, 512, 4)}
    mobilenet = {(32, 64, 32), (64, 128, 16), (128, 128, 16), (128, 256, 8), (256, 256, 8), (256, 512, 4)}
    last = {(512, 512, 4), (512, 512, 2), (512, 1024, 2), (1024, 1024, 2)}
    resnets = {(64, 64, 32), (128, 128, 16), (256, 256, 8), (512, 512, 4)}
    assert set(DSXPLORE_LAYERS) == vgg16 | mobilenet | last | resnets


def test_refills_change_the_inputs_and_keep_the_constants() -> None:
    for passes, changing in (("forward", {"x"}), ("backward", {"dy"}), ("train", {"x", "weight", "bias", "dy"})):
        case = SlidingChannelConv2dCase(cin=8, cout=8, h=3, w=3, bias=True, passes=passes)
        first, other = WORKLOAD.problem(case, 1), WORKLOAD.problem(case, 2)
        assert set(first.inputs) == changing
        assert set(first.constants) == {"x", "weight", "bias", "dy"} - changing - (
            {"dy"} if passes == "forward" else set()
        )
        for name, array in first.constants.items():
            np.testing.assert_array_equal(array, other.constants[name])
        for name, array in first.inputs.items():
            assert not np.array_equal(array, other.inputs[name])


@pytest.mark.parametrize("co", ["0.5", ".5", "1/2", 0.5, Fraction(1, 2)])
def test_equal_overlaps_give_the_same_slug(co: object) -> None:
    case = SlidingChannelConv2dCase.model_validate({"cin": 8, "cout": 8, "h": 1, "w": 1, "co": co})
    assert case.slug == "cin=8,cout=8,h=1,w=1"


@pytest.mark.parametrize(("co", "text"), [(0, "0"), ("0.330", "0.33"), ("1/3", "1/3"), ("2/8", "0.25")])
def test_overlaps_are_written_as_decimals_where_these_are_exact(co: object, text: str) -> None:
    case = SlidingChannelConv2dCase.model_validate({"cin": 8, "cout": 8, "h": 1, "w": 1, "co": co})
    assert case.co == text


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"cg": 3}, "cg=3 must divide the 8 input channels"),
        ({"co": "1"}, "below 1"),
        ({"co": "much"}, "no fraction"),
        ({"passes": "sideways"}, "passes"),
    ],
)
def test_impossible_cases_are_refused(change: dict[str, object], words: str) -> None:
    good: dict[str, object] = {"cin": 8, "cout": 8, "h": 8, "w": 8}
    with pytest.raises(UsageError, match=words):
        SlidingChannelConv2dCase.from_parameters(good | change)


@pytest.mark.parametrize("suite", WORKLOAD.suites())
def test_slugs_are_unique_and_parameters_round_trip(suite: str) -> None:
    cases = WORKLOAD.suites()[suite]
    assert len({case.slug for case in cases}) == len(cases)
    assert [SlidingChannelConv2dCase.from_parameters(case.model_dump(mode="json")) for case in cases] == list(cases)
