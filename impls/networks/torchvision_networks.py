"""torchvision's DenseNets and ResNet-50 with random weights, to compare counts with those of papers."""

from torch import nn

from impls.models.torchvision_models import torchvision_models


def densenet121_cifar(num_classes: int = 10) -> nn.Module:
    """Return DenseNet-121 for images of 32 x 32: its first layer is a 3 x 3 convolution that keeps the image's size."""
    network: nn.Module = torchvision_models().DenseNet(32, (6, 12, 24, 16), 64, num_classes=num_classes)
    network.set_submodule("features.conv0", nn.Conv2d(3, 64, 3, padding=1, bias=False))
    network.set_submodule("features.pool0", nn.Identity())
    return network


def densenet201() -> nn.Module:
    """Return DenseNet-201 for images of 224 x 224."""
    network: nn.Module = torchvision_models().densenet201(weights=None)
    return network


def resnet50() -> nn.Module:
    """Return ResNet-50 for images of 224 x 224."""
    network: nn.Module = torchvision_models().resnet50(weights=None)
    return network
