"""All window arithmetic of sliding-channel convolution: which input channels each output filter reads."""

import re
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from math import gcd
from numbers import Rational
from operator import index

import numpy as np
from numpy.typing import NDArray

MAX_CO_CHARACTERS = 40
"""Longest text of an overlap that is read, so that its exact fraction stays small."""


@dataclass(frozen=True)
class Windows:
    """The windows of a layer from ``cin`` to ``cout`` channels (arXiv 2101.00745, section on the SCC design).

    Filter i reads ``width`` = cin / cg consecutive channels, cyclically, from ``floor(i * step) mod cin``, where
    ``step`` = (1 - co) * width in exact rational arithmetic.

    Raises:
        ValueError: where the settings make no layer.
        TypeError: where channels or cg are no integers.
    """

    cin: int
    cout: int
    cg: int
    co: Fraction
    starts: tuple[int, ...] = field(init=False, repr=False, compare=False)
    """The first channel of each filter's window."""
    step_ratio: tuple[int, int] = field(init=False, repr=False, compare=False)
    """``step`` as a fraction of integers."""
    filters: dict[int, tuple[int, ...]] = field(init=False, repr=False, compare=False)
    """The filters that read each distinct window, by its first channel, in order of appearance."""

    def __post_init__(self) -> None:
        for name in ("cin", "cout", "cg"):
            try:
                object.__setattr__(self, name, index(getattr(self, name)))
            except TypeError:
                numbers = f"{self.cin!r}, {self.cout!r} and {self.cg!r}"
                raise TypeError(f"channels and cg must be integers, not {numbers}") from None
        if min(self.cin, self.cout, self.cg) < 1:
            raise ValueError(f"channels and cg must be at least 1, not {self.cin}, {self.cout} and {self.cg}")
        if self.cin % self.cg:
            raise ValueError(f"cg={self.cg} must divide the {self.cin} input channels")
        if not 0 <= self.co < 1:
            raise ValueError(f"co={self.co} must be at least 0 and below 1")
        # Not cached properties: torch.compile cannot look into those.
        p, q = self.step.as_integer_ratio()
        object.__setattr__(self, "step_ratio", (p, q))
        object.__setattr__(self, "starts", tuple(i * p // q % self.cin for i in range(self.cout)))
        by_start: dict[int, list[int]] = {}
        for filter_, start in enumerate(self.starts):
            by_start.setdefault(start, []).append(filter_)
        object.__setattr__(self, "filters", {start: tuple(filters) for start, filters in by_start.items()})

    def __reduce__(self) -> tuple[type["Windows"], tuple[int, int, int, Fraction]]:
        """Copy and pickle without the derived fields."""
        return type(self), (self.cin, self.cout, self.cg, self.co)

    @property
    def width(self) -> int:
        """Number of channels that a filter reads."""
        return self.cin // self.cg

    @property
    def step(self) -> Fraction:
        """Distance of the windows of neighbouring filters in channels, before rounding down."""
        return (1 - self.co) * self.width

    @property
    def cycle(self) -> int:
        """The least N > 0 such that filters i and i + N read the same window, for every i."""
        p, q = self.step_ratio
        return 1 if self.cin == 1 else q * self.cin // gcd(p, q * self.cin)

    @cached_property
    def channels(self) -> NDArray[np.int64]:
        """The input channel behind each weight, (cout, width)."""
        return (np.array(self.starts)[:, None] + np.arange(self.width)) % self.cin

    @property
    def groups(self) -> int:
        """Number of windows to copy for a convolution in groups: filters i, i + groups, i + 2 groups ... share one."""
        return min(self.cycle, self.cout)

    def unsupported_as_groups(self) -> str | None:
        """Return why the layer cannot be a convolution in groups of equal size, or None."""
        if self.cout % self.groups:
            return "the cycle of its windows does not divide the number of its filters"
        return None

    def pieces(self, start: int) -> tuple[tuple[int, int, int], ...]:
        """Return the runs of channels that a window consists of, each as (first weight, first channel, length).

        There is one run, or two where the window wraps around after the last channel.
        """
        before_end = min(self.width, self.cin - start)
        first = (0, start, before_end)
        return (first,) if before_end == self.width else (first, (before_end, 0, self.width - before_end))


def overlap(co: float | str | Fraction) -> Fraction:
    """Return the overlap of neighbouring windows as an exact fraction: 0.33 and "0.33" are 33/100, "1/3" is a third.

    Raises:
        ValueError: where ``co`` is no fraction, or a float whose decimals make a denominator above a million. A float
            such as 5 / 6 is already rounded, and the rounding error would move windows.
    """
    try:
        if len(str(co)) > MAX_CO_CHARACTERS or re.search(r"e[+-]?\d{4}", str(co).lower()):  # such as 1e99999999
            raise ValueError
        exact = Fraction(str(co))
    except (ValueError, ZeroDivisionError):
        raise ValueError(f"co={co!r} is no fraction; write it like 0.5 or '1/3'") from None
    if exact.denominator > 10**6 and not isinstance(co, str | Rational):
        near = exact.limit_denominator(100)
        raise ValueError(f"co={co!r} is a rounded fraction; write it exactly, such as {str(near)!r} or {near!r}")
    return exact


SIMPLE_OVERLAPS = tuple(
    sorted(
        {Fraction(k, q) for q in (*range(1, 17), 100) for k in range(q)},
        key=lambda co: (co.denominator, co),
    )
)
"""The overlaps that are tried for the windows of a given layer, the simplest first."""


def windows_of(pattern: NDArray[np.bool_]) -> Windows | None:
    """Return the windows that a pointwise convolution has, by which of its weights are not zero.

    Args:
        pattern: whether each weight is not zero, (cout, cin).

    Returns:
        The windows with the first of SIMPLE_OVERLAPS that gives this pattern; None where none does, or where a filter
        reads all channels.
    """
    cout, cin = pattern.shape
    width = int(pattern[0].sum())
    if width in (0, cin) or cin % width or not (pattern.sum(axis=1) == width).all():
        return None
    for co in SIMPLE_OVERLAPS:
        windows = Windows(cin, cout, cin // width, co)
        if np.take_along_axis(pattern, windows.channels, axis=1).all():
            return windows
    return None
