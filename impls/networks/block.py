"""Blocks: what takes the place of a 3 x 3 convolution in a network."""

import re
from collections import OrderedDict
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction

from torch import nn

from impls.sliding_channel_conv2d.layer.module import SlidingChannelConv2d

KINDS = ("standard", "dw_pw", "dw_gpw", "dw_scc", "grouped")
DEPTHWISE = 0
"""The ``groups`` of a grouped block with as many groups as channels."""


@dataclass(frozen=True)
class Block:
    """What takes the place of a 3 x 3 convolution with a stride, from ``cin`` to ``cout`` channels.

    - ``standard``: the convolution itself.
    - ``dw_pw``: a depthwise 3 x 3 convolution with the stride, then a pointwise one.
    - ``dw_gpw``: the same with a pointwise convolution of ``cg`` groups.
    - ``dw_scc``: the same with a sliding-channel convolution of ``cg`` groups that overlap by ``co``
      (arXiv 2101.00745).
    - ``grouped``: a 3 x 3 convolution of ``groups`` groups with the stride, from cin to cin channels, batch norm and
      ReLU, then a pointwise convolution (arXiv 2006.09791). With ``groups=N`` it is depthwise.

    In names, dw means depthwise, pw pointwise, gpw grouped pointwise and scc sliding-channel convolution. In the
    ``dw_`` kinds the depthwise convolution has a bias and the second convolution has none, as in the code of DSXplore.

    A subclass may have a kind of its own, and overrides ``conv3x3``.

    Raises:
        ValueError: where the kind is none of KINDS, or a number is out of range.
    """

    kind: str
    cg: int = 1
    co: Fraction = Fraction(0)
    groups: int = 1
    """Groups of a ``grouped`` block; DEPTHWISE stands for as many as channels."""

    def __post_init__(self) -> None:
        if type(self) is Block and self.kind not in KINDS:
            raise ValueError(f"no kind of block {self.kind!r}; choose from {', '.join(KINDS)}")
        if self.cg < 1:
            raise ValueError(f"cg is {self.cg}, but a block has at least one group")
        if not 0 <= self.co < 1:
            raise ValueError(f"co is {self.co}, but groups overlap by at least 0 and less than 1")
        if self.groups < 1 and self.groups != DEPTHWISE:
            raise ValueError(f"groups is {self.groups}, but a block has at least one group")

    def __str__(self) -> str:
        match self.kind:
            case "dw_gpw":
                return f"dw_gpw(cg={self.cg})"
            case "dw_scc":
                return f"dw_scc(cg={self.cg},co={_decimal(self.co)})"
            case "grouped":
                return f"grouped(groups={self.groups or 'N'})"
        return self.kind

    def conv3x3(self, cin: int, cout: int, stride: int = 1, bias: bool = False, norm: bool = False) -> nn.Module:
        """Return the layers from (n, cin, h, w) to (n, cout, ceil(h / stride), ceil(w / stride)).

        Args:
            cin: input channels.
            cout: output channels.
            stride: rows and columns from one output to the next.
            bias: whether a standard convolution has a bias.
            norm: whether batch norm and a ReLU come between a depthwise convolution and what follows it.

        Raises:
            ValueError: if the number of channels is not divisible by the number of groups.
        """
        if self.kind == "standard":
            return nn.Conv2d(cin, cout, 3, stride, 1, bias=bias)
        if self.kind == "grouped":
            groups = cin if self.groups == DEPTHWISE else self.groups
            spatial = nn.Conv2d(cin, cin, 3, stride, 1, groups=groups, bias=False)
            return _pair(spatial, True, nn.Conv2d(cin, cout, 1, bias=False))
        spatial = nn.Conv2d(cin, cin, 3, stride, 1, groups=cin)
        if self.kind == "dw_scc":
            return _pair(spatial, norm, SlidingChannelConv2d(cin, cout, self.cg, self.co, bias=False))
        return _pair(spatial, norm, nn.Conv2d(cin, cout, 1, groups=self.cg, bias=False))


def _pair(spatial: nn.Conv2d, norm: bool, pointwise: nn.Module) -> nn.Sequential:
    layers: OrderedDict[str, nn.Module] = OrderedDict(spatial=spatial)
    if norm:
        layers |= {"norm": nn.BatchNorm2d(spatial.out_channels), "relu": nn.ReLU()}
    layers["pointwise"] = pointwise
    return nn.Sequential(layers)


STANDARD = Block("standard")
DW_PW = Block("dw_pw")


def dw_gpw(cg: int) -> Block:
    """Return a depthwise convolution followed by a pointwise one of ``cg`` groups."""
    return Block("dw_gpw", cg=cg)


def dw_scc(cg: int, co: float | str | Fraction) -> Block:
    """Return a depthwise convolution followed by a sliding-channel one; ``co`` is exact, 0.33 means 33/100."""
    return Block("dw_scc", cg=cg, co=Fraction(str(co)))


def grouped(groups: int | str) -> Block:
    """Return a grouped convolution followed by a pointwise one; ``"N"`` means as many groups as channels.

    Raises:
        ValueError: where ``groups`` is neither ``"N"`` nor a positive number.
    """
    if groups == "N":
        return Block("grouped", groups=DEPTHWISE)
    if int(groups) < 1:
        raise ValueError(f"groups is {groups}; give at least one, or N for as many as channels")
    return Block("grouped", groups=int(groups))


def parse_block(text: str) -> Block:
    """Parse the text that ``str()`` of a block gives, such as ``dw_scc(cg=2,co=0.5)``.

    Raises:
        ValueError: where there is no such block.
    """
    parts = re.fullmatch(r"(\w+)(?:\((.+)\))?", text)
    kind, parameters = parts.groups() if parts else ("", None)
    values = tuple(part.partition("=")[::2] for part in parameters.split(",")) if parameters else ()
    with suppress(ValueError, ZeroDivisionError):  # ZeroDivisionError: a fraction such as 1/0
        match kind, values:
            case "standard", ():
                return STANDARD
            case "dw_pw", ():
                return DW_PW
            case "dw_gpw", (("cg", cg),):
                return dw_gpw(int(cg))
            case "dw_scc", (("cg", cg), ("co", co)):
                return dw_scc(int(cg), co)
            case "grouped", (("groups", groups),):
                return grouped(groups)
    raise ValueError(
        f"no block {text!r}; choose from standard, dw_pw, dw_gpw(cg=2), dw_scc(cg=2,co=0.5), grouped(groups=8), "
        "grouped(groups=N), where the numbers are examples"
    )


def _decimal(value: Fraction) -> str:
    decimal = f"{float(value):g}"
    return decimal if Fraction(decimal) == value else str(value)
