"""The layer, with the manners of torch.nn.Conv2d."""

from fractions import Fraction
from math import sqrt

import torch
from torch import Tensor, nn

from impls.sliding_channel_conv2d.layer.backends import BACKENDS, choose, require
from impls.sliding_channel_conv2d.layer.windows import Windows, overlap


class SlidingChannelConv2d(nn.Module):
    """Pointwise convolution in which filter i reads ``in_channels / cg`` consecutive channels, cyclically, from
    ``floor(i * (1 - co) * in_channels / cg) mod in_channels`` (arXiv 2101.00745).

    Input (n, in_channels, h, w) or (in_channels, h, w); output likewise, with ``out_channels``. Parameters: ``weight``
    (out_channels, in_channels / cg) and ``bias`` (out_channels,) or None, drawn from U(-b, b) with
    b = sqrt(cg / in_channels).

    ``co``, the overlap of neighbouring windows, is exact: 0.33 means 33/100, and "1/3" a third. ``backend`` is one of
    ``layer.backends.BACKENDS``; "auto" chooses by shape at each call. Raises ValueError where the settings make no
    layer. Derivatives are right for every setting and backend, in both directions and of any order.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        cg: int = 2,
        co: float | str | Fraction = 0.5,
        bias: bool = True,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
        backend: str = "auto",
    ) -> None:
        super().__init__()
        self.windows = Windows(in_channels, out_channels, cg, overlap(co))
        self.backend = require(backend, self.windows)
        self.weight = nn.Parameter(torch.empty(out_channels, self.windows.width, device=device, dtype=dtype))
        self.bias = nn.Parameter(torch.empty(out_channels, device=device, dtype=dtype)) if bias else None
        self.reset_parameters()

    def reset_parameters(self) -> None:
        bound = 1 / sqrt(self.windows.width)
        for parameter in self.parameters():
            nn.init.uniform_(parameter, -bound, bound)

    def forward(self, x: Tensor) -> Tensor:
        if x.dim() not in (3, 4) or x.shape[-3] != self.windows.cin:
            raise ValueError(f"expected (n, {self.windows.cin}, h, w) or (channels, h, w), not {tuple(x.shape)}")
        if x.dim() == 3:
            return self.forward(x.unsqueeze(0)).squeeze(0)
        backend = BACKENDS[choose(x, self.windows) if self.backend == "auto" else self.backend]
        return backend.convolve(x, *backend.pack(self.weight, self.bias, self.windows), self.windows)

    def extra_repr(self) -> str:
        w = self.windows
        shown = f"{w.cin}, {w.cout}, cg={w.cg}, co={w.co}"
        if self.bias is None:
            shown += ", bias=False"
        return shown if self.backend == "auto" else f"{shown}, backend={self.backend!r}"
