"""Arrays start at the same alignment in every worker."""

import numpy as np
import pytest

from bench.core.alignment import ALIGNMENT, aligned
from bench.core.workload import Problem


@pytest.mark.parametrize("shape", [(1,), (7,), (3, 5, 2), (64, 56, 56), ()])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_copy_is_aligned_and_equal(shape: tuple[int, ...], dtype: str) -> None:
    for _ in range(10):
        array = np.random.default_rng(0).standard_normal(shape).astype(dtype)
        copy = aligned(array)
        assert copy.ctypes.data % ALIGNMENT == 0
        assert copy.flags.c_contiguous
        np.testing.assert_array_equal(copy, array)


def test_a_problem_keeps_its_values_when_aligned_and_laid_out_in_another_order() -> None:
    x = np.random.default_rng(0).standard_normal((2, 3, 5, 7), np.float32)
    problem = Problem(None, {"x": x}, {"weight": x[0]}).aligned()
    assert not np.shares_memory(problem.inputs["x"], x)
    laid_out = problem.lay_out("x", (0, 2, 3, 1))
    assert laid_out is problem.inputs["x"]
    assert laid_out.ctypes.data % ALIGNMENT == 0
    assert laid_out.transpose(0, 2, 3, 1).flags.c_contiguous
    np.testing.assert_array_equal(laid_out, x)
    np.testing.assert_array_equal(problem.constants["weight"], x[0])
