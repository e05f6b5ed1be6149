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
        p, q = windows.step_ratio
        starts = torch.arange(windows.cout, device=device) * p // q % windows.cin
        return (starts[:, None] + torch.arange(windows.width, device=device)) % windows.cin
    real = type(torch.empty(0)) is Tensor  # and not one that stands for any of its shape
    return _kept(windows, device) if device.type == "cuda" and real else _made(windows, device)


def _made(windows: Windows, device: torch.device) -> Tensor:
    with torch.inference_mode(False):  # else it could not be used with autograd afterwards
        return torch.from_numpy(windows.channels).to(device)  # on the CPU in the memory of the windows' own


_kept = lru_cache(maxsize=64)(_made)
