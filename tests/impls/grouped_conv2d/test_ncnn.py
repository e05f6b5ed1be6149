"""The two ncnn implementations time different algorithms."""

import numpy as np
import pytest

from bench.core import registry
from bench.core.loading import load
from bench.core.target import Target
from impls.grouped_conv2d.workload import GroupedConv2d, GroupedConv2dCase


@pytest.mark.parametrize("groups", [1, 4])
def test_winograd_differs_from_the_direct_kernels(groups: int) -> None:
    """Winograd rounds differently; the output of the direct kernels would be the same to the last bit."""
    pytest.importorskip("ncnn", reason="ncnn is not installed: pip install ncnn")
    specs = {spec.name: spec for spec in registry.implementations() if spec.workload == "grouped_conv2d"}
    direct, again, winograd = (load(specs[name]) for name in ("ncnn", "ncnn", "ncnn_winograd"))
    case = GroupedConv2dCase(cin=64, cout=64, h=28, w=28, groups=groups)
    problem = GroupedConv2d().problem(case, seed=1)
    assert winograd.unsupported(case) is None
    outputs = [np.array(each.prepare(problem, Target("edge"))()) for each in (direct, again, winograd)]
    np.testing.assert_array_equal(outputs[0], outputs[1])
    assert not np.array_equal(outputs[0], outputs[2])
