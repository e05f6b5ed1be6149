"""The layer, with the conventions of torch.nn.Conv2d."""

from fractions import Fraction
from math import sqrt
from typing import Any

import torch
from torch import Tensor, nn

from impls.sliding_channel_conv2d._windows import Windows, overlap
from impls.sliding_channel_conv2d.layer.backends import BACKENDS, choose, require
from impls.sliding_channel_conv2d.layer.differentiable import autocasts


class SlidingChannelConv2d(nn.Module):
    """Pointwise convolution whose filters each read a sliding window of channels (arXiv 2101.00745).

    Filter i reads ``in_channels / cg`` consecutive channels, cyclically, from
    ``floor(i * (1 - co) * in_channels / cg) mod in_channels``.

    Input (n, in_channels, h, w) or (in_channels, h, w); output likewise, with ``out_channels``. Parameters: ``weight``
    (out_channels, in_channels / cg) and ``bias`` (out_channels,) or None, drawn from U(-b, b) with
    b = sqrt(cg / in_channels).

    ``co``, the overlap of neighbouring windows, is exact: 0.33 means 33/100, and "1/3" a third. ``backend`` is one of
    ``layer.backends.BACKENDS``; "auto" chooses by shape at each call. Derivatives are right for every setting and
    backend, in both directions and of any order, except those of torch.func under a compiler with backend "cuda".

    The state also has ``_extra_state``: in_channels, cg and co, since weights of one shape fit several settings.
    ``load_state_dict`` raises ValueError where they differ; it accepts a state without it, strict or not.

    Raises:
        ValueError: where the settings make no layer.
        TypeError: where channels or cg are no integers.
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
        self.backend = backend
        self.weight = nn.Parameter(torch.empty(out_channels, self.windows.width, device=device, dtype=dtype))
        self.bias = nn.Parameter(torch.empty(out_channels, device=device, dtype=dtype)) if bias else None
        self.reset_parameters()

    @property
    def backend(self) -> str:
        """The name of a backend that can compute this layer, or "auto"; setting another raises ValueError."""
        return self._backend

    @backend.setter
    def backend(self, name: str) -> None:
        self._backend = require(name, self.windows)

    def reset_parameters(self) -> None:
        bound = 1 / sqrt(self.windows.width)
        for parameter in self.parameters():
            nn.init.uniform_(parameter, -bound, bound)

    def forward(self, x: Tensor) -> Tensor:
        weight, bias = self.weight, self.bias  # once: each access to a parametrized one computes it
        self._check(x, weight.dtype, None if bias is None else bias.dtype)
        images = x if x.dim() == 4 else x.unsqueeze(0)
        backend = BACKENDS[choose(images, self.windows) if self.backend == "auto" else self.backend]
        y = backend.convolve(images, *backend.pack(weight, bias, self.windows), self.windows)
        return y if x.dim() == 4 else y.squeeze(0)

    def _check(self, x: object, weight: torch.dtype, bias: torch.dtype | None) -> None:
        """Raise TypeError or ValueError where a layer with parameters of these dtypes cannot be applied to ``x``."""
        expected = f"expected (n, {self.windows.cin}, h, w) or (channels, h, w)"
        if not isinstance(x, Tensor):
            raise TypeError(f"{expected}, not a {type(x).__name__}")
        if x.dim() not in (3, 4) or x.shape[-3] != self.windows.cin:
            raise ValueError(f"{expected}, not {tuple(x.shape)}")
        if (weight != x.dtype or bias not in (x.dtype, None)) and not autocasts(x.device.type):
            raise TypeError(f"input is {x.dtype}, weight {weight}, bias {bias}")

    def get_extra_state(self) -> Tensor:
        """Return the setting as text in a tensor, since many tools that store or convert a state take only tensors."""
        return torch.tensor(list(self._setting.encode()), dtype=torch.uint8, device="cpu")

    def set_extra_state(self, state: Tensor) -> None:
        """Check that ``state`` is of this layer's setting, except on the meta device, where it has no values.

        Raises:
            ValueError: where it is of another setting.
        """
        if state.is_meta:
            return
        setting = bytes(state.byte().tolist()).decode()  # a state may have been cast as a whole
        if setting != self._setting:
            raise ValueError(f"the state is of a layer with {setting}, this one has {self._setting}")

    @property
    def _setting(self) -> str:
        return f"in_channels={self.windows.cin}, cg={self.windows.cg}, co={self.windows.co}"

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *others: Any) -> None:
        """Accept states without an extra state: older ones, and those made by hand, hold weights only."""
        state_dict.setdefault(f"{prefix}_extra_state", self.get_extra_state())
        super()._load_from_state_dict(state_dict, prefix, *others)

    def extra_repr(self) -> str:
        w = self.windows
        text = f"{w.cin}, {w.cout}, cg={w.cg}, co={w.co}"
        if self.bias is None:
            text += ", bias=False"
        return text if self.backend == "auto" else f"{text}, backend={self.backend!r}"
