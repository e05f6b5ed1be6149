"""The window arithmetic, compared with its definition and with the counts in the paper."""

from fractions import Fraction
from math import floor, gcd

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from impls.sliding_channel_conv2d._windows import Windows, overlap

PAPER_CG = (1, 2, 4, 8)
PAPER_CO = (Fraction(1, 4), Fraction(33, 100), Fraction(1, 2), Fraction(3, 4))


@st.composite
def layers(draw: st.DrawFn) -> Windows:
    cg = draw(st.sampled_from([1, 2, 3, 4, 5, 8]))
    co = draw(
        st.one_of(st.sampled_from([Fraction(0), *PAPER_CO]), st.fractions(0, Fraction(99, 100), max_denominator=100))
    )
    return Windows(cin=cg * draw(st.integers(1, 24)), cout=draw(st.integers(1, 300)), cg=cg, co=co)


@given(layers())
def test_windows_match_the_definition(windows: Windows) -> None:
    width = windows.cin // windows.cg
    assert windows.channels.shape == (windows.cout, width)
    for i, start in enumerate(windows.starts):
        assert start == floor(i * (1 - windows.co) * width) % windows.cin
        assert windows.channels[i].tolist() == [(start + k) % windows.cin for k in range(width)]


@given(layers())
def test_the_cycle_is_the_least_period(windows: Windows) -> None:
    """Tested on a layer with three cycles of filters, however many filters this one has."""
    long = Windows(windows.cin, 3 * windows.cycle, windows.cg, windows.co)
    assert all(a == b for a, b in zip(long.starts, long.starts[windows.cycle :], strict=False))
    for shorter in (d for d in range(1, windows.cycle) if windows.cycle % d == 0):
        assert any(a != b for a, b in zip(long.starts, long.starts[shorter:], strict=False))


@given(layers())
def test_every_filter_is_listed_under_its_window(windows: Windows) -> None:
    assert sorted(i for filters in windows.filters.values() for i in filters) == list(range(windows.cout))
    for start, filters in windows.filters.items():
        assert {windows.starts[i] for i in filters} == {start}


@given(layers())
def test_the_pieces_of_a_window_are_its_channels(windows: Windows) -> None:
    for start, filters in windows.filters.items():
        channels = [(first + k, channel + k) for first, channel, length in windows.pieces(start) for k in range(length)]
        assert channels == list(enumerate(windows.channels[filters[0]].tolist()))


@pytest.mark.parametrize("cg", PAPER_CG)
@pytest.mark.parametrize("co", [Fraction(0), *PAPER_CO])
@pytest.mark.parametrize("cin", [64, 512])
def test_number_of_distinct_windows_where_the_step_is_whole(cin: int, cg: int, co: Fraction) -> None:
    windows = Windows(cin, 8 * cin, cg, co)
    if windows.step.denominator > 1:
        assert co == Fraction(33, 100)
        assert len(windows.filters) > 4 * cg
        return
    by_gcd = cin // gcd(int(windows.step), cin)
    by_fraction = (cg / (1 - co)).numerator
    assert len(windows.filters) == windows.cycle == by_gcd == by_fraction


@pytest.mark.parametrize(
    ("co", "cg", "count"),
    [(0, 4, 4), (0.5, 4, 8), (0.5, 1, 2), (0.25, 2, 8), (0.25, 1, 4), (0.75, 8, 32), (0.75, 1, 4)],
)
def test_the_paper_s_channel_cycle(co: float, cg: int, count: int) -> None:
    """The cycle is cg for co 0, 2 cg for co 0.5, and 4 cg for co 0.25 and 0.75."""
    assert Windows(512, 512, cg, overlap(co)).cycle == count


def test_without_overlap_it_is_a_grouped_convolution() -> None:
    windows = Windows(64, 64, 4, Fraction(0))
    assert [start // 16 for start in windows.starts] == [i % 4 for i in range(64)]


def test_windows_with_steps_below_one_and_between_whole_numbers() -> None:
    assert Windows(4, 10, 2, Fraction(3, 4)).starts == (0, 0, 1, 1, 2, 2, 3, 3, 0, 0)
    # In float32, products such as 3 * 0.67 * 50 sometimes round up to whole numbers; fractions do not.
    assert Windows(100, 5, 2, overlap(0.33)).starts == (0, 33, 67, 0, 34)


@pytest.mark.parametrize(
    ("co", "exact"),
    [
        (0.33, (33, 100)),
        ("1/3", (1, 3)),
        (".5", (1, 2)),
        (0, (0, 1)),
        (Fraction(2, 7), (2, 7)),
        (0.015625, (1, 64)),
        ("0.1234567", (1234567, 10**7)),
        (Fraction(1234567, 10**7), (1234567, 10**7)),
    ],
)
def test_overlaps_are_exact(co: object, exact: tuple[int, int]) -> None:
    assert overlap(co).as_integer_ratio() == exact  # type: ignore[arg-type]


@pytest.mark.parametrize("co", [5 / 6, np.float32(5 / 6)])
def test_rounded_floats_are_refused(co: float) -> None:
    """The float nearest to 5/6 is above it: all windows but the first would begin a channel earlier."""
    assert Windows(12, 16, 1, overlap("5/6")).starts != Windows(12, 16, 1, overlap(str(5 / 6))).starts
    with pytest.raises(ValueError, match=r"write it exactly, such as '5/6' or Fraction\(5, 6\)"):
        overlap(co)


@pytest.mark.parametrize("co", ["half", "1/0", "", float("nan")])
def test_overlaps_that_are_no_fractions_are_refused(co: object) -> None:
    with pytest.raises(ValueError, match="no fraction"):
        overlap(co)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("cin", "cout", "cg", "co", "words"),
    [
        (10, 4, 4, Fraction(0), "cg=4 must divide the 10 input channels"),
        (8, 4, 2, Fraction(1), "at least 0 and below 1"),
        (8, 4, 2, Fraction(-1, 2), "at least 0 and below 1"),
        (8, 0, 2, Fraction(0), "at least 1"),
        (8, 4, 0, Fraction(0), "at least 1"),
    ],
)
def test_impossible_settings_are_refused(cin: int, cout: int, cg: int, co: Fraction, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Windows(cin, cout, cg, co)


@pytest.mark.parametrize("numbers", [(16.0, 32, 4), (16, "32", 4), (16, 32, 4.0)])
def test_channels_and_groups_are_integers(numbers: tuple[int, int, int]) -> None:
    with pytest.raises(TypeError, match=f"must be integers, not {numbers[0]!r}, {numbers[1]!r} and {numbers[2]!r}"):
        Windows(*numbers, Fraction(1, 2))


def test_numpy_s_integers_are_integers() -> None:
    windows = Windows(np.int64(16), np.int32(32), np.int64(4), Fraction(1, 2))  # type: ignore[arg-type]
    assert windows == Windows(16, 32, 4, Fraction(1, 2))
    assert {type(number) for number in (windows.cin, windows.cout, windows.cg)} == {int}
