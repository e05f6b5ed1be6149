"""Which input channels each output filter reads: the window arithmetic of sliding-channel convolution, all of it."""

from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from math import gcd
from numbers import Rational
from operator import index

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Windows:
    """The windows of a layer from ``cin`` to ``cout`` channels (arXiv 2101.00745, section on the SCC design).

    Filter i reads ``width`` = cin / cg consecutive channels, cyclically, from ``floor(i * step) mod cin``, where
    ``step`` = (1 - co) * width in exact rational arithmetic. Raises ValueError where the settings make no layer,
    TypeError where a number is no integer.
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
    """Each distinct window, by its first channel in order of appearance, with the filters that read it."""

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
        # Here and not when first asked for: torch.compile cannot look into a cached property.
        p, q = self.step.as_integer_ratio()
        object.__setattr__(self, "step_ratio", (p, q))
        object.__setattr__(self, "starts", tuple(i * p // q % self.cin for i in range(self.cout)))
        found: dict[int, list[int]] = {}
        for filter_, start in enumerate(self.starts):
            found.setdefault(start, []).append(filter_)
        object.__setattr__(self, "filters", {start: tuple(filters) for start, filters in found.items()})

    def __reduce__(self) -> tuple[type["Windows"], tuple[int, int, int, Fraction]]:
        """Copied and pickled without what was derived."""
        return type(self), (self.cin, self.cout, self.cg, self.co)

    @property
    def width(self) -> int:
        """Channels that a filter reads."""
        return self.cin // self.cg

    @property
    def step(self) -> Fraction:
        """Channels between the windows of neighbouring filters, before rounding down."""
        return (1 - self.co) * self.width

    @property
    def cycle(self) -> int:
        """The least N > 0 such that filters i and i + N read the same window, for every i."""
        p, q = self.step_ratio
        return 1 if self.cin == 1 else q * self.cin // gcd(p, q * self.cin)

    @cached_property
    def channels(self) -> NDArray[np.int64]:
        """(cout, width): the input channel behind each weight."""
        return (np.array(self.starts)[:, None] + np.arange(self.width)) % self.cin

    @property
    def groups(self) -> int:
        """Windows to copy for a convolution in groups, in which filters i, i + groups, i + 2 groups ... share one."""
        return min(self.cycle, self.cout)

    def why_not_grouped(self) -> str | None:
        """Why it cannot be a convolution in groups of equal size, or None."""
        if self.cout % self.groups:
            return "the cycle of its windows does not divide the number of its filters"
        return None

    def pieces(self, start: int) -> tuple[tuple[int, int, int], ...]:
        """The runs of channels that a window consists of, as (first weight, first channel, length).

        One run, or two where the window wraps around after the last channel.
        """
        before_end = min(self.width, self.cin - start)
        first = (0, start, before_end)
        return (first,) if before_end == self.width else (first, (before_end, 0, self.width - before_end))


def overlap(co: float | str | Fraction) -> Fraction:
    """The overlap of neighbouring windows as an exact fraction: 0.33 and "0.33" are 33/100, "1/3" is a third.

    Raises ValueError where it is none, and for a float whose decimals make a denominator above a million: 5 / 6 was
    rounded before it came here, and what it lacks moves windows.
    """
    try:
        exact = Fraction(str(co))
    except (ValueError, ZeroDivisionError):
        raise ValueError(f"co={co!r} is no fraction; write it like 0.5 or '1/3'") from None
    if exact.denominator > 10**6 and not isinstance(co, str | Rational):
        near = exact.limit_denominator(100)
        raise ValueError(f"co={co!r} is a rounded fraction; write it exactly, such as {str(near)!r} or {near!r}")
    return exact
