"""ResNet-8 of MLPerf Tiny's image classification."""

from collections import OrderedDict

from torch import Tensor, nn
from torch.nn import functional

from impls.networks.block import STANDARD, Block
from impls.networks.width import scaled


class TinyResidual(nn.Module):
    """``relu(branch(x) + shortcut(x))``, all of whose convolutions have biases and whose shortcut has no batch norm."""

    def __init__(self, cin: int, cout: int, stride: int, block: Block) -> None:
        super().__init__()
        self.branch = nn.Sequential(
            OrderedDict(
                conv1=block.conv3x3(cin, cout, stride, bias=True),
                norm1=nn.BatchNorm2d(cout),
                relu1=nn.ReLU(),
                conv2=block.conv3x3(cout, cout, bias=True),
                norm2=nn.BatchNorm2d(cout),
            )
        )
        self.shortcut = nn.Identity() if stride == 1 else nn.Conv2d(cin, cout, 1, stride)

    def forward(self, x: Tensor) -> Tensor:
        return functional.relu(self.branch(x) + self.shortcut(x))


def resnet8(block: Block = STANDARD, classes: int = 10, channels: int = 3, width: float = 1) -> nn.Module:
    """Return ResNet-8: logits (n, classes) of images (n, channels, h, w).

    The block takes the place of the convolutions in its three residual blocks.
    """
    cin = scaled(16, width)
    units: list[nn.Module] = [nn.Conv2d(channels, cin, 3, padding=1), nn.BatchNorm2d(cin), nn.ReLU()]
    for stage, stride in ((16, 1), (32, 2), (64, 2)):
        cout = scaled(stage, width)
        units.append(TinyResidual(cin, cout, stride, block))
        cin = cout
    return nn.Sequential(*units, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(cin, classes))
