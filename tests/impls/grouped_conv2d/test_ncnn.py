"""The two ncnn implementations time different algorithms."""

import numpy as np
import pytest

from bench.core.target import Target
from impls.grouped_conv2d.workload import GroupedConv2d, GroupedConv2dCase


@pytest.mark.parametrize("groups", [1, 4])
def test_winograd_differs_from_the_direct_kernels(groups: int) -> None:
    """Winograd rounds differently; the output of the direct kernels would be the same to the last bit."""
    pytest.importorskip("ncnn", reason="ncnn is not installed: pip install ncnn")
    from impls.grouped_conv2d.ncnn import Ncnn
    from impls.grouped_conv2d.ncnn_winograd import NcnnWinograd

    case = GroupedConv2dCase(cin=64, cout=64, h=28, w=28, groups=groups)
    problem = GroupedConv2d().problem(case, seed=1)
    assert NcnnWinograd().unsupported(case) is None
    direct, again, winograd = (
        np.array(implementation.prepare(problem, Target("edge"))())
        for implementation in (Ncnn(), Ncnn(), NcnnWinograd())
    )
    np.testing.assert_array_equal(direct, again)
    assert not np.array_equal(direct, winograd)
