"""The windows as a tensor."""

import torch
from torch import Tensor

from impls.sliding_channel_conv2d.layer.windows import Windows


def channel_index(windows: Windows, device: torch.device) -> Tensor:
    """(cout, width), int64: the input channel behind each weight.

    Not a buffer of the layer, which a module that was made on the meta device and filled later would not get back.
    """
    if device.type == "cpu" and not torch.compiler.is_compiling():
        return torch.from_numpy(windows.channels)  # shares the memory of the windows' own
    starts = torch.tensor(windows.starts, device=device)
    return (starts[:, None] + torch.arange(windows.width, device=device)) % windows.cin
