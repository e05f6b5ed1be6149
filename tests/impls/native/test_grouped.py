"""Every plan of the native grouped convolution, on every instruction set of this processor, against float64."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bench.core.budget import Budget
from bench.core.workload import Array, Problem
from bench.measure.correctness import relative_error
from bench.run.launch import launch
from bench.store import Request
from impls.grouped_conv2d.workload import GroupedConv2d, GroupedConv2dCase
from impls.native.grouped import Geometry, Plan, plans
from impls.native.grouped import GroupedConv2d as Packed
from impls.native.library import kernels, unavailable

pytestmark = pytest.mark.skipif(unavailable() is not None, reason=str(unavailable()))

WORKLOAD = GroupedConv2d()
ERROR = 5e-6
"""Largest error relative to the largest magnitude, for sums of up to a few thousand float32 products without FMA."""
WINOGRAD_ERROR = 5e-5


def geometry(case: GroupedConv2dCase) -> Geometry:
    return Geometry(case.weight_shape, case.groups, (case.h, case.w), case.stride, case.padding, case.dilation)


def reference(case: GroupedConv2dCase, arrays: dict[str, Array], relu: bool = False) -> Array:
    y: Array = WORKLOAD.reference(Problem(case, {"x": arrays["x"]}, arrays))
    return np.maximum(y, 0) if relu else y


def plans_and_errors(case: GroupedConv2dCase, isa: str) -> list[tuple[Plan, float]]:
    direct, winograd = plans(geometry(case), isa), plans(geometry(case), isa, winograd=True)
    return [*((plan, ERROR) for plan in direct), *((plan, WINOGRAD_ERROR) for plan in winograd)]


def arrays(case: GroupedConv2dCase) -> dict[str, Array]:
    problem = WORKLOAD.problem(case, seed=1)
    return {**problem.inputs, **problem.constants}


@st.composite
def cases(draw: st.DrawFn) -> GroupedConv2dCase:
    case = WORKLOAD.random_case(lambda options: draw(st.sampled_from(options)))
    return case.model_copy(update={"dtype": "float32"})


layouts: dict[str, Callable[[Array], Array]] = {
    "contiguous": lambda x: x,
    "channels last": lambda x: np.ascontiguousarray(x.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2),
    "every second column": lambda x: np.repeat(x, 2, axis=3)[..., ::2],
    "backwards": lambda x: np.ascontiguousarray(x[:, ::-1, :, ::-1])[:, ::-1, :, ::-1],
    "part of a larger image": lambda x: np.pad(x, ((0, 0), (1, 0), (2, 1), (1, 3)))[:, 1:, 2:-1, 1:-3],
}


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck), print_blob=True)
@given(data=st.data(), case=cases(), relu=st.booleans(), threads=st.sampled_from([1, 2, 3]))
def test_random_cases_match_the_reference(
    data: st.DataObject, case: GroupedConv2dCase, relu: bool, threads: int
) -> None:
    given_arrays = arrays(case)
    expected = reference(case, given_arrays, relu)
    laid_out = layouts[data.draw(st.sampled_from(sorted(layouts)))](given_arrays["x"])
    for isa in kernels().isas():
        plan, error = data.draw(st.sampled_from(plans_and_errors(case, isa)))
        packed = Packed(given_arrays["weight"], given_arrays.get("bias"), geometry(case), relu, isa, threads, plan)
        for _ in range(2):  # the second call reuses the workspace
            y = packed(laid_out)
            assert y.shape == expected.shape
            assert relative_error(y, expected) < error, (isa, plan)


@pytest.mark.parametrize("case", [*WORKLOAD.suites()["gspc"], *WORKLOAD.suites()["odd"]], ids=lambda case: case.slug)
def test_every_plan_is_correct_with_a_small_workspace_on_measured_cases(case: GroupedConv2dCase) -> None:
    case = case.model_copy(update={"dtype": "float32"})
    given_arrays = arrays(case)
    expected = reference(case, given_arrays)
    for isa in kernels().isas():
        for plan, error in plans_and_errors(case, isa):
            packed = Packed(given_arrays["weight"], given_arrays.get("bias"), geometry(case), isa=isa, plan=plan)
            for layout in ("contiguous", "channels last"):  # channels last makes in-place plans copy
                assert relative_error(packed(layouts[layout](given_arrays["x"])), expected) < error, (isa, plan)
            assert packed.workspace_bytes <= 1 << 20, (isa, plan)


@pytest.mark.parametrize(("cout", "h", "w", "groups"), [(8, 20, 3001, 1), (64, 5, 9001, 64)])
def test_the_workspace_stays_small_for_large_images(cout: int, h: int, w: int, groups: int) -> None:
    case = GroupedConv2dCase(cin=64, cout=cout, h=h, w=w, groups=groups)
    given_arrays = arrays(case)
    expected = reference(case, given_arrays)
    for plan, error in plans_and_errors(case, kernels().isas()[0]):
        packed = Packed(given_arrays["weight"], None, geometry(case), plan=plan)
        assert relative_error(packed(layouts["channels last"](given_arrays["x"])), expected) < error, plan
        assert packed.workspace_bytes <= 1 << 20, plan


def test_padding_may_be_wider_than_the_kernel() -> None:
    for left, right, stride in ((87, 87, (2, 1)), (75, 75, (2, 2)), (18, 0, (1, 1))):
        padded = Geometry((7, 1, 1, 3), 1, (17, 33), stride, (0, 0, left, right))
        x, weight = np.ones((1, 1, 17, 33), np.float32), np.ones(padded.weight_shape, np.float32)
        case = GroupedConv2dCase(cin=1, cout=7, h=17, w=33, kernel=(1, 3), stride=stride, padding=(0, 0, left, right))
        expected = WORKLOAD.reference(Problem(case, {"x": x}, {"weight": weight}))
        for isa in kernels().isas():
            for plan in plans(padded, isa):
                np.testing.assert_array_equal(Packed(weight, None, padded, isa=isa, plan=plan)(x), expected, str(plan))


def test_a_forked_child_exits_though_the_thread_pool_exists_only_in_its_parent() -> None:
    script = f"""
import os, sys
import numpy as np
from impls.native.grouped import Geometry, GroupedConv2d, plans
geometry = Geometry({WEIGHT.shape}, 2, (5, 7))
x, weight = np.zeros({X.shape}, np.float32), np.zeros({WEIGHT.shape}, np.float32)
GroupedConv2d(weight, None, geometry, threads=6, plan=plans(geometry, {kernels().isas()[0]!r})[0])(x)
child = os.fork()
if child == 0:
    sys.exit(0)
sys.exit(os.waitpid(child, 0)[1] != 0)
"""
    assert subprocess.run([sys.executable, "-P", "-c", script], check=False).returncode == 0


def test_an_empty_batch_gives_an_empty_output() -> None:
    case = GroupedConv2dCase(cin=4, cout=6, h=5, w=7, groups=2)
    packed = Packed(arrays(case)["weight"], None, geometry(case))
    assert packed(np.empty((0, 4, 5, 7), np.float32)).shape == (0, 6, 5, 7)


def test_relu_passes_nan_through_as_in_torch() -> None:
    case = GroupedConv2dCase(cin=1, cout=1, h=1, w=3, kernel=(1, 1), padding=(0, 0, 0, 0))
    for plan in plans(geometry(case), kernels().isas()[0]):
        packed = Packed(np.ones((1, 1, 1, 1), np.float32), None, geometry(case), relu=True, plan=plan)
        y = packed(np.array([np.nan, -1, 2], np.float32).reshape(1, 1, 1, 3))
        np.testing.assert_array_equal(y.ravel(), [np.nan, 0, 2])


CASE = GroupedConv2dCase(cin=4, cout=6, h=5, w=7, groups=2)
X, WEIGHT = np.zeros((1, 4, 5, 7), np.float32), np.zeros((6, 2, 3, 3), np.float32)


@pytest.mark.parametrize(
    ("x", "kind", "words"),
    [
        (X.astype(np.float64), TypeError, "^x is float64 with 4 dimensions, not float32 with 4 dimensions$"),
        (X[0], TypeError, "^x is float32 with 3 dimensions, not float32 with 4 dimensions$"),
        (X.tolist(), TypeError, "^x is list, not float32 with 4 dimensions$"),
        (X[:, :3], ValueError, r"the input is not \(n, 4, 5, 7\)"),
        (X[..., :6], ValueError, r"the input is not \(n, 4, 5, 7\)"),
    ],
)
def test_inputs_of_wrong_type_or_shape_are_refused(x: Any, kind: type[Exception], words: str) -> None:
    packed = Packed(WEIGHT, None, geometry(CASE))
    with pytest.raises(kind, match=words):
        packed(x)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"bias": np.zeros(5, np.float32)}, "one number for each filter"),
        ({"isa": "mmx"}, "no kernels for mmx"),
        ({"threads": 0}, "threads must be at least 1, not 0"),
        ({"geometry": Geometry((6, 2, 3, 3), 2, (5, 7), padding=(2**30, 0, 0, 0))}, "more than 2\\^28 positions"),
        (
            {"plan": ("sideways", 16, 1, 1, 1)},
            "a plan is rows, flat_rows, out_channels, out_channels_inplace, depthwise, rows_inplace or winograd, "
            "not sideways",
        ),
        ({"plan": ("rows", 8192, 1, 1, 1)}, "no kernel for this convolution"),
        ({"plan": ("rows", 16, 8, 8, 1)}, "no kernel for this convolution"),
        ({"plan": ("depthwise", 16, 1, 1, 4)}, "no kernel for this convolution"),
        ({"plan": ("rows_inplace", 16, 8, 8, 1)}, "no kernel for this convolution"),
        ({"plan": ("winograd", 16, 1, 3, 4)}, "no kernel for this convolution"),
        ({"weight": WEIGHT.astype(np.float64)[:4]}, r"the weight is \(4, 2, 3, 3\), not \(6, 2, 3, 3\)"),
        ({"geometry": Geometry((6, 2, 3, 3), 2, (2, 7))}, "the kernel is larger than the padded input"),
        ({"geometry": Geometry((6, 2, 3, 3), 4, (5, 7))}, "groups must divide the filters"),
        ({"geometry": Geometry((6, 2, 3, 3), 2, (5, 7), stride=(0, 1))}, "strides"),
    ],
)
def test_impossible_convolutions_are_refused(changes: dict[str, Any], words: str) -> None:
    plan = plans(geometry(CASE), kernels().isas()[0])[0]
    arguments: dict[str, Any] = {"weight": WEIGHT, "bias": None, "geometry": geometry(CASE), "plan": plan}
    with pytest.raises(ValueError, match=words):
        Packed(**(arguments | changes))


@pytest.mark.parametrize(
    "changes",
    [
        {"weight": WEIGHT.astype(np.float64)},
        {"bias": np.zeros(6)},
        {"plan": "out_channels_inplace"},
        {"geometry": Geometry((6, 2, 3, 3), 2, (5, 7), padding=(1, 1))},  # type: ignore[arg-type]
    ],
)
def test_wrong_argument_types_raise_a_one_line_error(changes: dict[str, Any]) -> None:
    plan = plans(geometry(CASE), kernels().isas()[0])[0]
    arguments: dict[str, Any] = {"weight": WEIGHT, "bias": None, "geometry": geometry(CASE), "plan": plan}
    with pytest.raises(TypeError, match=r"^weight and bias must be float32, .* one of plans\(geometry, isa\)$"):
        Packed(**(arguments | changes))


def test_winograd_is_refused_for_unsupported_geometries() -> None:
    with pytest.raises(ValueError, match="needs a kernel of 3 x 3, stride 1 and dilation 1"):
        Packed(WEIGHT, None, Geometry((6, 2, 3, 3), 2, (5, 7), stride=(2, 1)), winograd=True)


def test_a_record_names_the_plan(tmp_path: Path) -> None:
    filters = ("groups=64", "h=56")
    request = Request(
        workloads=("grouped_conv2d",), suite="quick", target="edge", implementations=("native",), case_filters=filters
    )
    (record,) = launch(request, budget=Budget(timed_s=0.2), results=tmp_path).run.records
    assert record.status == "passed", record.reason
    isa, _, plan = record.facts["native kernels"].partition(": ")
    assert isa in kernels().isas()
    assert plan.endswith("a tile")
