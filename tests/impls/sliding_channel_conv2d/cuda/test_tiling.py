"""The order of planes in the tables, on which the kernels rely."""

from fractions import Fraction

import numpy as np
import pytest

from impls.sliding_channel_conv2d._windows import Windows
from impls.sliding_channel_conv2d.cuda.tiling import NONE, forward, forward_with_bias, transposed


@pytest.mark.parametrize("cut", [forward, forward_with_bias, transposed])
@pytest.mark.parametrize("cout", [3, 64, 130, 300])
@pytest.mark.parametrize(("cg", "co"), [(1, 0), (2, 0), (2, Fraction(1, 2)), (8, Fraction(33, 100))])
def test_the_planes_of_a_tile_ascend_and_missing_ones_come_last(cut, cout, cg, co):
    tiling = cut(Windows(96, cout, cg, Fraction(co)), per_word=2)
    inputs = np.split(tiling.inputs, tiling.first[1:-1])
    assert len(inputs) == tiling.tiles
    for planes in [*tiling.outputs, *inputs]:
        present = planes[planes != NONE]
        assert (planes[: len(present)] == present).all()
        assert (np.diff(present) > 0).all()
