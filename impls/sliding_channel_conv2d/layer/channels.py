"""The windows as a tensor."""

from functools import lru_cache

import torch
from torch import Tensor

from impls.sliding_channel_conv2d.layer.windows import Windows


def channel_index(windows: Windows, device: torch.device) -> Tensor:
    """(cout, width), int64: the input channel behind each weight.

    Not a buffer of the layer, which a module that was made on the meta device and filled later would not get back. On a
    GPU it is copied once, since a copy waits for all that was asked for before; a compiler gets arithmetic instead.
    """
    if torch.compiler.is_compiling():
        return (_starts(windows, device)[:, None] + torch.arange(windows.width, device=device)) % windows.cin
    return _kept(windows, device) if keeps(device) else _made(windows, device)


def keeps(device: torch.device) -> bool:
    """Whether tensors made now on this device are worth keeping for later calls, and can be: real ones, on a GPU."""
    return device.type == "cuda" and type(torch.empty(0)) is Tensor


def _starts(windows: Windows, device: torch.device) -> Tensor:
    """The first channel of each window, by a formula where 64 bits hold all that it passes through."""
    p, q = windows.step_ratio
    if p * windows.cout < 2**63:
        return torch.arange(windows.cout, device=device) * p // q % windows.cin
    return torch.tensor(windows.starts, device=device)


def _made(windows: Windows, device: torch.device) -> Tensor:
    with torch.inference_mode(False):  # else it could not be used with autograd afterwards
        return torch.from_numpy(windows.channels).to(device)  # on the CPU in the memory of the windows' own


_kept = lru_cache(maxsize=64)(_made)
