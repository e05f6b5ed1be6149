"""The windows of a layer as a tensor."""

from functools import lru_cache

import torch
from torch import Tensor

from impls.sliding_channel_conv2d._windows import Windows


def channel_index(windows: Windows, device: torch.device) -> Tensor:
    """Return the input channel behind each weight, (cout, width), int64.

    It is no buffer of the layer, since a module that is made on the meta device and filled later would not get it back.
    To a GPU it is copied once, since a copy waits for all work submitted before. A compiler gets arithmetic instead.
    """
    if torch.compiler.is_compiling():
        return (_starts(windows, device)[:, None] + torch.arange(windows.width, device=device)) % windows.cin
    return _cached_index(windows, device) if keeps(device) else _make_index(windows, device)


def keeps(device: torch.device) -> bool:
    """Whether tensors made now on this device can be kept for later calls and are worth it: real ones, on a GPU."""
    return device.type == "cuda" and type(torch.empty(0)) is Tensor


def _starts(windows: Windows, device: torch.device) -> Tensor:
    """Return the first channel of each window, by a formula where its intermediate values fit 64 bits."""
    p, q = windows.step_ratio
    if p * windows.cout < 2**63:
        return torch.arange(windows.cout, device=device) * p // q % windows.cin
    return torch.tensor(windows.starts, device=device)


def _make_index(windows: Windows, device: torch.device) -> Tensor:
    with torch.inference_mode(False):  # otherwise autograd could not use the tensor afterwards
        return torch.from_numpy(windows.channels).to(device)  # on the CPU it shares the memory of the array


_cached_index = lru_cache(maxsize=64)(_make_index)
