"""Wide residual networks for small images (arXiv 1605.07146)."""

from collections import OrderedDict

from torch import Tensor, nn

from impls.networks.block import STANDARD, Block
from impls.networks.head import classifier
from impls.networks.width import scale_channels


class PreActivationBlock(nn.Module):
    """A residual block whose batch norms and ReLUs come before its two 3 x 3 convolutions, which ``block`` decides."""

    def __init__(self, cin: int, cout: int, stride: int, block: Block) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(cin)
        self.relu = nn.ReLU()
        self.branch = nn.Sequential(
            OrderedDict(
                conv1=block.conv3x3(cin, cout, stride),
                norm2=nn.BatchNorm2d(cout),
                relu2=nn.ReLU(),
                conv2=block.conv3x3(cout, cout),
            )
        )
        self.shortcut = nn.Conv2d(cin, cout, 1, stride, bias=False) if stride != 1 or cin != cout else None

    def forward(self, x: Tensor) -> Tensor:
        activated = self.relu(self.norm(x))
        shortcut: Tensor = x if self.shortcut is None else self.shortcut(activated)
        output: Tensor = self.branch(activated) + shortcut
        return output


def wide_resnet(
    layers: int,
    widen_factor: int,
    block: Block = STANDARD,
    num_classes: int = 10,
    in_channels: int = 3,
    width_mult: float = 1,
) -> nn.Module:
    """Return a wide residual network: logits (n, num_classes) of images (n, in_channels, h, w).

    Args:
        layers: layers with weights in the original, 4 more than a multiple of 6, such as 40.
        widen_factor: multiplies the channels of its three stages, 16, 32 and 64.
        block: what takes the place of the 3 x 3 convolutions in residual blocks.
        num_classes: number of logits.
        in_channels: channels of an image.
        width_mult: multiplies the channels of the whole network.
    """
    cin = scale_channels(16, width_mult)
    units: list[nn.Module] = [nn.Conv2d(in_channels, cin, 3, padding=1, bias=False)]
    for stage in range(3):
        cout = scale_channels(16 * widen_factor << stage, width_mult)
        for index in range((layers - 4) // 6):
            units.append(PreActivationBlock(cin, cout, 2 if stage and not index else 1, block))
            cin = cout
    return nn.Sequential(*units, nn.BatchNorm2d(cin), nn.ReLU(), *classifier(cin, num_classes))
