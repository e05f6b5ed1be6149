"""What the kernels rely on in their tables."""

from fractions import Fraction

import numpy as np
import pytest

from impls.sliding_channel_conv2d.cuda.bands import NONE, forward, forward_with_bias, transposed
from impls.sliding_channel_conv2d.layer.windows import Windows


@pytest.mark.parametrize("cut", [forward, forward_with_bias, transposed])
@pytest.mark.parametrize("cout", [3, 64, 130, 300])
@pytest.mark.parametrize(("cg", "co"), [(1, 0), (2, 0), (2, Fraction(1, 2)), (8, Fraction(33, 100))])
def test_the_planes_of_a_tile_ascend_and_those_missing_come_last(cut, cout, cg, co):
    bands = cut(Windows(96, cout, cg, Fraction(co)), per_word=2)
    inputs = np.split(bands.inputs, bands.first[1:-1])
    assert len(inputs) == bands.tiles
    for planes in [*bands.outputs, *inputs]:
        there = planes[planes != NONE]
        assert (planes[: len(there)] == there).all()
        assert (np.diff(there) > 0).all()
