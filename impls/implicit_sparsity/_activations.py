"""The activations of a network on the training images."""

import torch
from torch import Tensor, nn

from impls.implicit_sparsity._sparsity import LayerActivations
from impls.trained_networks.network_artifact import training_images
from impls.training.training import Images, predict


def layers_on_training_images(network: nn.Module, dataset: str) -> list[LayerActivations]:
    """Return the layers of a network on the images of a dataset that networks are trained on."""
    train, _ = training_images(dataset, "cpu")
    return layers(network, train)


def layers(network: nn.Module, images: Images) -> list[LayerActivations]:
    """Return the layers of a network, each a convolution, batch norm and ReLU, in evaluation mode on ``images``."""
    maxima: dict[nn.Module, list[Tensor]] = {layer: [] for layer in network.modules() if isinstance(layer, nn.ReLU)}
    norms = [layer for layer in network.modules() if isinstance(layer, nn.BatchNorm2d)]

    def keep(layer: nn.Module, _inputs: tuple[Tensor, ...], output: Tensor) -> None:
        maxima[layer].append(output.abs().amax(dim=(2, 3)))

    handles = [layer.register_forward_hook(keep) for layer in maxima]
    try:
        predict(network, images)
    finally:
        for handle in handles:
            handle.remove()
    return [
        LayerActivations(torch.cat(batches).cpu().numpy(), norm.weight.detach().cpu().numpy())
        for batches, norm in zip(maxima.values(), norms, strict=True)
    ]
