"""The paper's GPU design (arXiv 2101.00745), corrected for every overlap, so that its two claims can be tested."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from impls.sliding_channel_conv2d._windows import Windows
from impls.sliding_channel_conv2d.cuda.convolution import Launcher
from impls.sliding_channel_conv2d.cuda.tiling import THREADS


class Published:
    """One layer's kernels after the paper, for float32 tensors, NCHW and contiguous.

    dW is added up by atomics, so that its last bits differ from call to call.

    Args:
        windows: the windows of the layer.
        launcher: what runs the kernels.
        reuse: whether to use the channel-cyclic optimisation.
        input_centric: whether to use the backward pass that the paper proposes.
    """

    def __init__(self, windows: Windows, launcher: Launcher, *, reuse: bool, input_centric: bool) -> None:
        self._windows, self._launcher = windows, launcher
        self._reuse, self._input_centric = reuse, input_centric
        self._cached_tables: dict[torch.device, _Tables] = {}

    def forward(self, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        """Compute Y (n, cout, h, w) from x (n, cin, h, w), weight (cout, width) and bias (cout,)."""
        tables = self._tables(x.device)
        y = x.new_empty(x.shape[0], self._windows.cout, *x.shape[2:])
        arguments = (x, weight, bias, y, *tables.windows, len(tables.windows[0]))
        self._launch("forward", y.numel() // self._windows.cout * len(tables.windows[0]), x, *arguments)
        return y

    def backward(self, dy: Tensor, x: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:
        """Compute dX (n, cin, h, w) and dW (cout, width) from dy (n, cout, h, w), x and weight."""
        tables = self._tables(x.device)
        dx = torch.empty_like(x) if self._input_centric else torch.zeros_like(x)
        dweight = torch.zeros_like(weight)
        arguments = (dy, x, weight, dx, dweight, *tables.windows)
        if self._input_centric:
            self._launch("input_centric", x.numel(), x, *arguments, *tables.covers)
        else:
            count = len(tables.windows[0])
            self._launch("output_centric", x.numel() // self._windows.cin * count, x, *arguments, count)
        return dx, dweight

    def _tables(self, device: torch.device) -> "_Tables":
        if device not in self._cached_tables:
            self._cached_tables[device] = _make_tables(self._windows, self._reuse, device)
        return self._cached_tables[device]

    def _launch(self, kernel: str, threads: int, x: Tensor, *arguments: Tensor | int | None) -> None:
        if threads == 0:
            return
        reuse = "true" if self._reuse else "false"
        sizes = (x.shape[0], self._windows.cin, self._windows.cout, self._windows.width, x.shape[2] * x.shape[3])
        self._launcher.launch(f"published_{kernel}<{reuse}>", -(-threads // THREADS), THREADS, (*arguments, *sizes))


@dataclass(frozen=True)
class _Tables:
    windows: tuple[Tensor, Tensor, Tensor]
    """The first channel of each window, the index of its first filter in the list of filters, and that list."""
    covers: tuple[Tensor, Tensor]
    """The index of the first window over each channel in a list of windows, and that list."""


def _make_tables(windows: Windows, reuse: bool, device: torch.device) -> _Tables:
    ungrouped = [(start, (filter_,)) for filter_, start in enumerate(windows.starts)]
    filters_by_start = list(windows.filters.items()) if reuse else ungrouped
    starts = np.array([start for start, _ in filters_by_start])
    filters = [np.array(group) for _, group in filters_by_start]
    offset = (np.arange(windows.cin)[:, None] - starts) % windows.cin  # a window has a channel if below its width
    channels, covers = np.nonzero(offset < windows.width)

    def table(array: np.ndarray) -> Tensor:
        return torch.from_numpy(array.astype(np.int32)).to(device)

    return _Tables(
        windows=(table(starts), table(_ends(list(map(len, filters)))), table(np.concatenate(filters))),
        covers=(table(_ends(np.bincount(channels, minlength=windows.cin).tolist())), table(covers)),
    )


def _ends(counts: list[int]) -> np.ndarray:
    return np.concatenate([[0], np.cumsum(counts)])
