"""The training of a network, one epoch after another; between epochs it can be saved and continued elsewhere."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from impls.training.augmentation import AugmentedImages
from impls.training.recipe import Recipe, learning_rate

EVALUATION_BATCH = 500
ParameterGroups = list[dict[str, Any]]
"""Parameters with their weight decay, as optimisers of ``torch.optim`` take them."""


class Images(NamedTuple):
    """Labelled images, and the mean and deviation of each channel of the training images."""

    images: Tensor
    """uint8, (n, channels, height, width)."""
    labels: Tensor
    """int64, (n,)."""
    mean: tuple[float, ...]
    std: tuple[float, ...]

    def normalised(self, images: Tensor, channels_last: bool = False) -> Tensor:
        """Return uint8 images as the float32 that a network is given."""
        mean, std = (torch.tensor(values, device=images.device)[:, None, None] for values in (self.mean, self.std))
        order = torch.channels_last if channels_last else torch.contiguous_format
        return ((images.float() / 255 - mean) / std).contiguous(memory_format=order)


class Epoch(NamedTuple):
    """Results of one epoch."""

    train_loss: float
    """Mean cross-entropy of its steps, of augmented images, without any penalty."""
    held_out_loss: float
    held_out_accuracy: float
    images: int
    """Images that it trained on: those of whole batches."""
    seconds: float
    """Time of its steps, without the evaluation on held-out images."""


class Training:
    """A training that makes the same weights for the same arguments, even if it is interrupted between epochs.

    That holds on one machine with one number of threads; elsewhere sums may round otherwise. The network is that of the
    last epoch: the held-out images choose nothing, so their accuracy is unbiased.

    Args:
        network: the network, with initial weights.
        recipe: settings.
        epochs: number of epochs.
        train: images to train on.
        held_out: images to evaluate each epoch on.
        seed: decides the order of the images and their augmentation.
        optimiser: returns the optimiser of parameter groups; default: gradient descent with the recipe's momentum.
        penalty: returns what each step adds to the loss, such as the L1 norm of some weights; default: nothing.
    """

    def __init__(
        self,
        network: nn.Module,
        recipe: Recipe,
        epochs: int,
        train: Images,
        held_out: Images,
        seed: int,
        optimiser: Callable[[ParameterGroups], torch.optim.Optimizer] | None = None,
        penalty: Callable[[], Tensor] | None = None,
    ) -> None:
        self.recipe, self.epochs, self.seed = recipe, epochs, seed
        self.history: list[Epoch] = []
        order = torch.channels_last if recipe.channels_last else torch.contiguous_format
        self.network = network.to(memory_format=order)  # type: ignore[call-overload]
        self._train, self._held_out = train, held_out
        self._images = AugmentedImages(train.images, recipe)
        self._optimiser = (optimiser or _recipe_optimiser(recipe))(_parameter_groups(network, recipe))
        self._penalty = penalty

    def train_epoch(self) -> Epoch:
        """Train for one more epoch, and evaluate on the held-out images."""
        number = len(self.history)
        generator = torch.Generator().manual_seed((self.seed << 20) + number)
        began = time.perf_counter()
        train_loss, images = self._train_all(number, generator)
        seconds = time.perf_counter() - began
        logits = predict(self.network, self._held_out, self.recipe.channels_last)
        loss = nn.functional.cross_entropy(logits, self._held_out.labels).item()
        accuracy = (logits.argmax(dim=1) == self._held_out.labels).double().mean().item()
        self.history.append(Epoch(train_loss, loss, accuracy, images, seconds))
        return self.history[-1]

    def state(self) -> dict[str, Tensor]:
        """Return all that a training with the same arguments needs to continue from here: see ``restore``."""
        tensors = {f"network.{name}": tensor for name, tensor in self.network.state_dict().items()}
        for index, parameter in enumerate(self.network.parameters()):
            for name, tensor in self._optimiser.state[parameter].items():
                tensors[f"optimiser.{index}.{name}"] = tensor
        contiguous = {name: tensor.contiguous() for name, tensor in tensors.items()}
        return contiguous | {"history": tensor_of_epochs(self.history)}

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Continue from a state that another training with the same arguments returned."""
        network: dict[str, Tensor] = {}
        parameters = list(self.network.parameters())
        for name, tensor in state.items():
            part, _, rest = name.partition(".")
            if part == "network":
                network[rest] = tensor
            elif part == "optimiser":
                index, _, quantity = rest.partition(".")
                self._optimiser.state[parameters[int(index)]][quantity] = _laid_out_as(parameters[int(index)], tensor)
            elif name != "history":
                raise ValueError(f"no training of this version saves {name!r}: delete the checkpoint, and begin again")
        self.network.load_state_dict(network)
        self.history = epochs_of_tensor(state["history"])

    def _train_all(self, epoch: int, generator: torch.Generator) -> tuple[float, int]:
        """Take a step for each whole batch of the shuffled images; return the mean loss and the number of images."""
        self.network.train()
        order = torch.randperm(len(self._images), generator=generator)
        parts = torch.split(order, self.recipe.batch_size)
        batches = [part for part in parts if len(part) == self.recipe.batch_size] or [order]
        total = 0.0
        for number, batch in enumerate(batches):
            rate = learning_rate(self.recipe, epoch + (number + 1) / (len(batches) + 1), self.epochs)
            for group in self._optimiser.param_groups:
                group["lr"] = rate
            x = self._train.normalised(self._images.batch(batch, generator), self.recipe.channels_last)
            total += self._step(x, self._train.labels[batch.to(x.device)])
        return total / len(batches), sum(map(len, batches))

    def _step(self, x: Tensor, labels: Tensor) -> float:
        self._optimiser.zero_grad()
        with torch.autocast(x.device.type, torch.bfloat16, enabled=self.recipe.precision == "bfloat16"):
            loss = nn.functional.cross_entropy(self.network(x), labels)
        (loss + self._penalty() if self._penalty else loss).backward()  # type: ignore[no-untyped-call]
        self._optimiser.step()
        return loss.item()


def predict(network: nn.Module, data: Images, channels_last: bool = False) -> Tensor:
    """Return logits (n, classes) of all images, in evaluation mode."""
    network.eval()
    with torch.inference_mode():
        return torch.cat(
            [network(data.normalised(part, channels_last)) for part in torch.split(data.images, EVALUATION_BATCH)]
        )


def tensor_of_epochs(epochs: Sequence[Epoch]) -> Tensor:
    """Return results of epochs as float64, (epochs, results): see ``epochs_of_tensor``."""
    return torch.tensor(epochs, dtype=torch.float64).reshape(-1, len(Epoch._fields))


def epochs_of_tensor(tensor: Tensor) -> list[Epoch]:
    """Return the epochs that a tensor was made of."""
    return [Epoch(*row)._replace(images=int(row[3])) for row in tensor.tolist()]


def _recipe_optimiser(recipe: Recipe) -> Callable[[ParameterGroups], torch.optim.Optimizer]:
    """Return what makes stochastic gradient descent with the learning rate and the momentum of a recipe."""
    return lambda groups: torch.optim.SGD(
        groups, lr=recipe.learning_rate, momentum=recipe.momentum, nesterov=recipe.nesterov
    )


def _laid_out_as(parameter: Tensor, tensor: Tensor) -> Tensor:
    """Return a copy of a tensor in the memory format of a parameter, where it has its shape."""
    return torch.empty_like(parameter).copy_(tensor) if tensor.shape == parameter.shape else tensor.clone()


def _parameter_groups(network: nn.Module, recipe: Recipe) -> ParameterGroups:
    """Return the parameters with their weight decay; vectors are biases and parameters of batch norms."""
    decayed: list[nn.Parameter] = []
    others: list[nn.Parameter] = []
    for parameter in network.parameters():
        (decayed if recipe.decay_all_parameters or parameter.ndim > 1 else others).append(parameter)
    groups = [(decayed, recipe.weight_decay), (others, 0.0)]
    return [{"params": parameters, "weight_decay": decay} for parameters, decay in groups if parameters]
